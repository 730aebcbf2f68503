/* The worker: loads ONNX Runtime, gives up everything it does not need (sandbox.c), and then answers requests.
 *
 * It holds one model at a time. Its host starts it with two descriptors: 3, the conversation, and 4, a pipe of which
 * the host holds the other end and never writes to. When the host dies the pipe closes and the kernel ends the worker
 * with SIGIO, in the middle of a model's endless loop too. (PR_SET_PDEATHSIG would end it with the thread that started
 * it, which in a pool is not the one that uses it.)
 */
#include <bestfit/model.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "model/runtime_onnx.h"
#include "model/sandbox.h"
#include "model/shared_memory.h"
#include "model/worker_main.h"
#include "model/worker_protocol.h"

enum { EXIT_USAGE = 2, EXIT_REFUSED = 3 };

typedef struct slot {
  bf__shared inputs[BF__MAX_PORTS]; /* one an input; made anew by the host to grow */
  bf__shared outputs;
} slot;

typedef struct worker {
  bf__ort *ort;
  bf__ort_model *model;
  bf__shared files; /* external data stay mapped as long as the model */
  slot slots[BF__WORKER_SLOTS];
  bf_string *strings[BF__MAX_PORTS];
  bf__writer reply; /* a packet: those held back, and the one being written */
  size_t start;     /* where that starts */
  bool is_quiet;
  uint32_t sequence;
  int fds[BF__MESSAGE_FDS];
  size_t n_fds, next_fd;
} worker;

static int next_fd(worker *w) {
  return w->next_fd < w->n_fds ? w->fds[w->next_fd++] : -1;
}

static void unload(worker *w) {
  bf__ort_unload(w->model);
  w->model = NULL;
  bf__shared_deinit(&w->files);
  for (size_t k = 0; k < BF__WORKER_SLOTS; ++k) {
    bf__shared_deinit(&w->slots[k].outputs);
    for (size_t i = 0; i < BF__MAX_PORTS; ++i) bf__shared_deinit(&w->slots[k].inputs[i]);
  }
  for (size_t i = 0; i < BF__MAX_PORTS; ++i) {
    free(w->strings[i]);
    w->strings[i] = NULL;
  }
}

/* ---- requests ---- */

static bf_status misread(bf_error *err) {
  return bf__error(err, BF_ERR_INTERNAL, "the worker does not understand its host: are both of one version?");
}

static bf_status read_table(const bf__shared *shared, size_t table_bytes, bf_model_file **out, size_t *n_out,
                            bf_error *err) {
  bf__reader r = bf__reader_of(shared->bytes, table_bytes);
  uint32_t n = bf__read_u32(&r);
  if (r.failed || n == 0 || n > table_bytes) return misread(err);
  bf_model_file *files = bf__alloc(n, sizeof *files);
  if (files == NULL) return bf__error_memory(err, n * sizeof *files);
  *out = files;
  *n_out = n;
  for (uint32_t i = 0; i < n; ++i) {
    size_t length = bf__read_u16(&r);
    const uint8_t *name = bf__read(&r, length);
    uint64_t offset = bf__read_u64(&r);
    uint64_t n_bytes = bf__read_u64(&r);
    if (r.failed || offset > shared->n_bytes || n_bytes > shared->n_bytes - offset) return misread(err);
    files[i].name = bf__strndup((const char *)name, length);
    if (files[i].name == NULL) return bf__error_memory(err, length);
    files[i].bytes = shared->bytes + offset;
    files[i].n_bytes = (size_t)n_bytes;
  }
  return BF_OK;
}

static bf_status load(worker *w, bf__reader *r, bf_error *err) {
  bf_status status = BF_OK;
  bf_model_file *files = NULL;
  size_t n_files = 0;
  uint64_t n_bytes = bf__read_u64(r);
  uint64_t table_bytes = bf__read_u64(r);
  unload(w);
  int fd = next_fd(w);
  if (r->failed || fd < 0 || table_bytes > n_bytes) return misread(err);
  BF_TRY(bf__shared_map(fd, (size_t)n_bytes, false, &w->files, err));
  BF_TRY(read_table(&w->files, (size_t)table_bytes, &files, &n_files, err));
  BF_TRY(bf__ort_load(w->ort, files, n_files, &w->model, err));
  if (n_files == 1) bf__shared_deinit(&w->files);
  bf__reply_begin(&w->reply, BF__REPLY_SIGNATURE, w->sequence);
  bf__signature_write(&w->reply, bf__ort_signature(w->model));
  if (w->reply.size > BF__MESSAGE_BYTES / 2)
    status = bf__error(err, BF_ERR_UNSUPPORTED, "the names of its inputs and outputs are too long");
out:
  for (size_t i = 0; i < n_files; ++i) free((void *)(uintptr_t)files[i].name);
  free(files);
  if (status != BF_OK) unload(w);
  return status;
}

