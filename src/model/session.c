/* One model in one worker: its files and tensors go over shared memory, its outputs come back the same way.
 *
 * Every input has memory of its own, so that the caller can fill several in any order, and one that grows does not move
 * the others. Outputs have one; when they do not fit, the worker says how much it needs. All of it exists once a slot:
 * while the worker runs one batch, the next are filled and posted, so that it never waits for its host to wake up,
 * which costs more than a small batch.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/shared_memory.h"
#include "model/signature.h"
#include "model/worker_pool.h"

#define FILE_ALIGNMENT 64u
#define LEAST_OUTPUT_BYTES ((size_t)1 << 20) /* address space: memory is used where it is written */

typedef struct input {
  bf__shared memory;
  bool is_new; /* the worker has not got its descriptor yet */
  bool is_set; /* since the last run */
  bf__element type;
  uint32_t n_dims;
  int64_t dims[BF__MAX_DIMS];
  size_t n_bytes;
} input;

/* A run on its way, or the next to be. */
typedef struct slot {
  input inputs[BF__MAX_PORTS];
  bf__shared outputs;
  bool outputs_are_new;
  size_t output;
  uint32_t sequence;
  bool is_quiet;
  bool has_reply; /* that was collected ahead of its turn */
  bf__reply reply;
} slot;
_Static_assert(BF__RUNS_AHEAD == BF__WORKER_SLOTS, "the worker has a slot for each");

struct bf__session {
  bf_workers *workers;
  bf__worker *worker;
  bf__signature signature;
  slot slots[BF__WORKER_SLOTS];
  size_t n_begun, n_finished; /* slot: number modulo BF__WORKER_SLOTS */
  char **names;               /* of the last result */
  uint8_t *names_copy;
};

static slot *slot_of(bf__session *session, size_t number) {
  return &session->slots[number % BF__WORKER_SLOTS];
}

/* ---- opening ---- */

static size_t align_up(size_t n) {
  return (n + FILE_ALIGNMENT - 1) / FILE_ALIGNMENT * FILE_ALIGNMENT;
}

/* The table of files, and the size of it and of all that follows. Sizes are those of memory that exists: their sum
 * cannot overflow. */
static bf_status write_table(const bf_model_file *files, size_t n_files, bf__writer *table, size_t *n_bytes,
                             bf_error *err) {
  size_t table_bytes = 4;
  for (size_t i = 0; i < n_files; ++i) {
    size_t n = strlen(files[i].name);
    if (n > UINT16_MAX) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a file name of %zu bytes", n);
    table_bytes += n + 18;
  }
  size_t offset = align_up(table_bytes);
  bf__write_u32(table, (uint32_t)n_files);
  for (size_t i = 0; i < n_files; ++i) {
    size_t n = strlen(files[i].name);
    bf__write_u16(table, (uint16_t)n);
    bf__write(table, files[i].name, n);
    bf__write_u64(table, offset);
    bf__write_u64(table, files[i].n_bytes);
    offset = align_up(offset + files[i].n_bytes);
  }
  *n_bytes = offset;
  return table->failed ? bf__error_memory(err, table_bytes) : BF_OK;
}

static bf_status share_files(const bf_model_file *files, size_t n_files, bf__shared *out, size_t *table_bytes,
                             bf_error *err) {
  bf_status status = BF_OK;
  bf__writer table = {0};
  size_t n_bytes = 0;
  BF_TRY(write_table(files, n_files, &table, &n_bytes, err));
  *table_bytes = table.size;
  BF_TRY(bf__shared_create(n_bytes, out, err));
  memcpy(out->bytes, table.data, table.size);
  size_t offset = align_up(table.size);
  for (size_t i = 0; i < n_files; ++i) {
    if (files[i].n_bytes > 0) memcpy(out->bytes + offset, files[i].bytes, files[i].n_bytes);
    offset = align_up(offset + files[i].n_bytes);
  }
out:
  bf__writer_deinit(&table);
  return status;
}

