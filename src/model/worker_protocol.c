#include "model/worker_protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/memory.h"
#include "base/parse.h"
#include "model/signature.h"

void bf__request_begin(bf__writer *w, bf__request_sort sort, uint32_t sequence) {
  w->size = 0;
  bf__write_u8(w, (uint8_t)sort);
  bf__write_u32(w, sequence);
}

void bf__reply_begin(bf__writer *w, bf__reply_sort sort, uint32_t sequence) {
  bf__write_u32(w, 0);
  bf__write_u8(w, (uint8_t)sort);
  bf__write_u32(w, sequence);
}

void bf__reply_end(bf__writer *w, size_t start) {
  if (w->failed) return;
  size_t n = w->size - start - 4;
  for (unsigned i = 0; i < 4; ++i) w->data[start + i] = (uint8_t)(n >> (8 * i));
}

const uint8_t *bf__reply_next(bf__reader *packet, size_t *n_bytes) {
  *n_bytes = bf__read_u32(packet);
  return bf__read(packet, *n_bytes);
}

/* ---- signatures ---- */

static void write_port(bf__writer *w, const bf__port *port) {
  size_t n = strlen(port->name);
  if (n > UINT16_MAX) n = UINT16_MAX;
  bf__write_u16(w, (uint16_t)n);
  bf__write(w, port->name, n);
  bf__write_u8(w, (uint8_t)port->type);
  bf__write_u8(w, port->is_maps);
  bf__write_u8(w, (uint8_t)port->n_dims);
  for (uint32_t d = 0; d < port->n_dims; ++d) bf__write_u64(w, (uint64_t)port->dims[d]);
}

void bf__signature_write(bf__writer *w, const bf__signature *signature) {
  bf__write_u32(w, (uint32_t)signature->n_inputs);
  bf__write_u32(w, (uint32_t)signature->n_outputs);
  for (size_t i = 0; i < signature->n_inputs; ++i) write_port(w, &signature->inputs[i]);
  for (size_t i = 0; i < signature->n_outputs; ++i) write_port(w, &signature->outputs[i]);
}

static bool is_plain_text(const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; ++i)
    if (bytes[i] < 0x20 || bytes[i] == 0x7F) return false;
  return bf__utf8_check((const char *)bytes, n) == n;
}

static bf_status corrupt(bf_error *err, const bf__reader *r, const char *what) {
  return bf__error_at(err, BF_ERR_CORRUPT, (int64_t)r->position, "the worker's reply is damaged: %s", what);
}

static bf_status read_port(bf__reader *r, bf__port *port, bf_error *err) {
  size_t n = bf__read_u16(r);
  const uint8_t *name = bf__read(r, n);
  uint8_t type = bf__read_u8(r);
  uint8_t is_maps = bf__read_u8(r);
  uint8_t n_dims = bf__read_u8(r);
  if (r->failed || n_dims > BF__MAX_DIMS || is_maps > 1) return corrupt(err, r, "an input or output");
  if (type != BF__ELEMENT_NONE && strcmp(bf__element_name((bf__element)type), "unknown") == 0)
    return corrupt(err, r, "the type of an input or output");
  if (is_maps != 0 && type != BF__ELEMENT_INT64 && type != BF__ELEMENT_STRING) return corrupt(err, r, "a type of maps");
  if (!is_plain_text(name, n))
    return bf__error(err, BF_ERR_CORRUPT, "an input or output whose name is not printable UTF-8");
  port->type = (bf__element)type;
  port->is_maps = is_maps != 0;
  port->n_dims = n_dims;
  for (uint32_t d = 0; d < n_dims; ++d) {
    port->dims[d] = (int64_t)bf__read_u64(r);
    if (port->dims[d] < -1) return corrupt(err, r, "a dimension");
  }
  if (r->failed) return corrupt(err, r, "cut");
  port->name = bf__strndup((const char *)name, n);
  return port->name != NULL ? BF_OK : bf__error_memory(err, n);
}

