// swift-tools-version: 6.1
// SPDX-License-Identifier: Apache-2.0
// Rollcall

import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // An async function stays on its caller's executor unless it says otherwise: fewer thread hops.
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let collections: (String) -> Target.Dependency = { .product(name: $0, package: "swift-collections") }
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let nio: (String) -> Target.Dependency = { .product(name: $0, package: "swift-nio") }
// Only with the trait: without it these packages are neither fetched nor built.
let grpc: [Target.Dependency] = [
    .product(name: "GRPCCore", package: "grpc-swift-2", condition: .when(traits: ["GRPC"])),
    .product(
        name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport", condition: .when(traits: ["GRPC"])),
    .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["GRPC"])),
]

let package = Package(
    name: "rollcall",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Rollcall", targets: ["Rollcall"]),
        .library(name: "RollcallTesting", targets: ["RollcallTesting"]),
        .library(name: "RollcallEmbedded", targets: ["RollcallEmbedded"]),
        .library(name: "RollcallRemote", targets: ["RollcallRemote"]),
        .library(name: "RollcallConsul", targets: ["RollcallConsul"]),
        .library(name: "RollcallHTTPClient", targets: ["RollcallHTTPClient"]),
        .library(name: "RollcallGRPC", targets: ["RollcallGRPC"]),
        .library(name: "RollcallRegistries", targets: ["RollcallRegistries"]),
        .library(name: "RollcallHealth", targets: ["RollcallHealth"]),
        .library(name: "RollcallDNS", targets: ["RollcallDNS"]),
        .library(name: "RollcallServer", targets: ["RollcallServer"]),
        .executable(name: "rollcall", targets: ["RollcallCLI"]),
    ],
    traits: [
        .trait(name: "GRPC", description: "Builds RollcallGRPC: services by name for clients of grpc-swift-2.")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.6.3"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // The core: no sockets, no NIO, no Foundation.
        .target(
            name: "Rollcall",
            dependencies: [
                collections("HashTreeCollections"), logging, lifecycle,
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ],
            swiftSettings: settings),
        .target(
            name: "RollcallTesting",
            dependencies: ["Rollcall"],
            swiftSettings: settings),
        .target(
            name: "RollcallEmbedded",
            dependencies: [
                "Rollcall", logging,
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        // What engines that speak to several servers have in common.
        .target(
            name: "RollcallTransport",
            dependencies: [
                "Rollcall", asyncHTTPClient, nio("NIOCore"), nio("NIOPosix"), logging,
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings),
        .target(
            name: "RollcallRemote",
            dependencies: [
                "Rollcall", "RollcallTransport", asyncHTTPClient, nio("NIOCore"), nio("NIOHTTP1"), nio("NIOPosix"),
                logging,
            ],
            swiftSettings: settings),
        .target(
            name: "RollcallConsul",
            dependencies: [
                "Rollcall", "RollcallTransport", asyncHTTPClient, nio("NIOCore"), nio("NIOHTTP1"), nio("NIOPosix"),
                logging,
            ],
            swiftSettings: settings),
        .target(
            name: "RollcallHTTPClient",
            dependencies: [
                "Rollcall", asyncHTTPClient, nio("NIOCore"), nio("NIOHTTP1"), nio("NIOPosix"), logging,
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: settings),
        // Empty without the trait GRPC.
        .target(
            name: "RollcallGRPC", dependencies: ["Rollcall", logging] + grpc,
            swiftSettings: settings),
        .target(
            name: "RollcallRegistries",
            dependencies: [
                "Rollcall", "RollcallConsul", "RollcallEmbedded", "RollcallRemote", "RollcallTransport", logging,
            ],
            swiftSettings: settings),
        .target(
            name: "RollcallHealth",
            dependencies: [
                "Rollcall", asyncHTTPClient, nio("NIOCore"), nio("NIOHTTP1"), nio("NIOPosix"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // Messages of the DNS as bytes and as values: no sockets, no Foundation.
        .target(name: "RollcallDNS", swiftSettings: settings),
        .target(
            name: "RollcallServer",
            dependencies: [
                "Rollcall", "RollcallConsul", "RollcallDNS", "RollcallHealth", collections("HashTreeCollections"),
                collections("HeapModule"), logging, lifecycle,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                nio("NIOCore"), nio("NIOHTTP1"), nio("NIOPosix"),
            ],
            swiftSettings: settings),
        // Starting a child process that ends with its parent: `fork` and `prctl`, which Swift cannot call.
        .target(name: "CRollcallProcess"),
        .executableTarget(
            name: "RollcallCLI",
            dependencies: [
                "CRollcallProcess", "Rollcall", "RollcallConsul", "RollcallDNS", "RollcallEmbedded",
                "RollcallRegistries", "RollcallRemote", "RollcallServer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                asyncHTTPClient, logging, lifecycle,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
                nio("NIOCore"), nio("NIOHTTP1"), nio("NIOPosix"),
            ],
            swiftSettings: settings),
        // The examples of Docs/client.md. No products: whoever uses the package does not build them.
        .executableTarget(
            name: "ExampleService",
            dependencies: [
                "Rollcall", "RollcallRegistries", logging, lifecycle, nio("NIOCore"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ],
            path: "Examples/ExampleService",
            swiftSettings: settings),
        .executableTarget(
            name: "ExampleClient",
            dependencies: [
                "Rollcall", "RollcallHTTPClient", "RollcallRegistries", asyncHTTPClient, nio("NIOCore"), nio("NIOHTTP1"),
            ],
            path: "Examples/ExampleClient",
            swiftSettings: settings),
        .testTarget(name: "RepositoryTests", swiftSettings: settings),
        // What the tests of several targets do with the inputs of the fuzzers.
        .target(
            name: "CorpusTesting", dependencies: ["RollcallTesting"], path: "Tests/CorpusTesting",
            swiftSettings: settings),
        .testTarget(
            name: "RollcallTests", dependencies: ["CorpusTesting", "Rollcall", "RollcallTesting", lifecycle, logging],
            swiftSettings: settings),
        // Ended with SIGKILL by the tests of the embedded engine, while it writes.
        .executableTarget(
            name: "CrashWriter", dependencies: ["Rollcall", "RollcallEmbedded"], path: "Tests/CrashWriter",
            swiftSettings: settings),
        .testTarget(
            name: "RollcallEmbeddedTests", dependencies: [
                "CrashWriter", "RollcallEmbedded", "RollcallTesting", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RollcallHTTPClientTests",
            dependencies: [
                "RollcallHTTPClient", "RollcallTesting", asyncHTTPClient, logging, nio("NIOCore"), nio("NIOPosix"),
                nio("NIOHTTP1"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RollcallGRPCTests", dependencies: ["Rollcall", "RollcallGRPC", "RollcallTesting", logging] + grpc,
            swiftSettings: settings),
        .testTarget(
            name: "RollcallRemoteTests",
            dependencies: [
                "CorpusTesting",
                "RollcallRemote", "RollcallRegistries", "RollcallServer", "RollcallTesting", "RollcallEmbedded",
                asyncHTTPClient, lifecycle, logging, nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RollcallConsulTests",
            dependencies: [
                "Rollcall", "RollcallConsul", "RollcallRegistries", "RollcallServer", "RollcallTesting", asyncHTTPClient,
                lifecycle, logging, nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RollcallHealthTests",
            dependencies: [
                "Rollcall", "RollcallHealth", "RollcallTesting", nio("NIOCore"), nio("NIOPosix"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"), .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RollcallDNSTests", dependencies: ["RollcallDNS", "RollcallTesting"], swiftSettings: settings),
        .testTarget(
            name: "RollcallServerTests",
            dependencies: [
                "CorpusTesting",
                "RollcallConsul", "RollcallDNS", "RollcallServer", "RollcallHealth", "RollcallEmbedded",
                "RollcallTesting", asyncHTTPClient, lifecycle, logging, collections("HashTreeCollections"),
                nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"), nio("NIOEmbedded"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Yams", package: "Yams"),
            ],
            exclude: ["Fixtures"],
            swiftSettings: settings),
        .testTarget(
            name: "RollcallCLITests",
            dependencies: [
                "ExampleClient", "ExampleService", "RollcallCLI", "RollcallHTTPClient", "RollcallRemote", "RollcallServer",
                "RollcallTesting", asyncHTTPClient, nio("NIOCore"),
            ],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
