// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Testing

@testable import Rollcall

@Suite("Brake")
struct BrakeTests {
    @Test("all heartbeats of 1,000 stop for two lease times and return: nothing is evicted, all are current")
    func outageOfEverything() {
        var fleet = Fleet(count: 1000, perService: 10)
        fleet.run(for: .seconds(60))
        fleet.silence(fleet.keys)
        fleet.run(for: .seconds(60))
        #expect(fleet.keeper.count(in: .suspect) == 1000)
        #expect(fleet.keeper.brakeStatus.fleet.engagedSince != nil)
        #expect(fleet.keeper.brakeStatus.services.count == 100)

        fleet.speak(fleet.keys)
        fleet.run(for: .seconds(900))

        #expect(fleet.evicted.isEmpty)
        #expect(fleet.released.isEmpty)
        #expect(fleet.keeper.count(in: .current) == 1000)
        #expect(fleet.keeper.brakeStatus.fleet.engagedSince == nil)
        #expect(fleet.keeper.brakeStatus.services.isEmpty)
    }

    @Test("an outage longer than the eviction time ends without an eviction, too")
    func longOutage() {
        var fleet = Fleet(count: 1000, perService: 10)
        fleet.run(for: .seconds(60))
        fleet.silence(fleet.keys)
        fleet.run(for: .seconds(3600))
        fleet.speak(fleet.keys)
        fleet.run(for: .seconds(900))

        #expect(fleet.evicted.isEmpty)
        #expect(fleet.keeper.count(in: .current) == 1000)
    }

    @Test("5 % of 1,000 die one by one: each is down and evicted on time")
    func independentDeaths() throws {
        var fleet = Fleet(count: 1000, perService: 10)
        fleet.run(for: .seconds(60))
        let victims = Array(stride(from: 0, to: 1000, by: 20))
        for victim in victims {
            fleet.silence([victim])
            fleet.run(for: .seconds(2))
        }
        fleet.run(for: .seconds(200))

        #expect(fleet.suspected.isEmpty)
        #expect(fleet.evicted.count == 50)
        for victim in victims {
            let silentSince = try #require(fleet.lastHeartbeat[victim])
            let down = try #require(fleet.lapsed[victim]) - silentSince
            let evicted = try #require(fleet.evicted[victim]) - silentSince
            #expect(down >= .seconds(30) && down < .seconds(30) + TimingWheel.tick)
            #expect(evicted >= .seconds(90) && evicted < .seconds(90) + TimingWheel.tick)
        }
    }

    @Test("40 % die at once: all are held as suspect, then released at the bounded rate after the quiet period")
    func massDeath() throws {
        var fleet = Fleet(count: 1000, perService: 10)
        fleet.run(for: .seconds(60))
        let victims = fleet.keys.filter { $0 % 10 < 4 }
        fleet.silence(victims)
        let start = fleet.now
        fleet.run(for: .seconds(299))
        #expect(fleet.keeper.count(in: .suspect) == 400)
        #expect(fleet.evicted.isEmpty && fleet.released.isEmpty)
        let status = fleet.keeper.brakeStatus.fleet
        #expect(status.suspects == 400 && status.population == 1000 && status.threshold == 151)

        fleet.run(for: .seconds(300))

        #expect(Set(fleet.evicted.keys) == Set(victims))
        #expect(fleet.keeper.count == 600 && fleet.keeper.count(in: .current) == 600)
        let lastLapse = try #require(fleet.suspected.values.max())
        let releases = fleet.released.values.sorted()
        let first = try #require(releases.first)
        #expect(first >= lastLapse + .seconds(300) && first < lastLapse + .seconds(301))
        #expect(first > start + .seconds(320))
        for (times, name) in [(releases, "release"), (fleet.evicted.values.sorted(), "eviction")] {
            for second in 0 ..< 40 {
                let from = first + .seconds(second)
                let inOneSecond = times.count { $0 >= from && $0 < from + .seconds(1) }
                #expect(inOneSecond <= 12, "\(inOneSecond) times \(name) in second \(second)")
            }
        }
        for victim in victims {
            let released = try #require(fleet.released[victim])
            #expect(try #require(fleet.evicted[victim]) >= released + .seconds(30))
        }
        let order = fleet.releaseOrder.compactMap { fleet.lapseOrder.firstIndex(of: $0) }
        #expect(order == order.sorted(), "released oldest lapse first")
    }

    @Test("when everything is silent, nothing is evicted in a day")
    func silentDay() {
        var fleet = Fleet(count: 200, perService: 10)
        fleet.run(for: .seconds(60))
        fleet.silence(fleet.keys)
        fleet.run(for: .seconds(86_400))

        #expect(fleet.evicted.isEmpty && fleet.released.isEmpty)
        #expect(fleet.keeper.count(in: .suspect) == 200)
    }

    @Test("on the smaller side of a partition nothing is evicted, however long it lasts")
    func minorityIsNoWitness() {
        var fleet = Fleet(count: 300, perService: 3)
        fleet.run(for: .seconds(60))
        fleet.silence(fleet.keys.filter { $0 % 3 != 0 })
        fleet.run(for: .seconds(7200))

        #expect(fleet.evicted.isEmpty)
        #expect(fleet.keeper.count(in: .suspect) == 200)
    }

    @Test("an operator's word releases a silent fleet at the bounded rate, services included")
    func operatorReleasesTheFleet() {
        var fleet = Fleet(count: 500, perService: 10)
        fleet.run(for: .seconds(60))
        fleet.silence(fleet.keys)
        fleet.run(for: .seconds(600))
        let released500 = fleet.releaseByOperator(.fleet)
        #expect(released500 == 500)
        fleet.run(for: .seconds(10))
        #expect((45 ... 56).contains(fleet.released.count), "\(fleet.released.count) in 10 s at 1 % of 500 per second")

        fleet.run(for: .seconds(400))

        #expect(fleet.keeper.count == 0)
        #expect(fleet.evicted.count == 500)
    }

