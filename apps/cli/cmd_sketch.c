/* bestfit sketch and compare, and the human view of a sketch. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* ---- show a sketch ---- */

static void print_columns(const cli *c, const bf_sketch *sketch) {
  static const char *const headings[] = {"~column", ">mean", ">sd", ">min", ">median", ">max", ">missing", NULL};
  uint32_t n = bf_sketch_column_count(sketch), shown = cli_flag(c, "all") || n < 20 ? n : 20;
  cli_table *table = cli_table_create(headings);
  bf_column column;
  for (uint32_t i = 0; i < shown; i++) {
    if (bf_sketch_column(sketch, i, &column, NULL) != BF_OK) break;
    bool known = column.count > 0;
    if (column.name != NULL) {
      cli_table_cell(table, column.name);
    } else {
      cli_table_cellf(table, "%u", i);
    }
    cli_table_number(table, known ? column.mean : NAN);
    cli_table_number(table, known ? sqrt(column.variance) : NAN);
    cli_table_number(table, known ? (double)column.min : NAN);
    cli_table_number(table, column.n_quantiles > 0 ? (double)column.quantiles[column.n_quantiles / 2] : NAN);
    cli_table_number(table, known ? (double)column.max : NAN);
    cli_table_cellf(table, "%" PRIu64, column.missing);
  }
  printf("\n");
  cli_table_print(table, stdout, 0, cli_table_rows(table));
  if (shown < n) printf("… and %u more (--all)\n", n - shown);
  cli_table_free(table);
}

static void print_labels(const cli *c, const bf_sketch *sketch) {
  uint32_t n = bf_sketch_label_count(sketch), shown = cli_flag(c, "all") || n < 20 ? n : 20;
  if (n == 0) return;
  printf("%-10s %u:", "labels", n);
  for (uint32_t i = 0; i < shown; i++) {
    uint64_t count = 0;
    const char *label = bf_sketch_label(sketch, i, &count);
    char *clean = label != NULL ? cli_clean(label) : NULL;
    printf("%s %s (%" PRIu64 ")", i > 0 ? "," : "", clean != NULL ? clean : "", count);
    free(clean);
  }
  printf("%s\n", shown < n ? ", …" : "");
}

void cli_print_sketch(const cli *c, const bf_sketch *sketch, size_t n_bytes, const char *sha256) {
  char size[24];
  uint32_t height, width, channels;
  cli_format_bytes((double)n_bytes, size);
  printf("%-10s %s, sha256 %s, seed %" PRIu64 "\n", "sketch", size, sha256, bf_sketch_seed(sketch));
  printf("%-10s %s\n", "kind", bf_kind_name(bf_sketch_kind(sketch)));
  printf("%-10s %" PRIu64 "\n", "rows", bf_sketch_rows(sketch));
  if (bf_sketch_image_shape(sketch, &height, &width, &channels)) {
    printf("%-10s %u × %u, %u channel%s, white is %g\n", "images", height, width, channels, channels == 1 ? "" : "s",
           bf_sketch_range_max(sketch));
  } else if (bf_sketch_kind(sketch) == BF_KIND_IMAGE) {
    printf("%-10s of several sizes, white is %g\n", "images", bf_sketch_range_max(sketch));
  } else {
    printf("%-10s %" PRIu64 "\n", "columns", bf_sketch_raw_column_count(sketch));
  }
  printf("%-10s %" PRIu64 " cells\n", "missing", bf_sketch_missing(sketch));
  print_labels(c, sketch);
  if (bf_sketch_projected(sketch)) {
    printf("%-10s the data's %" PRIu64 " columns are projected to %u, which have no names\n", "view",
           bf_sketch_raw_column_count(sketch), bf_sketch_column_count(sketch));
    if (!cli_flag(c, "all")) return;
  }
  if (bf_sketch_column_count(sketch) > 0) print_columns(c, sketch);
}

/* ---- sketch ---- */

/* "train.parquet" from "/data/train.parquet", with ".sketch". You own it. */
static char *default_output(const char *data) {
  size_t end = strlen(data);
  while (end > 1 && data[end - 1] == '/') end--;
  size_t start = end;
  while (start > 0 && data[start - 1] != '/') start--;
  char *out = malloc(end - start + 8);
  if (out != NULL) snprintf(out, end - start + 8, "%.*s.sketch", (int)(end - start), data + start);
  return out;
}

