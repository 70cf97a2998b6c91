// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The native API as OpenAPI 3.1. A test holds it against ``NativeRoute``.
enum OpenAPIDocument {
    static let text = #"""
        {
          "openapi": "3.1.0",
          "info": {
            "title": "Rollcall",
            "version": "1.0.0",
            "description": "Registration, discovery and watching of service instances.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
          },
          "paths": {
            "/api/v1/services": {
              "get": {
                "operationId": "listServices",
                "summary": "All services that have instances, sorted by name",
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "The services",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Services"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"}
                }
              }
            },
            "/api/v1/services/{service}": {
              "parameters": [{"$ref": "#/components/parameters/service"}],
              "get": {
                "operationId": "readService",
                "summary": "The instances of a service, sorted by id; a service that is not there has none",
                "parameters": [
                  {"$ref": "#/components/parameters/healthy"},
                  {"$ref": "#/components/parameters/tag"},
                  {"$ref": "#/components/parameters/zone"},
                  {"$ref": "#/components/parameters/region"},
                  {"$ref": "#/components/parameters/metadata"},
                  {
                    "name": "If-None-Match",
                    "in": "header",
                    "description": "The ETag of an earlier answer",
                    "schema": {"type": "string"}
                  }
                ],
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "The instances",
                    "headers": {
                      "ETag": {
                        "description": "The revision that last changed the service",
                        "schema": {"type": "string"}
                      }
                    },
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Service"}}}
                  },
                  "304": {"description": "Nothing has changed since that answer"},
                  "400": {"$ref": "#/components/responses/Malformed"}
                }
              }
            },
            "/api/v1/services/{service}/resolve": {
              "parameters": [{"$ref": "#/components/parameters/service"}],
              "get": {
                "operationId": "resolve",
                "summary": "The one instance to call now",
                "parameters": [
                  {"$ref": "#/components/parameters/healthy"},
                  {"$ref": "#/components/parameters/tag"},
                  {"$ref": "#/components/parameters/zone"},
                  {"$ref": "#/components/parameters/region"},
                  {"$ref": "#/components/parameters/metadata"},
                  {
                    "name": "policy",
                    "in": "query",
                    "description": "How to choose",
                    "schema": {
                      "type": "string",
                      "enum": [
                        "round-robin", "random", "weighted-random", "weighted-round-robin", "least-requests", "p2c",
                        "p2c-ewma", "ring-hash", "maglev", "bounded-load"
                      ],
                      "default": "round-robin"
                    }
                  },
                  {
                    "name": "key",
                    "in": "query",
                    "description": "Policies that hash choose the same instance for the same key; the others ignore it",
                    "schema": {"type": "string"}
                  }
                ],
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "The instance",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Instance"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "404": {"$ref": "#/components/responses/NoInstance"},
                  "503": {"$ref": "#/components/responses/NoInstance"}
                }
              }
            },
            "/api/v1/services/{service}/instances/{id}": {
              "parameters": [{"$ref": "#/components/parameters/service"}, {"$ref": "#/components/parameters/id"}],
              "get": {
                "operationId": "readInstance",
                "summary": "One instance",
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "The instance",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Instance"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "404": {"$ref": "#/components/responses/UnknownInstance"}
                }
              },
              "put": {
                "operationId": "register",
                "summary": "Registers an instance, or updates it when it is registered already",
                "parameters": [
                  {
                    "name": "life",
                    "in": "query",
                    "description": "new begins a new life even if the instance is registered",
                    "schema": {"type": "string", "enum": ["new"]}
                  },
                  {"$ref": "#/components/parameters/incarnation"}
                ],
                "requestBody": {
                  "required": true,
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Registration"}}}
                },
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "An update of the present life",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Instance"}}}
                  },
                  "201": {
                    "description": "A new life",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Instance"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "409": {"$ref": "#/components/responses/Fenced"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "422": {"$ref": "#/components/responses/Invalid"},
                  "500": {"$ref": "#/components/responses/Storage"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "507": {"$ref": "#/components/responses/StorageFull"},
                  "501": {"$ref": "#/components/responses/Unsupported"}
                }
              },
              "delete": {
                "operationId": "deregister",
                "summary": "Removes an instance",
                "parameters": [{"$ref": "#/components/parameters/incarnation"}],
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "204": {"description": "It is removed"},
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "409": {"$ref": "#/components/responses/Fenced"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "422": {"$ref": "#/components/responses/Invalid"},
                  "500": {"$ref": "#/components/responses/Storage"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "507": {"$ref": "#/components/responses/StorageFull"},
                  "404": {"$ref": "#/components/responses/UnknownInstance"}
                }
              }
            },
            "/api/v1/services/{service}/instances/{id}/heartbeat": {
              "parameters": [{"$ref": "#/components/parameters/service"}, {"$ref": "#/components/parameters/id"}],
              "put": {
                "operationId": "heartbeat",
                "summary": "Renews a lease",
                "parameters": [{"$ref": "#/components/parameters/incarnation"}],
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "204": {"description": "It is renewed"},
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "404": {"$ref": "#/components/responses/UnknownInstance"},
                  "409": {"$ref": "#/components/responses/Fenced"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"}
                }
              }
            },
            "/api/v1/services/{service}/instances/{id}/state": {
              "parameters": [{"$ref": "#/components/parameters/service"}, {"$ref": "#/components/parameters/id"}],
              "put": {
                "operationId": "setState",
                "summary": "Drains an instance, takes it out of service, or enables it again",
                "parameters": [{"$ref": "#/components/parameters/incarnation"}],
                "requestBody": {
                  "required": true,
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/DesiredState"}}}
                },
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "The instance",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Instance"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "409": {"$ref": "#/components/responses/Fenced"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "422": {"$ref": "#/components/responses/Invalid"},
                  "500": {"$ref": "#/components/responses/Storage"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "507": {"$ref": "#/components/responses/StorageFull"},
                  "404": {"$ref": "#/components/responses/UnknownInstance"}
                }
              }
            },
            "/api/v1/services/{service}/instances/{id}/readiness": {
              "parameters": [{"$ref": "#/components/parameters/service"}, {"$ref": "#/components/parameters/id"}],
              "put": {
                "operationId": "setReadiness",
                "summary": "Declares an instance starting or ready",
                "parameters": [{"$ref": "#/components/parameters/incarnation"}],
                "requestBody": {
                  "required": true,
                  "content": {
                    "application/json": {
                      "schema": {
                        "type": "object",
                        "required": ["readiness"],
                        "additionalProperties": false,
                        "properties": {"readiness": {"$ref": "#/components/schemas/Readiness"}}
                      }
                    }
                  }
                },
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "The instance",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Instance"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "409": {"$ref": "#/components/responses/Fenced"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "422": {"$ref": "#/components/responses/Invalid"},
                  "500": {"$ref": "#/components/responses/Storage"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "507": {"$ref": "#/components/responses/StorageFull"},
                  "404": {"$ref": "#/components/responses/UnknownInstance"}
                }
              }
            },
            "/api/v1/services/{service}/instances/{id}/checks/{check}": {
              "parameters": [
                {"$ref": "#/components/parameters/service"},
                {"$ref": "#/components/parameters/id"},
                {"$ref": "#/components/parameters/check"}
              ],
              "put": {
                "operationId": "reportCheck",
                "summary": "Reports the result of a check",
                "parameters": [{"$ref": "#/components/parameters/incarnation"}],
                "requestBody": {
                  "required": true,
                  "content": {
                    "application/json": {
                      "schema": {
                        "type": "object",
                        "additionalProperties": false,
                        "properties": {
                          "status": {
                            "allOf": [{"$ref": "#/components/schemas/CheckStatus"}],
                            "description": "Without, only the output is replaced"
                          },
                          "output": {
                            "type": "string",
                            "description": "Kept when the status changes, or when it is sent without one"
                          }
                        }
                      }
                    }
                  }
                },
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "The instance",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Instance"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "409": {"$ref": "#/components/responses/Fenced"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "422": {"$ref": "#/components/responses/Invalid"},
                  "500": {"$ref": "#/components/responses/Storage"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "507": {"$ref": "#/components/responses/StorageFull"},
                  "404": {"$ref": "#/components/responses/UnknownInstance"}
                }
              },
              "delete": {
                "operationId": "removeCheck",
                "summary": "Forgets a check",
                "parameters": [{"$ref": "#/components/parameters/incarnation"}],
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "The instance",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Instance"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "409": {"$ref": "#/components/responses/Fenced"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "422": {"$ref": "#/components/responses/Invalid"},
                  "500": {"$ref": "#/components/responses/Storage"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "507": {"$ref": "#/components/responses/StorageFull"},
                  "404": {"$ref": "#/components/responses/UnknownInstance"}
                }
              }
            },
            "/api/v1/heartbeats": {
              "post": {
                "operationId": "heartbeats",
                "summary": "Renews many leases",
                "requestBody": {
                  "required": true,
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Heartbeats"}}}
                },
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "What came of them",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HeartbeatOutcomes"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"}
                }
              }
            },
            "/api/v1/watch": {
              "get": {
                "operationId": "watch",
                "summary": "Follows services as server-sent events: snapshot and synced, then change, engine and end",
                "parameters": [
                  {
                    "name": "service",
                    "in": "query",
                    "description": "A service to follow; without, all are",
                    "schema": {"type": "array", "items": {"type": "string"}},
                    "style": "form",
                    "explode": true
                  },
                  {
                    "name": "from",
                    "in": "query",
                    "description": "The revision to resume after",
                    "schema": {"type": "integer", "format": "int64", "minimum": 0}
                  },
                  {
                    "name": "Last-Event-ID",
                    "in": "header",
                    "description": "The revision to resume after; goes before from",
                    "schema": {"type": "integer", "format": "int64", "minimum": 0}
                  }
                ],
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "The events",
                    "content": {"text/event-stream": {"schema": {"type": "string"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "503": {"$ref": "#/components/responses/Unavailable"}
                }
              }
            },
            "/api/v1/brake": {
              "get": {
                "operationId": "readBrake",
                "summary": "What the brake holds back",
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "The brake",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Brake"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"}
                }
              }
            },
            "/api/v1/brake/release": {
              "post": {
                "operationId": "releaseBrake",
                "summary": "An operator has understood the losses: what is held back is released at a bounded rate",
                "parameters": [
                  {
                    "name": "service",
                    "in": "query",
                    "description": "The service; without, the whole fleet",
                    "schema": {"type": "string"}
                  }
                ],
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "204": {"description": "It is being released"},
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "404": {"$ref": "#/components/responses/UnknownInstance"}
                }
              }
            },
            "/api/openapi.json": {
              "get": {
                "operationId": "openAPI",
                "summary": "This document",
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "The document",
                    "content": {"application/json": {"schema": {"type": "object"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"}
                }
              }
            },
            "/health/live": {
              "get": {
                "operationId": "live",
                "summary": "Whether the process works",
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "It does",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"}
                }
              }
            },
            "/health/ready": {
              "get": {
                "operationId": "ready",
                "summary": "Whether the server wants to be sent requests",
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "It does",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"},
                  "503": {
                    "description": "It is stopping",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}
                  }
                }
              }
            },
            "/metrics": {
              "get": {
                "operationId": "metrics",
                "summary": "Metrics in the text format of Prometheus",
                "responses": {
                  "default": {"$ref": "#/components/responses/Problem"},
                  "200": {
                    "description": "The metrics",
                    "content": {"text/plain": {"schema": {"type": "string"}}}
                  },
                  "400": {"$ref": "#/components/responses/Malformed"}
                }
              }
            }
          },
          "components": {
            "parameters": {
              "service": {
                "name": "service",
                "in": "path",
                "required": true,
                "description": "The name of a service; case does not matter",
                "schema": {"type": "string"}
              },
              "id": {
                "name": "id",
                "in": "path",
                "required": true,
                "description": "The instance, percent-encoded",
                "schema": {"type": "string"}
              },
              "check": {
                "name": "check",
                "in": "path",
                "required": true,
                "description": "The check",
                "schema": {"type": "string"}
              },
              "incarnation": {
                "name": "incarnation",
                "in": "query",
                "description": "The life that is meant",
                "schema": {"type": "integer", "format": "int64", "minimum": 0}
              },
              "healthy": {
                "name": "healthy",
                "in": "query",
                "description": "Only instances that are up or warning",
                "schema": {"type": "boolean", "default": false}
              },
              "tag": {
                "name": "tag",
                "in": "query",
                "description": "Only instances with all of these tags",
                "schema": {"type": "array", "items": {"type": "string"}},
                "style": "form",
                "explode": true
              },
              "zone": {"name": "zone", "in": "query", "schema": {"type": "string"}},
              "region": {"name": "region", "in": "query", "schema": {"type": "string"}},
              "metadata": {
                "name": "metadata.KEY",
                "in": "query",
                "description": "Only instances whose metadata has this value for KEY",
                "schema": {"type": "string"}
              }
            },
            "responses": {
              "Problem": {
                "description": "Any other refusal: the request is not HTTP/1, too slow, too large or of another method",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "Malformed": {
                "description": "The request cannot be read",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "UnknownInstance": {
                "description": "No such instance is registered",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "NoInstance": {
                "description": "The service has no instance (404), or none that may be called (503)",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "Fenced": {
                "description": "A former incarnation was named",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "TooLarge": {
                "description": "The body is over its limit",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "Invalid": {
                "description": "Fields break rules",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "Storage": {
                "description": "The write could not be made durable; nothing was changed",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "Unsupported": {
                "description": "This engine cannot do it",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "Unavailable": {
                "description": "Try again later",
                "headers": {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}},
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "StorageFull": {
                "description": "No room to make the write durable; nothing was changed",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              }
            },
            "schemas": {
              "Readiness": {"type": "string", "enum": ["starting", "ready"], "default": "ready"},
              "CheckStatus": {"type": "string", "enum": ["passing", "warning", "critical"]},
              "Lease": {
                "type": "object",
                "properties": {
                  "kind": {"type": "string", "enum": ["heartbeat", "connection", "none"], "default": "heartbeat"},
                  "ttlSeconds": {"type": "number", "default": 30},
                  "evictAfterSeconds": {"type": "number", "default": 90},
                  "state": {"type": "string", "enum": ["current", "lapsed", "suspect"], "readOnly": true}
                }
              },
              "DesiredState": {
                "type": "object",
                "examples": [
                  {"desired": "draining", "reason": "moving to another host", "until": "2026-01-31T09:30:00Z"},
                  {"desired": "enabled"}
                ],
                "required": ["desired"],
                "additionalProperties": false,
                "properties": {
                  "desired": {"type": "string", "enum": ["enabled", "draining", "maintenance"]},
                  "reason": {"type": "string", "maxLength": 512},
                  "until": {"type": "string", "format": "date-time"}
                }
              },
              "Check": {
                "type": "object",
                "description": "What the registration declares (with kind), and what came of it",
                "examples": [
                  {"kind": "http", "target": "/health", "intervalSeconds": 10, "timeoutSeconds": 5},
                  {"id": "alive", "kind": "ttl", "ttlSeconds": 30, "deregisterAfterSeconds": 3600}
                ],
                "properties": {
                  "id": {"type": "string", "maxLength": 256, "description": "The kind when left out"},
                  "name": {"type": "string", "maxLength": 512},
                  "kind": {"type": "string", "enum": ["http", "tcp", "grpc", "command", "ttl", "alias"]},
                  "target": {
                    "type": "string",
                    "description": "http: a path on the primary port, or a URL; tcp, grpc: host:port, :port or empty"
                  },
                  "method": {"type": "string", "default": "GET"},
                  "headers": {"type": "object", "additionalProperties": {"type": "string"}},
                  "body": {"type": "string"},
                  "expectedStatus": {"type": "string", "default": "200-299"},
                  "bodyContains": {"type": "string", "minLength": 1},
                  "skipsVerification": {"type": "boolean", "default": false},
                  "grpcService": {"type": "string"},
                  "secure": {"type": "boolean", "default": false},
                  "command": {"type": "array", "items": {"type": "string"}},
                  "ttlSeconds": {"type": "number"},
                  "aliasService": {"type": "string"},
                  "aliasID": {"type": "string"},
                  "intervalSeconds": {"type": "number", "default": 10},
                  "timeoutSeconds": {"type": "number", "default": 5},
                  "successThreshold": {"type": "integer", "minimum": 1, "maximum": 100, "default": 1},
                  "failureThreshold": {"type": "integer", "minimum": 1, "maximum": 100, "default": 1},
                  "initialStatus": {
                    "type": "string", "enum": ["passing", "warning", "critical"], "default": "critical"
                  },
                  "deregisterAfterSeconds": {"type": "number"},
                  "status": {"type": "string", "enum": ["passing", "warning", "critical"], "readOnly": true},
                  "output": {"type": "string", "readOnly": true},
                  "since": {"type": "string", "format": "date-time", "readOnly": true}
                }
              },
              "Registration": {
                "type": "object",
                "examples": [
                  {"host": "10.0.0.7", "port": 8080},
                  {
                    "host": "10.0.0.7", "port": 8080, "ports": {"admin": 9000}, "healthCheck": "/health",
                    "tags": ["v2"], "metadata": {"team": "shop"}, "zone": "n1", "lease": {"ttlSeconds": 30},
                    "checks": [{"kind": "http", "target": "/health"}]
                  }
                ],
                "required": ["host", "port"],
                "additionalProperties": false,
                "properties": {
                  "service": {"type": "string", "maxLength": 128},
                  "id": {"type": "string", "maxLength": 256},
                  "host": {"type": "string", "maxLength": 255},
                  "port": {"type": "integer", "minimum": 1, "maximum": 65535},
                  "secure": {"type": "boolean", "default": false},
                  "ports": {
                    "type": "object",
                    "additionalProperties": {"type": "integer", "minimum": 1, "maximum": 65535}
                  },
                  "healthCheck": {"type": "string", "description": "A path on the primary port, or an absolute URL"},
                  "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": true, "maxItems": 64},
                  "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                  "weight": {"type": "integer", "minimum": 0, "maximum": 65535, "default": 1},
                  "region": {"type": "string"},
                  "zone": {"type": "string"},
                  "node": {"type": "string"},
                  "version": {"type": "string"},
                  "readiness": {"$ref": "#/components/schemas/Readiness"},
                  "lease": {"$ref": "#/components/schemas/Lease"},
                  "incarnation": {"type": "integer", "format": "int64", "minimum": 0, "readOnly": true},
                  "status": {
                    "type": "string",
                    "enum": ["up", "warning", "starting", "down", "draining", "outOfService", "suspect"],
                    "readOnly": true
                  },
                  "endpoint": {"type": "string", "readOnly": true},
                  "healthCheckURL": {"type": "string", "readOnly": true},
                  "state": {"allOf": [{"$ref": "#/components/schemas/DesiredState"}], "readOnly": true},
                  "checks": {"type": "array", "items": {"$ref": "#/components/schemas/Check"}, "maxItems": 32},
                  "revision": {"type": "integer", "format": "int64", "minimum": 0, "readOnly": true},
                  "registeredAt": {"type": "string", "format": "date-time", "readOnly": true},
                  "changedAt": {"type": "string", "format": "date-time", "readOnly": true}
                }
              },
              "Instance": {
                "type": "object",
                "examples": [
                  {
                    "service": "web", "id": "10.0.0.7:8080", "incarnation": 17, "status": "up",
                    "endpoint": "http://10.0.0.7:8080", "host": "10.0.0.7", "port": 8080, "secure": false,
                    "ports": {"admin": 9000}, "healthCheck": "/health", "tags": ["v2"], "metadata": {"team": "shop"},
                    "weight": 1, "region": "north", "zone": "n1", "node": "host-3", "version": "1.4.0",
                    "readiness": "ready", "healthCheckURL": "http://10.0.0.7:8080/health",
                    "lease": {"kind": "heartbeat", "ttlSeconds": 30, "evictAfterSeconds": 90, "state": "current"},
                    "state": {"desired": "enabled"},
                    "checks": [
                      {
                        "id": "http", "kind": "http", "target": "/health", "intervalSeconds": 10, "timeoutSeconds": 5,
                        "status": "passing", "output": "", "since": "2026-01-01T00:00:00.000Z"
                      }
                    ],
                    "revision": 21, "registeredAt": "2026-01-01T00:00:00.000Z", "changedAt": "2026-01-01T00:00:02.150Z"
                  }
                ],
                "required": [
                  "service",
                  "id",
                  "incarnation",
                  "status",
                  "endpoint",
                  "host",
                  "port",
                  "secure",
                  "tags",
                  "metadata",
                  "weight",
                  "readiness",
                  "lease",
                  "state",
                  "revision",
                  "registeredAt",
                  "changedAt"
                ],
                "properties": {
                  "service": {"type": "string", "maxLength": 128},
                  "id": {"type": "string", "maxLength": 256},
                  "host": {"type": "string", "maxLength": 255},
                  "port": {
                    "type": "integer", "minimum": 0, "maximum": 65535,
                    "description": "0 for an instance without one, that another dialect registered"
                  },
                  "secure": {"type": "boolean", "default": false},
                  "ports": {
                    "type": "object",
                    "additionalProperties": {"type": "integer", "minimum": 1, "maximum": 65535}
                  },
                  "healthCheck": {"type": "string", "description": "A path on the primary port, or an absolute URL"},
                  "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": true, "maxItems": 64},
                  "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                  "weight": {"type": "integer", "minimum": 0, "maximum": 65535, "default": 1},
                  "region": {"type": "string"},
                  "zone": {"type": "string"},
                  "node": {"type": "string"},
                  "version": {"type": "string"},
                  "readiness": {"$ref": "#/components/schemas/Readiness"},
                  "lease": {"$ref": "#/components/schemas/Lease"},
                  "incarnation": {"type": "integer", "format": "int64", "minimum": 0},
                  "status": {
                    "type": "string",
                    "enum": ["up", "warning", "starting", "down", "draining", "outOfService", "suspect"]
                  },
                  "endpoint": {"type": "string"},
                  "healthCheckURL": {"type": "string"},
                  "state": {"$ref": "#/components/schemas/DesiredState"},
                  "checks": {"type": "array", "items": {"$ref": "#/components/schemas/Check"}},
                  "revision": {"type": "integer", "format": "int64", "minimum": 0},
                  "registeredAt": {"type": "string", "format": "date-time"},
                  "changedAt": {"type": "string", "format": "date-time"}
                }
              },
              "Service": {
                "type": "object",
                "required": ["service", "revision", "instances"],
                "properties": {
                  "service": {"type": "string"},
                  "revision": {"type": "integer", "format": "int64", "minimum": 0},
                  "instances": {"type": "array", "items": {"$ref": "#/components/schemas/Instance"}}
                }
              },
              "Services": {
                "type": "object",
                "required": ["revision", "services"],
                "properties": {
                  "revision": {"type": "integer", "format": "int64", "minimum": 0},
                  "services": {
                    "type": "array",
                    "items": {
                      "type": "object",
                      "required": ["service", "instances", "healthy", "tags", "revision"],
                      "properties": {
                        "service": {"type": "string"},
                        "instances": {"type": "integer", "format": "int64", "minimum": 0},
                        "healthy": {"type": "integer", "format": "int64", "minimum": 0},
                        "tags": {"type": "array", "items": {"type": "string"}},
                        "revision": {"type": "integer", "format": "int64", "minimum": 0}
                      }
                    }
                  }
                }
              },
              "Heartbeats": {
                "type": "object",
                "examples": [
                  {"heartbeats": [{"service": "web", "id": "10.0.0.7:8080", "incarnation": 17}]}
                ],
                "required": ["heartbeats"],
                "additionalProperties": false,
                "properties": {
                  "heartbeats": {
                    "type": "array",
                    "maxItems": 10000,
                    "items": {
                      "type": "object",
                      "required": ["service", "id"],
                      "additionalProperties": false,
                      "properties": {
                        "service": {"type": "string"},
                        "id": {"type": "string"},
                        "incarnation": {"type": "integer", "format": "int64", "minimum": 0}
                      }
                    }
                  }
                }
              },
              "HeartbeatOutcomes": {
                "type": "object",
                "examples": [
                  {"renewed": 998, "refused": [{"index": 3, "outcome": "unknown"}]}
                ],
                "required": ["renewed", "refused"],
                "properties": {
                  "renewed": {"type": "integer", "format": "int64", "minimum": 0},
                  "refused": {
                    "type": "array",
                    "items": {
                      "type": "object",
                      "required": ["index", "outcome"],
                      "properties": {
                        "index": {"type": "integer", "format": "int64", "minimum": 0},
                        "outcome": {"type": "string", "enum": ["unknown", "fenced"]},
                        "currentIncarnation": {"type": "integer", "format": "int64", "minimum": 0}
                      }
                    }
                  }
                }
              },
              "Brake": {
                "type": "object",
                "required": ["fleet", "services"],
                "properties": {
                  "fleet": {
                    "type": "object",
                    "required": ["engaged", "suspects"],
                    "properties": {
                      "engaged": {"type": "boolean"},
                      "suspects": {"type": "integer", "format": "int64", "minimum": 0}
                    }
                  },
                  "services": {"type": "array", "items": {"type": "string"}}
                }
              },
              "Health": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}},
              "Problem": {
                "type": "object",
                "examples": [
                  {
                    "type": "urn:rollcall:problem:invalid", "title": "Fields break rules", "status": 422,
                    "detail": "registration of web/1 is not valid: port: must be 1 to 65535",
                    "faults": [{"field": "port", "problem": "must be 1 to 65535"}]
                  }
                ],
                "required": ["type", "title", "status", "detail"],
                "properties": {
                  "type": {"type": "string"},
                  "title": {"type": "string"},
                  "status": {"type": "integer"},
                  "detail": {"type": "string"},
                  "faults": {
                    "type": "array",
                    "items": {
                      "type": "object",
                      "required": ["field", "problem"],
                      "properties": {"field": {"type": "string"}, "problem": {"type": "string"}}
                    }
                  },
                  "currentIncarnation": {"type": "integer", "format": "int64", "minimum": 0}
                }
              }
            }
          }
        }
        """#
}
