#include "model/worker_pool.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/thread.h"
#include "model/sandbox.h"
#include "model/worker_start.h"

#define MOST_WORKERS 1024u
#define DEFAULT_WORKERS 4u
#define DEFAULT_MEMORY ((uint64_t)4 << 30)
#define DEFAULT_TIMEOUT_MS 60000u
#define DEFAULT_CPU_SECONDS 600u
#define START_TIMEOUT_MS 60000u

struct bf__worker {
  const bf_workers *workers; /* its options */
  bf__child child;
  bool is_busy; /* lent, or being started; changed under the pool's mutex only */
  uint32_t sequence;
  bf__writer request;
  uint8_t *packet; /* the last one received, of BF__MESSAGE_BYTES */
  bf__reader left; /* of it: replies not collected yet */
};

struct bf_workers {
  bf_workers_options options; /* defaults filled in */
  char *program;
  pthread_mutex_t mutex;
  pthread_cond_t freed;
  uint32_t n_started; /* under the mutex, as what the sandbox is */
  uint32_t sandbox;
  bf__worker *slots; /* [n_workers] */
};

/* ---- calls ---- */

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until the worker's socket can be read. False: the time is over. */
static bool wait_for(int socket, int64_t timeout_ms) {
  int64_t until = now_ms() + timeout_ms;
  for (;;) {
    int64_t left = until - now_ms();
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    int n = poll(&wait, 1, left > 0 ? (int)(left < INT32_MAX ? left : INT32_MAX) : 0);
    if (n > 0) return true; /* a packet, or the end: reading tells */
    if (n == 0 && left <= 0) return false;
    if (n < 0 && errno != EINTR) return true;
  }
}

bool bf__worker_is_alive(const bf__worker *worker) {
  return worker->child.pid > 0;
}

void bf__worker_end(bf__worker *worker) {
  int ended;
  bf__child_end(&worker->child, &ended);
  worker->left = (bf__reader){0};
}