static bf_status check_output(const char *path, const char *data, bf_error *err) {
  if (strcmp(path, "-") != 0) return cli_check_output(path, CLI_OUTPUT_SKETCH, &data, 1, err);
  if (!isatty(STDOUT_FILENO)) return BF_OK;
  return cli_error(err, BF_ERR_INVALID_ARGUMENT, "a sketch is binary and standard output is a terminal: give -o FILE");
}

static int print_sketched(const cli *c, const cli_input *input, const char *path) {
  char size[24];
  if (c->json) {
    json_t *value = cli_json_sketch(input->sketch, false);
    json_object_set_new(value, "path", cli_json_text(path));
    json_object_set_new(value, "bytes", json_integer((json_int_t)input->n_bytes));
    json_object_set_new(value, "sha256", cli_json_text(input->sha256));
    json_object_set(value, "warnings", c->warnings);
    return cli_print_json(c, value);
  }
  cli_format_bytes((double)input->n_bytes, size);
  uint64_t n_rows = bf_sketch_rows(input->sketch);
  printf("%s: %" PRIu64 " row%s of kind %s in %s, sha256 %.12s\n", path, n_rows, n_rows == 1 ? "" : "s",
         bf_kind_name(bf_sketch_kind(input->sketch)), size, input->sha256);
  return 0;
}

int cmd_sketch(cli *c) {
  const char *data = c->arguments[0], *given = cli_text(c, "output");
  bf_error err = {.position = -1};
  cli_input input = {0};
  int code = 0;
  char *path = given != NULL ? strdup(given) : default_output(data);
  bf_status status = path != NULL ? check_output(path, data, &err) : cli_error(&err, BF_ERR_MEMORY, "out of memory");
  if (status == BF_OK && (strcmp(data, "-") == 0 || cli_is_sketch_file(data)))
    status = cli_error(&err, BF_ERR_INVALID_ARGUMENT, "%s is a sketch already; `bestfit show` prints it",
                       strcmp(data, "-") == 0 ? "standard input" : data);
  if (status == BF_OK) status = cli_load_input(c, data, &input, &err);
  if (status == BF_OK && strcmp(path, "-") == 0) {
    (void)fwrite(input.bytes, 1, input.n_bytes, stdout); /* main checks standard output at the end */
    goto out;
  }
  if (status == BF_OK) status = cli_write_file(path, input.bytes, input.n_bytes, &err);
  code = status == BF_OK ? print_sketched(c, &input, path) : cli_fail(c, &err);
out:
  cli_input_deinit(&input);
  free(path);
  return code;
}

/* ---- merge ---- */

int cmd_merge(cli *c) {
  const char *path = cli_text(c, "output");
  bf_error err = {.position = -1};
  cli_input merged = {0};
  int code = 0;
  bf_status status =
      path != NULL ? BF_OK : cli_error(&err, BF_ERR_INVALID_ARGUMENT, "give -o FILE, the sketch to write");
  for (int i = 0; status == BF_OK && i < c->n_arguments; i++) {
    cli_input next = {0};
    bf_sketch *both = NULL;
    bf_error inner = {.position = -1};
    if (!cli_is_sketch_file(c->arguments[i])) {
      status = cli_error(&err, BF_ERR_INVALID_ARGUMENT, "%s is no sketch; `bestfit sketch` makes one", c->arguments[i]);
      break;
    }
    status = cli_load_input(c, c->arguments[i], &next, &err);
    if (status == BF_OK && i > 0) {
      status = bf_sketch_merge(merged.sketch, next.sketch, &both, &inner);
      if (status != BF_OK) (void)cli_error(&err, status, "%s: %s", c->arguments[i], inner.message);
      bf_sketch_free(merged.sketch);
      merged.sketch = both;
    } else if (status == BF_OK) {
      merged.sketch = next.sketch;
      next.sketch = NULL;
    }
    cli_input_deinit(&next);
  }
  if (status == BF_OK && strcmp(path, "-") != 0)
    status = cli_check_output(path, CLI_OUTPUT_SKETCH, c->arguments, (size_t)c->n_arguments, &err);
  if (status == BF_OK) status = bf_sketch_encode(merged.sketch, &merged.bytes, &merged.n_bytes, &err);
  if (status == BF_OK) status = bf_sha256(merged.bytes, merged.n_bytes, merged.sha256, &err);
  if (status == BF_OK && strcmp(path, "-") == 0) {
    (void)fwrite(merged.bytes, 1, merged.n_bytes, stdout); /* main checks standard output at the end */
  } else {
    if (status == BF_OK) status = cli_write_file(path, merged.bytes, merged.n_bytes, &err);
    code = status == BF_OK ? print_sketched(c, &merged, path) : cli_fail(c, &err);
  }
  cli_input_deinit(&merged);
  return code;
}

