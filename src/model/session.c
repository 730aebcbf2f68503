/* One model in one worker: its files and tensors go over shared memory, its outputs come back the same way.
 *
 * Every input has memory of its own, so that the caller can fill several in any order, and one that grows does not move
 * the others. Outputs have one; when they do not fit, the worker says how much it needs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/shared_memory.h"
#include "model/signature.h"
#include "model/worker_pool.h"

#define FILE_ALIGNMENT 64u

typedef struct input {
  bf__shared memory;
  bool is_new; /* the worker has not got its descriptor yet */
  bool is_set; /* since the last run */
  bf__element type;
  uint32_t n_dims;
  int64_t dims[BF__MAX_DIMS];
  size_t n_bytes;
} input;

struct bf__session {
  bf_workers *workers;
  bf__worker *worker;
  bf__signature signature;
  input inputs[BF__MAX_PORTS];
  bf__shared outputs;
  char **names; /* of the last result */
  uint8_t *names_copy;
};

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
  session->outputs = (bf__shared)BF__SHARED_INIT;
  for (size_t i = 0; i < BF__MAX_PORTS; ++i) session->inputs[i].memory = (bf__shared)BF__SHARED_INIT;
  BF_TRY(share_files(files, n_files, &shared, &table_bytes, err));
  BF_TRY(bf__workers_acquire(workers, &session->worker, err));
  bf__writer *request = bf__worker_request(session->worker, BF__REQUEST_LOAD);
  bf__write_u64(request, shared.n_bytes);
  bf__write_u64(request, table_bytes);
  BF_TRY(bf__worker_call(session->worker, &shared.fd, 1, true, BF__REPLY_SIGNATURE, BF__REPLY_SIGNATURE, &reply, err));
  session->signature = reply.signature; /* moved */
  *out = session;
  session = NULL;
out:
  bf__shared_deinit(&shared);
  bf__session_close(session);
  return status;
}

void bf__session_close(bf__session *session) {
  if (session == NULL) return;
  if (session->worker != NULL) {
    bf__reply reply;
    if (bf__worker_is_alive(session->worker)) {
      bf__worker_request(session->worker, BF__REQUEST_UNLOAD);
      bf_status status = bf__worker_call(session->worker, NULL, 0, false, BF__REPLY_DONE, BF__REPLY_DONE, &reply, NULL);
      if (status == BF_OK)
        bf__reply_deinit(&reply);
      else
        bf__worker_end(session->worker);
    }
    bf__workers_release(session->workers, session->worker);
  }
  for (size_t i = 0; i < BF__MAX_PORTS; ++i) bf__shared_deinit(&session->inputs[i].memory);
  bf__shared_deinit(&session->outputs);
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
  input *in = &session->inputs[i];
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
  input *in = &session->inputs[i];
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
  session->inputs[i].is_set = true;
  *out = session->inputs[i].memory.bytes;
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
  uint8_t *lengths = session->inputs[i].memory.bytes;
  uint8_t *bytes = lengths + 4 * n;
  for (size_t k = 0; k < n; ++k) {
    uint32_t length = strings[k].n_bytes;
    for (unsigned b = 0; b < 4; ++b) *lengths++ = (uint8_t)(length >> (8 * b));
    if (length > 0) memcpy(bytes, strings[k].bytes, length);
    bytes += length;
  }
  session->inputs[i].is_set = true;
out:
  return status;
}

bf__sink bf__session_sink(bf__session *session) {
  return (bf__sink){.context = session, .numbers = put_numbers, .strings = put_strings};
}

/* ---- running ---- */