bf_status bf__session_open(bf_workers *workers, const bf_model_file *files, size_t n_files, bf__session **out,
                           bf_error *err) {
  bf_status status = BF_OK;
  bf__shared shared = BF__SHARED_INIT;
  bf__reply reply = {0};
  size_t table_bytes = 0;
  *out = NULL;
  if (n_files == 0) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a model without a file");
  bf__session *session = bf__alloc(1, sizeof *session);
  if (session == NULL) return bf__error_memory(err, sizeof *session);
  session->workers = workers;
  for (size_t k = 0; k < BF__WORKER_SLOTS; ++k) {
    session->slots[k].outputs = (bf__shared)BF__SHARED_INIT;
    for (size_t i = 0; i < BF__MAX_PORTS; ++i) session->slots[k].inputs[i].memory = (bf__shared)BF__SHARED_INIT;
  }
  BF_TRY(share_files(files, n_files, &shared, &table_bytes, err));
  BF_TRY(bf__workers_acquire(workers, &session->worker, err));
  bf__writer *request = bf__worker_request(session->worker, BF__REQUEST_LOAD);
  bf__write_u64(request, shared.n_bytes);
  bf__write_u64(request, table_bytes);
  BF_TRY(bf__worker_post(session->worker, &shared.fd, 1, err));
  BF_TRY(bf__worker_collect(session->worker, bf__worker_sequence(session->worker), BF__PATIENCE_LOAD,
                            BF__REPLY_SIGNATURE, BF__REPLY_SIGNATURE, &reply, err));
  session->signature = reply.signature; /* moved */
  *out = session;
  session = NULL;
out:
  bf__shared_deinit(&shared);
  bf__session_close(session);
  return status;
}

/* The reply to a slot's run, the oldest that has none. */
static bf_status collect(bf__session *session, slot *s, bf_error *err) {
  bf_status status =
      bf__worker_collect(session->worker, s->sequence, s->is_quiet ? BF__PATIENCE_TWO_BATCHES : BF__PATIENCE_BATCH,
                         BF__REPLY_RESULT, BF__REPLY_GROW, &s->reply, err);
  s->has_reply = status == BF_OK;
  return status;
}

/* What is on its way is waited for, so that the worker is free for the next model. */
static bf_status unload(bf__session *session) {
  bf_status status = BF_OK;
  bf__reply reply;
  if (!bf__worker_is_alive(session->worker)) return BF_OK;
  bf__worker_request(session->worker, BF__REQUEST_UNLOAD); /* lets replies go that are held back */
  BF_TRY(bf__worker_post(session->worker, NULL, 0, NULL));
  for (; session->n_finished < session->n_begun; session->n_finished++) {
    slot *s = slot_of(session, session->n_finished);
    if (s->has_reply) continue;
    (void)collect(session, s, NULL); /* a refusal is an answer, too; one that died shows below */
  }
  BF_TRY(bf__worker_collect(session->worker, bf__worker_sequence(session->worker), BF__PATIENCE_BATCH, BF__REPLY_DONE,
                            BF__REPLY_DONE, &reply, NULL));
  bf__reply_deinit(&reply);
out:
  return status;
}

void bf__session_close(bf__session *session) {
  if (session == NULL) return;
  if (session->worker != NULL) {
    if (unload(session) != BF_OK) bf__worker_end(session->worker);
    bf__workers_release(session->workers, session->worker);
  }
  for (size_t k = 0; k < BF__WORKER_SLOTS; ++k) {
    bf__shared_deinit(&session->slots[k].outputs);
    for (size_t i = 0; i < BF__MAX_PORTS; ++i) bf__shared_deinit(&session->slots[k].inputs[i].memory);
  }
  bf__signature_deinit(&session->signature);
  free(session->names);
  free(session->names_copy);
  free(session);
}

const bf__signature *bf__session_signature(const bf__session *session) {
  return &session->signature;
}

/* ---- inputs ---- */

