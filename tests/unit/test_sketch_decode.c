/* Bytes of a sketch: there and back, cut, flipped, and with values that cannot be. */
#include <float.h>

#include "base/bytes.h"
#include "sketch_testing.h"

static bf_sketch *example(void) {
  static const char *const names[] = {"a", "b\xc3\xbc", "c"};
  static const char *const label_names[] = {"x", "y"};
  float *cells = testing_cells(300, 3, 1);
  int32_t labels[300];
  for (int i = 0; i < 300; i++) labels[i] = i % 2;
  cells[7] = NAN;
  testing_data data = {
      .n_rows = 300, .n_columns = 3, .cells = cells, .names = names, .labels = labels, .label_names = label_names};
  bf_sketch *s = testing_sketch(&data, &(testing_how){0});
  free(cells);
  return s;
}

static bf_sketch *wide_example(void) {
  float *cells = testing_cells(60, 97, 1);
  testing_data data = {.n_rows = 60, .n_columns = 97, .cells = cells};
  bf_sketch *s = testing_sketch(&data, &(testing_how){0});
  free(cells);
  return s;
}

static bf_sketch *series_example(void) {
  float *cells = testing_cells(40, 12, 1);
  testing_data data = {.kind = BF_KIND_SERIES, .n_rows = 40, .n_steps = 12, .n_channels = 1, .cells = cells};
  bf_sketch *s = testing_sketch(&data, &(testing_how){.min_count = 5});
  free(cells);
  return s;
}

/* A pair view has names, words, and no numbers of its own. */
static bf_sketch *pair_example(void) {
  static const char *const words[] = {"red apple", "green apple 12", "a pear", "apple pie of 2012"};
  bf_field fields[40];
  bf_pair pairs[20];
  for (size_t i = 0; i < 40; i++) {
    const char *s = words[bf__mix64(2, i) % 4];
    fields[i] = (bf_field){{"name", 4}, {s, (uint32_t)strlen(s)}};
  }
  for (size_t i = 0; i < 20; i++) pairs[i] = (bf_pair){{fields + 2 * i, 1}, {fields + 2 * i + 1, 1}};
  return testing_sketch(&(testing_data){.kind = BF_KIND_PAIR, .n_rows = 20, .pairs = pairs},
                        &(testing_how){.min_count = 2});
}

static bf_status decode(const uint8_t *bytes, size_t n, bf_error *err) {
  uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees the first byte past the end */
  assert_non_null(exact);
  if (n) memcpy(exact, bytes, n);
  bf_sketch *s = NULL;
  bf_status status = bf_sketch_decode(exact, n, &s, err);
  assert_true((s != NULL) == (status == BF_OK));
  bf_sketch_free(s);
  free(exact);
  return status;
}

static void decoding_gives_back_every_field(void **state) {
  (void)state;
  bf_sketch *a = example(), *b = NULL;
  size_t n;
  uint8_t *bytes = testing_encode(a, &n);
  bf_error err;
  assert_true(bf_sketch_sniff(bytes, n));
  assert_false(bf_sketch_sniff(bytes, 7));
  assert_false(bf_sketch_sniff((const uint8_t *)"PAR1....", 8));
  assert_int_equal(bf_sketch_decode(bytes, n, &b, &err), BF_OK);
  assert_int_equal(b->kind, a->kind);
  assert_int_equal(b->rows, 300);
  assert_int_equal(b->missing, 1);
  assert_int_equal(b->raw_count, 899);
  assert_memory_equal(b->columns, a->columns, 3 * sizeof *a->columns);
  assert_memory_equal(b->means, a->means, 3 * sizeof(float));
  assert_memory_equal(b->covariance, a->covariance, 6 * sizeof(float));
  assert_int_equal(b->n_centroids, a->n_centroids);
  assert_memory_equal(b->centroids, a->centroids, a->n_centroids * 3 * sizeof(float));
  assert_memory_equal(b->raw_means, b->means, 3 * sizeof(float));
  for (uint32_t i = 0; i < 64; i++) {
    const bf__partition *p = &a->partitions[i], *q = &b->partitions[i];
    assert_int_equal(p->count, q->count);
    assert_int_equal(p->base, q->base);
    assert_int_equal(p->n_bins, q->n_bins);
    assert_int_equal(p->exponent, q->exponent);
    assert_int_equal(p->lattice, q->lattice);
    assert_memory_equal(p->counts, q->counts, p->n_bins * sizeof *p->counts);
  }
  assert_int_equal(b->n_labels, 2);
  assert_string_equal(b->labels[0].name, "x");
  assert_same_sketch(a, b);
  bf_sketch_free(a);
  bf_sketch_free(b);
  free(bytes);
}