/* ---- compare ---- */

#define MAX_MEASURES 128u

typedef struct comparison {
  const bf_strategy_info *info[MAX_MEASURES];
  double values[MAX_MEASURES]; /* NaN: not applicable */
  char why[MAX_MEASURES][sizeof((bf_error *)0)->message];
  size_t n;
  bool named; /* the user chose them: a measure without an answer is an error then */
} comparison;

/* The measures asked for, or all that stand on two sketches (with --raw: on rows). */
static bf_status choose_measures(const cli *c, comparison *out, bf_error *err) {
  const char *names[MAX_MEASURES];
  const bf_strategy_info *info;
  size_t n = cli_list(c, "measure", names, MAX_MEASURES);
  out->named = n > 0;
  if (n > MAX_MEASURES) return cli_error(err, BF_ERR_LIMIT, "more than %u measures asked for", MAX_MEASURES);
  for (size_t i = 0; i < n; i++) {
    bf_status status = bf_strategy_find(names[i], &info, err);
    if (status != BF_OK) return status;
    if (strstr(info->needs, "outputs") != NULL)
      return cli_error(err, BF_ERR_UNSUPPORTED, "%s ranks by %s, and two sketches or datasets have none", info->name,
                       info->needs);
    out->info[out->n++] = info;
  }
  for (size_t i = 0; n == 0 && out->n < MAX_MEASURES && (info = bf_strategy_at(i)) != NULL; i++)
    if (cli_flag(c, "raw") ? info->has_raw || info->has_raw_words : strcmp(info->needs, "two sketches") == 0)
      out->info[out->n++] = info;
  return BF_OK;
}

/* Keeps a value, or the reason why there is none. */
static bf_status keep_value(comparison *out, size_t i, bf_status status, double value, const bf_error *inner,
                            bf_error *err) {
  out->values[i] = status == BF_OK ? value : NAN;
  if (status == BF_OK) return BF_OK;
  if (!out->named && (status == BF_ERR_NOT_APPLICABLE || status == BF_ERR_UNSUPPORTED)) {
    memcpy(out->why[i], inner->message, sizeof inner->message);
    return BF_OK;
  }
  *err = *inner;
  return status;
}

static bool has_column(const bf_sketch *sketch, const char *name) {
  bf_column column;
  for (uint32_t i = 0; i < bf_sketch_column_count(sketch); i++)
    if (bf_sketch_column(sketch, i, &column, NULL) == BF_OK && column.name != NULL && strcmp(column.name, name) == 0)
      return true;
  return false;
}

/* Why the two sides have no common frame, in words that name the sides; `inner` is the library's, of sources. */
static bf_status say_mismatch(const cli *c, const bf_sketch *source, const bf_sketch *target, const bf_error *inner,
                              bf_error *err) {
  static const char remedy[] = "give both the same columns with --columns or --drop";
  const char *a = c->arguments[0], *b = c->arguments[1];
  uint64_t n = bf_sketch_raw_column_count(source), m = bf_sketch_raw_column_count(target);
  bf_column column;
  if (bf_sketch_kind(source) != bf_sketch_kind(target))
    return cli_error(err, BF_ERR_MISMATCH,
                     "the source (%.120s) is of kind %s and the target (%.120s) of kind %s: compare data of one kind; "
                     "--kind names how to read them",
                     a, bf_kind_name(bf_sketch_kind(source)), b, bf_kind_name(bf_sketch_kind(target)));
  for (uint32_t i = 0; !bf_sketch_projected(source) && i < bf_sketch_column_count(source); i++) {
    if (bf_sketch_column(source, i, &column, NULL) != BF_OK || column.name == NULL) break;
    if (bf_sketch_column(target, 0, &(bf_column){0}, NULL) != BF_OK || has_column(target, column.name)) continue;
    return cli_error(err, BF_ERR_MISMATCH,
                     "the target (%.120s) has no column '%.64s', which the source (%.120s) has: %s", b, column.name, a,
                     remedy);
  }
  if (n != m)
    return cli_error(err, BF_ERR_MISMATCH,
                     "the source (%.120s) has %" PRIu64 " columns and the target (%.120s) %" PRIu64 ": %s", a, n, b, m,
                     remedy);
  return cli_error(err, BF_ERR_MISMATCH,
                   "the source (%.80s) and the target (%.80s) do not compare: the first %.180s: %s", a, b,
                   inner->message, remedy);
}

