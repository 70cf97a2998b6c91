// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What a table of keys holds under one of them: something that was changed at an index.
protocol KeyTableValue: Sendable {
    var modifyIndex: UInt64 { get }
}

/// Values in the order of their keys, in chunks of bounded size, each of which knows its highest index: a prefix is
/// found, and its index is read, without touching all that is under it.
///
/// A value in every sense: a copy shares the chunks that neither side changes.
struct KeyTable<Value: KeyTableValue>: Sendable {
    private struct Chunk: Sendable {
        var keys: [KVKey]
        var values: [Value]
        var highest: UInt64

        mutating func update() { highest = values.reduce(0) { max($0, $1.modifyIndex) } }
    }

    /// In the order of their keys; none is empty.
    private var chunks: [Chunk] = []
    private(set) var count = 0

    private struct Position {
        var chunk: Int
        var offset: Int
    }

    subscript(key: KVKey) -> Value? {
        let position = position { $0 < key }
        return isPresent(key, at: position) ? chunks[position.chunk].values[position.offset] : nil
    }

    mutating func set(_ value: Value, for key: KVKey) {
        let position = position { $0 < key }
        if isPresent(key, at: position) {
            chunks[position.chunk].values[position.offset] = value
            chunks[position.chunk].update()
            return
        }
        count += 1
        guard !chunks.isEmpty else {
            chunks.append(Chunk(keys: [key], values: [value], highest: value.modifyIndex))
            return
        }
        // Behind all keys: into the last chunk.
        let index = min(position.chunk, chunks.count - 1)
        let offset = position.chunk == chunks.count ? chunks[index].keys.count : position.offset
        chunks[index].keys.insert(key, at: offset)
        chunks[index].values.insert(value, at: offset)
        chunks[index].highest = max(chunks[index].highest, value.modifyIndex)
        if chunks[index].keys.count > chunkMax { split(index) }
    }

    @discardableResult
    mutating func remove(_ key: KVKey) -> Value? {
        let position = position { $0 < key }
        guard isPresent(key, at: position) else { return nil }
        count -= 1
        let index = position.chunk
        chunks[index].keys.remove(at: position.offset)
        let value = chunks[index].values.remove(at: position.offset)
        if chunks[index].keys.isEmpty {
            chunks.remove(at: index)
        } else {
            chunks[index].update()
            mergeIfSmall(index)
        }
        return value
    }

    /// Removes all entries whose keys begin with `prefix`.
    mutating func removeAll(under prefix: KVKey) {
        let start = position { $0 < prefix }
        let end = position { $0 < prefix || $0.hasPrefix(prefix) }
        guard start.chunk < chunks.count else { return }
        if start.chunk == end.chunk {
            cut(start.chunk, start.offset..<end.offset)
            return
        }
        if end.chunk < chunks.count { cut(end.chunk, 0..<end.offset) }
        for index in start.chunk + 1..<end.chunk { count -= chunks[index].keys.count }
        chunks.removeSubrange(start.chunk + 1..<end.chunk)
        cut(start.chunk, start.offset..<chunks[start.chunk].keys.count)
    }

    /// Removes a part of one chunk, or all of it.
    private mutating func cut(_ index: Int, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        count -= range.count
        if range.count == chunks[index].keys.count {
            chunks.remove(at: index)
            return
        }
        chunks[index].keys.removeSubrange(range)
        chunks[index].values.removeSubrange(range)
        chunks[index].update()
        mergeIfSmall(index)
    }

    /// The entries whose keys begin with `prefix`, in order, until `body` returns false.
    func forEach(under prefix: KVKey, _ body: (KVKey, Value) -> Bool) {
        var position = position { $0 < prefix }
        while position.chunk < chunks.count {
            let chunk = chunks[position.chunk]
            for offset in position.offset..<chunk.keys.count {
                guard chunk.keys[offset].hasPrefix(prefix), body(chunk.keys[offset], chunk.values[offset]) else {
                    return
                }
            }
            position = Position(chunk: position.chunk + 1, offset: 0)
        }
    }

