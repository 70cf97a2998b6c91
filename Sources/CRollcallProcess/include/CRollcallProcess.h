// SPDX-License-Identifier: Apache-2.0
// Rollcall

#ifndef CROLLCALLPROCESS_H
#define CROLLCALLPROCESS_H

#include <sys/types.h>

/// Starts a program in a process group of its own, with the standard streams of the caller.
///
/// On Linux the child is sent `parent_death_signal` when the calling *thread* ends: call it from a thread that lives
/// until the child has ended. The signals of `default_signals` get their default action back and none is blocked in
/// the child. No descriptor but the standard streams is inherited.
///
/// \param path                 The program's file, already looked up.
/// \param argv, envp           Ended by a null pointer.
/// \param null_input           Not 0: standard input is /dev/null.
/// \param pid                  Receives the child's process id.
/// \returns 0, or the error number of what failed (of `execve` in the child, too; no child is left behind then).
int rollcall_spawn(
    const char *path, char *const argv[], char *const envp[],
    const int *default_signals, int default_signal_count,
    int parent_death_signal, int null_input, pid_t *pid);

/// The environment of this process: `NAME=value` strings ended by a null pointer. Valid until the environment is
/// changed.
char *const *rollcall_environment(void);

#endif
