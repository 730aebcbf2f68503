/* Images through libvips: PNG, JPEG and WebP decoded, and PNG encoded for reports.
 *
 * Only these three loaders are ever called, chosen by the file's first bytes: libvips' own choice by content would hand
 * hostile files to every loader that happens to be installed. Sizes are read from the headers and checked before pixels
 * are decoded. A batch is planned from headers on the calling thread, then decoded on all threads, each image into its
 * own place, so that the result does not depend on the threads.
 *
 * What becomes of the pixels: grey stays one channel, everything else becomes sRGB of three; 16 bits a channel become 8
 * (the upper ones); alpha is flattened on black, as decoders of training sets that drop transparency mostly find it; an
 * orientation tag is not applied, as training pipelines by default do not. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "base/library.h"
#include "base/memory.h"
#include "base/thread.h"
#include "dataset/folder.h"

/* The functions in use, of libvips and of the GLib that it brings; loaded with the first image. */
/* clang-format off */
#define VIPS_FUNCTIONS(X) \
  X(vips_cache_set_max) X(vips_cast) X(vips_colourspace) X(vips_concurrency_set) X(vips_copy) \
  X(vips_error_buffer_copy) X(vips_flatten) X(vips_image_get_bands) X(vips_image_get_format) \
  X(vips_image_get_height) X(vips_image_get_interpretation) X(vips_image_get_width) X(vips_image_hasalpha) \
  X(vips_image_new_from_memory) X(vips_image_write_to_memory) X(vips_init) X(vips_jpegload) X(vips_pngload) \
  X(vips_pngsave_buffer) X(vips_thread_shutdown) X(vips_webpload) X(g_free) X(g_log_set_handler) X(g_object_unref)
/* clang-format on */

static struct {
#define SLOT(name) __typeof__(name) *name;
  VIPS_FUNCTIONS(SLOT)
#undef SLOT
} lib;

#define MAX_BATCH_IMAGES 512u

typedef struct planned {
  VipsImage *image; /* lazy: header only until decoded */
  size_t offset;    /* of its cells in the batch */
  bf_status status;
  bf_error error;
} planned;

typedef struct folder_reader {
  char **paths;
  size_t n_paths;
  const char *root;
  bool has_classes;
  uint32_t n_threads;
  planned *plan;         /* [MAX_BATCH_IMAGES] */
  VipsImage *next_image; /* opened, but too large for the last batch */
  bf_image *images;
  int32_t *labels;
  float *cells;
  size_t capacity;
  bool uniform; /* all images so far have one size */
  uint64_t first;
} folder_reader;

static pthread_once_t vips_once = PTHREAD_ONCE_INIT;
static bf_status library_status;
static bf_error library_error;

static void ignore_message(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data) {
  (void)domain;
  (void)level;
  (void)message;
  (void)data;
}

/* libvips is a process-wide library: started once, told to keep no cache and to print nothing. */
static void start_vips(void) {
#define SYMBOL(name) {#name, (void *)&lib.name},
  const bf__symbol symbols[] = {VIPS_FUNCTIONS(SYMBOL)};
#undef SYMBOL
  library_status = bf__library_load("libvips.so.42", "reading and writing images",
                                    "install Debian's libvips42 (scripts/bootstrap does)", symbols,
                                    sizeof symbols / sizeof *symbols, &library_error);
  if (library_status != BF_OK) return;
  if (lib.vips_init("bestfit") != 0) {
    library_status = bf__error(&library_error, BF_ERR_INTERNAL, "the image reader (libvips) does not start");
    return;
  }
  lib.g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG, ignore_message, NULL);
  lib.vips_cache_set_max(0);
  lib.vips_concurrency_set(1); /* the parallelism is over images */
}

static bf_status need_vips(bf_error *err) {
  pthread_once(&vips_once, start_vips);
  if (library_status != BF_OK && err) *err = library_error;
  return library_status;
}

/* The reason in libvips' words, on one line. Its error text is shared by the process, so it is advice only. */
static const char *vips_reason(char *out, size_t size) {
  char *all = lib.vips_error_buffer_copy();
  size_t n = 0;
  for (const char *p = all ? all : ""; *p && n + 1 < size; p++) out[n++] = *p == '\n' ? ' ' : *p;
  while (n && out[n - 1] == ' ') n--;
  out[n] = 0;
  lib.g_free(all);
  return n ? out : "damaged or cut";
}