static void every_truncation_is_an_error(void **state) {
  (void)state;
  bf_sketch *s = example();
  size_t n;
  uint8_t *bytes = testing_encode(s, &n);
  bf_error err;
  for (size_t cut = 0; cut < n; cut++) {
    assert_int_equal(decode(bytes, cut, &err), cut < 8 ? BF_ERR_FORMAT : BF_ERR_CORRUPT);
    assert_true(err.position >= 0);
    if (cut >= 8) assert_non_null(strstr(err.message, "bestfit sketch"));
  }
  free(bytes);
  bf_sketch_free(s);
}

static void every_byte_flipped_is_an_error(void **state) {
  (void)state;
  bf_sketch *sketches[] = {example(), wide_example(), series_example(), pair_example()};
  for (size_t k = 0; k < 4; k++) {
    size_t n;
    uint8_t *bytes = testing_encode(sketches[k], &n);
    bf_error err;
    for (size_t i = 0; i < n; i++) {
      uint8_t flip = (uint8_t)(1u << (bf__mix64(3, i) % 8));
      bytes[i] ^= flip;
      assert_int_not_equal(decode(bytes, n, &err), BF_OK);
      bytes[i] ^= flip;
    }
    assert_int_equal(decode(bytes, n, &err), BF_OK);
    free(bytes);
    bf_sketch_free(sketches[k]);
  }
}

/* Behind the checksums: whatever is accepted is a sketch that keeps its promises and survives another journey. */
static void flips_with_repaired_checksums_never_break_an_invariant(void **state) {
  (void)state;
  bf_sketch *sketches[] = {example(), wide_example(), series_example(), pair_example()};
  for (size_t k = 0; k < 4; k++) {
    size_t n;
    uint8_t *bytes = testing_encode(sketches[k], &n), *copy = malloc(n);
    assert_non_null(copy);
    unsigned n_accepted = 0;
    for (uint64_t trial = 0; trial < 4000; trial++) {
      memcpy(copy, bytes, n);
      bf__random random = bf__random_of(trial);
      for (uint64_t flips = 1 + bf__random_below(&random, 3); flips; flips--) {
        copy[bf__random_below(&random, n)] ^= (uint8_t)(1u << bf__random_below(&random, 8));
      }
      bf__sketch_fix_checksums(copy, n);
      bf_sketch *a = NULL, *b = NULL;
      bf_error err;
      bf_status status = bf_sketch_decode(copy, n, &a, &err);
      if (status != BF_OK) {
        assert_true(status == BF_ERR_CORRUPT || status == BF_ERR_FORMAT);
        continue;
      }
      n_accepted++;
      size_t n_again;
      uint8_t *again = testing_encode(a, &n_again);
      assert_int_equal(bf_sketch_decode(again, n_again, &b, &err), BF_OK);
      assert_same_sketch(a, b);
      free(again);
      bf_sketch_free(a);
      bf_sketch_free(b);
    }
    assert_in_range(n_accepted, 70, 3950); /* the trials reach beyond the checksums, and find errors there */
    free(copy);
    free(bytes);
    bf_sketch_free(sketches[k]);
  }
}

