// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall

/// Which instances of a service are meant. All conditions have to hold.
struct InstanceFilter: ParsableArguments {
    @Option(name: .customLong("tag"), help: "Only those with this tag; may be repeated.")
    var tags: [String] = []

    @Option(help: "Only those in this zone.")
    var zone: String?

    @Option(help: "Only those in this region.")
    var region: String?

    @Option(
        name: .customLong("meta"),
        help: ArgumentHelp("Only those with this metadata; may be repeated.", valueName: "key=value"))
    var metadata: [KeyValueArgument] = []

    func matches(_ instance: ServiceInstance) -> Bool {
        tags.allSatisfy(instance.tags.contains)
            && (zone ?? instance.locality.zone) == instance.locality.zone
            && (region ?? instance.locality.region) == instance.locality.region
            && metadata.allSatisfy { instance.metadata[$0.name] == $0.value }
    }
}
