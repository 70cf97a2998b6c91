// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A regular expression as a tree.
indirect enum RegexNode: Sendable, Hashable {
    case empty
    case character(Unicode.Scalar, folds: Bool)
    case any(includingNewline: Bool)
    case set(RegexSet)
    case assertion(RegexAssertion)
    case sequence([RegexNode])
    case choice([RegexNode])
    /// At least `minimum` times, and at most `maximum` times; `nil` is any number.
    case repeated(RegexNode, minimum: Int, maximum: Int?)
}

/// Turns a tree into steps.
struct RegexCompiler {
    private var program = RegexProgram()
    private let pattern: String
    /// Visits of nodes, which repetitions multiply also where they give no steps.
    private var visits = 0

    static func compile(_ node: RegexNode, of pattern: String) throws(RegularExpressionError) -> RegexProgram {
        var compiler = RegexCompiler(pattern: pattern)
        try compiler.emit(node)
        compiler.program.steps.append(.match)
        return compiler.program
    }

    private init(pattern: String) {
        self.pattern = pattern
    }

    private mutating func emit(_ node: RegexNode) throws(RegularExpressionError) {
        visits += 1
        guard visits <= 4 * RegularExpression.largestProgram else { throw tooLarge }
        switch node {
        case .empty: break
        case .character(let character, let folds): try append(folds ? .folded(character.folded) : .character(character))
        case .any(let includingNewline): try append(.any(includingNewline: includingNewline))
        case .set(let set): try append(.set(set))
        case .assertion(let assertion): try append(.assertion(assertion))
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .choice(let nodes): try emitChoice(nodes)
        case .repeated(let node, let minimum, let maximum):
            for _ in 0 ..< minimum { try emit(node) }
            guard let maximum else { return try emitLoop(node) }
            var splits: [Int] = []
            for _ in minimum ..< max(minimum, maximum) {
                splits.append(program.steps.count)
                try append(.split(program.steps.count + 1, 0))
                try emit(node)
            }
            for split in splits { program.steps[split] = .split(split + 1, program.steps.count) }
        }
    }

    private mutating func emitChoice(_ nodes: [RegexNode]) throws(RegularExpressionError) {
        var jumps: [Int] = []
        for (position, node) in nodes.enumerated() {
            guard position < nodes.count - 1 else {
                try emit(node)
                break
            }
            let split = program.steps.count
            try append(.split(split + 1, 0))
            try emit(node)
            jumps.append(program.steps.count)
            try append(.jump(0))
            program.steps[split] = .split(split + 1, program.steps.count)
        }
        for jump in jumps { program.steps[jump] = .jump(program.steps.count) }
    }

    private mutating func emitLoop(_ node: RegexNode) throws(RegularExpressionError) {
        let split = program.steps.count
        try append(.split(split + 1, 0))
        try emit(node)
        try append(.jump(split))
        program.steps[split] = .split(split + 1, program.steps.count)
    }

    private mutating func append(_ step: RegexProgram.Step) throws(RegularExpressionError) {
        guard program.steps.count < RegularExpression.largestProgram else { throw tooLarge }
        program.steps.append(step)
    }

    private var tooLarge: RegularExpressionError { RegularExpressionError("expression too large", pattern) }
}
