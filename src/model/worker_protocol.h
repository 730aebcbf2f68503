/* What host and worker say to each other over a socket of packets (SOCK_SEQPACKET).
 *
 * One request, one reply, each one packet of at most 64 KiB; tensors and files are not in them but in shared memory,
 * whose descriptors travel with the request (SCM_RIGHTS). The host trusts nothing in a reply: a worker that was taken
 * over by a model can say what it likes. bf__reply_parse() is where that ends, and has a fuzz target. Numbers are
 * little-endian; a request and its reply carry the same sequence number. Several runs may be on their way: the worker
 * finds the next one waiting and need not sleep in between. The reply to a quiet run is held back until the next one
 * goes, in the same packet: waking the host up costs as much as a small layer.
 *
 *   request  u8 sort, u32 sequence, then
 *     load     u64 bytes of shared memory, u64 bytes of its table [descriptor: the memory]
 *              table: u32 files, each u16 length, name, u64 offset, u64 bytes
 *     run      u8 slot, u8 quiet, u32 output, u8 new memory for outputs, u64 its bytes, u32 tensors, each u32 input, u8
 * type, u8 new memory, u64 bytes of the memory, u64 bytes of the tensor, u8 dimensions, i64 each [a descriptor a new
 * memory: outputs, inputs] unload   nothing reply    u32 length of the rest; u8 sort, u32 sequence, then ready      u32
 * protocol, u32 parts of the sandbox that hold, u16 length, the runtime's version signature  u32 inputs, u32 outputs,
 * each u16 length, name, u8 type, u8 maps, u8 dimensions, i64 each result     u8 dimensions, i64 each, u32 names, u64
 * bytes of names. The memory for outputs holds the numbers (float32) and behind them the names (u32 length and bytes
 * each) grow       u64 bytes that the outputs need: run again with so many done       nothing failed     u32 status,
 * i32 native code, u16 length, message
 */
#ifndef BESTFIT_SRC_MODEL_WORKER_PROTOCOL_H
#define BESTFIT_SRC_MODEL_WORKER_PROTOCOL_H

#include "base/bytes.h"
#include "model/model_internal.h"

#define BF__WORKER_PROTOCOL 1u
#define BF__MESSAGE_BYTES 65536u
#define BF__MESSAGE_FDS (BF__MAX_PORTS + 2)
#define BF__MOST_OUTPUT_BYTES ((uint64_t)1 << 36)
#define BF__WORKER_SLOTS 4u /* runs that may be on their way at once, each with memory of its own */

typedef enum bf__request_sort {
  BF__REQUEST_LOAD = 1,
  BF__REQUEST_RUN = 2,
  BF__REQUEST_UNLOAD = 3,
} bf__request_sort;

typedef enum bf__reply_sort {
  BF__REPLY_READY = 1,
  BF__REPLY_SIGNATURE = 2,
  BF__REPLY_RESULT = 3,
  BF__REPLY_GROW = 4,
  BF__REPLY_DONE = 5,
  BF__REPLY_FAILED = 6,
} bf__reply_sort;

void bf__request_begin(bf__writer *w, bf__request_sort sort, uint32_t sequence);
/* Appends a reply to a packet of replies; bf__reply_end() fills in its length. */
void bf__reply_begin(bf__writer *w, bf__reply_sort sort, uint32_t sequence);
void bf__reply_end(bf__writer *w, size_t start);
/* The next reply of a packet, without its length; NULL: damaged. */
const uint8_t *bf__reply_next(bf__reader *packet, size_t *n_bytes);

/* A reply that was checked: counts and sizes are within their bounds, texts are UTF-8 without control characters. */
typedef struct bf__reply {
  bf__reply_sort sort;
  uint32_t sequence;
  uint32_t protocol, sandbox; /* ready */
  char text[240];             /* ready: version; failed: message */
  bf__signature signature;    /* signature; owned */
  uint32_t n_dims;            /* result */
  int64_t dims[BF__MAX_DIMS];
  size_t n_values; /* product of dims */
  size_t n_names, names_bytes;
  size_t grow_bytes; /* grow */
  bf_status status;  /* failed; never BF_OK */
  int32_t native_code;
} bf__reply;
/* BF_ERR_CORRUPT: not a reply; BF_ERR_MEMORY. On failure nothing is owned. */
bf_status bf__reply_parse(const uint8_t *bytes, size_t n_bytes, bf__reply *out, bf_error *err);
void bf__reply_deinit(bf__reply *reply);

void bf__signature_write(bf__writer *w, const bf__signature *signature);

/* Names of classes out of a copy of what the worker wrote. You own *out (one block, free()). BF_ERR_CORRUPT. */
bf_status bf__names_parse(const uint8_t *bytes, size_t n_bytes, size_t n_names, char ***out, bf_error *err);

/* One packet, with descriptors. False with errno. */
bool bf__message_send(int socket, const void *bytes, size_t n_bytes, const int *fds, size_t n_fds, int flags);
/* *n_bytes: 0 at the end of the conversation. Descriptors beyond most_fds are closed by the kernel. False with errno;
 * EMSGSIZE: a packet larger than capacity. */
bool bf__message_receive(int socket, void *bytes, size_t capacity, size_t *n_bytes, int *fds, size_t most_fds,
                         size_t *n_fds, int flags);

#endif
