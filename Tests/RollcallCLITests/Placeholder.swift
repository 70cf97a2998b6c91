import Testing
@Test func placeholderRollcallCLI() {}
