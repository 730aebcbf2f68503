#include "zoo_collection.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- small files ---- */

static char *read_file(const char *path, size_t *n) {
  FILE *file = fopen(path, "rb");
  char *bytes = NULL;
  if (file && fseek(file, 0, SEEK_END) == 0) {
    long size = ftell(file);
    rewind(file);
    bytes = malloc((size_t)size + 1);
    if (bytes && fread(bytes, 1, (size_t)size, file) != (size_t)size) {
      free(bytes);
      bytes = NULL;
    }
    if (bytes) bytes[size] = '\0';
    *n = (size_t)size;
  }
  if (file) fclose(file);
  if (!bytes) fprintf(stderr, "cannot read %s\n", path);
  return bytes;
}

/* Lines of a text, which is cut in place; each is copied. */
static char **read_lines(const char *path, size_t *n) {
  size_t n_bytes = 0, room = 0;
  char *text = read_file(path, &n_bytes), **lines = NULL;
  *n = 0;
  for (char *line = text; line && *line;) {
    char *end = strchr(line, '\n');
    if (end) *end = '\0';
    if (*n == room) lines = realloc(lines, (room = room ? 2 * room : 64) * sizeof *lines);
    lines[(*n)++] = strdup(line);
    line = end ? end + 1 : NULL;
  }
  free(text);
  return lines;
}

static void free_lines(char **lines, size_t n) {
  for (size_t i = 0; i < n; i++) free(lines[i]);
  free(lines);
}

/* float32 array of a version 1 .npy file; its shape. */
static float *read_npy(const char *path, size_t shape[3]) {
  size_t n = 0, offset, total = 1;
  char *bytes = read_file(path, &n);
  float *cells = NULL;
  if (bytes && n > 10 && memcmp(bytes, "\x93NUMPY\x01", 7) == 0) {
    offset = 10u + (unsigned char)bytes[8] + 256u * (unsigned char)bytes[9];
    const char *at = strstr(bytes + 10, "'shape': (");
    bool plain = strstr(bytes + 10, "'<f4'") && strstr(bytes + 10, "False") && at;
    shape[0] = shape[1] = shape[2] = 1;
    if (plain) {
      at += strlen("'shape': (");
      for (int i = 0; i < 3 && isdigit((unsigned char)*at); i++) {
        shape[i] = strtoul(at, (char **)&at, 10);
        total *= shape[i];
        while (*at == ',' || *at == ' ') at++;
      }
      cells = offset + total * sizeof *cells <= n ? malloc(total * sizeof *cells) : NULL;
      if (cells) memcpy(cells, bytes + offset, total * sizeof *cells);
    }
  }
  if (!cells) fprintf(stderr, "%s is no float32 array\n", path);
  free(bytes);
  return cells;
}

static int32_t class_number(char **classes, size_t n, const char *name) {
  for (size_t c = 0; c < n; c++)
    if (strcmp(classes[c], name) == 0) return (int32_t)c;
  return -2;
}

/* ---- outputs ---- */

static double accuracy_of(const zoo_outputs *o) {
  size_t right = 0, k = o->outputs.n_classes;
  for (size_t i = 0; i < o->outputs.n_items; i++) {
    const float *z = o->outputs.scores + i * k;
    size_t best = 0;
    for (size_t c = 1; c < k; c++)
      if (z[c] > z[best]) best = c;
    right += o->truth[i] == (int32_t)best;
  }
  return (double)right / (double)o->outputs.n_items;
}

static int find_domain(const zoo_collection *c, const char *name) {
  for (size_t i = 0; i < c->n; i++)
    if (strcmp(c->domains[i].name, name) == 0) return (int)i;
  return -1;
}

/* The last column of the .csv is the truth; class names hold no comma. */
static int32_t *read_truth(const char *path, char **classes, size_t n_classes, size_t n) {
  size_t n_lines = 0;
  char **lines = read_lines(path, &n_lines);
  int32_t *truth = n_lines == n + 1 ? malloc(n * sizeof *truth) : NULL;
  for (size_t i = 0; truth && i < n; i++) {
    char *comma = strrchr(lines[i + 1], ',');
    truth[i] = class_number(classes, n_classes, comma ? comma + 1 : "");
  }
  if (!truth) fprintf(stderr, "%s has not a row each item\n", path);
  free_lines(lines, n_lines);
  return truth;
}

