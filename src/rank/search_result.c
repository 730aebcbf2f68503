/* The result of a search: plain arrays, and a chain of blocks that die with it. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rank/rank_internal.h"

struct bf__block {
  bf__block *next;
  void *memory;
};

bf_search_result *bf__result_alloc(void) {
  bf_search_result *result = bf__alloc(1, sizeof *result);
  if (result) result->consensus = NAN;
  return result;
}

bf_status bf__result_warn(bf_search_result *result, const char *text, bf_error *err) {
  if (!text) return bf__error_memory(err, sizeof(void *));
  for (size_t i = 0; i < result->n_warnings; ++i) {
    if (strcmp(result->warnings[i], text) == 0) return BF_OK;
  }
  if (result->n_warnings < BF__MAX_WARNINGS) result->warnings[result->n_warnings++] = text;
  return BF_OK;
}

void *bf__result_block(bf_search_result *result, size_t n, size_t element_bytes) {
  bf__block *block = bf__alloc(1, sizeof *block);
  if (!block) return NULL;
  block->memory = bf__alloc(n, element_bytes);
  if (!block->memory) {
    free(block);
    return NULL;
  }
  block->next = result->blocks;
  result->blocks = block;
  return block->memory;
}

const char *bf__result_text(bf_search_result *result, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (n < 0) return NULL;
  size_t length = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
  char *copy = bf__result_block(result, length + 1, 1);
  if (!copy) return NULL;
  for (size_t i = 0; i < length; ++i) copy[i] = text[i];
  return copy;
}

void bf_search_result_free(bf_search_result *result) {
  if (!result) return;
  while (result->blocks) {
    bf__block *next = result->blocks->next;
    free(result->blocks->memory);
    free(result->blocks);
    result->blocks = next;
  }
  for (size_t i = 0; i < result->n_owned; ++i) bf_sketch_free(result->owned[i]);
  free(result->owned);
  for (size_t i = 0; result->runs && i < result->n_owned; ++i) bf__run_deinit(&result->runs[i]);
  free(result->runs);
  for (size_t i = 0; result->calibrations && i < result->n_owned; ++i) bf_calibration_free(result->calibrations[i]);
  free(result->calibrations);
  bf__stored_experience_free(result->experience);
  if (result->list) bf_store_list_free(result->list);
  free(result);
}

const char *bf_search_result_strategy(const bf_search_result *result) {
  return result ? result->strategy : NULL;
}

size_t bf_search_result_count(const bf_search_result *result) {
  return result ? result->n_ranked : 0;
}

const bf_ranked *bf_search_result_at(const bf_search_result *result, size_t i) {
  return result && i < result->n_ranked ? &result->ranked[i] : NULL;
}

const bf_sketch *bf_search_result_sketch(const bf_search_result *result, size_t i) {
  return result && i < result->n_ranked ? result->sketches[i] : NULL;
}

/* The run of ranked i; NULL: it was not run. */
static const bf__run *run_of(const bf_search_result *result, size_t i) {
  if (!result || i >= result->n_ranked || !result->runs) return NULL;
  const bf__run *run = &result->runs[result->ranked[i].candidate];
  return run->classes ? run : NULL;
}

const bf_outputs *bf_search_result_outputs(const bf_search_result *result, size_t i) {
  const bf__run *run = run_of(result, i);
  return run ? &run->outputs : NULL;
}

const char *const *bf_search_result_classes(const bf_search_result *result, size_t i) {
  const bf__run *run = run_of(result, i);
  return run ? (const char *const *)run->classes : NULL;
}

const bf_experience *bf_search_result_experience(const bf_search_result *result) {
  return result ? bf__stored_experience_get(result->experience) : NULL;
}

size_t bf_search_result_skipped_count(const bf_search_result *result) {
  return result ? result->n_skipped : 0;
}

const bf_skipped *bf_search_result_skipped_at(const bf_search_result *result, size_t i) {
  return result && i < result->n_skipped ? &result->skipped[i] : NULL;
}

size_t bf_search_result_warning_count(const bf_search_result *result) {
  return result ? result->n_warnings : 0;
}

const char *bf_search_result_warning(const bf_search_result *result, size_t i) {
  return result && i < result->n_warnings ? result->warnings[i] : NULL;
}

bool bf_search_result_data_only(const bf_search_result *result) {
  return !result || !result->with_outputs;
}

uint32_t bf_search_result_sample_rows(const bf_search_result *result) {
  return result ? result->sample_rows : 0;
}

const bf_trust *bf_search_result_trust(const bf_search_result *result) {
  return result ? &result->trust : NULL;
}

const bf_ensemble *bf_search_result_ensemble(const bf_search_result *result) {
  static const bf_ensemble none = {0};
  return result ? &result->ensemble : &none;
}

double bf_search_result_agreement(const bf_search_result *result, size_t i, size_t j) {
  if (!result || !result->agreement || i >= result->n_ranked || j >= result->n_ranked) return NAN;
  return result->agreement[i * result->n_ranked + j];
}

bf_metric bf_search_result_metric(const bf_search_result *result) {
  return result ? result->metric : BF_METRIC_ACCURACY;
}

double bf_search_result_consensus(const bf_search_result *result) {
  return result ? result->consensus : NAN;
}

double bf_search_result_run_seconds(const bf_search_result *result) {
  return result ? result->run_seconds : 0.0;
}