    @Test("an operator's word for one service holds while the fleet is braked")
    func operatorReleasesAService() {
        var fleet = Fleet(count: 100, perService: 10)
        fleet.run(for: .seconds(60))
        fleet.silence(fleet.keys)
        fleet.run(for: .seconds(600))
        let released10 = fleet.releaseByOperator(.service(4))
        #expect(released10 == 10)
        fleet.run(for: .seconds(600))

        #expect(Set(fleet.evicted.keys) == Set(40 ..< 50))
        #expect(fleet.keeper.count(in: .suspect) == 90)
        #expect(fleet.keeper.brakeStatus.fleet.engagedSince != nil)
        let released0 = fleet.releaseByOperator(.service(4))
        #expect(released0 == 0)
    }

    @Test("a service that loses most of its instances is braked alone; what others lose meanwhile is evicted on time")
    func oneServiceIsBraked() {
        var fleet = Fleet(count: 1000, perService: 10)
        fleet.run(for: .seconds(60))
        fleet.silence(0 ..< 8)
        fleet.silence([500])
        fleet.run(for: .seconds(125))
        #expect(fleet.keeper.count(in: .suspect) == 8)
        #expect(fleet.keeper.brakeStatus.services.keys.sorted() == [0])
        #expect(Set(fleet.evicted.keys) == [500])

        fleet.run(for: .seconds(400))

        #expect(Set(fleet.evicted.keys) == Set(0 ..< 8).union([500]))
    }

    @Test("of three instances one is killed: it is down, then evicted on time")
    func smallFleet() throws {
        var fleet = Fleet(count: 3, perService: 2)
        fleet.run(for: .seconds(60))
        fleet.silence([1])
        fleet.run(for: .seconds(100))

        #expect(fleet.suspected.isEmpty)
        let late = try #require(fleet.evicted[1]) - (try #require(fleet.lastHeartbeat[1]) + .seconds(90))
        #expect(late >= .zero && late < TimingWheel.tick)
    }

    @Test("when most suspects return, the rest is released after the settle period and evicted a full ttl later")
    func renewalsReturn() throws {
        var fleet = Fleet(count: 100, perService: 100)
        fleet.run(for: .seconds(60))
        fleet.silence(0 ..< 40)
        fleet.run(for: .seconds(120))
        #expect(fleet.keeper.count(in: .suspect) == 40)
        fleet.speak(5 ..< 40)
        let back = fleet.now
        fleet.run(for: .seconds(120))

        #expect(Set(fleet.evicted.keys) == Set(0 ..< 5))
        let first = try #require(fleet.released.values.min())
        #expect(first >= back + .seconds(30) && first <= back + .seconds(42))
        #expect(try #require(fleet.evicted.values.min()) >= first + .seconds(30))
    }

    @Test("losses spread over more than the window do not add up")
    func slowDecay() throws {
        let terms = LeaseTerms(ttl: .seconds(30), evictAfter: .seconds(86_400))
        var fleet = Fleet(count: 1000, perService: 10, terms: terms)
        fleet.run(for: .seconds(60))
        for victim in fleet.keys where victim % 10 < 3 {
            fleet.silence([victim])
            fleet.run(for: .seconds(2))
        }
        fleet.run(for: .seconds(60))

        #expect(fleet.suspected.isEmpty)
        #expect(fleet.keeper.count(in: .lapsed) == 300)
    }

    @Test("leases that are current only for their long ttl vouch for nothing until one of them is heard")
    func silentWitnesses() throws {
        var keeper = LeaseKeeper<Int, Int>(now: .zero)
        let long = LeaseTerms(ttl: .seconds(86_400), evictAfter: .seconds(86_400))
        for key in 0 ..< 100 {
            keeper.insert(key, group: key % 10, terms: key < 60 ? long : .standard, now: .zero)
        }
        var effects: [LeaseEffect<Int>] = []
        let advance = { (keeper: inout LeaseKeeper<Int, Int>, end: Instant) in
            while let wake = keeper.nextWake, wake <= end { keeper.advance(now: wake, into: &effects) }
            keeper.advance(now: end, into: &effects)
        }
        advance(&keeper, .zero + .seconds(3600))
        #expect(keeper.count(in: .suspect) == 40)

        for key in 0 ..< 10 {
            let answer = keeper.renew(key, now: .zero + .seconds(3600))
            #expect(answer == .renewed)
        }
        advance(&keeper, .zero + .seconds(3800))

        #expect(keeper.count(in: .suspect) == 0)
        #expect(keeper.count(in: .evicting) == 40)
    }

    @Test("disabled, every lapse is down and every eviction on time")
    func disabled() {
        var fleet = Fleet(count: 100, perService: 10, brake: LeaseKeeperTests.withoutBrake)
        fleet.run(for: .seconds(60))
        fleet.silence(fleet.keys)
        fleet.run(for: .seconds(91))

        #expect(fleet.evicted.count == 100)
        #expect(fleet.suspected.isEmpty)
    }

    @Test("values out of range are all named")
    func faults() {
        var configuration = BrakeConfiguration()
        #expect(configuration.faults().isEmpty)
        configuration.window = .zero
        configuration.fleetShare = 1.5
        configuration.minimumReleasePerSecond = .nan
        #expect(configuration.faults().count == 3)
        #expect(configuration.faults().contains { $0.contains("fleetShare") && $0.contains("1.5") })
    }
}
