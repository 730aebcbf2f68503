#include "collections.h"

#include <bestfit/dataset.h>
#include <bestfit/metrics.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool complain(const char *what, const char *path) {
  fprintf(stderr, "%s: %s\n", path, what);
  return false;
}

/* ---- arrays ---- */

static bool write_npy(const char *path, const char *descr, const char *shape, const void *cells, size_t n_bytes) {
  char header[256];
  int n = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
  int padded = (10 + n + 1 + 63) / 64 * 64 - 10;
  FILE *file = fopen(path, "wb");
  if (!file) return complain("cannot write", path);
  fwrite("\x93NUMPY\x01\x00", 1, 8, file);
  fputc(padded & 255, file);
  fputc(padded >> 8, file);
  fprintf(file, "%-*s\n", padded - 1, header);
  bool ok = fwrite(cells, 1, n_bytes, file) == n_bytes;
  return (fclose(file) == 0 && ok) || complain("cannot write", path);
}

static bf_rows *load(const char *data, const char *file, const char *kind) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", data, file);
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  options.kind = kind;
  bf_rows *rows = NULL;
  bf_error err = {0};
  if (bf_rows_load(path, &options, &rows, &err) != BF_OK) complain(err.message, path);
  return rows;
}

static bool add_domain(bench_collection *c, const char *scratch, const char *name) {
  bench_domain *d = &c->domains[c->n++];
  snprintf(d->name, sizeof d->name, "%s", name);
  int n = snprintf(d->path, sizeof d->path, "%s/%s-%s.npy", scratch, c->name, name);
  return n > 0 && (size_t)n < sizeof d->path;
}

/* Chosen rows of a matrix, its first `n_columns` columns, as a float32 .npy of the domain `name`. */
static bool add_rows(bench_collection *c, const char *scratch, const char *name, const bf_rows *from,
                     const uint32_t *rows, size_t n_rows, uint32_t n_columns) {
  if (n_rows == 0) return complain("no rows", name);
  if (!add_domain(c, scratch, name)) return false;
  uint32_t width = bf_rows_column_count(from);
  float *cells = malloc(n_rows * n_columns * sizeof *cells);
  if (!cells) return complain("out of memory", name);
  for (size_t i = 0; i < n_rows; i++)
    memcpy(cells + i * n_columns, bf_rows_cells(from) + (size_t)rows[i] * width, n_columns * sizeof *cells);
  char shape[64];
  snprintf(shape, sizeof shape, "(%zu, %u)", n_rows, n_columns);
  bool ok = write_npy(c->domains[c->n - 1].path, "<f4", shape, cells, n_rows * n_columns * sizeof *cells);
  free(cells);
  return ok;
}

/* ---- serving accuracies ---- */

static size_t find_domain(const bench_collection *c, const char *name) {
  for (size_t i = 0; i < c->n; i++)
    if (strcmp(c->domains[i].name, name) == 0) return i;
  return SIZE_MAX;
}

static bool read_accuracies(bench_collection *c, const char *data) {
  for (size_t i = 0; i < BENCH_MAX_DOMAINS; i++)
    for (size_t j = 0; j < BENCH_MAX_DOMAINS; j++) c->accuracy[i][j] = NAN;
  const char *reference = getenv("BESTFIT_REFERENCE");
  char path[512], line[256], source[BENCH_NAME_BYTES], target[BENCH_NAME_BYTES];
  if (reference)
    snprintf(path, sizeof path, "%s/serving_%s.csv", reference, c->name);
  else
    snprintf(path, sizeof path, "%s/../reference/serving_%s.csv", data, c->name);
  FILE *file = fopen(path, "r");
  if (!file) return complain("no reference accuracies (BESTFIT_REFERENCE names their folder)", path);
  size_t n_read = 0;
  while (fgets(line, sizeof line, file)) {
    double accuracy;
    if (sscanf(line, "%47[^,],%47[^,],%lf", source, target, &accuracy) != 3) continue;
    size_t s = find_domain(c, source), t = find_domain(c, target);
    if (s == SIZE_MAX || t == SIZE_MAX) continue;
    c->accuracy[s][t] = accuracy;
    n_read++;
  }
  fclose(file);
  return n_read == c->n * c->n || complain("does not hold every pair of the collection", path);
}

/* ---- activity recognition ---- */

static const char *const POSITIONS[5] = {"torso", "right_arm", "left_arm", "right_leg", "left_leg"};

