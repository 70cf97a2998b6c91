// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A regular expression as steps of a machine that can be at several of them at once.
struct RegexProgram: Sendable {
    enum Step: Sendable {
        /// Takes this character and goes on with the next step.
        case character(Unicode.Scalar)
        /// Takes a character that differs from this folded one in case at most.
        case folded(Unicode.Scalar)
        /// Takes any character, or any but a line feed.
        case any(includingNewline: Bool)
        case set(RegexSet)
        /// Goes on when this holds here.
        case assertion(RegexAssertion)
        /// Goes on at both.
        case split(Int, Int)
        case jump(Int)
        case match
    }

    var steps: [Step] = []
}

/// A condition on the place between two characters.
enum RegexAssertion: Sendable, Hashable {
    case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary

    func holds(between previous: Unicode.Scalar?, and next: Unicode.Scalar?) -> Bool {
        switch self {
        case .textStart: previous == nil
        case .textEnd: next == nil
        case .lineStart: previous == nil || previous == "\n"
        case .lineEnd: next == nil || next == "\n"
        case .wordBoundary: isWord(previous) != isWord(next)
        case .noWordBoundary: isWord(previous) == isWord(next)
        }
    }

    /// ASCII letters, digits and the underscore.
    private func isWord(_ character: Unicode.Scalar?) -> Bool {
        guard let value = character?.value else { return false }
        return (value | 0x20) &- 0x61 < 26 || value &- 0x30 < 10 || value == 0x5F
    }
}

/// The steps at which a machine is.
struct RegexThreads {
    private let program: RegexProgram
    /// Steps that take the next character.
    private var ready: [Int] = []
    /// Where to go on from, after the character before.
    private var pending: [Int] = []
    private var stack: [Int] = []
    /// The round in which a step was last visited: each is followed once a round.
    private var visited: [UInt32]
    private var round: UInt32 = 0

    init(_ program: RegexProgram) {
        self.program = program
        visited = Array(repeating: 0, count: program.steps.count)
    }

    /// Follows all steps that take no character, from where the threads are and from the beginning.
    ///
    /// - Returns: Whether the end of the program was reached.
    mutating func advance(from previous: Unicode.Scalar?, to next: Unicode.Scalar?) -> Bool {
        round += 1
        ready.removeAll(keepingCapacity: true)
        if follow(0, previous, next) { return true }
        for start in pending where follow(start, previous, next) { return true }
        return false
    }

    private mutating func follow(_ start: Int, _ previous: Unicode.Scalar?, _ next: Unicode.Scalar?) -> Bool {
        stack.append(start)
        while let position = stack.popLast() {
            guard visited[position] != round else { continue }
            visited[position] = round
            switch program.steps[position] {
            case .match:
                stack.removeAll(keepingCapacity: true)
                return true
            case .jump(let target): stack.append(target)
            case .split(let one, let other):
                stack.append(other)
                stack.append(one)
            case .assertion(let assertion):
                if assertion.holds(between: previous, and: next) { stack.append(position + 1) }
            case .character, .folded, .any, .set: ready.append(position)
            }
        }
        return false
    }

    /// Moves every thread over `character`, or ends it.
    mutating func take(_ character: Unicode.Scalar) {
        pending.removeAll(keepingCapacity: true)
        for position in ready {
            let isTaken =
                switch program.steps[position] {
                case .character(let wanted): character == wanted
                case .folded(let wanted): character.folded == wanted
                case .any(let includingNewline): includingNewline || character != "\n"
                case .set(let set): set.contains(character)
                case .assertion, .split, .jump, .match: false
                }
            if isTaken { pending.append(position + 1) }
        }
    }
}