/* Makes room for an input's tensor and notes its shape. *n_elements: their product. */
static bf_status begin_input(bf__session *session, size_t i, bf__element type, const int64_t *dims, uint32_t n_dims,
                             size_t *n_elements, bf_error *err) {
  *n_elements = 1;
  if (i >= session->signature.n_inputs || n_dims > BF__MAX_DIMS)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "input %zu of %zu, with %u dimensions", i,
                     session->signature.n_inputs, n_dims);
  if (session->n_begun - session->n_finished >= BF__WORKER_SLOTS)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%u runs are on their way: finish one first", BF__WORKER_SLOTS);
  input *in = &slot_of(session, session->n_begun)->inputs[i];
  in->is_set = false;
  for (uint32_t d = 0; d < n_dims; ++d) {
    if (dims[d] < 0 || !bf__mul(*n_elements, (size_t)dims[d], n_elements))
      return bf__error(err, BF_ERR_INVALID_ARGUMENT, "input %zu has an impossible shape", i);
    in->dims[d] = dims[d];
  }
  in->n_dims = n_dims;
  in->type = type;
  return BF_OK;
}

static bf_status room_for(bf__session *session, size_t i, size_t n_bytes, bf_error *err) {
  input *in = &slot_of(session, session->n_begun)->inputs[i];
  uint64_t most = bf__workers_memory_bytes(session->workers);
  if (n_bytes > most)
    return bf__error(err, BF_ERR_LIMIT, "input %s of %zu bytes does not fit into a worker's %llu MiB",
                     session->signature.inputs[i].name, n_bytes, (unsigned long long)(most >> 20));
  in->n_bytes = n_bytes;
  if (n_bytes <= in->memory.n_bytes && in->memory.bytes != NULL) return BF_OK;
  bf__shared_deinit(&in->memory);
  bf_status status = bf__shared_create(n_bytes, &in->memory, err);
  in->is_new = status == BF_OK;
  return status;
}

static bf_status put_numbers(void *context, size_t i, bf__element type, const int64_t *dims, uint32_t n_dims,
                             void **out, bf_error *err) {
  bf_status status = BF_OK;
  bf__session *session = context;
  size_t n = 0;
  size_t n_bytes = 0;
  *out = NULL;
  BF_TRY(begin_input(session, i, type, dims, n_dims, &n, err));
  size_t size = bf__element_bytes(type);
  if (size == 0 || !bf__mul(n, size, &n_bytes)) {
    status = bf__error(err, BF_ERR_INVALID_ARGUMENT, "input %zu of type %s", i, bf__element_name(type));
    goto out;
  }
  BF_TRY(room_for(session, i, n_bytes, err));
  input *in = &slot_of(session, session->n_begun)->inputs[i];
  in->is_set = true;
  *out = in->memory.bytes;
out:
  return status;
}

static bf_status put_strings(void *context, size_t i, const int64_t *dims, uint32_t n_dims, const bf_string *strings,
                             bf_error *err) {
  bf_status status = BF_OK;
  bf__session *session = context;
  size_t n = 0;
  size_t n_bytes = 0;
  BF_TRY(begin_input(session, i, BF__ELEMENT_STRING, dims, n_dims, &n, err));
  bool fits = bf__mul(n, 4, &n_bytes);
  for (size_t k = 0; k < n && fits; ++k) fits = bf__add(n_bytes, strings[k].n_bytes, &n_bytes);
  if (!fits) {
    status = bf__error_memory(err, SIZE_MAX);
    goto out;
  }
  BF_TRY(room_for(session, i, n_bytes, err));
  input *in = &slot_of(session, session->n_begun)->inputs[i];
  uint8_t *lengths = in->memory.bytes;
  uint8_t *bytes = lengths + 4 * n;
  for (size_t k = 0; k < n; ++k) {
    uint32_t length = strings[k].n_bytes;
    for (unsigned b = 0; b < 4; ++b) *lengths++ = (uint8_t)(length >> (8 * b));
    if (length > 0) memcpy(bytes, strings[k].bytes, length);
    bytes += length;
  }
  in->is_set = true;
out:
  return status;
}

