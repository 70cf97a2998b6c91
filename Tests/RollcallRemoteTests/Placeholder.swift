import Testing
@Test func placeholderRollcallRemote() {}
