// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// The lines of `rollcall watch`, for people and for programs.
extension WatchNarrator.Line {
    /// `09:30:00.250Z  evicted      web/10.0.0.7:8080  http://10.0.0.7:8080  down -> gone`, ended by a newline.
    func text(at time: WallTime, style: Style) -> String {
        // The date is left out: the line is about now.
        let clock = style.apply(.dim, to: String(time.description.dropFirst(11)))
        let name = kind.padded(to: Self.kindWidth)
        switch subject {
        case .engine(.connected):
            return "\(clock)  \(style.apply(.cyan, to: name))  connected\n"
        case .engine(.stale(let since)):
            return "\(clock)  \(style.apply(.yellow, to: name))  lost; what is known is from \(since)\n"
        case .instance(let instance, let before, let isGone):
            let transition = transition(from: before, to: isGone ? nil : instance.status, style: style)
            return "\(clock)  \(style.apply(attribute, to: name))  \(instance.key.description.printable)  "
                + "\(instance.endpointURL.printable)  \(transition)\n"
        }
    }

    /// One JSON object, ended by a newline.
    func json(at time: WallTime) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("time", time)
        writer.field("kind", kind)
        switch subject {
        case .engine(.connected):
            writer.field("state", "connected")
        case .engine(.stale(let since)):
            writer.field("state", "stale")
            writer.field("since", since)
        case .instance(let instance, let before, let isGone):
            writer.field("service", instance.service.value)
            writer.field("id", instance.id.value)
            writer.key("before")
            if let before { writer.string(before.rawValue) } else { writer.null() }
            writer.key("after")
            if isGone { writer.null() } else { writer.string(instance.status.rawValue) }
            writer.key("instance")
            instance.write(to: &writer)
        }
        writer.endObject()
        return JSONText.line(writer.bytes)
    }

    /// The longest kind, so that what follows is aligned.
    private static let kindWidth = InstanceChange.Kind.allCases.map(\.rawValue.count).max() ?? 0

    private var attribute: Style.Attribute? {
        switch kind {
        case "registered", "revived", "appeared": .green
        case "deregistered", "gone", "evicted", "lapsed": .red
        case "suspected", "released", "stateChanged", "checkChanged": .yellow
        case "updated", "changed": .cyan
        default: nil
        }
    }

    private func transition(from before: InstanceStatus?, to after: InstanceStatus?, style: Style) -> String {
        func shown(_ status: InstanceStatus?, none: String) -> String {
            guard let status else { return style.apply(.dim, to: none) }
            return style.apply(InstanceTable.attribute(status), to: status.rawValue)
        }
        if before == after || before == nil && kind == "present" { return shown(after, none: "gone") }
        return "\(shown(before, none: "new")) -> \(shown(after, none: "gone"))"
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