/* A tensor of strings: u32 lengths, then the bytes. */
static bf_status read_strings(worker *w, bf__tensor *tensor, const bf__shared *memory, bf_error *err) {
  size_t n = 1;
  for (uint32_t d = 0; d < tensor->n_dims; ++d)
    if (!bf__mul(n, (size_t)tensor->dims[d], &n)) return misread(err);
  if (n > tensor->n_bytes / 4) return misread(err);
  bf_string *strings = bf__realloc(w->strings[tensor->input], n, sizeof *strings);
  if (strings == NULL) return bf__error(err, BF_ERR_LIMIT, "%zu strings do not fit into memory", n);
  w->strings[tensor->input] = strings;
  bf__reader lengths = bf__reader_of(memory->bytes, 4 * n);
  bf__reader bytes = bf__reader_of(memory->bytes + 4 * n, tensor->n_bytes - 4 * n);
  for (size_t i = 0; i < n; ++i) {
    strings[i].n_bytes = bf__read_u32(&lengths);
    strings[i].bytes = (const char *)bf__read(&bytes, strings[i].n_bytes);
    if (strings[i].bytes == NULL) return misread(err);
  }
  tensor->strings = strings;
  tensor->data = NULL;
  return BF_OK;
}

static bf_status replace_memory(worker *w, uint64_t n_bytes, bool writable, bf__shared *memory, bf_error *err) {
  int fd = next_fd(w);
  bf__shared_deinit(memory);
  return fd < 0 ? misread(err) : bf__shared_map(fd, (size_t)n_bytes, writable, memory, err);
}

static bf_status read_tensor(worker *w, slot *place, bf__reader *r, bf__tensor *tensor, bf_error *err) {
  tensor->input = bf__read_u32(r);
  tensor->type = (bf__element)bf__read_u8(r);
  uint8_t is_new = bf__read_u8(r);
  uint64_t memory_bytes = bf__read_u64(r);
  uint64_t tensor_bytes = bf__read_u64(r);
  tensor->n_dims = bf__read_u8(r);
  if (r->failed || tensor->input >= BF__MAX_PORTS || tensor->n_dims > BF__MAX_DIMS) return misread(err);
  for (uint32_t d = 0; d < tensor->n_dims; ++d) {
    tensor->dims[d] = (int64_t)bf__read_u64(r);
    if (tensor->dims[d] < 0) return misread(err);
  }
  bf__shared *memory = &place->inputs[tensor->input];
  if (is_new != 0) {
    bf_status status = replace_memory(w, memory_bytes, false, memory, err);
    if (status != BF_OK) return status;
  }
  if (memory->bytes == NULL || tensor_bytes > memory->n_bytes) return misread(err);
  tensor->data = memory->bytes;
  tensor->n_bytes = (size_t)tensor_bytes;
  return tensor->type == BF__ELEMENT_STRING ? read_strings(w, tensor, memory, err) : BF_OK;
}

/* Puts a result into the memory for outputs, or asks for more. */
static bf_status give_result(worker *w, const slot *place, const bf__ort_result *result, bf_error *err) {
  size_t values_bytes = result->n_values * sizeof(float);
  size_t n_bytes = values_bytes + result->names_bytes;
  if (n_bytes > BF__MOST_OUTPUT_BYTES) return bf__error(err, BF_ERR_LIMIT, "an output of %zu bytes", n_bytes);
  if (n_bytes > place->outputs.n_bytes) {
    bf__reply_begin(&w->reply, BF__REPLY_GROW, w->sequence);
    bf__write_u64(&w->reply, n_bytes);
    return BF_OK;
  }
  if (values_bytes > 0) memcpy(place->outputs.bytes, result->values, values_bytes);
  if (result->names_bytes > 0) memcpy(place->outputs.bytes + values_bytes, result->names, result->names_bytes);
  bf__reply_begin(&w->reply, BF__REPLY_RESULT, w->sequence);
  bf__write_u8(&w->reply, (uint8_t)result->n_dims);
  for (uint32_t d = 0; d < result->n_dims; ++d) bf__write_u64(&w->reply, (uint64_t)result->dims[d]);
  bf__write_u32(&w->reply, (uint32_t)result->n_names);
  bf__write_u64(&w->reply, result->names_bytes);
  return BF_OK;
}