/* Rows of a windows.csv (activity, subject …) that a rule keeps. */
typedef bool (*window_rule)(int activity, int subject, int argument);

static size_t keep_windows(const bf_rows *windows, window_rule rule, int argument, uint32_t *kept) {
  uint32_t width = bf_rows_column_count(windows);
  size_t n = 0;
  for (uint64_t i = 0; i < bf_rows_count(windows); i++) {
    const float *row = bf_rows_cells(windows) + i * width;
    if (rule((int)row[0], (int)row[1], argument)) kept[n++] = (uint32_t)i;
  }
  return n;
}

static bool in_subject_pair(int activity, int subject, int pair) {
  (void)activity;
  return (subject - 1) / 2 == pair;
}

static bool in_subject_half(int activity, int subject, int half) {
  (void)activity;
  return (subject - 1) / 4 == half;
}

static bool in_subject_triple(int activity, int subject, int triple) {
  (void)activity;
  return (subject - 1) / 3 == triple;
}

static bool is_shared_activity(int activity, int subject, int unused) {
  (void)subject;
  (void)unused;
  return activity == 1 || activity == 2 || activity == 5 || activity == 6 || activity == 9 || activity == 10 ||
         activity == 12;
}

static bf_rows *load_position(const char *data, size_t position) {
  char file[64];
  snprintf(file, sizeof file, "har-dsads/features_%s.npy.gz", POSITIONS[position]);
  return load(data, file, "features");
}

/* Adds, for each position, one domain a value of `argument` in [0, n_arguments). */
static bool add_positions(bench_collection *c, const char *data, const char *scratch, window_rule rule,
                          int first_argument, int n_arguments, uint32_t n_columns, const char *format) {
  bf_rows *windows = load(data, "har-dsads/windows.csv", "features");
  bool ok = windows != NULL;
  uint32_t *kept = ok ? malloc((size_t)bf_rows_count(windows) * sizeof *kept) : NULL;
  for (size_t p = 0; ok && p < 5; p++) {
    bf_rows *features = load_position(data, p);
    ok = features && kept && bf_rows_count(features) == bf_rows_count(windows);
    for (int a = first_argument; ok && a < first_argument + n_arguments; a++) {
      char name[BENCH_NAME_BYTES];
      snprintf(name, sizeof name, format, POSITIONS[p], a);
      ok = add_rows(c, scratch, name, features, kept, keep_windows(windows, rule, a, kept), n_columns);
    }
    bf_rows_free(features);
  }
  free(kept);
  bf_rows_free(windows);
  return ok;
}

static bool make_dsads(const char *data, const char *scratch, bench_collection *c) {
  return add_positions(c, data, scratch, in_subject_pair, 0, 4, 81, "%s%d");
}

static bool make_har_across(const char *data, const char *scratch, bench_collection *c) {
  bf_rows *windows = load(data, "har-motionsense/windows.csv", "features");
  bf_rows *features = load(data, "har-motionsense/features.npy.gz", "features");
  bool ok = windows && features;
  uint32_t *kept = ok ? malloc((size_t)bf_rows_count(windows) * sizeof *kept) : NULL;
  for (int group = 0; ok && kept && group < 8; group++) {
    char name[BENCH_NAME_BYTES];
    snprintf(name, sizeof name, "ms%d", group);
    ok = add_rows(c, scratch, name, features, kept, keep_windows(windows, in_subject_triple, group, kept), 54);
  }
  free(kept);
  bf_rows_free(windows);
  bf_rows_free(features);
  return ok && add_positions(c, data, scratch, is_shared_activity, 0, 1, 54, "ds_%s");
}

bool bench_mirror_limbs_make(const char *data, const char *scratch, bench_collection *out) {
  *out = (bench_collection){.name = "mirror"};
  return add_positions(out, data, scratch, in_subject_half, 0, 1, 81, "%s-source%d") &&
         add_positions(out, data, scratch, in_subject_half, 1, 1, 81, "%s-target%d");
}

/* ---- digits ---- */

#define DIGIT_ROWS 1600
#define SIDE 28

