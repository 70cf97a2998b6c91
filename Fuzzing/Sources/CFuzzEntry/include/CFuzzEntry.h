// SPDX-License-Identifier: Apache-2.0
// Rollcall

// The entry points by the names that the package manager gives to those of its executables, in place of the `main` of
// libFuzzer.
int FuzzJSON_main(int argc, char **argv);
int FuzzEvents_main(int argc, char **argv);
int FuzzHTTP_main(int argc, char **argv);