static bf_status read_signature(bf__reader *r, bf__signature *out, bf_error *err) {
  bf_status status = BF_OK;
  uint32_t n_inputs = bf__read_u32(r);
  uint32_t n_outputs = bf__read_u32(r);
  if (r->failed || n_inputs > BF__MAX_PORTS || n_outputs > BF__MAX_PORTS || n_outputs == 0)
    return corrupt(err, r, "the number of inputs and outputs");
  BF_TRY(bf__signature_init(out, n_inputs, n_outputs, err));
  for (size_t i = 0; i < n_inputs; ++i) BF_TRY(read_port(r, &out->inputs[i], err));
  for (size_t i = 0; i < n_outputs; ++i) BF_TRY(read_port(r, &out->outputs[i], err));
out:
  if (status != BF_OK) bf__signature_deinit(out);
  return status;
}

/* ---- replies ---- */

/* A text of the worker's, cut to the room there is; what is not printable becomes '?'. */
static void read_text(bf__reader *r, char *out, size_t capacity) {
  size_t n = bf__read_u16(r);
  const uint8_t *bytes = bf__read(r, n);
  out[0] = 0;
  if (bytes == NULL) return;
  if (n > capacity - 1) {
    n = capacity - 1;
    while (n > 0 && (bytes[n] & 0xC0) == 0x80) --n; /* whole characters */
  }
  memcpy(out, bytes, n);
  out[n] = 0;
  for (size_t at = 0; at < n;) {
    size_t bad = at + bf__utf8_check(out + at, n - at);
    if (bad < n) out[bad] = '?';
    at = bad + 1;
  }
  for (size_t i = 0; i < n; ++i)
    if ((unsigned char)out[i] < 0x20 || out[i] == 0x7F) out[i] = out[i] == '\n' || out[i] == '\t' ? ' ' : '?';
}

static bf_status read_result(bf__reader *r, bf__reply *out, bf_error *err) {
  out->n_dims = bf__read_u8(r);
  if (r->failed || out->n_dims > BF__MAX_DIMS) return corrupt(err, r, "dimensions of a result");
  out->n_values = 1;
  for (uint32_t d = 0; d < out->n_dims; ++d) {
    uint64_t dim = bf__read_u64(r);
    if (dim > INT64_MAX || !bf__mul(out->n_values, (size_t)dim, &out->n_values)) return corrupt(err, r, "a dimension");
    out->dims[d] = (int64_t)dim;
  }
  out->n_names = bf__read_u32(r);
  uint64_t names_bytes = bf__read_u64(r);
  if (r->failed || out->n_values > BF__MOST_OUTPUT_BYTES / sizeof(float) || names_bytes > BF__MOST_OUTPUT_BYTES)
    return corrupt(err, r, "size of a result");
  out->names_bytes = (size_t)names_bytes;
  if (out->n_names > BF__MAX_CLASSES || (out->n_names == 0) != (names_bytes == 0) ||
      out->names_bytes < out->n_names * 4)
    return corrupt(err, r, "names of a result");
  if (out->n_names > 0 && (out->n_dims != 2 || out->dims[1] != (int64_t)out->n_names))
    return corrupt(err, r, "names that do not fit a result");
  return BF_OK;
}

static bf_status read_failure(bf__reader *r, bf__reply *out, bf_error *err) {
  uint32_t code = bf__read_u32(r);
  out->native_code = (int32_t)bf__read_u32(r);
  read_text(r, out->text, sizeof out->text);
  if (r->failed || code == BF_OK || strcmp(bf_status_name((bf_status)code), "unknown") == 0)
    return corrupt(err, r, "a failure");
  out->status = (bf_status)code;
  return BF_OK;
}

static bf_status read_body(bf__reader *r, bf__reply *out, bf_error *err) {
  switch (out->sort) {
    case BF__REPLY_READY:
      out->protocol = bf__read_u32(r);
      out->sandbox = bf__read_u32(r);
      read_text(r, out->text, sizeof out->text);
      return BF_OK;
    case BF__REPLY_SIGNATURE:
      return read_signature(r, &out->signature, err);
    case BF__REPLY_RESULT:
      return read_result(r, out, err);
    case BF__REPLY_GROW: {
      uint64_t grow = bf__read_u64(r);
      if (grow == 0 || grow > BF__MOST_OUTPUT_BYTES) return corrupt(err, r, "a size");
      out->grow_bytes = (size_t)grow;
      return BF_OK;
    }
    case BF__REPLY_DONE:
      return BF_OK;
    case BF__REPLY_FAILED:
      return read_failure(r, out, err);
    default:
      return corrupt(err, r, "an unknown sort");
  }
}