/* Offset of a section's payload. */
static size_t section(const uint8_t *bytes, size_t n, const char *tag) {
  for (size_t at = 24; at + 16 <= n;) {
    bf__reader r = bf__reader_of(bytes + at + 4, 4);
    size_t length = bf__read_u32(&r);
    if (memcmp(bytes + at, tag, 4) == 0) return at + 16;
    at += 16 + length;
  }
  fail_msg("no section %s", tag);
  return 0;
}

static void impossible_values_are_named_with_their_place(void **state) {
  (void)state;
  const float not_finite = NAN, negative = -1.0f;
  const uint64_t huge = (uint64_t)1 << 60;
  const uint32_t many = 1u << 30;
  const struct {
    const char *tag;
    size_t offset, n;
    const void *value;
    const char *what;
  } cases[] = {
      {"SCHM", 0, 1, "\x09", "kind"},
      {"SCHM", 1, 1, "\x80", "flags"},
      {"SCHM", 2, 2, "\xff\xff", "numbers of rows and columns"},
      {"SCHM", 2, 2, "\x04\x00", "number of view columns"},
      {"SCHM", 12, 8, &huge, "numbers of rows and columns"},
      {"SCHM", 20, 8, &huge, "numbers of rows and columns"},
      {"SCHM", 28, 4, &many, "an image shape of another kind"},
      {"SCHM", 48, 8, &huge, "number of cells"},
      {"SCHM", 64, 8, &huge, "number of cells"},
      {"SCHM", 72, 4, &not_finite, "a number that is not finite"},
      {"COLS", 1, 1, "\x01", "name of a column"}, /* a control character */
      {"COLS", 0, 1, "\xff", "name of a column"}, /* longer than 64 */
      {"COVA", 0, 4, &negative, "a covariance"},
      {"COVA", 4, 4, &not_finite, "a covariance"},
      {"CENT", 0, 4, &many, "number of centroids"},
      {"CENT", 4, 1, "\x00", "rows of a centroid"},
      {"PART", 0, 4, &many, "number of partitions"},
      {"LABL", 0, 4, &many, "number of labels"},
      {"LABL", 4, 1, "\xff", "name of a label"},
  };
  bf_sketch *s = example();
  size_t n;
  uint8_t *bytes = testing_encode(s, &n), *copy = malloc(n);
  assert_non_null(copy);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memcpy(copy, bytes, n);
    size_t at = section(copy, n, cases[i].tag);
    memcpy(copy + at + cases[i].offset, cases[i].value, cases[i].n);
    bf__sketch_fix_checksums(copy, n);
    bf_error err = {0};
    bf_status status = decode(copy, n, &err);
    if (status != BF_ERR_CORRUPT || !strstr(err.message, cases[i].what)) {
      print_error("case %zu: %s\n", i, err.message);
    }
    assert_int_equal(status, BF_ERR_CORRUPT);
    assert_non_null(strstr(err.message, cases[i].what));
    assert_in_range(err.position, 24, n);
  }
  free(copy);
  free(bytes);
  bf_sketch_free(s);
}

/* The same sketch with a field changed in memory, through the encoder: reaches what lies behind variable-length fields.
 */
