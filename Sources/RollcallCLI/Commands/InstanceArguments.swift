// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall

/// The instance that a command is about.
struct InstanceArguments: ParsableArguments {
    @Argument(help: "The service.")
    var service: String

    @Argument(help: "The instance of the service.")
    var id: String

    @Option(
        help: ArgumentHelp(
            "Only this life of the instance: the command has no effect on a later one.", valueName: "number"))
    var incarnation: UInt64?

    var key: InstanceKey { InstanceKey(ServiceName(service), InstanceID(id)) }
    var life: Incarnation? { incarnation.map { Incarnation($0) } }
}
