/* The labels that a sketch keeps. */
#ifndef BESTFIT_SRC_SKETCH_LABELS_H
#define BESTFIT_SRC_SKETCH_LABELS_H

#include "base/error.h"
#include "sketch/sketch_data.h"

/* Sorts labels[n] and writes the most frequent first, equal counts by name, to the sketch; what exceeds the number or
 * the bytes is counted as "other", last. Labels of count 0 are left out. */
bf_status bf__sketch_keep_labels(bf__label *labels, size_t n, bf_sketch *s, bf_error *err);

#endif