static bf_status compare_sketches(const cli *c, const bf_sketch *source, const bf_sketch *target, comparison *out,
                                  bf_error *err) {
  bf_measure_options options = cli_measure_options(c);
  const bf_sketch *both[2] = {source, target};
  bf_frame *frame = NULL;
  bf_prepared *a = NULL, *b = NULL;
  bf_error unframed = {.position = -1};
  bf_status status = bf_frame_create(both, 2, &options, &frame, &unframed);
  if (status == BF_ERR_MISMATCH) {
    status = say_mismatch(c, source, target, &unframed, err);
  } else if (status != BF_OK) {
    *err = unframed;
  }
  if (status == BF_OK) status = bf_prepared_create(frame, source, &a, err);
  if (status == BF_OK) status = bf_prepared_create(frame, target, &b, err);
  for (size_t i = 0; status == BF_OK && i < out->n; i++) {
    bf_error inner = {.position = -1};
    double value = NAN;
    bf_status measured = bf_measure(out->info[i]->name, a, b, &value, &inner);
    status = keep_value(out, i, measured, value, &inner, err);
  }
  bf_prepared_free(a);
  bf_prepared_free(b);
  bf_frame_free(frame);
  return status;
}

/* Whether a side names rows: a file that is no sketch. */
static bf_status check_has_rows(const char *path, bf_error *err) {
  struct stat info;
  if (strcmp(path, "-") != 0 && stat(path, &info) != 0 &&
      (strchr(path, '@') != NULL || bf_card_check_name(path, NULL) == BF_OK))
    return cli_error(err, BF_ERR_INVALID_ARGUMENT,
                     "--raw needs rows, and %s is no file: a model of the repository keeps a sketch of its data, "
                     "but no rows; give the data, or leave --raw out",
                     path);
  if (strcmp(path, "-") == 0 || cli_is_sketch_file(path))
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "--raw needs rows, and %s is a sketch", path);
  return BF_OK;
}

/* Rows as numbers or as words, whichever the data have; a measure of the other sort is not applicable to them. */
typedef struct raw_sides {
  bf_rows *rows[2];
  bf_documents *documents[2];
} raw_sides;

static bf_status load_raw(const cli *c, raw_sides *out, bf_error *err) {
  bf_dataset_options options = cli_dataset_options(c);
  for (size_t k = 0; k < 2; k++) {
    bf_error numbers = {.position = -1};
    bf_status status = check_has_rows(c->arguments[k], err);
    if (status != BF_OK) return status;
    status = bf_rows_load(c->arguments[k], &options, &out->rows[k], &numbers);
    if (status == BF_ERR_MISMATCH)
      status = bf_documents_load(c->arguments[k], &options, &out->documents[k], err);
    else if (status != BF_OK && err != NULL)
      *err = numbers;
    if (status != BF_OK) return status;
  }
  if ((out->rows[0] == NULL) != (out->rows[1] == NULL))
    return cli_error(err, BF_ERR_MISMATCH, "%s holds %s and %s holds %s: they do not compare", c->arguments[0],
                     out->rows[0] != NULL ? "numbers" : "words", c->arguments[1],
                     out->rows[1] != NULL ? "numbers" : "words");
  return BF_OK;
}

static bf_status compare_rows(const cli *c, comparison *out, bf_error *err) {
  bf_measure_options options = cli_measure_options(c);
  raw_sides sides = {0};
  bf_status status = load_raw(c, &sides, err);
  size_t kept = 0;
  for (size_t i = 0; status == BF_OK && i < out->n; i++) {
    const bf_strategy_info *info = out->info[i];
    bf_error inner = {.position = -1};
    double value = NAN;
    bool fits = sides.rows[0] != NULL ? info->has_raw : info->has_raw_words;
    if (!fits && !out->named) continue;
    out->info[kept] = info;
    bf_status measured =
        sides.rows[0] != NULL
            ? bf_measure_raw(info->name, sides.rows[0], sides.rows[1], &options, &value, &inner)
            : bf_measure_raw_words(info->name, sides.documents[0], sides.documents[1], &options, &value, &inner);
    status = keep_value(out, kept++, measured, value, &inner, err);
  }
  out->n = kept;
  for (size_t k = 0; k < 2; k++) {
    bf_rows_free(sides.rows[k]);
    bf_documents_free(sides.documents[k]);
  }
  return status;
}