static bool read_outputs(const char *zoo, zoo_collection *c, zoo_domain *d) {
  char path[1024];
  size_t shape[3], n_models = 0;
  snprintf(path, sizeof path, "%s/predictions/%s/%s.models.txt", zoo, c->name, d->name);
  char **models = read_lines(path, &n_models);
  snprintf(path, sizeof path, "%s/predictions/%s/%s.classes.txt", zoo, c->name, d->name);
  d->classes = read_lines(path, &d->n_classes);
  snprintf(path, sizeof path, "%s/predictions/%s/%s.npy", zoo, c->name, d->name);
  float *cube = read_npy(path, shape);
  bool good = models && d->classes && cube && shape[0] == n_models && shape[2] == d->n_classes;
  snprintf(path, sizeof path, "%s/predictions/%s/%s.csv", zoo, c->name, d->name);
  for (size_t m = 0; good && m < n_models; m++) {
    int s = find_domain(c, models[m]);
    if (s < 0) continue;
    zoo_outputs *o = &d->of[s];
    size_t cells = shape[1] * shape[2];
    o->outputs = (bf_outputs){
        .n_items = shape[1], .n_classes = shape[2], .scores = malloc(cells * sizeof(float)), .are_logits = true};
    memcpy(o->outputs.scores, cube + m * cells, cells * sizeof(float));
    o->truth = read_truth(path, d->classes, d->n_classes, shape[1]);
    good = o->truth != NULL;
    if (good) o->accuracy = accuracy_of(o);
  }
  free_lines(models, n_models);
  free(cube);
  return good;
}

static const char *find_data(const char *zoo, const char *collection, const char *domain, const char *split,
                             char path[1024]) {
  static const char *const ENDINGS[] = {"npz", "npy", "txt"};
  for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++) {
    snprintf(path, 1024, "%s/%s/%s/%s.%s", zoo, collection, domain, split, ENDINGS[i]);
    FILE *file = fopen(path, "rb");
    if (!file) continue;
    fclose(file);
    return ENDINGS[i];
  }
  return "";
}

static bf_dataset_options options_of(const char *collection, const char *split) {
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  bool labelled = strcmp(split, "target") != 0;
  if (strcmp(collection, "sentiment") == 0) options.format = labelled ? "label-text" : "lines";
  if (strcmp(collection, "entity_matching") == 0) options.format = "col-val";
  if (strcmp(collection, "pos") == 0) options.format = "token-tag";
  return options;
}

/* The model of a domain on its own validation rows, in a worker. */
static bf_status calibrate(const char *zoo, const char *collection, zoo_domain *d, bf_workers *workers, bf_error *err) {
  char path[1024];
  size_t n_card = 0, n_model = 0, n_truth = 0;
  bf_card *card = NULL;
  bf_model *model = NULL;
  bf_dataset *dataset = NULL;
  bf_sample *sample = NULL;
  bf_outputs outputs = BF_OUTPUTS_INIT;
  bf_schema schema;
  int32_t *truth = NULL;
  const char **classes = NULL;
  bf_dataset_options options = options_of(collection, "valid");
  snprintf(path, sizeof path, "%s/%s/%s/model.md", zoo, collection, d->name);
  char *card_bytes = read_file(path, &n_card);
  snprintf(path, sizeof path, "%s/%s/%s/model.onnx", zoo, collection, d->name);
  char *model_bytes = read_file(path, &n_model);
  bf_model_file file = {"model.onnx", (const uint8_t *)model_bytes, n_model};
  if (strcmp(find_data(zoo, collection, d->name, "valid", path), "npz") == 0) options.label = "y";
  bf_status status = card_bytes && model_bytes ? bf_card_parse(card_bytes, n_card, &card, err) : BF_ERR_NOT_FOUND;
  if (status == BF_OK) status = bf_model_open(workers, card, &file, 1, &model, err);
  if (status == BF_OK) status = bf_dataset_open(path, &options, &dataset, err);
  if (status == BF_OK) status = bf_sample_load(dataset, 0, 0, NULL, NULL, &sample, err);
  if (status == BF_OK) {
    bf_sample_schema(sample, &schema);
    status = bf_model_run(model, &schema, bf_sample_batch(sample), &outputs, err);
  }
  if (status == BF_OK) status = bf_model_truth(model, &schema, bf_sample_batch(sample), 0, &truth, &n_truth, err);
  if (status == BF_OK) {
    classes = malloc(outputs.n_classes * sizeof *classes);
    for (size_t c = 0; c < outputs.n_classes; c++) classes[c] = bf_model_class(model, c);
    status = bf_calibration_fit(&outputs, classes, truth, &d->calibration, err);
  }
  free(classes);
  free(truth);
  bf_outputs_deinit(&outputs);
  bf_sample_free(sample);
  bf_dataset_close(dataset);
  bf_model_close(model);
  bf_card_free(card);
  free(card_bytes);
  free(model_bytes);
  return status;
}