static uint64_t next_random(uint64_t *state) { /* SplitMix64 */
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static double unit_random(uint64_t *state) {
  return (double)(next_random(state) >> 11) * 0x1p-53;
}

static double normal_random(uint64_t *state) {
  double sum = -6;
  for (int i = 0; i < 12; i++) sum += unit_random(state);
  return sum;
}

static double pixel_at(const float *image, double y, double x) { /* bilinear, black outside */
  int y0 = (int)floor(y), x0 = (int)floor(x);
  double sum = 0;
  for (int dy = 0; dy < 2; dy++)
    for (int dx = 0; dx < 2; dx++) {
      int yy = y0 + dy, xx = x0 + dx;
      if (yy < 0 || xx < 0 || yy >= SIDE || xx >= SIDE) continue;
      sum += image[yy * SIDE + xx] * (1 - fabs(y - yy)) * (1 - fabs(x - xx));
    }
  return sum;
}

typedef void (*condition)(const float *in, uint8_t *out, uint64_t *random);

static uint8_t to_byte(double v) {
  return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

static void clean(const float *in, uint8_t *out, uint64_t *random) {
  (void)random;
  for (int i = 0; i < SIDE * SIDE; i++) out[i] = to_byte(in[i]);
}

static void inverted(const float *in, uint8_t *out, uint64_t *random) {
  (void)random;
  for (int i = 0; i < SIDE * SIDE; i++) out[i] = to_byte(255 - in[i]);
}

static void rotated(const float *in, uint8_t *out, uint64_t *random) { /* by up to 45 degrees either way */
  double angle = (unit_random(random) * 2 - 1) * 0.7853981633974483, c = cos(angle), s = sin(angle),
         m = (SIDE - 1) / 2.0;
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++)
      out[y * SIDE + x] = to_byte(pixel_at(in, m + c * (y - m) - s * (x - m), m + s * (y - m) + c * (x - m)));
}

static void noisy(const float *in, uint8_t *out, uint64_t *random) { /* Gaussian, deviation 64 */
  for (int i = 0; i < SIDE * SIDE; i++) out[i] = to_byte(in[i] + 64 * normal_random(random));
}

static void blurred(const float *in, uint8_t *out, uint64_t *random) { /* 5 x 5 box, twice as a triangle */
  (void)random;
  static const double WEIGHTS[5] = {1, 2, 3, 2, 1};
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) {
      double sum = 0;
      for (int dy = -2; dy <= 2; dy++)
        for (int dx = -2; dx <= 2; dx++) sum += WEIGHTS[dy + 2] * WEIGHTS[dx + 2] * pixel_at(in, y + dy, x + dx);
      out[y * SIDE + x] = to_byte(sum / 81);
    }
}

static void shifted(const float *in, uint8_t *out, uint64_t *random) { /* by up to 6 pixels in each direction */
  int dy = (int)(next_random(random) % 13) - 6, dx = (int)(next_random(random) % 13) - 6;
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) out[y * SIDE + x] = to_byte(pixel_at(in, y + dy, x + dx));
}

static const struct {
  const char *name;
  condition make;
} CONDITIONS[] = {{"mnist_clean", clean}, {"mnist_inv", inverted}, {"mnist_rot", rotated},
                  {"mnist_noise", noisy}, {"mnist_blur", blurred}, {"mnist_shift", shifted}};

static void shuffle(uint32_t *numbers, size_t n, uint64_t *random) {
  for (size_t i = 0; i < n; i++) numbers[i] = (uint32_t)i;
  for (size_t i = n; i > 1; i--) {
    size_t j = next_random(random) % i;
    uint32_t t = numbers[i - 1];
    numbers[i - 1] = numbers[j];
    numbers[j] = t;
  }
}

static bool make_mnist(const char *data, const char *scratch, bench_collection *c) {
  bf_rows *rows = load(data, "digits-mnist/t10k-images-idx3-ubyte.gz", NULL);
  bool ok = rows && bf_rows_count(rows) == 10000;
  uint64_t random = 1;
  uint32_t *order = malloc(10000 * sizeof *order);
  uint8_t *cells = malloc(DIGIT_ROWS * SIDE * SIDE);
  ok = ok && order && cells;
  if (ok) shuffle(order, 10000, &random);
  for (size_t k = 0; ok && k < sizeof CONDITIONS / sizeof *CONDITIONS; k++) {
    for (size_t i = 0; i < DIGIT_ROWS; i++)
      CONDITIONS[k].make(bf_rows_cells(rows) + (size_t)order[k * DIGIT_ROWS + i] * SIDE * SIDE, cells + i * SIDE * SIDE,
                         &random);
    ok = add_domain(c, scratch, CONDITIONS[k].name) &&
         write_npy(c->domains[c->n - 1].path, "|u1", "(1600, 28, 28)", cells, DIGIT_ROWS * SIDE * SIDE);
  }
  free(order);
  free(cells);
  bf_rows_free(rows);
  return ok;
}

