#include "rank/kept_experience.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "store/cache.h"

#define MAX_BYTES ((size_t)1 << 30)
/* Raised with every change of what is learnt from the same experience: what was kept before fits no longer. */
#define LEARNING 2u

/* ---- identity ---- */

/* NULL and "" differ; no text runs into the next. */
static void write_text(bf__writer *w, const char *text) {
  bf__write_u32(w, text ? (uint32_t)strlen(text) : UINT32_MAX);
  if (text) bf__write(w, text, strlen(text));
}

void bf__identify_model(bf__writer *w, const bf_store_model *stored) {
  const char *calibration = stored->calibration ? stored->calibration : "";
  write_text(w, stored->name);
  bf__write_u32(w, stored->version);
  write_text(w, stored->domain);
  write_text(w, stored->sketch_sha256);
  bf__write_f64(w, stored->source_accuracy);
  bf__write_u64(w, strlen(calibration));
  bf__write_u64(w, bf__xxh64(calibration, strlen(calibration), 0));
}

void bf__identify_row(bf__writer *w, size_t model, size_t domain, const char *outputs_sha256) {
  bf__write_u32(w, (uint32_t)model);
  bf__write_u32(w, (uint32_t)domain);
  write_text(w, outputs_sha256);
}

bf_status bf__experience_key(const bf__writer *identity, bf_kind kind, const bf_experience_options *options,
                             char key[BF__EXPERIENCE_KEY_BYTES + 1], bf_error *err) {
  bf_status status = BF_OK;
  bf__writer w = {0};
  bf__sha256 *hash = NULL;
  bf_measure_options measure = bf__measure_options(&options->measure);
  bf__write_u32(&w, LEARNING);
  write_text(&w, bf_version());
  write_text(&w, bf_kind_name(kind));
  write_text(&w, bf_metric_name(options->metric));
  write_text(&w, options->positive);
  bf__write_u64(&w, bf__sampled_rows(options->n_rows));
  bf__write_u64(&w, measure.seed);
  bf__write_u32(&w, options->measure.partition_size);
  bf__write_f64(&w, options->measure.adaptivity_threshold);
  if (w.failed || identity->failed) BF_TRY(bf__error_memory(err, w.size + identity->size));
  BF_TRY(bf__sha256_create(&hash, err));
  BF_TRY(bf__sha256_update(hash, w.data, w.size, err));
  if (identity->size > 0) BF_TRY(bf__sha256_update(hash, identity->data, identity->size, err));
  BF_TRY(bf__sha256_finish(hash, key, err));
out:
  bf__sha256_free(hash);
  bf__writer_deinit(&w);
  return status;
}

/* ---- the file ---- */

/* Whatever the options are besides, they share the file, so that old ones are replaced. */
static void name_file(bf_kind kind, const bf_experience_options *options, char name[160]) {
  const char *positive = options->metric == BF_METRIC_F1 && options->positive ? options->positive : NULL;
  char class_part[24] = "";
  if (positive)
    snprintf(class_part, sizeof class_part, "-%016llx", (unsigned long long)bf__xxh64(positive, strlen(positive), 0));
  snprintf(name, 160, "experience-%s-%s-%zu%s.bin", bf_kind_name(kind), bf_metric_name(options->metric),
           bf__sampled_rows(options->n_rows), class_part);
}

bf_status bf__kept_experience_read(const bf_store *store, const char *key, bf_kind kind,
                                   const bf_experience_model *models, size_t n_models,
                                   const bf_experience_options *options, bf_experience **out, bf_error *err) {
  char name[160];
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_error why;
  *out = NULL;
  name_file(kind, options, name);
  bf_status status = bf__cache_read(store, name, MAX_BYTES, &bytes, &n_bytes, &why);
  if (status == BF_OK) status = bf__experience_decode(bytes, n_bytes, key, models, n_models, options, out, &why);
  free(bytes);
  if (status != BF_ERR_MEMORY) return BF_OK; /* whatever is wrong with it, one can learn anew */
  if (err) *err = why;
  return status;
}

void bf__kept_experience_write(const bf_store *store, const char *key, bf_kind kind,
                               const bf_experience_options *options, const bf_experience *experience) {
  char name[160];
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  name_file(kind, options, name);
  bf_status status = bf__experience_encode(experience, key, &bytes, &n_bytes, NULL);
  if (status == BF_OK) status = bf__cache_write(store, name, bytes, n_bytes, NULL);
  (void)status; /* a repository that cannot be written to is searched all the same */
  free(bytes);
}