bf__sink bf__session_sink(bf__session *session) {
  return (bf__sink){.context = session, .numbers = put_numbers, .strings = put_strings};
}

/* ---- running ---- */

/* Room for outputs before they are known: what the signature tells, and something for what it does not. */
static size_t guess_output_bytes(const bf__session *session, const slot *s) {
  const bf__port *port = &session->signature.outputs[s->output];
  size_t n = sizeof(float);
  bool fits = true;
  for (uint32_t d = 0; d < port->n_dims; ++d) {
    const input *in = &s->inputs[0];
    int64_t rows = session->signature.n_inputs > 0 && in->n_dims > 0 ? in->dims[0] : 1;
    int64_t dim = port->dims[d] >= 0 ? port->dims[d] : d == 0 ? rows : 1;
    fits = fits && bf__mul(n, (size_t)dim, &n);
  }
  uint64_t most = bf__workers_memory_bytes(session->workers);
  if (!fits || n < LEAST_OUTPUT_BYTES) n = LEAST_OUTPUT_BYTES;
  return n <= most ? n : (size_t)most;
}

static bf_status make_outputs(const bf__session *session, slot *s, size_t n_bytes, bf_error *err) {
  uint64_t most = bf__workers_memory_bytes(session->workers);
  if (n_bytes > most)
    return bf__error(err, BF_ERR_LIMIT, "an output of %zu bytes does not fit into a worker's %llu MiB", n_bytes,
                     (unsigned long long)(most >> 20));
  bf__shared_deinit(&s->outputs);
  bf_status status = bf__shared_create(n_bytes, &s->outputs, err);
  s->outputs_are_new = status == BF_OK;
  return status;
}

/* Posts a slot's inputs, with the descriptors of memory that the worker does not have. */
static bf_status post_run(bf__session *session, size_t number, bf_error *err) {
  slot *s = slot_of(session, number);
  int fds[BF__MESSAGE_FDS];
  size_t n_fds = 0;
  bf__writer *request = bf__worker_request(session->worker, BF__REQUEST_RUN);
  if (s->outputs_are_new) fds[n_fds++] = s->outputs.fd;
  bf__write_u8(request, (uint8_t)(number % BF__WORKER_SLOTS));
  bf__write_u8(request, s->is_quiet);
  bf__write_u32(request, (uint32_t)s->output);
  bf__write_u8(request, s->outputs_are_new);
  bf__write_u64(request, s->outputs.n_bytes);
  bf__write_u32(request, (uint32_t)session->signature.n_inputs);
  for (size_t i = 0; i < session->signature.n_inputs; ++i) {
    const input *in = &s->inputs[i];
    if (in->is_new) fds[n_fds++] = in->memory.fd;
    bf__write_u32(request, (uint32_t)i);
    bf__write_u8(request, (uint8_t)in->type);
    bf__write_u8(request, in->is_new);
    bf__write_u64(request, in->memory.n_bytes);
    bf__write_u64(request, in->n_bytes);
    bf__write_u8(request, (uint8_t)in->n_dims);
    for (uint32_t d = 0; d < in->n_dims; ++d) bf__write_u64(request, (uint64_t)in->dims[d]);
  }
  s->sequence = bf__worker_sequence(session->worker);
  bf_status status = bf__worker_post(session->worker, fds, n_fds, err);
  if (s->outputs_are_new) bf__shared_close_fd(&s->outputs);
  s->outputs_are_new = false;
  for (size_t i = 0; i < session->signature.n_inputs; ++i) {
    if (s->inputs[i].is_new) bf__shared_close_fd(&s->inputs[i].memory);
    s->inputs[i].is_new = false;
  }
  return status;
}

