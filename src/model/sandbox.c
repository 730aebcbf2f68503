/* The sandbox of a worker: limits, no new privileges, Landlock, and a list of system calls.
 *
 * Two walls stand behind each other. Landlock (kernel 5.13) takes away the file system, and from 6.7 on TCP; seccomp
 * lets through only what ONNX Runtime needs to compute and the worker to answer: memory without execution rights,
 * messages on the socket it has, the clock, the futex. What is not listed fails with EPERM, so that a library that asks
 * for something it can do without goes on. Neither files nor sockets nor threads nor processes can be made.
 *
 * The limit on CPU time is set by the host for every model (worker_pool.c).
 */
#include "model/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/library.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#else
#define UNDER_SANITIZER 0
#endif

#define MOST_FILES 128 /* descriptors in flight: one a changed input */

/* ---- limits ---- */

/* Address space in use; 0: cannot be told. */
static uint64_t mapped_bytes(void) {
  FILE *file = fopen("/proc/self/statm", "re");
  unsigned long long pages = 0;
  if (file == NULL) return 0;
  if (fscanf(file, "%llu", &pages) != 1) pages = 0;
  fclose(file);
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool limit(__rlimit_resource_t resource, uint64_t value) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0) return false;
  rlim_t wanted = value < now.rlim_max ? (rlim_t)value : now.rlim_max;
  return setrlimit(resource, &(struct rlimit){.rlim_cur = wanted, .rlim_max = wanted}) == 0;
}

static bf_status enter_limits(uint64_t memory_bytes, uint32_t wanted, uint32_t *held, bf_error *err) {
  uint64_t mapped = mapped_bytes();
  if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_FSIZE, 0) || !limit(RLIMIT_NOFILE, MOST_FILES))
    return bf__error_errno(err, errno, "the worker's limits cannot be set");
  if ((wanted & BF__SANDBOX_MEMORY) == 0 || UNDER_SANITIZER) return BF_OK;
  uint64_t most = memory_bytes < UINT64_MAX - mapped ? mapped + memory_bytes : UINT64_MAX;
  if (mapped == 0 || !limit(RLIMIT_AS, most))
    return bf__error_errno(err, mapped == 0 ? ENOENT : errno, "the worker's memory cannot be limited");
  *held |= BF__SANDBOX_MEMORY;
  return BF_OK;
}

/* Landlock holds for the calling thread only, so there must be no other. */
static bool is_alone(void) {
  DIR *folder = opendir("/proc/self/task");
  int n = 0;
  if (folder == NULL) return false;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) n += entry->d_name[0] != '.';
  closedir(folder);
  return n == 1;
}

/* ---- Landlock ---- */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif
#define LANDLOCK_ASK_VERSION 1u

/* The kernel's struct landlock_ruleset_attr; older kernels take its first members. */
typedef struct ruleset {
  uint64_t files, net, scopes;
} ruleset;

/* All rights of a version are handled and none is granted. False: the kernel has no Landlock. */
static bool enter_landlock(void) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_ASK_VERSION);
  if (version < 1) return false;
  unsigned n_rights = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;
  ruleset rules = {.files = ((uint64_t)1 << n_rights) - 1};
  size_t size = sizeof rules.files;
  if (version >= 4) {
    rules.net = 3; /* bind, connect */
    size = 2 * sizeof rules.files;
  }
  if (version >= 6) {
    rules.scopes = 3; /* abstract sockets, signals */
    size = sizeof rules;
  }
  int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
  if (fd < 0) return false;
  bool done = syscall(SYS_landlock_restrict_self, fd, 0) == 0;
  close(fd);
  return done;
}

/* ---- seccomp ---- */

typedef struct seccomp_functions {
  scmp_filter_ctx (*init)(uint32_t action);
  int (*add)(scmp_filter_ctx, uint32_t action, int call, unsigned n, const struct scmp_arg_cmp *args);
  int (*load)(const scmp_filter_ctx);
  void (*release)(scmp_filter_ctx);
} seccomp_functions;

/* Without conditions. */
static const int ALLOWED[] = {
    /* memory; mmap, mprotect and madvise are below or harmless */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    /* messages on the descriptors that it has */
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(lseek),
    /* time, waiting, itself */
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getrandom),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
#if UNDER_SANITIZER
    SCMP_SYS(sigaltstack),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(getrlimit),
#endif
};

static int fill_filter(const seccomp_functions *f, scmp_filter_ctx filter) {
  int failed = 0;
  for (size_t i = 0; i < sizeof ALLOWED / sizeof *ALLOWED; ++i)
    failed |= f->add(filter, SCMP_ACT_ALLOW, ALLOWED[i], 0, NULL);
  /* Memory, but never memory that can be executed. */
  const struct scmp_arg_cmp not_executable = SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  failed |= f->add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &not_executable);
  failed |= f->add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &not_executable);
  /* abort(): a signal to itself. */
  const struct scmp_arg_cmp itself[] = {SCMP_CMP64(0, SCMP_CMP_EQ, (uint64_t)getpid(), 0),
                                        SCMP_CMP64(2, SCMP_CMP_EQ, SIGABRT, 0)};
  failed |= f->add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2, itself);
  return failed;
}

