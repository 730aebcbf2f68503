#include "model/worker_start.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "model/worker_main.h"

/* ---- where the program is ---- */

/* Relative to the library, as `make install` places both. NULL: not known, or no memory. */
static char *beside_library(void) {
  Dl_info info;
  if (dladdr((void *)(uintptr_t)&bf_version, &info) == 0 || info.dli_fname == NULL) return NULL;
  const char *slash = strrchr(info.dli_fname, '/');
  if (slash == NULL) return NULL;
  return bf__asprintf("%.*s/%s", (int)(slash - info.dli_fname), info.dli_fname, BESTFIT_WORKER_RELATIVE);
}

bf_status bf__worker_program(char **out, bf_error *err) {
  const char *named = secure_getenv("BESTFIT_WORKER");
  *out = NULL;
  if (named != NULL && named[0] != 0) {
    if (access(named, X_OK) != 0)
      return bf__error(err, BF_ERR_UNSUPPORTED, "BESTFIT_WORKER names %.120s, which is no program", named);
    *out = bf__strdup(named);
    return *out != NULL ? BF_OK : bf__error_memory(err, strlen(named));
  }
  char *installed = beside_library();
  if (installed != NULL && access(installed, X_OK) == 0) {
    *out = installed;
    return BF_OK;
  }
  free(installed);
  if (access(BESTFIT_WORKER_BUILD, X_OK) == 0) {
    *out = bf__strdup(BESTFIT_WORKER_BUILD);
    return *out != NULL ? BF_OK : bf__error_memory(err, sizeof BESTFIT_WORKER_BUILD);
  }
  return bf__error(err, BF_ERR_UNSUPPORTED,
                   "the program bestfit-worker, which runs models, is missing: install it, or name it in "
                   "BESTFIT_WORKER");
}

/* ---- starting ---- */

/* Both ends above the numbers that the child gets, so that placing one there cannot cover the other. */
static bool lift(int *fd) {
  int raised = fcntl(*fd, F_DUPFD_CLOEXEC, 16);
  if (raised < 0) return false;
  close(*fd);
  *fd = raised;
  return true;
}

static void close_all(int *fds, size_t n) {
  for (size_t i = 0; i < n; ++i)
    if (fds[i] >= 0) close(fds[i]);
}

/* What the worker knows of its host's environment: where libraries are, and options of sanitizers. Nothing else, for it
 * might be secret. */
static void choose_environment(char **out, size_t most) {
  static const char *const kept[] = {
      "LD_LIBRARY_PATH=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "GCOV_PREFIX="};
  size_t n = 0;
  for (char **at = environ; at != NULL && *at != NULL; ++at)
    for (size_t i = 0; i < sizeof kept / sizeof *kept && n + 2 < most; ++i)
      if (strncmp(*at, kept[i], strlen(kept[i])) == 0) out[n++] = *at;
  static char telemetry[] = "ORT_DISABLE_TELEMETRY=1";
  out[n++] = telemetry;
  out[n] = NULL;
}

static int spawn(const char *program, char **arguments, int socket, int lifeline, pid_t *pid) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  char *environment[16];
  sigset_t none;
  sigset_t all;
  choose_environment(environment, sizeof environment / sizeof *environment);
  sigemptyset(&none);
  sigfillset(&all);
  int failed = posix_spawn_file_actions_init(&files);
  if (failed != 0) return failed;
  failed = posix_spawnattr_init(&attributes);
  if (failed != 0) {
    posix_spawn_file_actions_destroy(&files);
    return failed;
  }
  for (int fd = 0; fd <= 2 && failed == 0; ++fd)
    failed = posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
  if (failed == 0) failed = posix_spawn_file_actions_adddup2(&files, socket, BF__WORKER_SOCKET);
  if (failed == 0) failed = posix_spawn_file_actions_adddup2(&files, lifeline, BF__WORKER_LIFELINE);
  /* Signals as if nobody had set any; a group of its own, so that Ctrl-C at a terminal is the host's to handle. */
  if (failed == 0) failed = posix_spawnattr_setsigmask(&attributes, &none);
  if (failed == 0) failed = posix_spawnattr_setsigdefault(&attributes, &all);
  if (failed == 0) failed = posix_spawnattr_setpgroup(&attributes, 0);
  if (failed == 0)
    failed =
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  if (failed == 0) failed = posix_spawn(pid, program, &files, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return failed;
}

bf_status bf__child_start(const char *program, uint64_t memory_bytes, bf__child *out, bf_error *err) {
  bf_status status = BF_OK;
  int fds[4] = {-1, -1, -1, -1}; /* socket: ours, the child's; pipe: the child's, ours */
  pid_t pid = 0;
  char memory[24];
  char name[] = "bestfit-worker";
  char serve[] = "--serve";
  char *arguments[] = {name, serve, memory, NULL};
  *out = (bf__child)BF__CHILD_INIT;
  snprintf(memory, sizeof memory, "%llu", (unsigned long long)memory_bytes);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0 || pipe2(fds + 2, O_CLOEXEC) != 0 ||
      !lift(&fds[1]) || !lift(&fds[2])) {
    status = bf__error_errno(err, errno, "a worker cannot be started");
    goto out;
  }
  int failed = spawn(program, arguments, fds[1], fds[2], &pid);
  if (failed != 0) {
    status = bf__error_errno(err, failed, "%.120s cannot be started", program);
    goto out;
  }
  *out = (bf__child){.pid = pid, .socket = fds[0], .lifeline = fds[3]};
  fds[0] = fds[3] = -1;
out:
  close_all(fds, 4);
  return status;
}

void bf__child_end(bf__child *child, int *ended) {
  *ended = -1;
  if (child->socket >= 0) close(child->socket);
  if (child->lifeline >= 0) close(child->lifeline);
  if (child->pid > 0) {
    int status = 0;
    pid_t got = waitpid(child->pid, &status, WNOHANG);
    if (got == 0) {
      kill(child->pid, SIGKILL);
      do got = waitpid(child->pid, &status, 0);
      while (got < 0 && errno == EINTR);
    }
    if (got == child->pid) *ended = status;
  }
  *child = (bf__child)BF__CHILD_INIT;
}
