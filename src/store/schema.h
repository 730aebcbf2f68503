/* The schema's steps, embedded at build time: step i brings a database from user_version i to i + 1. */
#ifndef BESTFIT_SRC_STORE_SCHEMA_H
#define BESTFIT_SRC_STORE_SCHEMA_H

#include <stddef.h>

typedef struct bf__schema_step {
  const char *name, *sql;
} bf__schema_step;
extern const bf__schema_step bf__schema_steps[];
extern const size_t bf__schema_step_count;

#endif
