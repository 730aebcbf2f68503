/* What a worker gives up before it sees the first byte of a model. One way: there is no leaving it. */
#ifndef BESTFIT_SRC_MODEL_SANDBOX_H
#define BESTFIT_SRC_MODEL_SANDBOX_H

#include "base/error.h"

/* The parts that hold. */
#define BF__SANDBOX_SECCOMP 1u  /* the list of system calls */
#define BF__SANDBOX_LANDLOCK 2u /* no file, by any call */
#define BF__SANDBOX_MEMORY 4u   /* a limit on address space */
#define BF__SANDBOX_ALL 7u

/* Enters it. `memory_bytes` is allowed beyond what is mapped now; `wanted` are the parts to enter (the self-test leaves
 * some out). *held: those that hold: Landlock is missing on kernels before 5.13, and the memory limit under a
 * sanitizer, which maps terabytes. BF_ERR_UNSUPPORTED: no seccomp, or more than one thread. BF_ERR_IO: refused. */
bf_status bf__sandbox_enter(uint64_t memory_bytes, uint32_t wanted, uint32_t *held, bf_error *err);

/* Tries what must not work (opening files, sockets, a new process, another program …), and prints a line each to
 * standard output: its name and "allowed" or "refused". Returns how many were allowed. */
int bf__sandbox_try(void);

#endif