bf_status bf__reply_parse(const uint8_t *bytes, size_t n_bytes, bf__reply *out, bf_error *err) {
  *out = (bf__reply){0};
  bf__reader r = bf__reader_of(bytes, n_bytes);
  out->sort = (bf__reply_sort)bf__read_u8(&r);
  out->sequence = bf__read_u32(&r);
  if (r.failed) return corrupt(err, &r, "cut");
  bf_status status = read_body(&r, out, err);
  if (status == BF_OK && (r.failed || bf__reader_left(&r) != 0)) status = corrupt(err, &r, "its length");
  if (status != BF_OK) bf__reply_deinit(out);
  return status;
}

void bf__reply_deinit(bf__reply *reply) {
  bf__signature_deinit(&reply->signature);
}

bf_status bf__names_parse(const uint8_t *bytes, size_t n_bytes, size_t n_names, char ***out, bf_error *err) {
  size_t size = 0;
  *out = NULL;
  /* Pointers, then the names with a zero each: never longer than with their four bytes of length. */
  if (n_names > BF__MAX_CLASSES || !bf__add(n_bytes, n_names * sizeof(char *), &size))
    return bf__error(err, BF_ERR_CORRUPT, "the worker names %zu classes", n_names);
  char **names = bf__alloc(size + 1, 1);
  if (names == NULL) return bf__error_memory(err, size);
  char *text = (char *)(names + n_names);
  bf__reader r = bf__reader_of(bytes, n_bytes);
  for (size_t i = 0; i < n_names; ++i) {
    size_t n = bf__read_u32(&r);
    const uint8_t *name = bf__read(&r, n);
    if (name == NULL || memchr(name, 0, n) != NULL || bf__utf8_check((const char *)name, n) != n) {
      free(names);
      return bf__error(err, BF_ERR_FORMAT, "the name of class %zu is not UTF-8 text", i);
    }
    names[i] = text;
    memcpy(text, name, n);
    text[n] = 0;
    text += n + 1;
  }
  if (bf__reader_left(&r) != 0) {
    free(names);
    return bf__error(err, BF_ERR_CORRUPT, "the worker's names of classes are longer than it says");
  }
  *out = names;
  return BF_OK;
}

/* ---- packets ---- */

typedef union control_room {
  struct cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(int) * BF__MESSAGE_FDS)];
} control_room;

bool bf__message_send(int socket, const void *bytes, size_t n_bytes, const int *fds, size_t n_fds, int flags) {
  control_room control;
  struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = n_bytes};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (n_fds > BF__MESSAGE_FDS) {
    errno = EINVAL;
    return false;
  }
  if (n_fds > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
    memcpy(CMSG_DATA(header), fds, sizeof(int) * n_fds);
  }
  ssize_t sent;
  do sent = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == (ssize_t)n_bytes;
}

bool bf__message_receive(int socket, void *bytes, size_t capacity, size_t *n_bytes, int *fds, size_t most_fds,
                         size_t *n_fds, int flags) {
  control_room control;
  struct iovec part = {.iov_base = bytes, .iov_len = capacity};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  *n_bytes = *n_fds = 0;
  if (most_fds > BF__MESSAGE_FDS) most_fds = BF__MESSAGE_FDS;
  if (most_fds > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * most_fds);
  }
  ssize_t got;
  do got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0) return false;
  for (struct cmsghdr *h = most_fds > 0 ? CMSG_FIRSTHDR(&message) : NULL; h != NULL; h = CMSG_NXTHDR(&message, h)) {
    if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
    size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds + *n_fds, CMSG_DATA(h), n * sizeof(int));
    *n_fds += n;
  }
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    errno = EMSGSIZE;
    return false;
  }
  *n_bytes = (size_t)got;
  return true;
}
