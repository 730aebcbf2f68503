/* Threads over independent items. */
#ifndef BESTFIT_SRC_BASE_THREAD_H
#define BESTFIT_SRC_BASE_THREAD_H

#include "base/error.h"

/* Cores that this process may use (at least 1). */
uint32_t bf__cores(void);

/* Calls fn(context, item, worker) for item in [0, n_items) from up to n_threads threads (0: all cores); worker is in
 * [0, n_threads). Items are handed out in order. Without threads (creation fails) the caller's own does all. fn must
 * not fail; it keeps its own status. */
typedef void (*bf__parallel_fn)(void *context, size_t item, uint32_t worker);
void bf__parallel_for(size_t n_items, uint32_t n_threads, bf__parallel_fn fn, void *context);

#endif