static bf_status run(worker *w, bf__reader *r, bf_error *err) {
  bf_status status = BF_OK;
  static const bf__tensor none = {0};
  bf__tensor tensors[BF__MAX_PORTS];
  bf__ort_result result;
  uint8_t number = bf__read_u8(r);
  bool is_quiet = bf__read_u8(r) != 0;
  uint32_t output = bf__read_u32(r);
  uint8_t is_new = bf__read_u8(r);
  uint64_t outputs_bytes = bf__read_u64(r);
  uint32_t n = bf__read_u32(r);
  if (r->failed || number >= BF__WORKER_SLOTS || n > BF__MAX_PORTS || w->model == NULL) return misread(err);
  slot *place = &w->slots[number];
  if (is_new != 0) BF_TRY(replace_memory(w, outputs_bytes, true, &place->outputs, err));
  for (uint32_t i = 0; i < n; ++i) {
    tensors[i] = none;
    BF_TRY(read_tensor(w, place, r, &tensors[i], err));
  }
  BF_TRY(bf__ort_run(w->model, tensors, n, output, &result, err));
  BF_TRY(give_result(w, place, &result, err));
  w->is_quiet = is_quiet && w->start < BF__MESSAGE_BYTES / 2;
out:
  return status;
}

static bf_status answer(worker *w, bf__reader *r, uint8_t sort, bf_error *err) {
  switch (sort) {
    case BF__REQUEST_LOAD:
      return load(w, r, err);
    case BF__REQUEST_RUN:
      return run(w, r, err);
    case BF__REQUEST_UNLOAD:
      unload(w);
      malloc_trim(0); /* the next model has the whole limit */
      bf__reply_begin(&w->reply, BF__REPLY_DONE, w->sequence);
      return BF_OK;
    default:
      return misread(err);
  }
}

static void write_failure(worker *w, const bf_error *failure) {
  size_t n = strlen(failure->message);
  w->reply.size = w->start;
  bf__reply_begin(&w->reply, BF__REPLY_FAILED, w->sequence);
  bf__write_u32(&w->reply, (uint32_t)failure->code);
  bf__write_u32(&w->reply, (uint32_t)failure->native_code);
  bf__write_u16(&w->reply, (uint16_t)n);
  bf__write(&w->reply, failure->message, n);
}

/* All that is held, unless the last one is to be held, too. */
static bool send_replies(worker *w) {
  bf__reply_end(&w->reply, w->start);
  if (w->is_quiet) return true;
  bool sent = !w->reply.failed && bf__message_send(BF__WORKER_SOCKET, w->reply.data, w->reply.size, NULL, 0, 0);
  w->reply.size = 0;
  return sent;
}

/* Requests until the host hangs up. */
static void serve(worker *w) {
  static uint8_t request[BF__MESSAGE_BYTES];
  size_t n = 0;
  while (bf__message_receive(BF__WORKER_SOCKET, request, sizeof request, &n, w->fds, BF__MESSAGE_FDS, &w->n_fds, 0) &&
         n > 0) {
    bf_error failure = {.code = BF_OK};
    bf__reader r = bf__reader_of(request, n);
    uint8_t sort = bf__read_u8(&r);
    w->sequence = bf__read_u32(&r);
    w->next_fd = 0;
    w->start = w->reply.size;
    w->is_quiet = false;
    if (answer(w, &r, sort, &failure) != BF_OK) write_failure(w, &failure);
    while (w->next_fd < w->n_fds) close(w->fds[w->next_fd++]);
    if (!send_replies(w)) return;
  }
}

/* ---- start ---- */