/* Up to 1,600 seeded rows of another set, as it is. */
static bool add_digits(bench_collection *c, const char *data, const char *scratch, const char *name, const char *file,
                       const char *image_shape) {
  bf_rows *rows = load(data, file, NULL);
  if (!rows) return false;
  size_t n = (size_t)bf_rows_count(rows), width = bf_rows_column_count(rows), n_kept = n < DIGIT_ROWS ? n : DIGIT_ROWS;
  uint64_t random = 2;
  uint32_t *order = malloc(n * sizeof *order);
  uint8_t *cells = malloc(n_kept * width);
  bool ok = order && cells && add_domain(c, scratch, name);
  if (ok) {
    shuffle(order, n, &random);
    for (size_t i = 0; i < n_kept; i++)
      for (size_t j = 0; j < width; j++) cells[i * width + j] = to_byte(bf_rows_cells(rows)[order[i] * width + j]);
    char shape[64];
    snprintf(shape, sizeof shape, "(%zu, %s)", n_kept, image_shape);
    ok = write_npy(c->domains[c->n - 1].path, "|u1", shape, cells, n_kept * width);
  }
  free(order);
  free(cells);
  bf_rows_free(rows);
  return ok;
}

static bool make_digits(const char *data, const char *scratch, bench_collection *c) {
  return make_mnist(data, scratch, c) &&
         add_digits(c, data, scratch, "mnistm", "digits-mnist-m/images-idx4-ubyte.gz", "32, 32, 3") &&
         add_digits(c, data, scratch, "optdigits", "digits-optdigits/train-images-idx3-ubyte.gz", "8, 8") &&
         add_digits(c, data, scratch, "semeion", "digits-semeion/images-idx3-ubyte.gz", "16, 16") &&
         add_digits(c, data, scratch, "kannada", "digits-kannada/X_kannada_MNIST_test-idx3-ubyte.gz", "28, 28") &&
         add_digits(c, data, scratch, "notmnist", "letters-notmnist/t10k-images-idx3-ubyte.gz", "28, 28");
}

/* ---- words ---- */

/* The next domain, its file open for writing; NULL with a message. */
static FILE *create_domain(bench_collection *c, const char *scratch, const char *name, const char *extension,
                           const char *format) {
  bench_domain *d = &c->domains[c->n++];
  snprintf(d->name, sizeof d->name, "%s", name);
  d->format = format;
  int n = snprintf(d->path, sizeof d->path, "%s/%s-%s.%s", scratch, c->name, name, extension);
  FILE *file = n > 0 && (size_t)n < sizeof d->path ? fopen(d->path, "w") : NULL;
  if (!file) complain("cannot write", d->path);
  return file;
}

static bf_dataset *open_words(const char *data, const char *file, const char *format, const char *kind) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", data, file);
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  options.format = format;
  options.kind = kind;
  if (strstr(file, ".csv")) options.text = "pairs";
  bf_dataset *dataset = NULL;
  bf_error err = {0};
  if (bf_dataset_open(path, &options, &dataset, &err) != BF_OK) complain(err.message, path);
  return dataset;
}

/* Calls write for every batch of the dataset, and closes it and the file. */
typedef void (*batch_writer)(FILE *file, const bf_dataset *dataset, const bf_batch *batch, void *context);

static bool write_batches(FILE *file, bf_dataset *dataset, batch_writer write, void *context) {
  bf_error err = {0};
  bf_batch batch = {0};
  bool ok = dataset != NULL;
  while (ok) {
    ok = bf_dataset_next(dataset, &batch, &err) == BF_OK || complain(err.message, "a dataset");
    if (!ok || batch.n_rows == 0) break;
    write(file, dataset, &batch, context);
  }
  bf_dataset_close(dataset);
  return (!file || fclose(file) == 0) && ok;
}