static bool read_own(const char *zoo, const char *collection, zoo_domain *d, bf_workers *workers, const char *cache) {
  char path[1024];
  bf_error err = {0};
  size_t n = 0;
  snprintf(path, sizeof path, "%s/%s-%s.json", cache ? cache : ".", collection, d->name);
  FILE *kept = cache ? fopen(path, "rb") : NULL;
  if (kept) {
    fclose(kept);
    char *bytes = read_file(path, &n);
    bf_status status = bytes ? bf_calibration_decode(bytes, n, &d->calibration, &err) : BF_ERR_IO;
    free(bytes);
    return status == BF_OK;
  }
  if (calibrate(zoo, collection, d, workers, &err) != BF_OK) {
    fprintf(stderr, "%s of %s: %s\n", d->name, collection, err.message);
    return false;
  }
  char *json = NULL;
  if (cache && bf_calibration_encode(d->calibration, &json, NULL) == BF_OK && (kept = fopen(path, "wb")) != NULL) {
    fputs(json, kept);
    fclose(kept);
  }
  free(json);
  return true;
}

/* ---- sketches ---- */

static bf_sketch *read_sketch(const char *path) {
  size_t n = 0;
  FILE *there = fopen(path, "rb");
  if (!there) return NULL;
  fclose(there);
  char *bytes = read_file(path, &n);
  bf_sketch *sketch = NULL;
  if (bytes && bf_sketch_decode((const uint8_t *)bytes, n, &sketch, NULL) != BF_OK) sketch = NULL;
  free(bytes);
  return sketch;
}

static void keep_sketch(const bf_sketch *sketch, const char *path) {
  uint8_t *bytes = NULL;
  size_t n = 0;
  FILE *file = NULL;
  if (bf_sketch_encode(sketch, &bytes, &n, NULL) == BF_OK && (file = fopen(path, "wb")) != NULL) {
    if (fwrite(bytes, 1, n, file) != n) fprintf(stderr, "%s could not be written\n", path);
    fclose(file);
  }
  free(bytes);
}

static bf_sketch *sketch_of(const char *zoo, const char *collection, const char *domain, const char *split,
                            const char *cache) {
  char path[1024], kept[1024];
  bf_dataset *dataset = NULL;
  bf_sketch *sketch = NULL;
  bf_error err = {0};
  bf_dataset_options options = options_of(collection, split);
  snprintf(kept, sizeof kept, "%s/%s-%s-%s.sketch", cache ? cache : ".", collection, domain, split);
  if (cache && (sketch = read_sketch(kept)) != NULL) return sketch;
  find_data(zoo, collection, domain, split, path);
  if (bf_dataset_open(path, &options, &dataset, &err) != BF_OK ||
      bf_sketch_build(dataset, NULL, &sketch, &err) != BF_OK)
    fprintf(stderr, "%s: %s\n", path, err.message);
  bf_dataset_close(dataset);
  if (sketch && cache) keep_sketch(sketch, kept);
  return sketch;
}

/* ---- the collection ---- */

static bool read_domains(const char *zoo, zoo_collection *c) {
  char path[1024], source[ZOO_NAME_BYTES], target[ZOO_NAME_BYTES];
  size_t n = 0;
  snprintf(path, sizeof path, "%s/%s/truth.csv", zoo, c->name);
  char **lines = read_lines(path, &n);
  for (size_t i = 1; i < n; i++) {
    double accuracy = 0;
    if (sscanf(lines[i], "%63[^,],%63[^,],%lf", source, target, &accuracy) != 3 || strcmp(source, target) != 0)
      continue;
    if (c->n == ZOO_MAX_DOMAINS) break;
    strcpy(c->domains[c->n].name, source);
    c->domains[c->n++].source_accuracy = accuracy;
  }
  free_lines(lines, n);
  return c->n > 0;
}

zoo_collection *zoo_collection_read(const char *zoo, const char *name, const char *cache) {
  zoo_collection *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  snprintf(c->name, sizeof c->name, "%s", name);
  bf_workers *workers = NULL;
  bf_error err = {0};
  bool good = read_domains(zoo, c);
  if (good && bf_workers_create(NULL, &workers, &err) != BF_OK) {
    fprintf(stderr, "%s\n", err.message);
    good = false;
  }
  for (size_t i = 0; good && i < c->n; i++) {
    zoo_domain *d = &c->domains[i];
    d->source = sketch_of(zoo, name, d->name, "train", cache);
    d->target = sketch_of(zoo, name, d->name, "target", cache);
    good = d->source && d->target && read_outputs(zoo, c, d) && read_own(zoo, name, d, workers, cache);
  }
  bf_workers_free(workers);
  if (good) return c;
  zoo_collection_free(c);
  return NULL;
}

void zoo_collection_free(zoo_collection *c) {
  if (!c) return;
  for (size_t i = 0; i < c->n; i++) {
    zoo_domain *d = &c->domains[i];
    bf_sketch_free(d->source);
    bf_sketch_free(d->target);
    bf_calibration_free(d->calibration);
    free_lines(d->classes, d->n_classes);
    for (size_t s = 0; s < ZOO_MAX_DOMAINS; s++) {
      bf_outputs_deinit(&d->of[s].outputs);
      free(d->of[s].truth);
    }
  }
  free(c);
}
