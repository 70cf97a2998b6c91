// SPDX-License-Identifier: Apache-2.0
// Rollcall

#include "CFuzzEntry.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*test)(const uint8_t *bytes, size_t count));

static int run(int argc, char **argv) { return LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput); }

int FuzzJSON_main(int argc, char **argv) { return run(argc, argv); }
int FuzzEvents_main(int argc, char **argv) { return run(argc, argv); }
int FuzzHTTP_main(int argc, char **argv) { return run(argc, argv); }
