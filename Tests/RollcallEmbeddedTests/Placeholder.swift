import Testing
@Test func placeholderRollcallEmbedded() {}