/* Ends a worker that hung up, and says what it died of. */
static bf_status died(bf__worker *worker, bf_error *err) {
  const bf_workers_options *options = &worker->workers->options;
  int ended = -1;
  /* Between its last packet and its end there may be a moment. */
  for (int i = 0; i < 200 && worker->child.pid > 0; ++i) {
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PID, (id_t)worker->child.pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  bf__child_end(&worker->child, &ended);
  worker->left = (bf__reader){0};
  if (ended >= 0 && WIFSIGNALED(ended)) {
    int signal = WTERMSIG(ended);
    if (signal == SIGXCPU)
      return bf__error(err, BF_ERR_LIMIT, "it used more than its %u s of CPU time", options->cpu_seconds);
    if (signal == SIGKILL)
      return bf__error(err, BF_ERR_LIMIT, "the system ended its worker, probably for want of memory");
    return bf__error(err, BF_ERR_FORMAT, "it brought its worker down (%s)", strsignal(signal));
  }
  return bf__error(err, BF_ERR_FORMAT, "its worker ended in the middle of it (exit code %d)",
                   ended >= 0 ? WEXITSTATUS(ended) : -1);
}

bf__writer *bf__worker_request(bf__worker *worker, bf__request_sort sort) {
  bf__request_begin(&worker->request, sort, ++worker->sequence);
  return &worker->request;
}

/* The next packet of replies. */
static bf_status receive_packet(bf__worker *worker, uint32_t timeout_ms, uint32_t times, bf_error *err) {
  size_t n = 0;
  size_t n_fds = 0;
  if (worker->packet == NULL) worker->packet = bf__alloc(BF__MESSAGE_BYTES, 1);
  if (worker->packet == NULL) {
    bf__worker_end(worker);
    return bf__error_memory(err, BF__MESSAGE_BYTES);
  }
  if (!wait_for(worker->child.socket, (int64_t)timeout_ms * times)) {
    bf__worker_end(worker);
    return bf__error(err, BF_ERR_LIMIT, "it took longer than %u ms", timeout_ms);
  }
  if (!bf__message_receive(worker->child.socket, worker->packet, BF__MESSAGE_BYTES, &n, NULL, 0, &n_fds,
                           MSG_DONTWAIT)) {
    int number = errno;
    if (number == ECONNRESET) return died(worker, err);
    bf__worker_end(worker);
    return bf__error_errno(err, number, "reading a worker's reply");
  }
  if (n == 0) return died(worker, err);
  worker->left = bf__reader_of(worker->packet, n);
  return BF_OK;
}

/* The reply to a request, whatever it says. */
static bf_status receive(bf__worker *worker, uint32_t sequence, uint32_t timeout_ms, uint32_t times, bf__reply *out,
                         bf_error *err) {
  bf_status status = BF_OK;
  size_t n = 0;
  if (bf__reader_left(&worker->left) == 0) status = receive_packet(worker, timeout_ms, times, err);
  if (status != BF_OK) return status;
  const uint8_t *bytes = bf__reply_next(&worker->left, &n);
  if (bytes == NULL) status = bf__error(err, BF_ERR_CORRUPT, "the worker's reply is damaged: cut");
  if (status == BF_OK) status = bf__reply_parse(bytes, n, out, err);
  if (status == BF_OK && out->sequence != sequence) {
    bf__reply_deinit(out);
    status = bf__error(err, BF_ERR_CORRUPT, "the worker answers what was not asked");
  }
  if (status != BF_OK) bf__worker_end(worker);
  return status;
}

uint32_t bf__worker_sequence(const bf__worker *worker) {
  return worker->sequence;
}

static bf_status ended_before(bf_error *err) {
  return bf__error(err, BF_ERR_IO, "its worker has ended before");
}

bf_status bf__worker_post(bf__worker *worker, const int *fds, size_t n_fds, bf_error *err) {
  const bf__writer *request = &worker->request;
  if (worker->child.pid <= 0) return ended_before(err);
  if (request->failed || request->size > BF__MESSAGE_BYTES) return bf__error_memory(err, request->size);
  /* A worker that reads has room for a packet a slot. */
  return bf__message_send(worker->child.socket, request->data, request->size, fds, n_fds, MSG_DONTWAIT)
             ? BF_OK
             : died(worker, err);
}

bf_status bf__worker_collect(bf__worker *worker, uint32_t sequence, bf__patience patience, bf__reply_sort wanted,
                             bf__reply_sort or_else, bf__reply *out, bf_error *err) {
  const bf_workers_options *options = &worker->workers->options;
  *out = (bf__reply){0};
  if (worker->child.pid <= 0) return ended_before(err);
  uint32_t timeout_ms = patience == BF__PATIENCE_LOAD ? options->load_timeout_ms : options->batch_timeout_ms;
  bf_status status = receive(worker, sequence, timeout_ms, patience == BF__PATIENCE_TWO_BATCHES ? 2 : 1, out, err);
  if (status != BF_OK) return status;
  if (out->sort == wanted || out->sort == or_else) return BF_OK;
  if (out->sort == BF__REPLY_FAILED) {
    status = bf__error(err, out->status, "%s", out->text);
    if (err != NULL) err->native_code = out->native_code;
    /* What it allocated up to its limit may be in pieces: the next model deserves a fresh process. */
    if (status == BF_ERR_LIMIT) bf__worker_end(worker);
  } else {
    status = bf__error(err, BF_ERR_CORRUPT, "the worker answers what was not asked");
    bf__worker_end(worker);
  }
  bf__reply_deinit(out);
  return status;
}

/* ---- starting ---- */

static bf_status greet(bf__worker *worker, uint32_t *sandbox, bf_error *err) {
  bf__reply reply;
  worker->sequence = 0;
  bf_error why = {.code = BF_OK};
  bf_status status = receive(worker, 0, START_TIMEOUT_MS, 1, &reply, &why);
  if (status != BF_OK) return bf__error(err, BF_ERR_IO, "the worker that runs models does not start: %s", why.message);
  if (reply.sort == BF__REPLY_FAILED) {
    status = bf__error(err, reply.status, "%s", reply.text);
  } else if (reply.sort != BF__REPLY_READY || reply.protocol != BF__WORKER_PROTOCOL) {
    status = bf__error(err, BF_ERR_UNSUPPORTED, "bestfit-worker is of another version than this library");
  }
  *sandbox = reply.sandbox;
  bf__reply_deinit(&reply);
  if (status != BF_OK) bf__worker_end(worker);
  return status;
}

static double cpu_seconds_of(pid_t pid) {
  clockid_t clock;
  struct timespec t;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* What it has used and a model's share: beyond that the kernel ends it with SIGXCPU. Only the soft limit is set, for a
 * hard one could not be raised for the next model; the worker cannot raise it, nor catch the signal. */
static void limit_cpu(const bf__worker *worker) {
  struct rlimit limit;
  if (prlimit(worker->child.pid, RLIMIT_CPU, NULL, &limit) != 0) return;
  rlim_t most = (rlim_t)ceil(cpu_seconds_of(worker->child.pid)) + worker->workers->options.cpu_seconds;
  limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
  prlimit(worker->child.pid, RLIMIT_CPU, &limit, NULL);
}

/* Whether an idle worker is as it should be: alive and silent. */
static bool is_sound(const bf__worker *worker) {
  struct pollfd wait = {.fd = worker->child.socket, .events = POLLIN};
  return poll(&wait, 1, 0) == 0;
}

/* A slot that is idle, with a process if there is one; NULL: all are busy. Called with the mutex held. */
static bf__worker *choose(bf_workers *workers) {
  bf__worker *empty = NULL;
  for (uint32_t i = 0; i < workers->options.n_workers; ++i) {
    bf__worker *slot = &workers->slots[i];
    if (slot->is_busy) continue;
    if (slot->child.pid > 0) return slot;
    if (empty == NULL) empty = slot;
  }
  return empty;
}

static bf_status start(bf_workers *workers, bf__worker *worker, bf_error *err) {
  uint32_t sandbox = 0;
  bf_status status = bf__child_start(workers->program, workers->options.memory_bytes, &worker->child, err);
  if (status == BF_OK) status = greet(worker, &sandbox, err);
  if (status != BF_OK) return status;
  pthread_mutex_lock(&workers->mutex);
  workers->n_started++;
  workers->sandbox = sandbox;
  pthread_mutex_unlock(&workers->mutex);
  return BF_OK;
}

bf_status bf__workers_acquire(bf_workers *workers, bf__worker **out, bf_error *err) {
  bf_status status = BF_OK;
  bf__worker *worker = NULL;
  *out = NULL;
  pthread_mutex_lock(&workers->mutex);
  while ((worker = choose(workers)) == NULL) pthread_cond_wait(&workers->freed, &workers->mutex);
  worker->is_busy = true;
  pthread_mutex_unlock(&workers->mutex);
  if (worker->child.pid > 0 && !is_sound(worker)) bf__worker_end(worker);
  if (worker->child.pid <= 0) status = start(workers, worker, err);
  if (status != BF_OK) {
    bf__workers_release(workers, worker);
    return status;
  }
  limit_cpu(worker);
  *out = worker;
  return BF_OK;
}

void bf__workers_release(bf_workers *workers, bf__worker *worker) {
  if (worker == NULL) return;
  pthread_mutex_lock(&workers->mutex);
  worker->is_busy = false;
  pthread_cond_signal(&workers->freed);
  pthread_mutex_unlock(&workers->mutex);
}

uint64_t bf__workers_memory_bytes(const bf_workers *workers) {
  return workers->options.memory_bytes;
}

/* ---- the pool ---- */

static void fill_defaults(const bf_workers_options *given, bf_workers_options *o) {
  size_t known = given != NULL && given->struct_size < sizeof *o ? given->struct_size : sizeof *o;
  *o = (bf_workers_options)BF_WORKERS_OPTIONS_INIT;
  if (given != NULL) memcpy(o, given, known);
  o->struct_size = sizeof *o;
  uint32_t cores = bf__cores();
  if (o->n_workers == 0) o->n_workers = cores < DEFAULT_WORKERS ? cores : DEFAULT_WORKERS;
  if (o->n_workers > MOST_WORKERS) o->n_workers = MOST_WORKERS;
  if (o->memory_bytes == 0) o->memory_bytes = DEFAULT_MEMORY;
  if (o->load_timeout_ms == 0) o->load_timeout_ms = DEFAULT_TIMEOUT_MS;
  if (o->batch_timeout_ms == 0) o->batch_timeout_ms = DEFAULT_TIMEOUT_MS;
  if (o->cpu_seconds == 0) o->cpu_seconds = DEFAULT_CPU_SECONDS;
}

bf_status bf_workers_create(const bf_workers_options *options, bf_workers **out, bf_error *err) {
  bf_status status = BF_OK;
  bf__worker *first = NULL;
  bf__error_clear(err);
  *out = NULL;
  bf_workers *workers = bf__alloc(1, sizeof *workers);
  if (workers == NULL) return bf__error_memory(err, sizeof *workers);
  pthread_mutex_init(&workers->mutex, NULL);
  pthread_cond_init(&workers->freed, NULL);
  fill_defaults(options, &workers->options);
  BF_TRY(bf__worker_program(&workers->program, err));
  workers->slots = bf__alloc(workers->options.n_workers, sizeof *workers->slots);
  if (workers->slots == NULL) {
    status = bf__error_memory(err, workers->options.n_workers * sizeof *workers->slots);
    goto out;
  }
  for (uint32_t i = 0; i < workers->options.n_workers; ++i) {
    workers->slots[i].workers = workers;
    workers->slots[i].child = (bf__child)BF__CHILD_INIT;
  }
  /* One at once, so that what is missing is said here and not of every model. */
  BF_TRY(bf__workers_acquire(workers, &first, err));
  bf__workers_release(workers, first);
  *out = workers;
  workers = NULL;
out:
  bf_workers_free(workers);
  return status;
}

void bf_workers_free(bf_workers *workers) {
  if (workers == NULL) return;
  for (uint32_t i = 0; workers->slots != NULL && i < workers->options.n_workers; ++i) {
    bf__worker_end(&workers->slots[i]);
    bf__writer_deinit(&workers->slots[i].request);
    free(workers->slots[i].packet);
  }
  pthread_cond_destroy(&workers->freed);
  pthread_mutex_destroy(&workers->mutex);
  free(workers->slots);
  free(workers->program);
  free(workers);
}

uint32_t bf_workers_started(const bf_workers *workers) {
  pthread_mutex_t *mutex = (pthread_mutex_t *)(uintptr_t)&workers->mutex; /* logically constant */
  pthread_mutex_lock(mutex);
  uint32_t n = workers->n_started;
  pthread_mutex_unlock(mutex);
  return n;
}

uint32_t bf_workers_count(const bf_workers *workers) {
  return workers->options.n_workers;
}

const char *bf_workers_sandbox(const bf_workers *workers) {
  switch (workers->sandbox) {
    case BF__SANDBOX_ALL:
      return "seccomp, landlock, memory limit";
    case BF__SANDBOX_SECCOMP | BF__SANDBOX_LANDLOCK:
      return "seccomp, landlock; no memory limit in this build";
    case BF__SANDBOX_SECCOMP | BF__SANDBOX_MEMORY:
      return "seccomp, memory limit; this kernel has no landlock";
    default:
      return "seccomp; no landlock, no memory limit";
  }
}