bf_status bf__session_begin(bf__session *session, size_t output, bool is_quiet, bf_error *err) {
  bf_status status = BF_OK;
  slot *s = slot_of(session, session->n_begun);
  if (output >= session->signature.n_outputs || session->n_begun - session->n_finished >= BF__WORKER_SLOTS)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "output %zu of %zu, with %zu runs on their way", output,
                     session->signature.n_outputs, session->n_begun - session->n_finished);
  for (size_t i = 0; i < session->signature.n_inputs; ++i)
    if (!s->inputs[i].is_set)
      return bf__error(err, BF_ERR_MISMATCH, "input %.60s was given nothing", session->signature.inputs[i].name);
  s->output = output;
  s->is_quiet = is_quiet;
  s->has_reply = false;
  if (s->outputs.bytes == NULL) BF_TRY(make_outputs(session, s, guess_output_bytes(session, s), err));
  BF_TRY(post_run(session, session->n_begun, err));
  for (size_t i = 0; i < session->signature.n_inputs; ++i) s->inputs[i].is_set = false;
  session->n_begun++;
out:
  return status;
}

/* The oldest run did not fit: it is run again with the room it needs. What is behind it is answered first. */
static bf_status run_again(bf__session *session, bf_error *err) {
  bf_status status = BF_OK;
  slot *s = slot_of(session, session->n_finished);
  BF_TRY(make_outputs(session, s, s->reply.grow_bytes, err));
  s->has_reply = false;
  s->is_quiet = false;
  BF_TRY(post_run(session, session->n_finished, err));
  for (size_t n = session->n_finished + 1; n < session->n_begun; ++n) {
    slot *later = slot_of(session, n);
    if (!later->has_reply) BF_TRY(collect(session, later, err));
  }
  BF_TRY(collect(session, s, err));
  if (s->reply.sort == BF__REPLY_GROW) {
    bf__worker_end(session->worker);
    status = bf__error(err, BF_ERR_CORRUPT, "the worker asks for more memory without end");
  }
out:
  return status;
}

/* Names are copied before they are looked at: the worker could change them meanwhile. Numbers are any bits. */
static bf_status read_names(bf__session *session, const slot *s, bf_error *err) {
  free(session->names);
  free(session->names_copy);
  session->names = NULL;
  session->names_copy = NULL;
  if (s->reply.n_names == 0) return BF_OK;
  session->names_copy = bf__alloc(s->reply.names_bytes, 1);
  if (session->names_copy == NULL) return bf__error_memory(err, s->reply.names_bytes);
  memcpy(session->names_copy, s->outputs.bytes + s->reply.n_values * sizeof(float), s->reply.names_bytes);
  return bf__names_parse(session->names_copy, s->reply.names_bytes, s->reply.n_names, &session->names, err);
}

bf_status bf__session_finish(bf__session *session, bf__result *out, bf_error *err) {
  bf_status status = BF_OK;
  slot *s = slot_of(session, session->n_finished);
  *out = (bf__result){0};
  if (session->n_finished == session->n_begun) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no run has begun");
  if (!s->has_reply) status = collect(session, s, err);
  if (status == BF_OK && s->reply.sort == BF__REPLY_GROW) status = run_again(session, err);
  session->n_finished++;
  if (status != BF_OK) goto out;
  size_t needed = s->reply.n_values * sizeof(float) + s->reply.names_bytes; /* each below 2^37 */
  if (needed > s->outputs.n_bytes) {
    bf__worker_end(session->worker);
    status =
        bf__error(err, BF_ERR_CORRUPT, "the worker says that it wrote %zu bytes into %zu", needed, s->outputs.n_bytes);
    goto out;
  }
  BF_TRY(read_names(session, s, err));
  out->n_dims = s->reply.n_dims;
  memcpy(out->dims, s->reply.dims, sizeof out->dims);
  out->values = (const float *)(const void *)s->outputs.bytes;
  out->n_names = s->reply.n_names;
  out->names = (const char *const *)session->names;
out:
  return status;
}

bf_status bf__session_run(bf__session *session, size_t output, bf__result *out, bf_error *err) {
  *out = (bf__result){0};
  bf_status status = bf__session_begin(session, output, false, err);
  return status == BF_OK ? bf__session_finish(session, out, err) : status;
}
