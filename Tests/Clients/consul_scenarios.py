# SPDX-License-Identifier: Apache-2.0
# Rollcall
"""consul_scenarios.py PORT SCENARIO: uses a client of Consul as its users do, against a server on PORT.

Works with py-consul and with python-consul2, whichever is installed. Ends with 0 when everything was as a user of
Consul expects; else with what was not. Without arguments it lists the scenarios.
"""
import http.server
import socket
import sys
import threading
import time

import consul

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 0
scenarios = {}


def scenario(function):
    scenarios[function.__name__] = function
    return function


def client():
    return consul.Consul(host="127.0.0.1", port=PORT)


def expect(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")


def until(read, wanted, what, seconds=15):
    """Asks again until the answer is as wanted."""
    end = time.monotonic() + seconds
    while True:
        found = read()
        if found == wanted:
            return
        if time.monotonic() > end:
            raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r} within {seconds} s")
        time.sleep(0.1)


def status_of(c, check_id):
    check = c.agent.checks().get(check_id)
    return check and check["Status"]


def passing(c, service):
    return sorted(e["Service"]["ID"] for e in c.health.service(service, passing=True)[1])


class Answering(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        self.send_response(type(self).status)
        self.end_headers()
        self.wfile.write(b"as well as can be")

    def log_message(self, *arguments):
        pass


def target(status=200):
    handler = type("Handler", (Answering,), {"status": status})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return handler, server.server_address[1]


@scenario
def registration():
    c = client()
    assert c.agent.service.register(
        "shop", service_id="shop-1", address="10.0.0.7", port=8080, tags=["v1", "blue"], meta={"team": "a"})
    service = c.agent.services()["shop-1"]
    expect(service["Service"], "shop", "service")
    expect(service["Tags"], ["v1", "blue"], "tags")
    expect(service["Meta"], {"team": "a"}, "meta")
    expect((service["Address"], service["Port"]), ("10.0.0.7", 8080), "address")
    index, nodes = c.catalog.service("shop")
    expect([n["ServiceID"] for n in nodes], ["shop-1"], "catalog")
    assert int(index) > 0
    expect(c.catalog.services()[1]["shop"] in (["blue", "v1"], ["v1", "blue"]), True, "tags in the catalog")
    expect(len(c.catalog.service("shop", tag="blue")[1]), 1, "with a tag")
    expect(len(c.catalog.service("shop", tag="red")[1]), 0, "with another tag")
    # An instance without an identifier has its service's name.
    assert c.agent.service.register("plain")
    assert "plain" in c.agent.services()
    assert c.agent.service.deregister("shop-1")
    expect(c.catalog.service("shop")[1], [], "after it was deregistered")


@scenario
def ttl_check():
    c = client()
    assert c.agent.service.register("ttl", service_id="ttl-1", port=1, check=consul.Check.ttl("2s"))
    name = "service:ttl-1"
    expect(status_of(c, name), "critical", "before the first heartbeat")
    expect(passing(c, "ttl"), [], "before the first heartbeat")
    assert c.agent.check.ttl_pass(name, "all good")
    expect(status_of(c, name), "passing", "after a heartbeat")
    expect(c.agent.checks()[name]["Output"], "all good", "output")
    expect(passing(c, "ttl"), ["ttl-1"], "after a heartbeat")
    assert c.agent.check.ttl_warn(name, "slow")
    expect(status_of(c, name), "warning", "after a warning")
    expect(passing(c, "ttl"), [], "after a warning")
    assert c.agent.check.ttl_fail(name, "broken")
    expect(status_of(c, name), "critical", "after a failure")
    assert c.agent.check.ttl_pass(name)
    # No heartbeat any more.
    until(lambda: status_of(c, name), "critical", "after the time to live")
    assert "TTL expired" in c.agent.checks()[name]["Output"]
    expect(c.health.service("ttl")[1][0]["Service"]["ID"], "ttl-1", "still listed")
    # Registered again, the status stays.
    assert c.agent.check.ttl_pass(name)
    assert c.agent.service.register("ttl", service_id="ttl-1", port=2, check=consul.Check.ttl("20s"))
    expect(status_of(c, name), "passing", "after it was registered again")


@scenario
def http_check():
    c = client()
    handler, port = target()
    url = f"http://127.0.0.1:{port}/health"
    assert c.agent.service.register(
        "http", service_id="http-1", port=port, check=consul.Check.http(url, "1s", timeout="2s"))
    until(lambda: passing(c, "http"), ["http-1"], "an answering target")
    output = c.agent.checks()["service:http-1"]["Output"]
    assert output.startswith(f"HTTP GET {url}: 200 OK Output: "), output
    assert "as well as can be" in output
    handler.status = 500
    until(lambda: passing(c, "http"), [], "a failing target")
    handler.status = 429
    until(lambda: status_of(c, "service:http-1"), "warning", "a target that answers 429")


@scenario
def tcp_check():
    c = client()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    assert c.agent.service.register(
        "tcp", service_id="tcp-1", port=port, check=consul.Check.tcp("127.0.0.1", port, "1s"))
    until(lambda: status_of(c, "service:tcp-1"), "passing", "a listening target")
    listener.close()
    until(lambda: status_of(c, "service:tcp-1"), "critical", "a closed target")


@scenario
def grpc_check():
    c = client()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    check = consul.Check.grpc(f"127.0.0.1:{port}", "1s")
    assert c.agent.service.register("grpc", service_id="grpc-1", port=port, check=check)
    until(lambda: "gRPC" in c.agent.checks()["service:grpc-1"]["Output"] or
          c.agent.checks()["service:grpc-1"]["Output"] != "", True, "it was tried")
    expect(status_of(c, "service:grpc-1"), "critical", "a target that is not there")


@scenario
def script_check():
    c = client()
    try:
        c.agent.service.register("script", check=consul.Check.script(["/bin/true"], "10s"))
    except consul.ConsulException as error:
        assert "Scripts are disabled on this agent" in str(error), error
    else:
        raise AssertionError("a command of anybody was accepted")


@scenario
def standalone_checks():
    c = client()
    assert c.agent.service.register("solo", service_id="solo-1", port=1)
    assert c.agent.check.register(
        "memory", check=consul.Check.ttl("60s"), check_id="solo-memory", service_id="solo-1", notes="of the host")
    expect(passing(c, "solo"), [], "with a critical check")
    assert c.agent.check.ttl_pass("solo-memory")
    expect(passing(c, "solo"), ["solo-1"], "with a passing check")
    checks = c.health.checks("solo")[1]
    expect([(x["CheckID"], x["Notes"]) for x in checks], [("solo-memory", "of the host")], "checks")
    assert c.agent.check.deregister("solo-memory")
    expect(c.health.checks("solo")[1], [], "checks after it was deregistered")
    # A check of the node concerns every service on it.
    assert c.agent.check.register("disk", check=consul.Check.ttl("60s"), check_id="disk")
    expect(passing(c, "solo"), [], "with a critical check of the node")
    assert c.agent.check.ttl_pass("disk")
    expect(passing(c, "solo"), ["solo-1"], "with a passing check of the node")
    assert c.agent.check.deregister("disk")


@scenario
def maintenance():
    c = client()
    assert c.agent.service.register("upkeep", service_id="upkeep-1", port=1)
    assert c.agent.service.maintenance("upkeep-1", True, "upgrade")
    expect(passing(c, "upkeep"), [], "in maintenance")
    check = c.agent.checks()["_service_maintenance:upkeep-1"]
    expect((check["Status"], check["Notes"]), ("critical", "upgrade"), "the check")
    assert c.agent.service.maintenance("upkeep-1", False)
    expect(passing(c, "upkeep"), ["upkeep-1"], "after maintenance")
    assert c.agent.maintenance(True, "reboot")
    expect(passing(c, "upkeep"), [], "with the node in maintenance")
    assert c.agent.maintenance(False)
    expect(passing(c, "upkeep"), ["upkeep-1"], "after the node's maintenance")


@scenario
def blocking():
    c = client()
    index, found = c.health.service("watched")
    expect(found, [], "before there is one")
    began = time.monotonic()
    same, found = c.health.service("watched", index=index, wait="1s")
    waited = time.monotonic() - began
    assert 0.9 < waited < 5, f"waited {waited} s of 1 s"
    expect((same, found), (index, []), "after a wait without a change")

    def later(change):
        threading.Timer(0.5, change).start()

    later(lambda: client().agent.service.register("watched", service_id="watched-1", port=1))
    began = time.monotonic()
    seen, found = c.health.service("watched", index=index, wait="30s")
    assert time.monotonic() - began < 20
    expect([e["Service"]["ID"] for e in found], ["watched-1"], "what woke it")
    assert int(seen) > int(index)

    # What happens to another service does not wake it.
    later(lambda: client().agent.service.register("other", service_id="other-1", port=1))
    same, _ = c.health.service("watched", index=seen, wait="2s")
    expect(same, seen, "index after a change of another service")

    later(lambda: client().agent.service.deregister("watched-1"))
    gone, found = c.health.service("watched", index=seen, wait="30s")
    expect(found, [], "after the last one was deregistered")
    assert int(gone) > int(seen)

    index, _ = c.catalog.services()
    later(lambda: client().agent.service.register("fresh", service_id="fresh-1", port=1))
    seen, found = c.catalog.services(index=index, wait="30s")
    assert "fresh" in found
    index, _ = c.kv.get("watched/key")
    later(lambda: client().kv.put("watched/key", "1"))
    _, found = c.kv.get("watched/key", index=index, wait="30s")
    expect(found["Value"], b"1", "a key that was waited for")


@scenario
def key_value():
    c = client()
    expect(c.kv.get("kv/none")[1], None, "a key that is not there")
    assert c.kv.put("kv/a", "hello", flags=42)
    _, entry = c.kv.get("kv/a")
    expect((entry["Value"], entry["Flags"], entry["LockIndex"]), (b"hello", 42, 0), "the entry")
    assert c.kv.put("kv/b/c", b"\x00\xff")
    expect(c.kv.get("kv/b/c")[1]["Value"], b"\x00\xff", "bytes")
    expect([e["Key"] for e in c.kv.get("kv/", recurse=True)[1]], ["kv/a", "kv/b/c"], "below a prefix")
    expect(c.kv.get("kv/", keys=True)[1], ["kv/a", "kv/b/c"], "keys")
    expect(c.kv.get("kv/", keys=True, separator="/")[1], ["kv/a", "kv/b/"], "keys up to a separator")
    # Check and set.
    assert c.kv.put("kv/a", "new", cas=entry["ModifyIndex"])
    expect(c.kv.put("kv/a", "late", cas=entry["ModifyIndex"]), False, "a write that is too late")
    expect(c.kv.put("kv/a", "again", cas=0), False, "a write of a key that is there")
    expect(c.kv.put("kv/fresh", "x", cas=0), True, "a write of a key that is not there")
    expect(c.kv.get("kv/a")[1]["Value"], b"new", "what was kept")
    expect(c.kv.delete("kv/a", cas=entry["ModifyIndex"]), False, "a removal that is too late")
    assert c.kv.delete("kv/a")
    expect(c.kv.get("kv/a")[1], None, "after it was removed")
    assert c.kv.delete("kv/", recurse=True)
    expect(c.kv.get("kv/", recurse=True)[1], None, "after all were removed")


@scenario
def locks():
    c = client()
    mine = c.session.create(name="mine", ttl=10, behavior="release", lock_delay=0)
    other = c.session.create(name="other", ttl=10, lock_delay=0)
    assert c.kv.put("lock/leader", "mine", acquire=mine)
    expect(c.kv.get("lock/leader")[1]["Session"], mine, "the holder")
    expect(c.kv.put("lock/leader", "other", acquire=other), False, "a lock that is held")
    expect(c.kv.get("lock/leader")[1]["Value"], b"mine", "the holder's value")
    assert c.kv.put("lock/leader", "", release=mine)
    assert c.kv.put("lock/leader", "other", acquire=other)
    assert mine in [s["ID"] for s in c.session.list()[1]]
    expect(c.session.info(mine)[1]["Name"], "mine", "the session")
    c.session.renew(mine)
    assert c.session.destroy(other)
    assert "Session" not in c.kv.get("lock/leader")[1], "a lock outlived its session"
    assert c.kv.put("lock/leader", "mine", acquire=mine)
    assert c.session.destroy(mine)
    expect(c.session.info(mine)[1], None, "a session that was destroyed")


@scenario
def transaction():
    c = client()
    done = c.txn.put([{"KV": {"Verb": "set", "Key": "txn/a", "Value": "b25l"}}, {"KV": {"Verb": "get", "Key": "txn/a"}}])
    expect(done["Errors"], None, "errors")
    expect(done["Results"][1]["KV"]["Value"], "b25l", "what was read")


@scenario
def catalog():
    c = client()
    assert c.catalog.register(
        "external", "192.0.2.9",
        service={"ID": "db-1", "Service": "db", "Address": "192.0.2.10", "Port": 5432, "Tags": ["primary"]},
        check={"Node": "external", "CheckID": "db-check", "Name": "db", "Status": "passing", "ServiceID": "db-1"})
    expect([n["Node"] for n in c.catalog.service("db")[1]], ["external"], "its node")
    expect(c.catalog.node("external")[1]["Services"]["db-1"]["Port"], 5432, "on its node")
    assert "external" in [n["Node"] for n in c.catalog.nodes()[1]]
    expect(passing(c, "db"), ["db-1"], "healthy")
    expect([x["CheckID"] for x in c.health.node("external")[1]], ["db-check"], "checks of the node")
    assert "db-check" in [x["CheckID"] for x in c.health.state("passing")[1]]
    assert c.catalog.deregister("external", service_id="db-1")
    expect(c.catalog.service("db")[1], [], "after it was deregistered")
    assert c.catalog.deregister("external")
    expect(c.catalog.node("external")[1], None, "a node that was deregistered")
    assert "dc1" in c.catalog.datacenters()


@scenario
def agent():
    c = client()
    assert c.agent.self()["Config"]["Datacenter"] == "dc1"
    expect(len(c.agent.members()), 1, "members")
    assert c.status.leader()
    expect(len(c.status.peers()), 1, "peers")
    fired = c.event.fire("deploy", "now")
    assert fired["ID"]
    assert "deploy" in [e["Name"] for e in c.event.list()[1]]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        print("\n".join(scenarios))
    else:
        scenarios[sys.argv[2]]()
