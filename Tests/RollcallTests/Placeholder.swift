import Testing
@Test func placeholderRollcall() {}
