// SPDX-License-Identifier: Apache-2.0
// Rollcall

// C, because `fork` must be followed by async-signal-safe calls alone (signal-safety(7)) and `prctl` is variadic:
// neither can be written in Swift. `posix_spawn` has no way to set the parent death signal.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "CRollcallProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#ifndef SYS_close_range
#define SYS_close_range 436 // The same number on every architecture; missing in old headers.
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

extern char **environ;

char *const *rollcall_environment(void) { return environ; }

static int close_on_exec_pipe(int ends[2]) {
#ifdef __linux__
    return pipe2(ends, O_CLOEXEC);
#else
    if (pipe(ends) != 0) return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
#endif
}

// Keeps every descriptor but the standard streams from the program: not all sockets of this process are close-on-exec.
static void close_others_on_exec(void) {
#ifdef __linux__
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
#endif
    long end = sysconf(_SC_OPEN_MAX);
    for (int descriptor = 3; descriptor < end; descriptor++) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

static int prepare_child(
    const int *default_signals, int default_signal_count, int parent_death_signal, int null_input, pid_t parent
) {
    if (setpgid(0, 0) != 0) return errno;
#ifdef __linux__
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)parent_death_signal, 0UL, 0UL, 0UL) != 0) return errno;
#else
    (void)parent_death_signal;
#endif
    // The parent may have died before the line above: then no signal will come.
    if (getppid() != parent) return ESRCH;
    if (null_input) {
        int null = open("/dev/null", O_RDONLY);
        if (null < 0) return errno;
        if (dup2(null, STDIN_FILENO) < 0) return errno;
        if (null != STDIN_FILENO) close(null);
    }
    close_others_on_exec();
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int i = 0; i < default_signal_count; i++) {
        if (sigaction(default_signals[i], &action, NULL) != 0) return errno;
    }
    return 0;
}

int rollcall_spawn(
    const char *path, char *const argv[], char *const envp[],
    const int *default_signals, int default_signal_count,
    int parent_death_signal, int null_input, pid_t *pid
) {
    int report[2];
    if (close_on_exec_pipe(report) != 0) return errno;
    pid_t parent = getpid();

    // No signal may run a handler of this process in the child.
    sigset_t all, before, none;
    sigfillset(&all);
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    int failure = child < 0 ? errno : 0;
    if (child == 0) {
        failure = prepare_child(default_signals, default_signal_count, parent_death_signal, null_input, parent);
        if (failure == 0) {
            sigprocmask(SIG_SETMASK, &none, NULL);
            execve(path, argv, envp);
            failure = errno;
        }
        ssize_t written = write(report[1], &failure, sizeof failure);
        (void)written;
        _exit(127);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (child < 0) {
        close(report[0]);
        return failure;
    }

    // The pipe closes without a byte when `execve` succeeds.
    ssize_t count;
    do {
        count = read(report[0], &failure, sizeof failure);
    } while (count < 0 && errno == EINTR);
    close(report[0]);
    if (count != 0) {
        int ignored;
        while (waitpid(child, &ignored, 0) < 0 && errno == EINTR) {}
        return count == (ssize_t)sizeof failure ? failure : EIO;
    }
    *pid = child;
    return 0;
}
