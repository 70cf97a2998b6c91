// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallConsul

/// An object for filters, made of a dictionary.
struct SampleSubject: FilterSubject {
    var fields: [String: FilterValue]

    init(_ fields: [String: FilterValue]) {
        self.fields = fields
    }

    func filterValue(_ name: String) -> FilterValue { fields[name] ?? .map([:]) }

    /// An instance as `health/service` shows it.
    static var health: SampleSubject {
        SampleSubject([
            "Node": .object(
                SampleSubject([
                    "ID": .string("5f0c"), "Node": .string("n1"), "Address": .string("10.0.0.1"),
                    "Datacenter": .string("dc1"), "TaggedAddresses": .map(["lan": "10.0.0.1"]), "Meta": .map([:]),
                    "Partition": .string(""), "PeerName": .string(""),
                ])),
            "Service": .object(
                SampleSubject([
                    "Kind": .string(""), "ID": .string("web-1"), "Service": .string("web"),
                    "Tags": .strings(["v2", "blue"]), "Address": .string("10.0.0.7"),
                    "TaggedAddresses": .objectMap([
                        "lan": SampleSubject(["Address": .string("10.0.0.7"), "Port": .integer(8080)])
                    ]),
                    "Meta": .map(["env": "prod", "x-y": "1", "empty": "", "größe": "é"]), "Port": .integer(8080),
                    "SocketPath": .string(""),
                    "Weights": .object(SampleSubject(["Passing": .integer(10), "Warning": .integer(1)])),
                    "EnableTagOverride": .bool(false), "Connect": .object(SampleSubject(["Native": .bool(true)])),
                ])),
            "Checks": .objects([
                SampleSubject([
                    "CheckID": .string("serfHealth"), "Status": .string("passing"), "ServiceTags": .strings([]),
                ]),
                SampleSubject([
                    "CheckID": .string("web"), "Status": .string("critical"), "ServiceTags": .strings(["v2"]),
                ]),
            ]),
        ])
    }
}
