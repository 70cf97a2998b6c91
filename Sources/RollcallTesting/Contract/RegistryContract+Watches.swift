// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

extension RegistryContract {
    static let watchCases: [RegistryContract] = [
        RegistryContract("a watch begins with a complete snapshot and then tells every change") { subject in
            try await subject.registry.register(subject.registration("a"))
            var mirror = WatchMirror(subject.registry.watch(.service("web")))
            try await mirror.read { $0.instances.count == 1 }
            #expect(mirror.snapshots == [.initial])

            try await subject.registry.register(subject.registration("b"))
            try await subject.registry.update(
                InstanceKey("web", "a"), incarnation: nil, .desired(.maintenance(reason: "")))
            try await subject.registry.deregister(InstanceKey("web", "a"))

            try await mirror.read { $0.instances.keys.map(\.id) == ["b"] }
            let found = try await subject.instance(InstanceKey("web", "b"))
            #expect(mirror.instances.values.first == found)
        },
        RegistryContract("a watch of a service that does not exist begins empty and sees it come") { subject in
            var mirror = WatchMirror(subject.registry.watch(.service("web")))
            try await mirror.read { $0.events == 1 }
            #expect(mirror.snapshots == [.initial])
            #expect(mirror.instances.isEmpty)
            try await subject.registry.register(subject.registration("a"))
            try await mirror.read { $0.instances.count == 1 }
        },
        RegistryContract("a watch of one service is not told of another") { subject in
            var mirror = WatchMirror(subject.registry.watch(.service("web")))
            try await mirror.read { $0.events == 1 }
            for number in 0 ..< 20 {
                try await subject.registry.register(
                    subject.registration("x", service: ServiceName("other-\(number)")))
            }
            try await subject.registry.register(subject.registration("a"))
            try await mirror.read { $0.instances.count == 1 }
            #expect(mirror.events == 2)
        },
        RegistryContract("several services, or all, can be watched together") { subject in
            try await subject.registry.register(subject.registration("a", service: "one"))
            var several = WatchMirror(subject.registry.watch(.services(["one", "two"])))
            var all = WatchMirror(subject.registry.watch(.all))
            try await several.read { $0.instances.count == 1 }
            try await all.read { $0.instances.count == 1 }

            try await subject.registry.register(subject.registration("c", service: "three"))
            try await subject.registry.register(subject.registration("b", service: "two"))
            try await subject.registry.deregister(InstanceKey("one", "a"))

            try await several.read { Set($0.instances.keys.map(\.service)) == ["two"] }
            try await all.read { Set($0.instances.keys.map(\.service)) == ["two", "three"] }
        },
        RegistryContract("a watch that was interrupted resumes where it was and misses nothing") { subject in
            try await subject.registry.register(subject.registration("a"))
            var mirror = WatchMirror(subject.registry.watch(.service("web")))
            try await mirror.read { $0.instances.count == 1 }

            try await subject.registry.register(subject.registration("b"))
            try await subject.registry.deregister(InstanceKey("web", "a"))

            let watch = subject.registry.watch(.service("web"), from: mirror.revision)
            var resumed = WatchMirror(watch, resuming: mirror.instances)
            try await resumed.read { $0.instances.keys.map(\.id) == ["b"] }
            if !subject.gaps.contains(.resume) { #expect(resumed.snapshots.isEmpty) }
        },
        RegistryContract("a watch that names a revision nobody gave out gets a snapshot") { subject in
            try await subject.registry.register(subject.registration("a"))
            let stranger = InstanceKey("web", "stranger")
            let wrong = ServiceInstance(
                registration: subject.registration("stranger"), incarnation: Incarnation(1), revision: Revision(1),
                registeredAt: WallTime(millisecondsSinceEpoch: 0), changedAt: WallTime(millisecondsSinceEpoch: 0))
            var mirror = WatchMirror(
                subject.registry.watch(.service("web"), from: Revision(UInt64(Int64.max))), resuming: [stranger: wrong])
            try await mirror.read { $0.instances.keys.map(\.id) == ["a"] }
            #expect(mirror.snapshots == [.gap])
        },
        RegistryContract("a slow consumer gets the newest state, in few events") { subject in
            var mirror = WatchMirror(subject.registry.watch(.service("web")))
            try await mirror.read { $0.events == 1 }
            for round in 0 ..< 600 {
                try await subject.registry.register(subject.registration("a", port: UInt16(1000 + round)))
            }
            try await mirror.read { $0.instances.values.first?.port == 1599 }
            #expect(mirror.instances.count == 1)
        },
        RegistryContract("a watch ends when its task is cancelled, and others go on") { subject in
            var other = WatchMirror(subject.registry.watch(.service("web")))
            try await other.read { $0.events == 1 }
            let watch = subject.registry.watch(.service("web"))
            let (begun, signal) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                var count = 0
                for await _ in watch {
                    count += 1
                    signal.yield()
                }
                return count
            }
            for await _ in begun { break }
            task.cancel()
            #expect(await task.value == 1)

            try await subject.registry.register(subject.registration("a"))
            try await other.read { $0.instances.count == 1 }
        },
        RegistryContract("many watches end with the same state") { subject in
            try await withThrowingTaskGroup(of: Set<InstanceID>.self) { group in
                for _ in 0 ..< 20 {
                    group.addTask {
                        var mirror = WatchMirror(subject.registry.watch(.service("web")))
                        try await mirror.read { mirror in
                            mirror.instances[InstanceKey("web", "last")] != nil
                        }
                        return Set(mirror.instances.keys.map(\.id))
                    }
                }
                for number in 0 ..< 50 {
                    let id = InstanceID("\(number)")
                    try await subject.registry.register(subject.registration(id))
                    if number % 2 == 0 { try await subject.registry.deregister(InstanceKey("web", id)) }
                }
                try await subject.registry.register(subject.registration("last"))
                let expected = Set(try await subject.registry.lookup("web").instances.map(\.id))
                for try await seen in group { #expect(seen == expected) }
            }
        },
    ]
}