    /// The entries whose keys begin with `prefix`, in order.
    func entries(under prefix: KVKey) -> [(key: KVKey, value: Value)] {
        var all: [(key: KVKey, value: Value)] = []
        forEach(under: prefix) { key, value in
            all.append((key, value))
            return true
        }
        return all
    }

    /// The keys that begin with `prefix`, in order, each cut after the first separator behind the prefix: what is below
    /// a separator is one name, and is not looked at.
    func keys(under prefix: KVKey, separator: String) -> [KVKey] {
        let offset = prefix.text.utf8.count
        var keys: [KVKey] = []
        var position = position { $0 < prefix }
        while let key = key(at: position), key.hasPrefix(prefix) {
            if let cut = key.cut(after: offset, at: separator) {
                keys.append(cut)
                position = self.position { $0 < cut || $0.hasPrefix(cut) }
            } else {
                keys.append(key)
                position = self.position(after: position)
            }
        }
        return keys
    }

    /// The highest index of the entries whose keys begin with `prefix`; 0 when there are none.
    func highestIndex(under prefix: KVKey) -> UInt64 {
        var highest: UInt64 = 0
        var position = position { $0 < prefix }
        while position.chunk < chunks.count {
            let chunk = chunks[position.chunk]
            if position.offset == 0, chunk.keys[chunk.keys.count - 1].hasPrefix(prefix) {
                highest = max(highest, chunk.highest)
            } else {
                for offset in position.offset..<chunk.keys.count {
                    guard chunk.keys[offset].hasPrefix(prefix) else { return highest }
                    highest = max(highest, chunk.values[offset].modifyIndex)
                }
            }
            position = Position(chunk: position.chunk + 1, offset: 0)
        }
        return highest
    }

    // MARK: Parts

    /// Where the first key is for which `isBefore` is false; it is true for all keys before one for which it is.
    private func position(where isBefore: (KVKey) -> Bool) -> Position {
        var (low, high) = (0, chunks.count)
        while low < high {
            let middle = low + (high - low) / 2
            let chunk = chunks[middle]
            if isBefore(chunk.keys[chunk.keys.count - 1]) { low = middle + 1 } else { high = middle }
        }
        guard low < chunks.count else { return Position(chunk: low, offset: 0) }
        let keys = chunks[low].keys
        var (first, last) = (0, keys.count)
        while first < last {
            let middle = first + (last - first) / 2
            if isBefore(keys[middle]) { first = middle + 1 } else { last = middle }
        }
        return Position(chunk: low, offset: first)
    }

    private func position(after position: Position) -> Position {
        position.offset + 1 < chunks[position.chunk].keys.count
            ? Position(chunk: position.chunk, offset: position.offset + 1)
            : Position(chunk: position.chunk + 1, offset: 0)
    }

    private func key(at position: Position) -> KVKey? {
        position.chunk < chunks.count ? chunks[position.chunk].keys[position.offset] : nil
    }

    private func isPresent(_ key: KVKey, at position: Position) -> Bool { self.key(at: position) == key }

    private mutating func split(_ index: Int) {
        let half = chunks[index].keys.count / 2
        var upper = Chunk(
            keys: Array(chunks[index].keys[half...]), values: Array(chunks[index].values[half...]), highest: 0)
        upper.update()
        chunks[index].keys.removeSubrange(half...)
        chunks[index].values.removeSubrange(half...)
        chunks[index].update()
        chunks.insert(upper, at: index + 1)
    }

    /// Keeps many removals from leaving many small chunks.
    private mutating func mergeIfSmall(_ index: Int) {
        let next = index + 1
        guard next < chunks.count, chunks[index].keys.count + chunks[next].keys.count < chunkMax / 2 else { return }
        chunks[index].keys += chunks[next].keys
        chunks[index].values += chunks[next].values
        chunks[index].update()
        chunks.remove(at: next)
    }
}

private let chunkMax = 128
