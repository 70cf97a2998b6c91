import Testing
@Test func placeholderRollcallServer() {}
