// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Rollcall

/// The registration of a command, kept by a `Registrar`.
actor RegistrarRegistration: RunRegistration {
    private let registry: any Registry
    private let registration: Registration
    private let logger: Logger
    private let report: @Sendable (String) -> Void
    private var registrar: Registrar?

    /// - Parameter report: Tells a person one line.
    init(
        registry: any Registry, registration: Registration, logger: Logger, report: @escaping @Sendable (String) -> Void
    ) {
        self.registry = registry
        self.registration = registration
        self.logger = logger
        self.report = report
    }

    func start(onRegistered: @escaping @Sendable () -> Void) async {
        guard registrar == nil else { return }
        let registrar = Registrar(
            registry: registry, logger: logger,
            onEvent: { [report] event in
                switch event {
                case .registered(let instance):
                    report("registered \(instance.key) at \(instance.endpointURL), incarnation \(instance.incarnation)")
                    onRegistered()
                // The logger has told it.
                case .superseded, .refused, .failed: break
                }
            },
            // Registrations are started one by one, below.
            registrations: { [] })
        self.registrar = registrar
        await registrar.start([registration])
    }

    func drain() async { await registrar?.drain() }

    func deregister() async { await registrar?.deregister() }
}