static bf_status find_seccomp(seccomp_functions *f, bf_error *err) {
  const bf__symbol symbols[] = {
      {"seccomp_init", (void *)&f->init},
      {"seccomp_rule_add_array", (void *)&f->add},
      {"seccomp_load", (void *)&f->load},
      {"seccomp_release", (void *)&f->release},
  };
  return bf__library_load("libseccomp.so.2", "running models", "install libseccomp2", symbols,
                          sizeof symbols / sizeof *symbols, err);
}

static bf_status enter_seccomp(const seccomp_functions *f, bf_error *err) {
  scmp_filter_ctx filter = f->init(SCMP_ACT_ERRNO(EPERM));
  if (filter == NULL) return bf__error_memory(err, 0);
  int failed = fill_filter(f, filter);
  if (failed == 0) failed = f->load(filter);
  f->release(filter);
  if (failed != 0)
    return bf__error(err, BF_ERR_UNSUPPORTED, "this kernel takes no seccomp filter (error %d): models are not run",
                     failed);
  return BF_OK;
}

bf_status bf__sandbox_enter(uint64_t memory_bytes, uint32_t wanted, uint32_t *held, bf_error *err) {
  bf_status status = BF_OK;
  seccomp_functions f = {0};
  *held = 0;
  if ((wanted & BF__SANDBOX_SECCOMP) != 0) BF_TRY(find_seccomp(&f, err)); /* while files can still be opened */
#ifndef __SANITIZE_THREAD__
  if (!is_alone()) {
    status = bf__error(err, BF_ERR_UNSUPPORTED, "the runtime has started threads of its own: models are not run");
    goto out;
  }
#endif
  BF_TRY(enter_limits(memory_bytes, wanted, held, err));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    status = bf__error_errno(err, errno, "the worker cannot give up its privileges");
    goto out;
  }
  if ((wanted & BF__SANDBOX_LANDLOCK) != 0 && enter_landlock()) *held |= BF__SANDBOX_LANDLOCK;
  if ((wanted & BF__SANDBOX_SECCOMP) != 0) {
    BF_TRY(enter_seccomp(&f, err));
    *held |= BF__SANDBOX_SECCOMP;
  }
out:
  return status;
}

/* ---- the self-test ---- */

/* True where a descriptor came. */
static bool opened(int fd) {
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static bool try_read_file(void) {
  return opened(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}
static bool try_write_file(void) {
  const char *path = "/tmp/bestfit-worker-self-test";
  bool done = opened(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (done) unlink(path);
  return done;
}
static bool try_list_folder(void) {
  return opened(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}
static bool try_internet(void) {
  return opened(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}
static bool try_local_socket(void) {
  return opened(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}
static bool try_memory_file(void) {
  return opened((int)syscall(SYS_memfd_create, "self-test", 0));
}
static bool try_process(void) {
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  if (pid > 0) waitpid(pid, NULL, 0);
  return pid > 0;
}
/* In a child where there can be one, so that the line is printed where it works. */
static bool try_program(void) {
  static char name[] = "true";
  char *arguments[] = {name, NULL};
  char *environment[] = {NULL};
  pid_t pid = fork();
  if (pid <= 0) {
    execve("/bin/true", arguments, environment);
    if (pid == 0) _exit(1);
    return false;
  }
  int ended = 0;
  return waitpid(pid, &ended, 0) == pid && WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
}
static bool try_executable_memory(void) {
  void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at != MAP_FAILED) munmap(at, 4096);
  return at != MAP_FAILED;
}
static bool try_signal(void) {
  return kill(getppid(), 0) == 0;
}
static bool try_trace(void) {
  return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}
static bool try_raise_limit(void) {
  struct rlimit now;
  return getrlimit(RLIMIT_NOFILE, &now) == 0 && setrlimit(RLIMIT_NOFILE, &now) == 0;
}
static bool try_much_memory(void) {
  void *at = mmap(NULL, (size_t)1 << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at != MAP_FAILED) munmap(at, (size_t)1 << 40);
  return at != MAP_FAILED;
}

int bf__sandbox_try(void) {
  static const struct {
    const char *name;
    bool (*attempt)(void);
  } attempts[] = {
      {"read-file", try_read_file},
      {"write-file", try_write_file},
      {"list-folder", try_list_folder},
      {"internet", try_internet},
      {"local-socket", try_local_socket},
      {"memory-file", try_memory_file},
      {"process", try_process},
      {"program", try_program},
      {"signal", try_signal},
      {"executable-memory", try_executable_memory},
      {"raise-limit", try_raise_limit},
      {"much-memory", try_much_memory},
      {"trace", try_trace},
  };
  int n_allowed = 0;
  for (size_t i = 0; i < sizeof attempts / sizeof *attempts; ++i) {
    bool allowed = attempts[i].attempt();
    n_allowed += allowed;
    dprintf(STDOUT_FILENO, "%s %s\n", attempts[i].name, allowed ? "allowed" : "refused");
  }
  return n_allowed;
}