static json_t *side_json(const char *name, const cli_input *input) {
  json_t *value = json_object();
  json_object_set_new(value, "name", cli_json_text(name));
  if (input->sketch == NULL) return value;
  json_object_set_new(value, "kind", cli_json_text(bf_kind_name(bf_sketch_kind(input->sketch))));
  json_object_set_new(value, "rows", json_integer((json_int_t)bf_sketch_rows(input->sketch)));
  json_object_set_new(value, "sketch_sha256", cli_json_text(input->sha256));
  return value;
}

static int print_comparison_json(const cli *c, const comparison *result, const cli_input sides[2],
                                 const bf_explanation *explanation) {
  json_t *whole = json_object(), *measures = json_object(), *reasons = json_array();
  for (size_t i = 0; i < result->n; i++) {
    json_t *one = json_object();
    json_object_set_new(one, "value", cli_json_number(result->values[i]));
    json_object_set_new(one, "higher_is_closer", json_boolean(result->info[i]->direction == BF_HIGHER_IS_CLOSER));
    if (result->why[i][0] != '\0') json_object_set_new(one, "why", cli_json_text(result->why[i]));
    json_object_set_new(measures, result->info[i]->name, one);
  }
  for (size_t i = 0; explanation != NULL && i < bf_explanation_sentence_count(explanation); i++)
    json_array_append_new(reasons, cli_json_text(bf_explanation_sentence(explanation, i)));
  json_object_set_new(whole, "bestfit_version", cli_json_text(bf_version()));
  json_object_set_new(whole, "seed", json_integer((json_int_t)cli_wide(c, "seed", BF_SKETCH_DEFAULT_SEED)));
  json_object_set_new(whole, "raw", json_boolean(cli_flag(c, "raw")));
  json_object_set_new(whole, "source", side_json(c->arguments[0], &sides[0]));
  json_object_set_new(whole, "target", side_json(c->arguments[1], &sides[1]));
  json_object_set_new(whole, "measures", measures);
  json_object_set_new(whole, "reasons", reasons);
  json_object_set(whole, "warnings", c->warnings);
  return cli_print_json(c, whole);
}

static void print_comparison(const comparison *result, const bf_explanation *explanation) {
  static const char *const headings[] = {"measure", ">value", "closer is", "~note", NULL};
  cli_table *table = cli_table_create(headings);
  for (size_t i = 0; i < result->n; i++) {
    cli_table_cell(table, result->info[i]->name);
    cli_table_number(table, result->values[i]);
    cli_table_cell(table, result->info[i]->direction == BF_HIGHER_IS_CLOSER ? "higher" : "lower");
    cli_table_cell(table, result->why[i]);
  }
  cli_table_print(table, stdout, 0, cli_table_rows(table));
  cli_table_free(table);
  size_t n = explanation != NULL ? bf_explanation_sentence_count(explanation) : 0;
  if (n > 0) printf("\nHow the target differs from the source\n");
  for (size_t i = 0; i < n; i++) cli_print_wrapped(stdout, 2, bf_explanation_sentence(explanation, i));
}

int cmd_compare(cli *c) {
  bf_error err = {.position = -1};
  cli_input sides[2] = {{0}, {0}};
  bf_explanation *explanation = NULL;
  int code = 0;
  comparison *result = calloc(1, sizeof *result);
  bf_status status =
      result != NULL ? choose_measures(c, result, &err) : cli_error(&err, BF_ERR_MEMORY, "out of memory");
  if (status == BF_OK && cli_flag(c, "raw")) {
    status = compare_rows(c, result, &err);
  } else if (status == BF_OK) {
    status = cli_load_named(c, c->arguments[0], &sides[0], &err);
    if (status == BF_OK) status = cli_load_named(c, c->arguments[1], &sides[1], &err);
    if (status == BF_OK) status = compare_sketches(c, sides[0].sketch, sides[1].sketch, result, &err);
    bf_measure_options options = cli_measure_options(c);
    bf_error unexplained;
    if (status == BF_OK && bf_explain(sides[0].sketch, sides[1].sketch, &options, &explanation, &unexplained) != BF_OK)
      cli_warn(c, "no explanation: %s", unexplained.message);
  }
  if (status != BF_OK) {
    code = cli_fail(c, &err);
  } else if (c->json) {
    code = print_comparison_json(c, result, sides, explanation);
  } else {
    print_comparison(result, explanation);
  }
  bf_explanation_free(explanation);
  cli_input_deinit(&sides[0]);
  cli_input_deinit(&sides[1]);
  free(result);
  return code;
}
