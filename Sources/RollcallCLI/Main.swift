import ArgumentParser
@main struct RollcallCommand: AsyncParsableCommand { mutating func run() async throws { print("hi") } }
