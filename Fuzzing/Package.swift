// swift-tools-version: 6.1
// SPDX-License-Identifier: Apache-2.0
// Rollcall

import PackageDescription

// Built by scripts/fuzz, with libFuzzer's `main` and the address sanitizer in all of it.
let package = Package(
    name: "rollcall-fuzzing",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "rollcall", path: ".."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    ],
    targets: [
        .target(name: "CFuzzEntry"),
        .executableTarget(name: "FuzzJSON", dependencies: ["CFuzzEntry", .product(name: "Rollcall", package: "rollcall")]),
        .executableTarget(
            name: "FuzzEvents",
            dependencies: [
                "CFuzzEntry",
                .product(name: "Rollcall", package: "rollcall"), .product(name: "RollcallRemote", package: "rollcall"),
            ]),
        .executableTarget(
            name: "FuzzHTTP",
            dependencies: [
                "CFuzzEntry",
                .product(name: "Rollcall", package: "rollcall"), .product(name: "RollcallServer", package: "rollcall"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