/* A text a line; `context` names a label that is left out. */
static void write_texts(FILE *file, const bf_dataset *dataset, const bf_batch *batch, void *context) {
  const char *left_out = context;
  for (uint32_t i = 0; i < batch->n_rows; i++) {
    const char *label =
        batch->labels && batch->labels[i] >= 0 ? bf_dataset_label_name(dataset, (uint32_t)batch->labels[i]) : "";
    if (left_out && strcmp(label, left_out) == 0) continue;
    for (uint32_t b = 0; b < batch->texts[i].n_bytes; b++) {
      char byte = batch->texts[i].bytes[b];
      fputc(byte == '\n' || byte == '\r' ? ' ' : byte, file);
    }
    fputc('\n', file);
  }
}

static bool add_texts(bench_collection *c, const char *data, const char *scratch, const char *name, const char *from,
                      const char *format, char *left_out) {
  bf_dataset *dataset = open_words(data, from, format, "text");
  FILE *file = dataset ? create_domain(c, scratch, name, "txt", "lines") : NULL;
  if (!file) bf_dataset_close(dataset);
  return file && write_batches(file, dataset, write_texts, left_out);
}

static bool make_sentiment(const char *data, const char *scratch, bench_collection *c) {
  static const char *const REVIEWS[] = {
      "apparel", "baby",     "books",           "camera_photo", "dvd",  "electronics", "imdb", "kitchen_housewares",
      "music",   "software", "sports_outdoors", "toys_games",   "video"};
  static char neutral[] = "neutral";
  bool ok = true;
  for (size_t i = 0; ok && i < sizeof REVIEWS / sizeof *REVIEWS; i++) {
    char file[128];
    snprintf(file, sizeof file, "sentiment_fdu_mtl/%s.task.train.gz", REVIEWS[i]);
    ok = add_texts(c, data, scratch, REVIEWS[i], file, "label-text", NULL);
  }
  return ok &&
         add_texts(c, data, scratch, "s_amazon", "sentiment_short/amazon_cells_labelled.txt", "text-label", NULL) &&
         add_texts(c, data, scratch, "s_imdb", "sentiment_short/imdb_labelled.txt", "text-label", NULL) &&
         add_texts(c, data, scratch, "s_airline", "sentiment_short/airline_tweets.tsv.gz", "label-text", neutral);
}

#define POS_TOKENS 12000.0

typedef struct sentence_picker {
  double n_tokens, share, owed;
} sentence_picker;

static void count_tokens(FILE *file, const bf_dataset *dataset, const bf_batch *batch, void *context) {
  (void)file;
  (void)dataset;
  sentence_picker *picker = context;
  for (uint32_t i = 0; i < batch->n_rows; i++) picker->n_tokens += batch->sentences[i].n_tokens;
}

/* Evenly spread sentences, so that every document of a genre is heard. */
static void write_sentences(FILE *file, const bf_dataset *dataset, const bf_batch *batch, void *context) {
  sentence_picker *picker = context;
  for (uint32_t i = 0; i < batch->n_rows; i++) {
    const bf_sentence *sentence = &batch->sentences[i];
    picker->owed += picker->share;
    if (picker->owed < 1) continue;
    picker->owed -= 1;
    for (uint32_t t = 0; t < sentence->n_tokens; t++) {
      int32_t tag = sentence->tags ? sentence->tags[t] : -1;
      fprintf(file, "%.*s\t%s\n", (int)sentence->tokens[t].n_bytes, sentence->tokens[t].bytes,
              tag >= 0 ? bf_dataset_label_name(dataset, (uint32_t)tag) : "");
    }
    fputc('\n', file);
  }
}

static bool make_pos(const char *data, const char *scratch, bench_collection *c) {
  static const char *const GENRES[] = {
      "atis",     "ewt_answers",      "ewt_email",  "ewt_newsgroup", "ewt_reviews", "ewt_weblog",    "gum_academic",
      "gum_bio",  "gum_conversation", "gum_court",  "gum_essay",     "gum_fiction", "gum_interview", "gum_letter",
      "gum_news", "gum_podcast",      "gum_speech", "gum_textbook",  "gum_voyage"};
  bool ok = true;
  for (size_t i = 0; ok && i < sizeof GENRES / sizeof *GENRES; i++) {
    char from[128];
    snprintf(from, sizeof from, "ud_english/%s.train.conllu.gz", GENRES[i]);
    sentence_picker picker = {0};
    ok = write_batches(NULL, open_words(data, from, "conllu", NULL), count_tokens, &picker);
    picker.share = picker.n_tokens > POS_TOKENS ? POS_TOKENS / picker.n_tokens : 1;
    FILE *file = ok ? create_domain(c, scratch, GENRES[i], "txt", "token-tag") : NULL;
    ok = file && write_batches(file, open_words(data, from, "conllu", NULL), write_sentences, &picker);
  }
  return ok;
}

