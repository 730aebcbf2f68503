/* collection.json: what a collection of the benchmark is, as `bench train` writes it. Untrusted when read. */
#ifndef BESTFIT_SRC_BENCHMARK_COLLECTION_H
#define BESTFIT_SRC_BENCHMARK_COLLECTION_H

#include <bestfit/dataset.h>

#include "base/error.h"

#define BF__BENCH_MAX_DOMAINS 1000u
#define BF__BENCH_NAME_MAX 96u

typedef struct bf__bench_domain {
  const char *name, *title; /* a name is fit for a file */
  const char *group;        /* related targets, drawn together by the bootstrap */
  const char *origin;       /* relatives-out takes all of it out */
  bool stranger, has_model;
  uint64_t rows;
} bf__bench_domain;

typedef struct bf__bench_gap {
  const char *domain, *why, *get; /* get: the command that helps, or "" */
} bf__bench_gap;

typedef struct bf__bench_collection {
  void *json; /* json_t, which the texts are borrowed from */
  const char *name, *title, *workload, *key;
  const char *metric, *f1; /* f1: the positive class, or NULL */
  bf_kind kind;
  uint64_t seed;
  bool headline;
  size_t n_domains, n_missing;
  bf__bench_domain *domains; /* [n_domains] */
  bf__bench_gap *missing;    /* [n_missing] */
} bf__bench_collection;

/* From untrusted bytes. BF_ERR_FORMAT: no JSON (position), a member that is missing or of another type (named), a name
 * that is no file's, a domain twice. BF_ERR_UNSUPPORTED: another version. BF_ERR_LIMIT: above 4 MiB or 1,000 domains.
 */
bf_status bf__bench_collection_parse(const void *bytes, size_t n_bytes, bf__bench_collection **out, bf_error *err);
/* FOLDER/collection.json; BF_ERR_NOT_FOUND where there is none. */
bf_status bf__bench_collection_read(const char *folder, bf__bench_collection **out, bf_error *err);
void bf__bench_collection_free(bf__bench_collection *collection);

/* Letters, digits, . _ - and not starting with a dot; at most 96 bytes: safe as a file's name. */
bool bf__bench_is_name(const char *text);

#endif