/* The kernel ends this process when the host's end of the pipe closes. */
static bool hold_lifeline(void) {
  return fcntl(BF__WORKER_LIFELINE, F_SETOWN, getpid()) == 0 &&
         fcntl(BF__WORKER_LIFELINE, F_SETFL, O_ASYNC | O_NONBLOCK) == 0;
}

static bf_status start(worker *w, uint64_t memory_bytes, uint32_t wanted, uint32_t *held, bf_error *err) {
  bf_status status = BF_OK;
  w->files = (bf__shared)BF__SHARED_INIT;
  for (size_t k = 0; k < BF__WORKER_SLOTS; ++k) {
    w->slots[k].outputs = (bf__shared)BF__SHARED_INIT;
    for (size_t i = 0; i < BF__MAX_PORTS; ++i) w->slots[k].inputs[i] = (bf__shared)BF__SHARED_INIT;
  }
  BF_TRY(bf__ort_create(&w->ort, err));
  /* Room for replies now: none has to be made when memory is short. */
  w->reply.data = bf__alloc(BF__MESSAGE_BYTES, 1);
  if (w->reply.data == NULL) {
    status = bf__error_memory(err, BF__MESSAGE_BYTES);
    goto out;
  }
  w->reply.capacity = BF__MESSAGE_BYTES;
  BF_TRY(bf__sandbox_enter(memory_bytes, wanted, held, err));
out:
  return status;
}

static int work(uint64_t memory_bytes) {
  static worker w;
  bf_error failure = {.code = BF_OK};
  uint32_t held = 0;
  if (close_range(BF__WORKER_LIFELINE + 1, ~0U, 0) != 0 && errno != ENOSYS) return EXIT_REFUSED;
  if (!hold_lifeline()) return EXIT_REFUSED;
  bf_status status = start(&w, memory_bytes, BF__SANDBOX_ALL, &held, &failure);
  if (status == BF_OK) {
    const char *version = bf__ort_version(w.ort);
    bf__reply_begin(&w.reply, BF__REPLY_READY, 0);
    bf__write_u32(&w.reply, BF__WORKER_PROTOCOL);
    bf__write_u32(&w.reply, held);
    bf__write_u16(&w.reply, (uint16_t)strlen(version));
    bf__write(&w.reply, version, strlen(version));
  } else {
    write_failure(&w, &failure);
  }
  if (send_replies(&w) && status == BF_OK) serve(&w);
  _exit(status == BF_OK ? 0 : EXIT_REFUSED); /* no destructors: nothing they do is needed, or allowed */
}

static int self_test(const char *parts) {
  static worker w;
  bf_error failure = {.code = BF_OK};
  uint32_t held = 0;
  uint32_t wanted = strcmp(parts, "all") == 0        ? BF__SANDBOX_ALL
                    : strcmp(parts, "seccomp") == 0  ? BF__SANDBOX_SECCOMP
                    : strcmp(parts, "landlock") == 0 ? BF__SANDBOX_LANDLOCK
                                                     : 0;
  if (start(&w, (uint64_t)1 << 30, wanted, &held, &failure) != BF_OK) {
    dprintf(STDERR_FILENO, "bestfit-worker: %s\n", failure.message);
    _exit(EXIT_REFUSED);
  }
  dprintf(STDOUT_FILENO, "holds%s%s%s\n", (held & BF__SANDBOX_SECCOMP) != 0 ? " seccomp" : "",
          (held & BF__SANDBOX_LANDLOCK) != 0 ? " landlock" : "", (held & BF__SANDBOX_MEMORY) != 0 ? " memory" : "");
  int n_allowed = bf__sandbox_try();
  _exit(n_allowed == 0 ? 0 : 1);
}

int bf_worker_main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--serve") == 0) return work(strtoull(argv[2], NULL, 10));
  if (argc == 3 && strcmp(argv[1], "--self-test") == 0) return self_test(argv[2]);
  if (argc == 5 && strcmp(argv[1], "--bare") == 0) return bf__worker_bare(argv + 2);
  dprintf(STDERR_FILENO,
          "bestfit-worker runs models in a sandbox; bestfit starts it.\n"
          "  bestfit-worker --self-test all|seccomp|landlock|none   tries what the sandbox must refuse\n"
          "  bestfit-worker --bare MODEL ROWS CALLS                        seconds a batch without sandbox and host, "
          "of calls of 8\n");
  return EXIT_USAGE;
}
