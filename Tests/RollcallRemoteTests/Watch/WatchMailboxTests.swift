// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
@testable import RollcallRemote
import RollcallTesting
import Testing

@Suite("The mailbox of a watch")
struct WatchMailboxTests {
    private func event(_ number: UInt64) -> WatchEvent {
        .changes(WatchChanges(revision: Revision(number), changes: []))
    }

    @Test("hands over every event in order, each after the one before was taken", .timeLimit(.minutes(1)))
    func order() async {
        let mailbox = WatchMailbox()
        let producer = Task {
            for number in 1 ... 1000 { guard await mailbox.put(event(UInt64(number))) else { return } }
            mailbox.finish()
        }
        var seen: [String] = []
        while let event = await mailbox.take() { seen.append(event.words) }
        await producer.value
        #expect(seen == (1 ... 1000).map { "changes \($0) " })
    }

    @Test("lets the reader go on only when the consumer took the event", .timeLimit(.minutes(1)))
    func backPressure() async {
        let mailbox = WatchMailbox()
        let (puts, putDone) = AsyncStream.makeStream(of: Bool.self)
        let producer = Task {
            putDone.yield(await mailbox.put(event(1)))
            putDone.yield(await mailbox.put(event(2)))
            putDone.finish()
        }
        #expect(await mailbox.take()?.words == "changes 1 ")
        var iterator = puts.makeAsyncIterator()
        #expect(await iterator.next() == true)
        // Nobody takes the second: it is refused at the end.
        mailbox.finish()
        #expect(await iterator.next() == false)
        await producer.value
        #expect(await mailbox.take() == nil)
    }

    @Test("ends for both sides when either is cancelled", .timeLimit(.minutes(1)))
    func cancellation() async {
        let first = WatchMailbox()
        let consumer = Task { await first.take() }
        consumer.cancel()
        #expect(await consumer.value == nil)
        #expect(await first.put(event(1)) == false)

        let second = WatchMailbox()
        let producer = Task { await second.put(event(1)) }
        producer.cancel()
        #expect(await producer.value == false)
        #expect(await second.take() == nil)
    }
}
