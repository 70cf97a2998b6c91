// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@testable import RollcallConsul

@Suite("The course of a blocking query")
struct BlockingQueryCourseTests {
    private var generator = SeededGenerator(seed: 1)

    private static var configuration: ConsulRegistryConfiguration {
        var configuration = ConsulRegistryConfiguration()
        configuration.blockingWait = .seconds(60)
        configuration.watchInterval = .milliseconds(20)
        configuration.watchBackoff = Backoff(initial: .seconds(1), maximum: .seconds(8), minimum: .milliseconds(500))
        configuration.pollInterval = .seconds(10)
        return configuration
    }

    private static func at(_ seconds: Int64) -> Instant { .zero + .seconds(seconds) }

    @Test("asks without an index first, then with the one it got, and not at once")
    mutating func news() {
        var course = BlockingQueryCourse(Self.configuration)
        #expect(course.index == nil)
        course.asked(now: Self.at(1))
        let first = course.answered(5, now: Self.at(1), using: &generator)
        #expect(first == (.news, Self.at(1) + .milliseconds(20)))
        #expect(course.index == 5)
        course.asked(now: Self.at(2))
        let second = course.answered(9, now: Self.at(30), using: &generator)
        #expect(second.0 == .news)
        #expect(second.1 <= Self.at(30))
        #expect(course.index == 9)
    }

    @Test("takes 0 for 1")
    mutating func zero() {
        var course = BlockingQueryCourse(Self.configuration)
        course.asked(now: .zero)
        _ = course.answered(0, now: .zero, using: &generator)
        #expect(course.index == 1)
    }

    @Test("a wait that is over changes nothing, and is followed by the next at once")
    mutating func timeout() {
        var course = BlockingQueryCourse(Self.configuration)
        course.asked(now: .zero)
        _ = course.answered(5, now: .zero, using: &generator)
        course.asked(now: Self.at(1))
        #expect(course.answered(5, now: Self.at(62), using: &generator) == (.unchanged, Self.at(62)))
        #expect(course.index == 5)
    }

    @Test("an index that goes back begins anew without one")
    mutating func shrink() {
        var course = BlockingQueryCourse(Self.configuration)
        course.asked(now: .zero)
        _ = course.answered(500, now: .zero, using: &generator)
        course.asked(now: Self.at(1))
        let (meaning, next) = course.answered(3, now: Self.at(1), using: &generator)
        #expect(meaning == .newHistory)
        #expect(next >= Self.at(1) + .milliseconds(500))
        #expect(course.index == nil)
    }

    @Test("a server that does not wait is not asked in a tight loop")
    mutating func hasty() {
        var course = BlockingQueryCourse(Self.configuration)
        course.asked(now: .zero)
        _ = course.answered(5, now: .zero, using: &generator)
        var now = Self.at(1)
        for _ in 0 ..< 50 {
            course.asked(now: now)
            let (meaning, next) = course.answered(5, now: now, using: &generator)
            #expect(meaning == .unchanged)
            #expect(next - now >= .milliseconds(500))
            now = next
        }
    }

    @Test("without an index in the answers it polls")
    mutating func noIndex() {
        var course = BlockingQueryCourse(Self.configuration)
        course.asked(now: .zero)
        let (meaning, next) = course.answered(nil, now: .zero, using: &generator)
        #expect(meaning == .news)
        #expect(next - .zero >= .seconds(7))
        #expect(course.index == nil)
        var polled = BlockingQueryCourse(Self.configuration, isBlocking: false)
        polled.asked(now: .zero)
        let answer = polled.answered(7, now: .zero, using: &generator)
        #expect(answer.1 - .zero >= .seconds(7))
        #expect(polled.index == nil)
    }

    @Test("failures are followed by longer and longer pauses, until an answer comes")
    mutating func failures() {
        var course = BlockingQueryCourse(Self.configuration)
        for _ in 0 ..< 20 {
            let next = course.failed(now: .zero, using: &generator)
            #expect(next - .zero >= .milliseconds(500))
            #expect(next - .zero <= .seconds(8))
        }
        course.asked(now: .zero)
        _ = course.answered(5, now: .zero, using: &generator)
        #expect(course.failed(now: .zero, using: &generator) - .zero <= .seconds(1))
    }

    @Test("after a failure it asks without waiting, and knows what it has seen")
    mutating func back() {
        var course = BlockingQueryCourse(Self.configuration)
        course.asked(now: .zero)
        _ = course.answered(5, now: .zero, using: &generator)
        _ = course.failed(now: .zero, using: &generator)
        #expect(course.index == nil)
        course.asked(now: Self.at(2))
        #expect(course.answered(5, now: Self.at(2), using: &generator) == (.unchanged, Self.at(2)))
        #expect(course.index == 5)
        _ = course.failed(now: .zero, using: &generator)
        course.asked(now: Self.at(3))
        #expect(course.answered(6, now: Self.at(3), using: &generator).0 == .news)
        _ = course.failed(now: .zero, using: &generator)
        course.asked(now: Self.at(4))
        #expect(course.answered(2, now: Self.at(4), using: &generator).0 == .newHistory)
    }
}
