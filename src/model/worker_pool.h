/* Worker processes: started when first needed, lent to one model at a time, replaced when they die. */
#ifndef BESTFIT_SRC_MODEL_WORKER_POOL_H
#define BESTFIT_SRC_MODEL_WORKER_POOL_H

#include "model/model_internal.h"
#include "model/worker_protocol.h"

typedef struct bf__worker bf__worker;

/* Lends a worker, waiting for a free one; starts a process where none is idle. Its CPU time for the coming model is
 * counted from now. BF_ERR_UNSUPPORTED: the worker program or ONNX Runtime is missing. BF_ERR_IO: it does not start. */
bf_status bf__workers_acquire(bf_workers *workers, bf__worker **out, bf_error *err);
/* Takes it back; one that died or was ended makes room for another process. */
void bf__workers_release(bf_workers *workers, bf__worker *worker);
uint64_t bf__workers_memory_bytes(const bf_workers *workers);

/* A request to be written to, then posted with descriptors. Its number is bf__worker_sequence() until the next one. */
bf__writer *bf__worker_request(bf__worker *worker, bf__request_sort sort);
uint32_t bf__worker_sequence(const bf__worker *worker);
bf_status bf__worker_post(bf__worker *worker, const int *fds, size_t n_fds, bf_error *err);
/* Waits for the reply to request number `sequence`, the oldest that has none, which must be of sort `wanted` or
 * `or_else`. The reply is owned by the caller (bf__reply_deinit()) where BF_OK is returned. A worker that fails to
 * answer in time, dies or talks nonsense is ended. BF_ERR_LIMIT: time or memory, saying which. BF_ERR_FORMAT: the model
 * brought the worker down. Others: the worker's refusal. */
typedef enum bf__patience { BF__PATIENCE_LOAD, BF__PATIENCE_BATCH, BF__PATIENCE_TWO_BATCHES } bf__patience;
bf_status bf__worker_collect(bf__worker *worker, uint32_t sequence, bf__patience patience, bf__reply_sort wanted,
                             bf__reply_sort or_else, bf__reply *out, bf_error *err);
/* Ends the process now: it ran out of something, or is not needed any more. */
void bf__worker_end(bf__worker *worker);
bool bf__worker_is_alive(const bf__worker *worker);

#endif
