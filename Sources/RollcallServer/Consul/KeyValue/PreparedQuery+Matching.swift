// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections
internal import Rollcall
internal import RollcallConsul

extension PreparedQuery {
    private static let prefixTemplate = "name_prefix_match"

    /// What is wrong with a query that is to be stored, in Consul's words.
    var fault: String? {
        if name.isEmpty, template.type.isEmpty, session.isEmpty { return "Must be bound to a session" }
        if !template.type.isEmpty, template.type != Self.prefixTemplate {
            return "Bad Template: unsupported type '\(template.type)'"
        }
        if !template.regexp.isEmpty { return "Bad Template: Regexp is not available on this server" }
        if service.isEmpty { return "Must provide a Service name to query" }
        if failoverNearest < 0 { return "Bad NearestN '\(failoverNearest)', must be >= 0" }
        guard !ttl.isEmpty else { return nil }
        do {
            let duration = try GoDuration.parse(ttl)
            return duration < .zero ? "DNS TTL '\(duration.wholeNanoseconds)', must be >=0" : nil
        } catch {
            return "Bad DNS TTL '\(ttl)': \(error)"
        }
    }

    var isTemplate: Bool { !template.type.isEmpty }

    /// Whether an instance is part of the answer.
    func matches(_ entry: ConsulEntry) -> Bool {
        let ignored = Set(ignoredChecks ?? [])
        for check in entry.checks where !ignored.contains(check.id) {
            if check.status == .critical || onlyPassing && check.status != .passing { return false }
        }
        let has = Set(entry.service.tags.map { $0.lowercased() })
        for tag in tags ?? [] {
            let isExcluded = tag.hasPrefix("!")
            if has.contains((isExcluded ? String(tag.dropFirst()) : tag).lowercased()) == isExcluded { return false }
        }
        return (nodeMeta ?? []).allSatisfy { entry.node.meta?[$0.key] == $0.value.stringValue }
            && (serviceMeta ?? []).allSatisfy { entry.service.meta[$0.key] == $0.value.stringValue }
    }

    /// A template as it is for the name that was asked for.
    fileprivate func rendered(for name: String) -> PreparedQuery {
        let suffix = String(name.dropFirst(self.name.count))
        let variables = [("${name.full}", name), ("${name.prefix}", self.name), ("${name.suffix}", suffix)]
        func fill(_ text: String) -> String {
            var text = text
            for (variable, value) in variables { text = text.replacing(variable, with: value) }
            return text
        }
        var query = self
        query.service = fill(service)
        query.near = fill(near)
        query.failoverDatacenters = failoverDatacenters?.map(fill)
        query.tags = tags?.map(fill)
        if template.removeEmptyTags { query.tags = query.tags?.filter { !$0.isEmpty && $0 != "!" } }
        return query
    }
}

extension KVState {
    /// The prepared query with this ID or name, or the template whose name is the longest beginning of it.
    func resolveQuery(_ idOrName: String) -> PreparedQuery? {
        if let query = query(idOrName) { return query.isTemplate ? query.rendered(for: idOrName) : query }
        return queries.values.filter { $0.isTemplate && idOrName.hasPrefix($0.name) }
            .max { $0.name.utf8.count < $1.name.utf8.count }?.rendered(for: idOrName)
    }
}