static void a_changed_field_is_refused(void **state) {
  (void)state;
  enum { N_CHANGES = 14 };
  for (int change = 0; change < N_CHANGES; change++) {
    bf_sketch *s = example();
    bf__sketch_column *c = &s->columns[1];
    bf__partition *p = &s->partitions[5];
    switch (change) {
      case 0:
        c->mean = (double)c->max + 1;
        break;
      case 1:
        c->variance = -1;
        break;
      case 2:
        c->variance = INFINITY;
        break;
      case 3:
        c->min = c->max + 1;
        break;
      case 4:
        c->quantiles[10] = c->quantiles[40] + 1;
        break;
      case 5:
        c->quantiles[62] = c->max * 2 + 1;
        break;
      case 6:
        c->count = 301;
        break;
      case 7:
        c->quantiles[3] = NAN;
        break;
      case 8:
        p->count++;
        break;
      case 9:
        p->rows++;
        break;
      case 10:
        s->centroid_rows[0] = 301;
        break;
      case 11:
        s->labels[0].count = 299;
        break;
      case 12:
        s->raw_max += 1;
        break;
      case 13:
        s->partitions[5].counts[0] = 0;
        break;
      default:
        break;
    }
    size_t n;
    uint8_t *bytes = testing_encode(s, &n);
    bf_error err = {0};
    if (decode(bytes, n, &err) != BF_ERR_CORRUPT) fail_msg("change %d was accepted", change);
    free(bytes);
    bf_sketch_free(s);
  }
}

static void unknown_sections_are_skipped_but_missing_and_double_ones_are_errors(void **state) {
  (void)state;
  bf_sketch *s = example();
  size_t n;
  uint8_t *bytes = testing_encode(s, &n), *more = calloc(1, n + 4096);
  assert_non_null(more);
  memcpy(more, bytes, n);
  memcpy(more + n, "NEWS\x03\0\0\0\0\0\0\0\0\0\0\0abc", 19);
  bf__sketch_fix_checksums(more, n + 19);
  bf_error err;
  assert_int_equal(decode(more, n + 19, &err), BF_OK);
  bf_sketch *back = NULL;
  assert_int_equal(bf_sketch_decode(more, n + 19, &back, &err), BF_OK);
  assert_same_sketch(s, back);
  bf_sketch_free(back);

  size_t covariance = section(bytes, n, "COVA");
  memcpy(more + n, bytes + covariance - 16, 16 + 24);
  bf__sketch_fix_checksums(more, n + 40);
  assert_int_equal(decode(more, n + 40, &err), BF_ERR_CORRUPT);
  assert_non_null(strstr(err.message, "twice"));

  memcpy(more, bytes, n);
  more[covariance - 16] = 'X';
  bf__sketch_fix_checksums(more, n);
  assert_int_equal(decode(more, n, &err), BF_ERR_CORRUPT);
  assert_non_null(strstr(err.message, "section COVA is missing"));
  free(more);
  free(bytes);
  bf_sketch_free(s);
}

static void newer_versions_say_to_update(void **state) {
  (void)state;
  bf_sketch *s = example();
  size_t n;
  uint8_t *bytes = testing_encode(s, &n);
  bf_error err;
  bytes[8] = 2;
  bf__sketch_fix_checksums(bytes, n);
  assert_int_equal(decode(bytes, n, &err), BF_ERR_FORMAT);
  assert_int_equal(err.position, 8);
  assert_non_null(strstr(err.message, "update"));
  free(bytes);
  bf_sketch_free(s);
}

static void more_than_192_kib_is_refused(void **state) {
  (void)state;
  bf_sketch *s = example();
  size_t n, big = BF_SKETCH_MAX_BYTES + 1;
  uint8_t *bytes = testing_encode(s, &n), *more = calloc(1, big);
  assert_non_null(more);
  memcpy(more, bytes, n);
  bf_error err;
  assert_int_equal(decode(more, big, &err), BF_ERR_LIMIT);
  free(more);
  free(bytes);
  bf_sketch_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decoding_gives_back_every_field),
      cmocka_unit_test(every_truncation_is_an_error),
      cmocka_unit_test(every_byte_flipped_is_an_error),
      cmocka_unit_test(flips_with_repaired_checksums_never_break_an_invariant),
      cmocka_unit_test(impossible_values_are_named_with_their_place),
      cmocka_unit_test(a_changed_field_is_refused),
      cmocka_unit_test(unknown_sections_are_skipped_but_missing_and_double_ones_are_errors),
      cmocka_unit_test(newer_versions_say_to_update),
      cmocka_unit_test(more_than_192_kib_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