/* Magellan's flattened pairs, `left [SEP] right`. */
static void write_pairs(FILE *file, const bf_dataset *dataset, const bf_batch *batch, void *context) {
  (void)dataset;
  (void)context;
  static const char SEPARATOR[] = " [SEP] ";
  for (uint32_t i = 0; i < batch->n_rows; i++) {
    const bf_string *text = &batch->texts[i];
    const char *at = memmem(text->bytes, text->n_bytes, SEPARATOR, sizeof SEPARATOR - 1);
    if (!at) continue;
    int left = (int)(at - text->bytes), right = (int)text->n_bytes - left - (int)sizeof SEPARATOR + 1;
    fprintf(file, "COL text VAL %.*s\tCOL text VAL %.*s\n", left, text->bytes, right, at + sizeof SEPARATOR - 1);
  }
}

static bool add_magellan(bench_collection *c, const char *data, const char *scratch, const char *name,
                         const char *from) {
  bf_dataset *dataset = open_words(data, from, NULL, "text");
  FILE *file = dataset ? create_domain(c, scratch, name, "txt", "col-val") : NULL;
  if (!file) bf_dataset_close(dataset);
  return file && write_batches(file, dataset, write_pairs, NULL);
}

static bool make_entity_matching(const char *data, const char *scratch, bench_collection *c) {
  static const struct {
    const char *folder, *name;
  } SETS[] = {{"em_deepmatcher", "abt_buy"},
              {"em_deepmatcher", "amazon_google"},
              {"em_deepmatcher", "dblp_acm"},
              {"em_deepmatcher", "dblp_scholar"},
              {"em_deepmatcher", "dirty_itunes_amazon"},
              {"em_deepmatcher", "walmart_amazon"},
              {"em_wdc", "cameras"},
              {"em_wdc", "computers"},
              {"em_wdc", "shoes"}};
  for (size_t i = 0; i < sizeof SETS / sizeof *SETS; i++) {
    bench_domain *d = &c->domains[c->n++];
    snprintf(d->name, sizeof d->name, "%s", SETS[i].name);
    snprintf(d->path, sizeof d->path, "%s/%s/%s/train.txt.gz", data, SETS[i].folder, SETS[i].name);
    d->format = "col-val";
  }
  return add_magellan(c, data, scratch, "m_books2", "em_magellan784/labelled/books2.csv") &&
         add_magellan(c, data, scratch, "m_movies1", "em_magellan784/labelled/movies1_rottentomatoes_imdb.csv") &&
         add_magellan(c, data, scratch, "m_restaurants", "em_magellan784/labelled/restaurants_zomato_yelp.csv");
}

/* ---- the table ---- */

static const struct {
  const char *name;
  bool (*make)(const char *data, const char *scratch, bench_collection *c);
} COLLECTIONS[] = {{"dsads", make_dsads},   {"har_across", make_har_across},
                   {"digits", make_digits}, {"sentiment", make_sentiment},
                   {"pos", make_pos},       {"entity_matching", make_entity_matching}};

#define N_COLLECTIONS (sizeof COLLECTIONS / sizeof *COLLECTIONS)

const char *bench_collection_name(size_t i) {
  return i < N_COLLECTIONS ? COLLECTIONS[i].name : NULL;
}

bool bench_collection_make(const char *name, const char *data, const char *scratch, bench_collection *out) {
  for (size_t i = 0; i < N_COLLECTIONS; i++) {
    if (strcmp(COLLECTIONS[i].name, name) != 0) continue;
    *out = (bench_collection){.name = COLLECTIONS[i].name};
    return COLLECTIONS[i].make(data, scratch, out) && read_accuracies(out, data);
  }
  return complain("no such collection", name);
}

/* ---- metrics ---- */

double bench_spearman(const double *a, const double *b, size_t n) {
  bf_ranking_metrics metrics;
  return bf_ranking_metrics_of(a, b, n, &metrics, NULL) == BF_OK ? metrics.spearman : NAN;
}

double bench_regret(const double *score, const double *accuracy, size_t n) {
  bf_ranking_metrics metrics;
  return bf_ranking_metrics_of(score, accuracy, n, &metrics, NULL) == BF_OK ? metrics.regret : NAN;
}
