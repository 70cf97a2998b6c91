// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

extension CheckBody {
    /// An alias check names its target as Consul does: an identifier on a node, whatever the service. The registry's
    /// definition holds this in the place of a service.
    static let anyService = ServiceName("*")

    /// What the registry runs, and what only Consul knows of it.
    ///
    /// - Parameters:
    ///   - agentNode: The node of an alias that names none.
    ///   - runsCommands: Whether scripts are run.
    /// - Throws: What this server cannot run.
    func definition(id: String, name: String, agentNode: String, runsCommands: Bool) throws(ConsulError)
        -> (CheckDefinition, ConsulShadow.Check)
    {
        let kind = try kind(agentNode: agentNode, runsCommands: runsCommands)
        let limits = ModelLimits.standard
        var definition = CheckDefinition(id: id, name: name, kind: kind)
        definition.interval = interval(of: kind).clamped(to: .seconds(1) ... limits.checkInterval.upperBound)
        definition.timeout = timeout(of: kind).clamped(to: limits.checkTimeout)
        definition.successThreshold = min(max(1, successBeforePassing), 100)
        definition.failureThreshold = min(max(1, failuresBeforeCritical), 100)
        definition.initialStatus = initialStatus ?? .critical
        if deregisterAfter > .zero {
            // Consul raises what is below a minute.
            definition.deregisterAfter = deregisterAfter.clamped(to: .seconds(60) ... limits.evictAfter.upperBound)
        }
        return (definition, shadow(of: kind))
    }

    private func kind(agentNode: String, runsCommands: Bool) throws(ConsulError) -> CheckDefinition.Kind {
        // The order in which Consul looks at them when several are given.
        if !grpc.isEmpty {
            let target = grpc.prefix { $0 != "/" }
            return .grpc(
                GRPCCheck(
                    target: String(target), service: String(grpc.dropFirst(target.count + 1)), isSecure: grpcUsesTLS,
                    skipsVerification: skipsTLSVerification))
        }
        if !http.isEmpty { return .http(httpCheck) }
        if ttl > .zero { return .ttl(max(ttl, ModelLimits.standard.ttl.lowerBound)) }
        if !tcp.isEmpty {
            guard !usesTLS else { throw Self.notRun("TCP checks over TLS") }
            return .tcp(target: tcp)
        }
        if !udp.isEmpty { throw Self.notRun("UDP checks") }
        if !aliasNode.isEmpty || !aliasService.isEmpty {
            let isElsewhere = aliasService.isEmpty || !(aliasNode.isEmpty || aliasNode == agentNode)
            let id = isElsewhere ? "\(aliasService)@\(aliasNode)" : aliasService
            return .alias(InstanceKey(Self.anyService, InstanceID(id)))
        }
        if !dockerContainerID.isEmpty { throw Self.notRun("Docker checks") }
        if !scriptArguments.isEmpty {
            guard runsCommands else {
                throw ConsulError(
                    500,
                    "Scripts are disabled on this agent from remote calls; to enable, configure "
                        + "'enable_script_checks' to true")
            }
            return .command(scriptArguments)
        }
        throw Self.notRun(h2ping.isEmpty ? "OSService checks" : "H2PING checks")
    }

    private static func notRun(_ what: String) -> ConsulError { invalid("\(what) are not run by Rollcall") }

    private var httpCheck: HTTPCheck {
        var headers = header.mapValues { $0.joined(separator: ", ") }
        for (name, value) in [("User-Agent", "Consul Health Check"), ("Accept", "text/plain, text/*, */*")]
        where !headers.keys.contains(where: { $0.lowercased() == name.lowercased() }) {
            headers[name] = value
        }
        return HTTPCheck(
            target: http, method: method.isEmpty ? "GET" : method, headers: headers, body: body,
            skipsVerification: skipsTLSVerification)
    }

    private func interval(of kind: CheckDefinition.Kind) -> Duration {
        // An alias costs next to nothing, and Consul's is as quick as what it stands for.
        if case .alias = kind { .seconds(1) } else { interval }
    }

    private func timeout(of kind: CheckDefinition.Kind) -> Duration {
        if timeout > .zero { return timeout }
        return if case .command = kind { .seconds(30) } else { .seconds(10) }
    }

    private func shadow(of kind: CheckDefinition.Kind) -> ConsulShadow.Check {
        var shadow = ConsulShadow.Check(notes: notes, type: kind.consulType)
        if failuresBeforeWarning > 0 { shadow.keep("FailuresBeforeWarning", .integer(Int64(failuresBeforeWarning))) }
        if outputMaxSize > 0 { shadow.keep("OutputMaxSize", .integer(Int64(outputMaxSize))) }
        if disablesRedirects { shadow.keep("DisableRedirects", .bool(true)) }
        if !tlsServerName.isEmpty { shadow.keep("TLSServerName", .string(tlsServerName)) }
        return shadow
    }
}

extension ConsulShadow.Check {
    fileprivate mutating func keep(_ key: String, _ value: JSONValue) {
        rest.append(JSONMember(key: key, value: value))
    }

    /// Bytes of a reported output; `nil` for the usual limit.
    var outputMaxSize: Int? {
        rest.first { $0.key == "OutputMaxSize" }?.value.intValue.map { Int($0) }
    }
}

extension Comparable {
    func clamped(to range: ClosedRange<Self>) -> Self { min(max(self, range.lowerBound), range.upperBound) }
}
