// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@testable import RollcallCLI

@Suite("RunMachine")
struct RunMachineTests {
    private let configuration = RunMachine.Configuration(
        readyTimeout: .seconds(60), drainWait: .seconds(5), stopTimeout: .seconds(10))

    /// A machine and a clock, one second after another.
    private struct Script {
        var machine: RunMachine
        var now = Instant.zero

        mutating func callAsFunction(_ event: RunMachine.Event, after wait: Duration = .zero) -> [RunMachine.Effect] {
            now = now + wait
            return machine.handle(event, now: now)
        }
    }

    private func waiting() -> Script {
        Script(machine: RunMachine(configuration: configuration, now: .zero))
    }

    private func serving() -> Script {
        var script = waiting()
        _ = script(.ready)
        _ = script(.registered)
        return script
    }

    @Test("a stop drains, waits, deregisters, ends the command and exits with its code")
    func orderlyStop() {
        var script = waiting()
        #expect(script(.ready, after: .seconds(1)) == [.register])
        #expect(script(.registered) == [])
        #expect(script.machine.deadline == nil)
        #expect(script(.stopRequested, after: .seconds(100)) == [.drain])
        #expect(script(.deadlineReached, after: .seconds(4)) == [])
        #expect(script(.deadlineReached, after: .seconds(1)) == [.deregister])
        #expect(script(.deregistered) == [.terminateChild])
        #expect(script(.childExited(.exited(3)), after: .seconds(1)) == [.exit(3)])
        #expect(script.machine.deadline == nil)
    }

    @Test("a command that ends by itself is deregistered before the exit with its code")
    func childEnds() {
        var script = serving()
        #expect(script(.childExited(.exited(7))) == [.deregister])
        #expect(script(.deregistered) == [.exit(7)])
    }

    @Test("a command that a signal has ended gives 128 plus the signal's number")
    func childKilled() {
        var script = serving()
        #expect(script(.childExited(.signalled(9))) == [.deregister])
        #expect(script(.deregistered) == [.exit(137)])
    }

    @Test("a command that ends before it was ready is never registered")
    func childEndsEarly() {
        var script = waiting()
        #expect(script(.childExited(.exited(1))) == [.exit(1)])
        #expect(script(.ready) == [])
    }

    @Test("a command that ends while it is drained is deregistered at once")
    func childEndsDraining() {
        var script = serving()
        #expect(script(.stopRequested) == [.drain])
        #expect(script(.childExited(.exited(0))) == [.deregister])
        #expect(script(.deregistered) == [.exit(0)])
    }

    @Test("a command that ends during the deregistration is not signalled")
    func childEndsDeregistering() {
        var script = serving()
        _ = script(.stopRequested)
        #expect(script(.deadlineReached, after: .seconds(5)) == [.deregister])
        #expect(script(.childExited(.exited(4))) == [])
        #expect(script(.deregistered) == [.exit(4)])
    }

    @Test("a second stop ends the drain, limits the deregistration to a second, and kills a second after SIGTERM")
    func urgentStop() {
        var script = serving()
        #expect(script(.stopRequested) == [.drain])
        #expect(script(.stopRequested) == [.deregister])
        #expect(script(.deadlineReached, after: .seconds(1)) == [.abandonDeregistration, .terminateChild])
        let killed: [RunMachine.Effect] = [.report(.stillRunning(after: .seconds(1))), .killChild]
        #expect(script(.deadlineReached, after: .seconds(1)) == killed)
        #expect(script(.childExited(.signalled(9))) == [.exit(137)])
    }

    @Test("a stop during the deregistration shortens it")
    func urgentDeregistration() {
        var script = serving()
        _ = script(.childExited(.exited(2)))
        #expect(script(.stopRequested) == [])
        #expect(script(.deadlineReached, after: .seconds(1)) == [.abandonDeregistration, .exit(2)])
    }

    @Test("a stop after SIGTERM was sent kills at once")
    func impatientStop() {
        var script = waiting()
        #expect(script(.stopRequested) == [.terminateChild])
        #expect(script(.stopRequested) == [.killChild])
        #expect(script(.stopRequested) == [])
        #expect(script(.childExited(.signalled(9))) == [.exit(137)])
    }

    @Test("a command that ignores SIGTERM is killed after the stop timeout, and one that survives that is left")
    func stubbornChild() {
        var script = waiting()
        #expect(script(.stopRequested) == [.terminateChild])
        let killed: [RunMachine.Effect] = [.report(.stillRunning(after: .seconds(10))), .killChild]
        #expect(script(.deadlineReached, after: .seconds(10)) == killed)
        #expect(script(.deadlineReached, after: .seconds(5)) == [.report(.survivedKill), .exit(137)])
    }

    @Test("a registry that has never answered is not waited for: no drain, and a limited deregistration")
    func registryDown() {
        var script = waiting()
        #expect(script(.ready) == [.register])
        #expect(script(.stopRequested, after: .seconds(3600)) == [.deregister])
        #expect(script(.deadlineReached, after: .seconds(5)) == [.abandonDeregistration, .terminateChild])
        #expect(script(.childExited(.signalled(15))) == [.exit(143)])
    }

    @Test("a command that is not ready in time is stopped, and the code says so whatever the command's was")
    func neverReady() {
        var script = waiting()
        #expect(script(.deadlineReached, after: .seconds(59)) == [])
        let stopped: [RunMachine.Effect] = [.report(.notReady(after: .seconds(60))), .terminateChild]
        #expect(script(.deadlineReached, after: .seconds(1)) == stopped)
        #expect(script(.ready) == [])
        #expect(script(.childExited(.exited(0))) == [.exit(124)])
    }

    @Test("without a drain wait, a stop deregisters at once")
    func noDrainWait() {
        let configuration = RunMachine.Configuration(drainWait: .zero)
        var script = Script(machine: RunMachine(configuration: configuration, now: .zero))
        _ = script(.ready)
        _ = script(.registered)
        #expect(script(.stopRequested) == [.deregister])
    }
}