static bf_status image_error(const char *shown, uint64_t row, bf_error *err) {
  char reason[100];
  return bf__error_at(err, BF_ERR_FORMAT, (int64_t)row, "%.100s cannot be decoded (%s): fetch it again or remove it",
                      shown, vips_reason(reason, sizeof reason));
}

static bf_status open_image(const char *path, const char *shown, uint64_t row, VipsImage **out, bf_error *err) {
  bf__image_type type;
  int code = -1;
  *out = NULL;
  bf_status status = bf__image_file_type(path, shown, row, &type, err);
  if (status != BF_OK) return status;
  if (type == BF__IMAGE_PNG)
    code = lib.vips_pngload(path, out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
  else if (type == BF__IMAGE_JPEG)
    code = lib.vips_jpegload(path, out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
  else
    code = lib.vips_webpload(path, out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
  if (code != 0) return image_error(shown, row, err);
  uint64_t pixels = (uint64_t)lib.vips_image_get_width(*out) * (uint64_t)lib.vips_image_get_height(*out);
  if (pixels <= BF__MAX_PIXELS) return BF_OK;
  status = bf__error_at(err, BF_ERR_LIMIT, (int64_t)row,
                        "%.100s has %d x %d pixels; at most 64 megapixels are read: scale it down", shown,
                        lib.vips_image_get_width(*out), lib.vips_image_get_height(*out));
  lib.g_object_unref(*out);
  *out = NULL;
  return status;
}

static bool is_grey(const VipsImage *image) {
  VipsInterpretation i = lib.vips_image_get_interpretation(image);
  return i == VIPS_INTERPRETATION_B_W || i == VIPS_INTERPRETATION_GREY16 || lib.vips_image_get_bands(image) == 1;
}

static uint32_t channels_of(const VipsImage *image) {
  return is_grey(image) ? 1 : 3;
}

/* Replaces *image by the result of a step. */
static bool step(VipsImage **image, VipsImage *result, int code) {
  if (code != 0) return false;
  lib.g_object_unref(*image);
  *image = result;
  return true;
}

/* 8 bits a channel, 1 or 3 channels. *image is replaced. */
static bool to_bytes(VipsImage **image) {
  VipsImage *t = NULL;
  bool grey = is_grey(*image);
  if (lib.vips_image_hasalpha(*image)) {
    int code = lib.vips_flatten(*image, &t, NULL); /* black is the default background */
    if (!step(image, t, code)) return false;
  }
  VipsInterpretation now = lib.vips_image_get_interpretation(*image);
  if (lib.vips_image_get_format(*image) == VIPS_FORMAT_USHORT) {
    int code = lib.vips_cast(*image, &t, VIPS_FORMAT_UCHAR, "shift", TRUE, NULL);
    if (!step(image, t, code)) return false;
  } else if (!grey && now != VIPS_INTERPRETATION_sRGB && now != VIPS_INTERPRETATION_RGB) {
    int code = lib.vips_colourspace(*image, &t, VIPS_INTERPRETATION_sRGB, NULL);
    if (!step(image, t, code)) return false;
  }
  if (lib.vips_image_get_format(*image) != VIPS_FORMAT_UCHAR) {
    int code = lib.vips_cast(*image, &t, VIPS_FORMAT_UCHAR, NULL);
    if (!step(image, t, code)) return false;
  }
  return lib.vips_image_get_bands(*image) == (grey ? 1 : 3);
}

/* Reading */

static void decode_one(void *context, size_t item, uint32_t worker) {
  folder_reader *r = context;
  planned *p = &r->plan[item];
  bf_image *image = &r->images[item];
  size_t n = (size_t)image->height * image->width * image->channels, bytes = 0;
  const char *shown = r->paths[r->first + item];
  float *out = r->cells + p->offset;
  uint8_t *pixels = NULL;
  if (to_bytes(&p->image)) pixels = lib.vips_image_write_to_memory(p->image, &bytes);
  if (!pixels || bytes != n)
    p->status = image_error(shown, r->first + item, &p->error);
  else
    for (size_t i = 0; i < n; i++) out[i] = (float)pixels[i];
  lib.g_free(pixels);
  lib.g_object_unref(p->image);
  p->image = NULL;
  if (worker) lib.vips_thread_shutdown(); /* a thread of ours that ends soon: libvips keeps buffers for each */
}

static bf_status next_header(folder_reader *r, size_t i, VipsImage **out, bf_error *err) {
  if (r->next_image) {
    *out = r->next_image;
    r->next_image = NULL;
    return BF_OK;
  }
  char *path = bf__asprintf("%s/%s", r->root, r->paths[i]);
  if (!path) return bf__error_memory(err, 256);
  bf_status status = open_image(path, r->paths[i], i, out, err);
  free(path);
  return status;
}

static void drop_plan(folder_reader *r, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (r->plan[i].image) lib.g_object_unref(r->plan[i].image);
    r->plan[i].image = NULL;
  }
}

/* Headers until the batch is full; *n images with *total cells. */
static bf_status plan_batch(bf_dataset *d, folder_reader *r, size_t *n, size_t *total, bf_error *err) {
  size_t most = d->batch_bytes / sizeof(float);
  *n = *total = 0;
  while (r->first + *n < r->n_paths && *n < MAX_BATCH_IMAGES) {
    VipsImage *image = NULL;
    bf_status status = next_header(r, r->first + *n, &image, err);
    if (status != BF_OK) {
      drop_plan(r, *n);
      return status;
    }
    bf_image shape = {(uint32_t)lib.vips_image_get_height(image), (uint32_t)lib.vips_image_get_width(image),
                      channels_of(image), NULL};
    size_t cells = (size_t)shape.height * shape.width * shape.channels;
    if (*n && *total + cells > most) {
      r->next_image = image;
      return BF_OK;
    }
    r->plan[*n] = (planned){.image = image, .offset = *total};
    r->images[(*n)++] = shape;
    *total += cells;
  }
  return BF_OK;
}

static bf_status folder_labels(bf_dataset *d, folder_reader *r, size_t n, bf_error *err) {
  for (size_t i = 0; i < n; i++) {
    const char *path = r->paths[r->first + i];
    bf_status status = bf__dataset_label(d, path, strcspn(path, "/"), &r->labels[i], err);
    if (status != BF_OK) return status;
  }
  return BF_OK;
}

/* Whether all images so far are of one size, and that size. */
static void follow_shape(bf_dataset *d, folder_reader *r, size_t n) {
  if (r->first == 0) {
    d->height = r->images[0].height;
    d->width = r->images[0].width;
    d->channels = r->images[0].channels;
    r->uniform = true;
  }
  for (size_t i = 0; i < n && r->uniform; i++)
    r->uniform =
        r->images[i].height == d->height && r->images[i].width == d->width && r->images[i].channels == d->channels;
  if (!r->uniform) d->height = d->width = d->channels = 0;
  d->n_columns = d->height * d->width * d->channels;
}

static bf_status images_next(bf_dataset *d, bf_batch *out, bf_error *err) {
  folder_reader *r = d->state;
  size_t n = 0, total = 0;
  r->first = (uint64_t)d->next_row;
  bf_status status = plan_batch(d, r, &n, &total, err);
  if (status != BF_OK || n == 0) return status;
  if (total > r->capacity) {
    float *grown = bf__alloc(total, sizeof *grown);
    if (!grown) {
      drop_plan(r, n);
      return bf__error_memory(err, total * sizeof *grown);
    }
    free(r->cells);
    r->cells = grown;
    r->capacity = total;
  }
  bf__parallel_for(n, r->n_threads, decode_one, r);
  for (size_t i = 0; i < n; i++) {
    if (r->plan[i].status != BF_OK) {
      if (err) *err = r->plan[i].error;
      return r->plan[i].status;
    }
    r->images[i].pixels = r->cells + r->plan[i].offset;
  }
  follow_shape(d, r, n);
  out->n_rows = (uint32_t)n;
  out->images = r->images;
  out->n_columns = d->n_columns;
  out->cells = r->uniform ? r->cells : NULL;
  if (!r->has_classes || d->label) return BF_OK;
  out->labels = r->labels;
  return folder_labels(d, r, n, err);
}

static void images_progress(const bf_dataset *d, uint64_t *done_bytes, uint64_t *total_bytes) {
  *done_bytes = (uint64_t)d->next_row; /* files, as the header says: their sizes are not worth a look-up each */
  *total_bytes = d->row_hint;
}

static void images_close(void *state) {
  folder_reader *r = state;
  if (!r) return;
  if (r->next_image) lib.g_object_unref(r->next_image);
  bf__dataset_free_strings(r->paths, r->n_paths);
  free(r->plan);
  free(r->images);
  free(r->labels);
  free(r->cells);
  free(r);
}

static const bf__reader_ops IMAGES_OPS = {images_next, images_progress, images_close};

bool bf__images_sniff(const bf__probe *probe) {
  return probe->is_folder;
}

bf_status bf__images_open(bf_dataset *d, const bf__probe *probe, bf_error *err) {
  bf_status status = BF_OK;
  folder_reader *r = bf__alloc(1, sizeof *r);
  if (!r) return bf__error_memory(err, sizeof *r);
  BF_TRY(need_vips(err));
  r->root = d->path;
  r->n_threads = d->n_threads;
  BF_TRY(bf__folder_list(probe->path, &r->paths, &r->n_paths, err));
  if (r->n_paths == 0)
    BF_TRY(bf__error(err, BF_ERR_FORMAT, "%.100s holds no files: name a folder of PNG, JPEG or WebP images", d->shown));
  r->has_classes = bf__folder_has_classes(r->paths, r->n_paths);
  r->plan = bf__alloc(MAX_BATCH_IMAGES, sizeof *r->plan);
  r->images = bf__alloc(MAX_BATCH_IMAGES, sizeof *r->images);
  r->labels = bf__alloc(MAX_BATCH_IMAGES, sizeof *r->labels);
  if (!r->plan || !r->images || !r->labels) BF_TRY(bf__error_memory(err, MAX_BATCH_IMAGES * sizeof *r->plan));
  d->rows_known = true;
  d->row_hint = r->n_paths;
  if (!d->range_known) d->range_max = 255;
  d->range_known = true;
  d->state = r;
  d->ops = &IMAGES_OPS;
  r = NULL;
out:
  images_close(r);
  return status;
}

/* Writing */

bf_status bf_image_encode_png(const uint8_t *pixels, uint32_t height, uint32_t width, uint32_t channels, uint8_t **out,
                              size_t *out_bytes, bf_error *err) {
  if (!out || !out_bytes) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_image_encode_png: out is NULL");
  *out = NULL;
  *out_bytes = 0;
  uint64_t n_pixels = (uint64_t)height * width;
  if (!pixels || n_pixels == 0 || n_pixels > BF__MAX_PIXELS || (channels != 1 && channels != 3))
    return bf__error(
        err, BF_ERR_INVALID_ARGUMENT,
        "bf_image_encode_png: %u x %u pixels of %u channels; 1 or 3 channels and at most 64 megapixels are needed",
        width, height, channels);
  VipsImage *image = NULL, *tagged = NULL;
  void *png = NULL;
  size_t n = 0;
  char reason[100];
  bf_status status = BF_OK;
  BF_TRY(need_vips(err));
  image = lib.vips_image_new_from_memory(pixels, (size_t)n_pixels * channels, (int)width, (int)height, (int)channels,
                                         VIPS_FORMAT_UCHAR);
  if (!image ||
      lib.vips_copy(image, &tagged, "interpretation",
                    channels == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL) != 0 ||
      lib.vips_pngsave_buffer(tagged, &png, &n, "compression", 9, "strip", TRUE, NULL) != 0)
    BF_TRY(bf__error(err, BF_ERR_INTERNAL, "encoding PNG: %s", vips_reason(reason, sizeof reason)));
  *out = bf__alloc(n, 1); /* libvips' block needs libvips' free */
  if (!*out) BF_TRY(bf__error_memory(err, n));
  memcpy(*out, png, n);
  *out_bytes = n;
out:
  if (png) lib.g_free(png);
  if (tagged) lib.g_object_unref(tagged);
  if (image) lib.g_object_unref(image);
  return status;
}
