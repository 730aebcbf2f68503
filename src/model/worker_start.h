/* Starting the worker program. */
#ifndef BESTFIT_SRC_MODEL_WORKER_START_H
#define BESTFIT_SRC_MODEL_WORKER_START_H

#include <sys/types.h>

#include "base/error.h"

typedef struct bf__child {
  pid_t pid;    /* 0: none */
  int socket;   /* -1: none */
  int lifeline; /* the child dies when this is closed */
} bf__child;
#define BF__CHILD_INIT \
  { .socket = -1, .lifeline = -1 }

/* Path of the program: BESTFIT_WORKER, else beside the installed library, else in the build folder. You own *out
 * (free()). BF_ERR_UNSUPPORTED: there is none. */
bf_status bf__worker_program(char **out, bf_error *err);
/* Starts it. The calling process may have threads. BF_ERR_IO. */
bf_status bf__child_start(const char *program, uint64_t memory_bytes, bf__child *out, bf_error *err);
/* Kills it where it still runs, and collects it. *ended: status as of waitpid(); -1: somebody else collected it. */
void bf__child_end(bf__child *child, int *ended);

#endif
