// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Rollcall
internal import RollcallTransport

/// Runs one watch: a blocking query for each of its services, and one for their list when all are watched.
struct ConsulWatchFeed: Sendable {
    let mailbox = WatchMailbox()
    private let caller: ConsulCaller
    private let scope: WatchScope
    private let board: ConsulWatchBoard

    init(_ caller: ConsulCaller, _ scope: WatchScope, from revision: Revision?) {
        self.caller = caller
        self.scope = scope
        board = ConsulWatchBoard(
            ConsulWatchState(scope, isResuming: revision != nil),
            blockingMax: max(1, caller.configuration.blockingQueries))
    }

    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await tell() }
            switch scope {
            case .service(let name): follow(Set(ConsulNaming.spellings(of: name)), &group)
            case .services(let names): follow(Set(names.flatMap { ConsulNaming.spellings(of: $0) }), &group)
            case .all: await followAll(&group)
            }
        }
        mailbox.finish()
    }

    /// Tells the consumer what there is to tell, at its pace: what comes meanwhile is told together.
    private func tell() async {
        for await _ in board.reports {
            for event in board.events(now: caller.time.now()) {
                guard await mailbox.put(event) else { return }
            }
        }
    }

    private func follow(_ names: Set<String>, _ group: inout DiscardingTaskGroup) {
        // The name of no service: Consul would take the question for another.
        for (name, isBlocking) in board.follow(names.filter { !$0.isEmpty }) {
            group.addTask { await follow(name, isBlocking) }
        }
    }

    private func follow(_ name: String, _ isBlocking: Bool) async {
        let path = caller.configuration.adding(to: .consul("health", "service", name))
        await ask(path, "watch of \(name)", isBlocking: isBlocking) {
            board.goesOn(name)
        } failed: {
            board.report { $0.fail(name, at: caller.time.wallTime()) }
        } answered: { reply, meaning throws(JSONError) in
            guard meaning != .unchanged else { return board.report { $0.confirm(name) } }
            let entries = try JSONReader.read(reply.body) { reader throws(JSONError) in
                try ConsulHealthEntry.readAll(from: &reader)
            }
            board.report {
                $0.hear(name, entries, index: reply.index, isNewHistory: meaning == .newHistory)
            }
        }
    }

    private func followAll(_ group: inout DiscardingTaskGroup) async {
        let path = caller.configuration.adding(to: .consul("catalog", "services"))
        var latest: Set<String>?
        await ask(path, "watch of all services", isBlocking: true) {
            true
        } failed: {
            board.report { $0.fail("", at: caller.time.wallTime()) }
        } answered: { reply, _ throws(JSONError) in
            let names = Set(try ConsulCatalog.services(reply.body).keys)
            board.report { $0.confirm("") }
            if names != latest { follow(names, &group) }
            latest = names
        }
    }

    /// Asks the same question for as long as `goesOn`.
    private func ask(
        _ path: RequestPath, _ subject: String, isBlocking: Bool, while goesOn: () -> Bool, failed: () -> Void,
        answered: (ConsulReply, BlockingQueryCourse.Meaning) throws(JSONError) -> Void
    ) async {
        var course = BlockingQueryCourse(caller.configuration, isBlocking: isBlocking)
        var generator = SystemRandomNumberGenerator()
        var failures = 0
        while !Task.isCancelled, goesOn() {
            course.asked(now: caller.time.now())
            let server = caller.directory.selection.preferred
            let next: Instant
            do {
                let reply = try await reply(path, subject, course.index, server)
                let former = course
                let (meaning, instant) = course.answered(reply.index, now: caller.time.now(), using: &generator)
                do throws(JSONError) {
                    try answered(reply, meaning)
                } catch {
                    course = former
                    throw RegistryError(.unavailable, "\(subject): \(error)")
                }
                next = instant
                failures = 0
                caller.directory.succeeded(server)
            } catch {
                if Task.isCancelled { return }
                failures += 1
                caller.logger.log(
                    level: failures == 1 ? .info : .debug, "a watch is asked anew", metadata: ["reason": "\(error)"])
                caller.directory.failed(server)
                failed()
                next = course.failed(now: caller.time.now(), using: &generator)
            }
            do { try await caller.time.sleep(until: next) } catch { return }
        }
    }

    private func reply(
        _ path: RequestPath, _ subject: String, _ index: UInt64?, _ server: Int
    ) async throws -> ConsulReply {
        let configuration = caller.configuration
        var request = ConsulRequest(subject: subject, path: path)
        var patience = configuration.attemptTimeout
        if let index {
            request.path = path.adding(query: "index", "\(index)")
                .adding(query: "wait", GoDuration.text(configuration.blockingWait))
            patience = ConsulTransport.patience(for: configuration.blockingWait, configuration)
        }
        let address = caller.directory.addresses[server]
        let reply = try await caller.transport.reply(
            to: request, from: address, within: patience, isBlocking: index != nil)
        guard reply.status == 200 else { throw ConsulRefusal(reply, subject: subject, server: address).error }
        return reply
    }
}