static bf_status send_run(bf__session *session, size_t output, bf__reply *reply, bf_error *err) {
  int fds[BF__MAX_PORTS];
  size_t n_fds = 0;
  uint32_t n_set = 0;
  for (size_t i = 0; i < session->signature.n_inputs; ++i) n_set += session->inputs[i].is_set;
  bf__writer *request = bf__worker_request(session->worker, BF__REQUEST_RUN);
  bf__write_u32(request, (uint32_t)output);
  bf__write_u32(request, n_set);
  for (size_t i = 0; i < session->signature.n_inputs; ++i) {
    const input *in = &session->inputs[i];
    if (!in->is_set) continue;
    if (in->is_new) fds[n_fds++] = in->memory.fd;
    bf__write_u32(request, (uint32_t)i);
    bf__write_u8(request, (uint8_t)in->type);
    bf__write_u8(request, in->is_new);
    bf__write_u64(request, in->memory.n_bytes);
    bf__write_u64(request, in->n_bytes);
    bf__write_u8(request, (uint8_t)in->n_dims);
    for (uint32_t d = 0; d < in->n_dims; ++d) bf__write_u64(request, (uint64_t)in->dims[d]);
  }
  bf_status status = bf__worker_call(session->worker, fds, n_fds, false, BF__REPLY_RESULT, BF__REPLY_GROW, reply, err);
  for (size_t i = 0; i < session->signature.n_inputs; ++i) {
    input *in = &session->inputs[i];
    if (in->is_set && in->is_new) bf__shared_close_fd(&in->memory);
    if (in->is_set) in->is_new = false;
    in->is_set = false;
  }
  return status;
}

/* Gives the worker the memory that it asked for, within its own limit. */
static bf_status grow(bf__session *session, size_t n_bytes, bf__reply *reply, bf_error *err) {
  uint64_t most = bf__workers_memory_bytes(session->workers);
  if (n_bytes > most)
    return bf__error(err, BF_ERR_LIMIT, "an output of %zu bytes does not fit into a worker's %llu MiB", n_bytes,
                     (unsigned long long)(most >> 20));
  bf__shared_deinit(&session->outputs);
  bf_status status = bf__shared_create(n_bytes, &session->outputs, err);
  if (status != BF_OK) return status;
  bf__writer *request = bf__worker_request(session->worker, BF__REQUEST_FETCH);
  bf__write_u64(request, session->outputs.n_bytes);
  status =
      bf__worker_call(session->worker, &session->outputs.fd, 1, false, BF__REPLY_RESULT, BF__REPLY_RESULT, reply, err);
  bf__shared_close_fd(&session->outputs);
  return status;
}

/* Names are copied before they are looked at: the worker could change them meanwhile. Numbers are any bits. */
static bf_status read_names(bf__session *session, const bf__reply *reply, bf_error *err) {
  free(session->names);
  free(session->names_copy);
  session->names = NULL;
  session->names_copy = NULL;
  if (reply->n_names == 0) return BF_OK;
  session->names_copy = bf__alloc(reply->names_bytes, 1);
  if (session->names_copy == NULL) return bf__error_memory(err, reply->names_bytes);
  memcpy(session->names_copy, session->outputs.bytes + reply->n_values * sizeof(float), reply->names_bytes);
  return bf__names_parse(session->names_copy, reply->names_bytes, reply->n_names, &session->names, err);
}

bf_status bf__session_run(bf__session *session, size_t output, bf__result *out, bf_error *err) {
  bf_status status = BF_OK;
  bf__reply reply = {0};
  *out = (bf__result){0};
  if (output >= session->signature.n_outputs)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "output %zu of %zu", output, session->signature.n_outputs);
  for (size_t i = 0; i < session->signature.n_inputs; ++i)
    if (!session->inputs[i].is_set)
      return bf__error(err, BF_ERR_MISMATCH, "input %.60s was given nothing", session->signature.inputs[i].name);
  BF_TRY(send_run(session, output, &reply, err));
  if (reply.sort == BF__REPLY_GROW) BF_TRY(grow(session, reply.grow_bytes, &reply, err));
  size_t needed = reply.n_values * sizeof(float) + reply.names_bytes; /* each below 2^36 */
  if (needed > session->outputs.n_bytes) {
    bf__worker_end(session->worker);
    status = bf__error(err, BF_ERR_CORRUPT, "the worker says that it wrote %zu bytes into %zu", needed,
                       session->outputs.n_bytes);
    goto out;
  }
  BF_TRY(read_names(session, &reply, err));
  out->n_dims = reply.n_dims;
  memcpy(out->dims, reply.dims, sizeof out->dims);
  out->values = (const float *)(const void *)session->outputs.bytes;
  out->n_names = reply.n_names;
  out->names = (const char *const *)session->names;
out:
  return status;
}
