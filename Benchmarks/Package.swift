// swift-tools-version: 6.1
// SPDX-License-Identifier: Apache-2.0
// Rollcall

import PackageDescription

let package = Package(
    name: "rollcall-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "rollcall", path: ".."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .executableTarget(
            name: "RollcallBench",
            dependencies: [
                .product(name: "Rollcall", package: "rollcall"),
                .product(name: "RollcallEmbedded", package: "rollcall"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
