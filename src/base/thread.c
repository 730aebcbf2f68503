#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define MAX_THREADS 256u

uint32_t bf__cores(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int n = CPU_COUNT(&set);
  return n > 0 ? (uint32_t)n : 1;
}

typedef struct parallel_job {
  bf__parallel_fn fn;
  void *context;
  size_t n_items;
  atomic_size_t next;
} parallel_job;

typedef struct parallel_worker {
  parallel_job *job;
  uint32_t number;
} parallel_worker;

static void *run_worker(void *argument) {
  parallel_worker *worker = argument;
  parallel_job *job = worker->job;
  for (size_t item; (item = atomic_fetch_add(&job->next, 1)) < job->n_items;)
    job->fn(job->context, item, worker->number);
  return NULL;
}

void bf__parallel_for(size_t n_items, uint32_t n_threads, bf__parallel_fn fn, void *context) {
  if (n_threads == 0) n_threads = bf__cores();
  if (n_threads > MAX_THREADS) n_threads = MAX_THREADS;
  if (n_threads > n_items) n_threads = n_items ? (uint32_t)n_items : 1;
  parallel_job job = {.fn = fn, .context = context, .n_items = n_items};
  parallel_worker workers[MAX_THREADS];
  pthread_t threads[MAX_THREADS];
  uint32_t n_started = 0; /* threads beside the caller's own, which is worker 0 */
  workers[0] = (parallel_worker){&job, 0};
  for (uint32_t i = 1; i < n_threads; i++) {
    workers[i] = (parallel_worker){&job, i};
    if (pthread_create(&threads[i], NULL, run_worker, &workers[i]) != 0) break;
    n_started++;
  }
  run_worker(&workers[0]);
  for (uint32_t i = 1; i <= n_started; i++) pthread_join(threads[i], NULL);
}
