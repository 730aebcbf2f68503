/* ONNX Runtime's C API in our own words.
 *
 * The library exports one function, OrtGetApiBase(), which hands out a table of functions by version. The order of the
 * table never changes: new functions are added at its end (onnxruntime_c_api.cc says so, and asserts it). So no header
 * of it is needed: the slots that are used are declared here with their number, and the tests use every one of them.
 * Version 18 is the first that takes external data from memory.
 */
#include "model/runtime_onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/library.h"
#include "base/memory.h"
#include "model/signature.h"

#define API_VERSION 18u
#define N_SLOTS 280u /* of version 18 */
#define MOST_VALUES ((size_t)1 << 40)

typedef struct ort_status ort_status;
typedef struct ort_env ort_env;
typedef struct ort_options ort_options;
typedef struct ort_session ort_session;
typedef struct ort_value ort_value;
typedef struct ort_type ort_type;
typedef struct ort_tensor_type ort_tensor_type;
typedef struct ort_sequence_type ort_sequence_type;
typedef struct ort_map_type ort_map_type;
typedef struct ort_allocator ort_allocator;
typedef struct ort_memory ort_memory;

/* slot, name, result, arguments */
#define ORT_FUNCTIONS(X)                                                                                            \
  X(1, get_error_code, int, (const ort_status *))                                                                   \
  X(2, get_error_message, const char *, (const ort_status *))                                                       \
  X(3, create_env, ort_status *, (int level, const char *log_id, ort_env **))                                       \
  X(6, disable_telemetry, ort_status *, (const ort_env *))                                                          \
  X(8, create_session, ort_status *, (const ort_env *, const void *, size_t, const ort_options *, ort_session **))  \
  X(9, run, ort_status *,                                                                                           \
    (ort_session *, const void *run_options, const char *const *input_names, const ort_value *const *inputs,        \
     size_t n_inputs, const char *const *output_names, size_t n_outputs, ort_value **outputs))                      \
  X(10, create_options, ort_status *, (ort_options **))                                                             \
  X(13, set_execution_mode, ort_status *, (ort_options *, int mode))                                                \
  X(22, set_log_level, ort_status *, (ort_options *, int level))                                                    \
  X(24, set_intra_threads, ort_status *, (ort_options *, int))                                                      \
  X(25, set_inter_threads, ort_status *, (ort_options *, int))                                                      \
  X(30, input_count, ort_status *, (const ort_session *, size_t *))                                                 \
  X(31, output_count, ort_status *, (const ort_session *, size_t *))                                                \
  X(33, input_type, ort_status *, (const ort_session *, size_t, ort_type **))                                       \
  X(34, output_type, ort_status *, (const ort_session *, size_t, ort_type **))                                      \
  X(36, input_name, ort_status *, (const ort_session *, size_t, ort_allocator *, char **))                          \
  X(37, output_name, ort_status *, (const ort_session *, size_t, ort_allocator *, char **))                         \
  X(48, create_tensor, ort_status *, (ort_allocator *, const int64_t *dims, size_t n_dims, int type, ort_value **)) \
  X(49, create_tensor_over, ort_status *,                                                                           \
    (const ort_memory *, void *data, size_t n_bytes, const int64_t *dims, size_t n_dims, int type, ort_value **))   \
  X(51, tensor_data, ort_status *, (ort_value *, void **))                                                          \
  X(53, strings_bytes, ort_status *, (const ort_value *, size_t *))                                                 \
  X(54, strings_content, ort_status *, (const ort_value *, void *, size_t, size_t *offsets, size_t n_offsets))      \
  X(55, as_tensor_type, ort_status *, (const ort_type *, const ort_tensor_type **))                                 \
  X(56, type_sort, ort_status *, (const ort_type *, int *))                                                         \
  X(60, element_type, ort_status *, (const ort_tensor_type *, int *))                                               \
  X(61, dim_count, ort_status *, (const ort_tensor_type *, size_t *))                                               \
  X(62, dims, ort_status *, (const ort_tensor_type *, int64_t *, size_t))                                           \
  X(65, value_tensor_type, ort_status *, (const ort_value *, ort_tensor_type **))                                   \
  X(67, value_sort, ort_status *, (const ort_value *, int *))                                                       \
  X(69, create_cpu_memory, ort_status *, (int allocator, int memory, ort_memory **))                                \
  X(76, allocator_release, ort_status *, (ort_allocator *, void *))                                                 \
  X(78, default_allocator, ort_status *, (ort_allocator **))                                                        \
  X(80, get_value, ort_status *, (const ort_value *, int, ort_allocator *, ort_value **))                           \
  X(81, get_value_count, ort_status *, (const ort_value *, size_t *))                                               \
  X(92, release_env, void, (ort_env *))                                                                             \
  X(93, release_status, void, (ort_status *))                                                                       \
  X(94, release_memory, void, (ort_memory *))                                                                       \
  X(95, release_session, void, (ort_session *))                                                                     \
  X(96, release_value, void, (ort_value *))                                                                         \
  X(98, release_type, void, (ort_type *))                                                                           \
  X(99, release_tensor_type, void, (ort_tensor_type *))                                                             \
  X(100, release_options, void, (ort_options *))                                                                    \
  X(103, as_map_type, ort_status *, (const ort_type *, const ort_map_type **))                                      \
  X(104, as_sequence_type, ort_status *, (const ort_type *, const ort_sequence_type **))                            \
  X(105, map_key_type, ort_status *, (const ort_map_type *, int *))                                                 \
  X(106, map_value_type, ort_status *, (const ort_map_type *, ort_type **))                                         \
  X(107, sequence_element_type, ort_status *, (const ort_sequence_type *, ort_type **))                             \
  X(130, set_config, ort_status *, (ort_options *, const char *key, const char *value))                             \
  X(252, string_buffer, ort_status *, (ort_value *, size_t index, size_t n_bytes, char **))                         \
  X(279, add_external_files, ort_status *,                                                                          \
    (ort_options *, const char *const *names, char *const *bytes, const size_t *n_bytes, size_t n_files))

typedef struct ort_functions {
#define MEMBER(slot, name, result, arguments) result(*name) arguments;
  ORT_FUNCTIONS(MEMBER)
#undef MEMBER
} ort_functions;

typedef void (*any_function)(void);
typedef struct ort_base {
  const any_function *(*get_api)(uint32_t version); /* the table; NULL: too old for this version */
  const char *(*get_version)(void);
} ort_base;

/* Numbers of the API's enumerations. */
enum { SORT_TENSOR = 1, SORT_SEQUENCE = 2, SORT_MAP = 3 };
enum { ELEMENT_BFLOAT16 = 16 };
enum { LOG_ERROR = 3, EXECUTE_IN_SEQUENCE = 0, ALLOCATOR_DEVICE = 0, MEMORY_DEFAULT = 0 };
enum {
  CODE_INVALID_ARGUMENT = 2,
  CODE_NO_SUCH_FILE = 3,
  CODE_NOT_IMPLEMENTED = 9,
};

struct bf__ort {
  ort_functions f;
  ort_env *env;
  ort_memory *memory;
  ort_allocator *allocator; /* the runtime's own, not released */
  char *version;
};

struct bf__ort_model {
  const bf__ort *ort;
  ort_session *session;
  bf__signature signature;
  ort_value *value; /* of the last run */
  float *converted; /* outputs that are not float32, and those of maps */
  size_t capacity;
  bf__writer names;
};

/* ---- errors ---- */

static bool says(const char *words, const char *part) {
  return strstr(words, part) != NULL;
}

/* The API has no code for want of memory or for an unknown operator: only its words tell. */
static bf_status code_of(int code, const char *words, bool running) {
  if (says(words, "bad_alloc") || says(words, "bad allocation") || says(words, "Failed to allocate memory") ||
      says(words, "Out of memory"))
    return BF_ERR_LIMIT;
  if (code == CODE_NOT_IMPLEMENTED || says(words, "is not a registered function/op") ||
      says(words, "No Op registered for") || says(words, "Could not find an implementation for") ||
      says(words, "official released onnx opset") || says(words, "Unsupported model IR version"))
    return BF_ERR_UNSUPPORTED;
  if (code == CODE_NO_SUCH_FILE) return BF_ERR_NOT_FOUND;
  if (running && code == CODE_INVALID_ARGUMENT) return BF_ERR_MISMATCH;
  return BF_ERR_FORMAT;
}

/* The words without what tells nobody anything: the path of the runtime's source and the condition that failed. */
static const char *plain_words(const char *words) {
  static const char *const before[] = {" was false. ", "Status Message: "};
  const char *at = strstr(words, "Failed to allocate memory");
  for (size_t i = 0; at == NULL && i < sizeof before / sizeof *before; ++i) {
    at = strstr(words, before[i]);
    if (at != NULL) at += strlen(before[i]);
  }
  return at != NULL && at[0] != 0 ? at : words;
}

/* Translates a status and releases it; NULL is success. */
static bf_status taken(const bf__ort *ort, ort_status *status, bool running, bf_error *err) {
  if (status == NULL) return BF_OK;
  int code = ort->f.get_error_code(status);
  const char *words = ort->f.get_error_message(status);
  bf_status translated = code_of(code, words, running);
  const char *what = translated == BF_ERR_LIMIT ? "it needs more memory than it may have: " : "";
  (void)bf__error(err, translated, "%s%s", what, plain_words(words));
  if (err != NULL) err->native_code = code;
  ort->f.release_status(status);
  return translated;
}
#define ORT_TRY(call) BF_TRY(taken(ort, ort->f.call, false, err))

/* ---- the library ---- */

static const char REMEDY[] = "run scripts/bootstrap, or install ONNX Runtime 1.18 or newer (libonnxruntime.so.1)";

static bf_status find_functions(bf__ort *ort, bf_error *err) {
  const ort_base *(*get_base)(void) = NULL;
  const bf__symbol symbols[] = {{"OrtGetApiBase", (void *)&get_base}};
  bf_status status = bf__library_load("libonnxruntime.so.1", "running models", REMEDY, symbols, 1, err);
  if (status != BF_OK) return status;
  const ort_base *base = get_base();
  const any_function *table = base != NULL ? base->get_api(API_VERSION) : NULL;
  const char *version = base != NULL ? base->get_version() : "";
  if (table == NULL) return bf__error(err, BF_ERR_UNSUPPORTED, "ONNX Runtime %.40s is too old: %s", version, REMEDY);
  ort->version = bf__strdup(version);
  if (ort->version == NULL) return bf__error_memory(err, strlen(version));
#define FILL(slot, name, result, arguments)                    \
  _Static_assert((slot) < N_SLOTS, "beyond the version used"); \
  memcpy((void *)&ort->f.name, (const void *)&table[slot], sizeof table[slot]);
  ORT_FUNCTIONS(FILL)
#undef FILL
  return BF_OK;
}

bf_status bf__ort_create(bf__ort **out, bf_error *err) {
  bf_status status = BF_OK;
  *out = NULL;
  bf__ort *ort = bf__alloc(1, sizeof *ort);
  if (ort == NULL) return bf__error_memory(err, sizeof *ort);
  /* Read by builds that have telemetry, before anything else is called. */
  if (setenv("ORT_DISABLE_TELEMETRY", "1", 1) != 0) {
    status = bf__error_memory(err, 32);
    goto out;
  }
  BF_TRY(find_functions(ort, err));
  ORT_TRY(create_env(LOG_ERROR, "bestfit", &ort->env));
  ORT_TRY(disable_telemetry(ort->env));
  ORT_TRY(create_cpu_memory(ALLOCATOR_DEVICE, MEMORY_DEFAULT, &ort->memory));
  ORT_TRY(default_allocator(&ort->allocator));
  *out = ort;
  ort = NULL;
out:
  bf__ort_free(ort);
  return status;
}

void bf__ort_free(bf__ort *ort) {
  if (ort == NULL) return;
  if (ort->memory != NULL) ort->f.release_memory(ort->memory);
  if (ort->env != NULL) ort->f.release_env(ort->env);
  free(ort->version);
  free(ort);
}

const char *bf__ort_version(const bf__ort *ort) {
  return ort->version;
}

/* ---- loading ---- */

static bf__element element_of(int type) {
  switch (type) {
    case BF__ELEMENT_FLOAT32:
    case BF__ELEMENT_UINT8:
    case BF__ELEMENT_INT32:
    case BF__ELEMENT_INT64:
    case BF__ELEMENT_STRING:
    case BF__ELEMENT_BOOL:
    case BF__ELEMENT_FLOAT16:
    case BF__ELEMENT_FLOAT64:
      return (bf__element)type;
    default:
      return BF__ELEMENT_NONE;
  }
}

static bf_status read_shape(const bf__ort *ort, const ort_tensor_type *tensor, uint32_t *n_dims, int64_t *dims,
                            bf_error *err) {
  size_t n = 0;
  bf_status status = BF_OK;
  ORT_TRY(dim_count(tensor, &n));
  if (n > BF__MAX_DIMS) {
    status = bf__error(err, BF_ERR_UNSUPPORTED, "a tensor of %zu dimensions; at most %u are run", n, BF__MAX_DIMS);
    goto out;
  }
  ORT_TRY(dims(tensor, dims, n));
  *n_dims = (uint32_t)n;
out:
  return status;
}

/* Whether a type is a sequence of maps to float32, and of what keys. Other sequences keep the type none. */
static bf_status read_maps(const bf__ort *ort, const ort_type *type, bf__port *port, bf_error *err) {
  bf_status status = BF_OK;
  const ort_sequence_type *sequence = NULL;
  const ort_map_type *map = NULL;
  const ort_tensor_type *tensor = NULL;
  ort_type *element = NULL;
  ort_type *value = NULL;
  int sort = 0;
  int key = 0;
  int value_type = 0;
  ORT_TRY(as_sequence_type(type, &sequence));
  if (sequence == NULL) goto out;
  ORT_TRY(sequence_element_type(sequence, &element));
  ORT_TRY(type_sort(element, &sort));
  if (sort != SORT_MAP) goto out;
  ORT_TRY(as_map_type(element, &map));
  if (map == NULL) goto out;
  ORT_TRY(map_key_type(map, &key));
  ORT_TRY(map_value_type(map, &value));
  ORT_TRY(as_tensor_type(value, &tensor));
  if (tensor != NULL) ORT_TRY(element_type(tensor, &value_type));
  if (value_type != BF__ELEMENT_FLOAT32) goto out;
  if (key == BF__ELEMENT_INT64 || key == BF__ELEMENT_STRING) {
    port->is_maps = true;
    port->type = (bf__element)key;
  }
out:
  if (value != NULL) ort->f.release_type(value);
  if (element != NULL) ort->f.release_type(element);
  return status;
}

static bf_status read_port(const bf__ort *ort, const ort_session *session, bool is_input, size_t i, bf__port *port,
                           bf_error *err) {
  bf_status status = BF_OK;
  ort_type *type = NULL;
  char *name = NULL;
  int sort = 0;
  int element = 0;
  if (is_input) {
    ORT_TRY(input_name(session, i, ort->allocator, &name));
    ORT_TRY(input_type(session, i, &type));
  } else {
    ORT_TRY(output_name(session, i, ort->allocator, &name));
    ORT_TRY(output_type(session, i, &type));
  }
  port->name = bf__strdup(name);
  if (port->name == NULL) {
    status = bf__error_memory(err, strlen(name));
    goto out;
  }
  ORT_TRY(type_sort(type, &sort));
  if (sort == SORT_TENSOR) {
    const ort_tensor_type *tensor = NULL;
    ORT_TRY(as_tensor_type(type, &tensor));
    ORT_TRY(element_type(tensor, &element));
    port->type = element_of(element);
    BF_TRY(read_shape(ort, tensor, &port->n_dims, port->dims, err));
    for (uint32_t d = 0; d < port->n_dims; ++d)
      if (port->dims[d] < 0) port->dims[d] = -1;
  } else if (sort == SORT_SEQUENCE && !is_input) {
    BF_TRY(read_maps(ort, type, port, err));
  }
out:
  if (name != NULL) {
    ort_status *released = ort->f.allocator_release(ort->allocator, name);
    if (released != NULL) ort->f.release_status(released);
  }
  if (type != NULL) ort->f.release_type(type);
  return status;
}

static bf_status read_signature(bf__ort_model *model, bf_error *err) {
  const bf__ort *ort = model->ort;
  bf_status status = BF_OK;
  size_t n_inputs = 0;
  size_t n_outputs = 0;
  ORT_TRY(input_count(model->session, &n_inputs));
  ORT_TRY(output_count(model->session, &n_outputs));
  BF_TRY(bf__signature_init(&model->signature, n_inputs, n_outputs, err));
  for (size_t i = 0; i < n_inputs; ++i)
    BF_TRY(read_port(ort, model->session, true, i, &model->signature.inputs[i], err));
  for (size_t i = 0; i < n_outputs; ++i)
    BF_TRY(read_port(ort, model->session, false, i, &model->signature.outputs[i], err));
out:
  return status;
}

static bf_status add_external(const bf__ort *ort, ort_options *options, const bf_model_file *files, size_t n_files,
                              bf_error *err) {
  bf_status status = BF_OK;
  const char **names = bf__alloc(n_files, sizeof *names);
  char **bytes = bf__alloc(n_files, sizeof *bytes);
  size_t *sizes = bf__alloc(n_files, sizeof *sizes);
  if (names == NULL || bytes == NULL || sizes == NULL) {
    status = bf__error_memory(err, n_files * sizeof *sizes);
    goto out;
  }
  for (size_t i = 0; i < n_files; ++i) {
    names[i] = files[i].name;
    bytes[i] = (char *)(uintptr_t)files[i].bytes; /* only read */
    sizes[i] = files[i].n_bytes;
  }
  ORT_TRY(add_external_files(options, names, bytes, sizes, n_files));
out:
  free(names);
  free(bytes);
  free(sizes);
  return status;
}

bf_status bf__ort_load(bf__ort *ort, const bf_model_file *files, size_t n_files, bf__ort_model **out, bf_error *err) {
  bf_status status = BF_OK;
  ort_options *options = NULL;
  *out = NULL;
  bf__ort_model *model = bf__alloc(1, sizeof *model);
  if (model == NULL) return bf__error_memory(err, sizeof *model);
  model->ort = ort;
  ORT_TRY(create_options(&options));
  ORT_TRY(set_execution_mode(options, EXECUTE_IN_SEQUENCE));
  ORT_TRY(set_intra_threads(options, 1));
  ORT_TRY(set_inter_threads(options, 1));
  ORT_TRY(set_log_level(options, LOG_ERROR));
  /* Its own binary format would be another parser to trust. */
  ORT_TRY(set_config(options, "session.load_model_format", "ONNX"));
  if (n_files > 1) BF_TRY(add_external(ort, options, files + 1, n_files - 1, err));
  ORT_TRY(create_session(ort->env, files[0].bytes, files[0].n_bytes, options, &model->session));
  BF_TRY(read_signature(model, err));
  *out = model;
  model = NULL;
out:
  if (options != NULL) ort->f.release_options(options);
  bf__ort_unload(model);
  return status;
}

void bf__ort_unload(bf__ort_model *model) {
  if (model == NULL) return;
  if (model->value != NULL) model->ort->f.release_value(model->value);
  if (model->session != NULL) model->ort->f.release_session(model->session);
  bf__signature_deinit(&model->signature);
  bf__writer_deinit(&model->names);
  free(model->converted);
  free(model);
}

const bf__signature *bf__ort_signature(const bf__ort_model *model) {
  return &model->signature;
}

/* ---- running ---- */

static bf_status make_input(const bf__ort *ort, const bf__tensor *tensor, ort_value **out, bf_error *err) {
  bf_status status = BF_OK;
  if (tensor->strings == NULL) {
    void *data = (void *)(uintptr_t)tensor->data; /* inputs are only read */
    ORT_TRY(
        create_tensor_over(ort->memory, data, tensor->n_bytes, tensor->dims, tensor->n_dims, (int)tensor->type, out));
    goto out;
  }
  ORT_TRY(create_tensor(ort->allocator, tensor->dims, tensor->n_dims, BF__ELEMENT_STRING, out));
  size_t n = 1;
  for (uint32_t d = 0; d < tensor->n_dims; ++d) n *= (size_t)tensor->dims[d];
  for (size_t i = 0; i < n; ++i) {
    char *buffer = NULL;
    const bf_string *text = &tensor->strings[i];
    ORT_TRY(string_buffer(*out, i, text->n_bytes, &buffer));
    if (text->n_bytes > 0) memcpy(buffer, text->bytes, text->n_bytes);
  }
out:
  return status;
}

static bf_status room_for(bf__ort_model *model, size_t n_values, bf_error *err) {
  if (n_values <= model->capacity && model->converted != NULL) return BF_OK;
  float *values = bf__realloc(model->converted, n_values, sizeof *values);
  if (values == NULL)
    return bf__error(err, BF_ERR_LIMIT, "its output of %zu numbers does not fit into memory", n_values);
  model->converted = values;
  model->capacity = n_values;
  return BF_OK;
}

static float float_of_half(uint16_t half) {
  int exponent = half >> 10 & 31;
  float fraction = (float)(half & 1023);
  float value = exponent == 31  ? ((half & 1023) != 0 ? NAN : INFINITY)
                : exponent == 0 ? ldexpf(fraction, -24)
                                : ldexpf(fraction + 1024.0F, exponent - 25);
  return (half >> 15) != 0 ? -value : value;
}

static bool convert(bf__element type, const void *data, size_t n, float *out) {
  switch (type) {
#define CASE(element, c_type, expression) \
  case element: {                         \
    const c_type *from = data;            \
    for (size_t i = 0; i < n; ++i) {      \
      c_type v = from[i];                 \
      out[i] = (float)(expression);       \
    }                                     \
    return true;                          \
  }
    CASE(BF__ELEMENT_FLOAT64, double, v)
    CASE(BF__ELEMENT_FLOAT16, uint16_t, float_of_half(v))
    CASE(BF__ELEMENT_INT64, int64_t, v)
    CASE(BF__ELEMENT_INT32, int32_t, v)
    CASE(BF__ELEMENT_UINT8, uint8_t, v)
    CASE(BF__ELEMENT_BOOL, uint8_t, v != 0)
#undef CASE
    default:
      return false;
  }
}

/* Type, shape, number of elements and memory of a tensor. */
static bf_status tensor_of(const bf__ort *ort, ort_value *value, bf__element *type, bf__ort_result *shape, void **data,
                           bf_error *err) {
  bf_status status = BF_OK;
  ort_tensor_type *tensor = NULL;
  int element = 0;
  ORT_TRY(value_tensor_type(value, &tensor));
  ORT_TRY(element_type(tensor, &element));
  *type = element_of(element);
  BF_TRY(read_shape(ort, tensor, &shape->n_dims, shape->dims, err));
  shape->n_values = 1;
  for (uint32_t d = 0; d < shape->n_dims; ++d)
    if (shape->dims[d] < 0 || !bf__mul(shape->n_values, (size_t)shape->dims[d], &shape->n_values) ||
        shape->n_values > MOST_VALUES) {
      status = bf__error(err, BF_ERR_LIMIT, "a tensor with too many elements");
      goto out;
    }
  if (*type != BF__ELEMENT_STRING) ORT_TRY(tensor_data(value, data));
out:
  if (tensor != NULL) ort->f.release_tensor_type(tensor);
  return status;
}

static bf_status read_tensor(bf__ort_model *model, bf__ort_result *out, bf_error *err) {
  bf_status status = BF_OK;
  bf__element type = BF__ELEMENT_NONE;
  void *data = NULL;
  BF_TRY(tensor_of(model->ort, model->value, &type, out, &data, err));
  if (type == BF__ELEMENT_FLOAT32) {
    out->values = data;
    goto out;
  }
  BF_TRY(room_for(model, out->n_values, err));
  if (!convert(type, data, out->n_values, model->converted))
    status = bf__error(err, BF_ERR_UNSUPPORTED, "an output of type %s is no number per class", bf__element_name(type));
  out->values = model->converted;
out:
  return status;
}

/* Appends the keys of one map to a writer, each with its length. */
static bf_status read_keys(const bf__ort *ort, ort_value *keys, bf__writer *names, size_t *n_names, bf_error *err) {
  bf_status status = BF_OK;
  bf__element type = BF__ELEMENT_NONE;
  bf__ort_result shape = {0};
  void *data = NULL;
  char *bytes = NULL;
  size_t *offsets = NULL;
  size_t n_bytes = 0;
  BF_TRY(tensor_of(ort, keys, &type, &shape, &data, err));
  size_t n = *n_names = shape.n_values;
  if (n > BF__MAX_CLASSES) {
    status = bf__error(err, BF_ERR_LIMIT, "maps of %zu classes; at most %u are read", n, BF__MAX_CLASSES);
    goto out;
  }
  if (type == BF__ELEMENT_INT64) {
    for (size_t i = 0; i < n; ++i) {
      char text[24];
      int length = snprintf(text, sizeof text, "%lld", (long long)((const int64_t *)data)[i]);
      bf__write_u32(names, (uint32_t)length);
      bf__write(names, text, (size_t)length);
    }
    goto out;
  }
  ORT_TRY(strings_bytes(keys, &n_bytes));
  bytes = bf__alloc(n_bytes, 1);
  offsets = bf__alloc(n + 1, sizeof *offsets);
  if (bytes == NULL || offsets == NULL || n_bytes > UINT32_MAX) {
    status = bf__error_memory(err, n_bytes);
    goto out;
  }
  if (n > 0) ORT_TRY(strings_content(keys, bytes, n_bytes, offsets, n));
  offsets[n] = n_bytes;
  for (size_t i = 0; i < n; ++i) {
    bf__write_u32(names, (uint32_t)(offsets[i + 1] - offsets[i]));
    bf__write(names, bytes + offsets[i], offsets[i + 1] - offsets[i]);
  }
out:
  free(bytes);
  free(offsets);
  return status;
}

/* One map of the sequence: its keys behind `names`, its values borrowed from *values_owner. */
static bf_status read_map(const bf__ort *ort, const ort_value *sequence, size_t row, bf__writer *names, size_t *n_names,
                          ort_value **values_owner, const float **values, bf_error *err) {
  bf_status status = BF_OK;
  ort_value *map = NULL;
  ort_value *keys = NULL;
  bf__element type = BF__ELEMENT_NONE;
  bf__ort_result shape = {0};
  void *data = NULL;
  ORT_TRY(get_value(sequence, (int)row, ort->allocator, &map));
  ORT_TRY(get_value(map, 0, ort->allocator, &keys));
  ORT_TRY(get_value(map, 1, ort->allocator, values_owner));
  BF_TRY(read_keys(ort, keys, names, n_names, err));
  BF_TRY(tensor_of(ort, *values_owner, &type, &shape, &data, err));
  if (type != BF__ELEMENT_FLOAT32 || shape.n_values != *n_names)
    status = bf__error(err, BF_ERR_UNSUPPORTED, "maps whose values are not one float32 a class");
  *values = data;
out:
  if (keys != NULL) ort->f.release_value(keys);
  if (map != NULL) ort->f.release_value(map);
  return status;
}

/* A sequence of maps (ZipMap) as a matrix. All rows must have the keys of the first. */
static bf_status read_sequence(bf__ort_model *model, bf__ort_result *out, bf_error *err) {
  const bf__ort *ort = model->ort;
  bf_status status = BF_OK;
  size_t n_rows = 0;
  bf__writer again = {0};
  ort_value *owner = NULL;
  const float *values = NULL;
  model->names.size = 0;
  ORT_TRY(get_value_count(model->value, &n_rows));
  if (n_rows > INT32_MAX) {
    status = bf__error(err, BF_ERR_LIMIT, "a sequence of %zu maps", n_rows);
    goto out;
  }
  for (size_t row = 0; row < n_rows; ++row) {
    size_t n = 0;
    bf__writer *names = row == 0 ? &model->names : &again;
    again.size = 0;
    BF_TRY(read_map(ort, model->value, row, names, &n, &owner, &values, err));
    if (names->failed) {
      status = bf__error_memory(err, names->size);
      goto out;
    }
    if (row == 0) {
      out->n_names = n;
      if (!bf__mul(n_rows, n, &out->n_values)) out->n_values = SIZE_MAX;
      BF_TRY(room_for(model, out->n_values, err));
    } else if (n != out->n_names || again.size != model->names.size ||
               (n > 0 && memcmp(again.data, model->names.data, again.size) != 0)) {
      status = bf__error(err, BF_ERR_UNSUPPORTED, "the maps of rows 1 and %zu have different classes", row + 1);
      goto out;
    }
    if (n > 0) memcpy(model->converted + row * n, values, n * sizeof *values);
    ort->f.release_value(owner);
    owner = NULL;
  }
  out->n_dims = 2;
  out->dims[0] = (int64_t)n_rows;
  out->dims[1] = (int64_t)out->n_names;
  out->values = model->converted;
  out->names = model->names.data;
  out->names_bytes = model->names.size;
out:
  if (owner != NULL) ort->f.release_value(owner);
  bf__writer_deinit(&again);
  return status;
}

static bf_status read_result(bf__ort_model *model, bf__ort_result *out, bf_error *err) {
  const bf__ort *ort = model->ort;
  bf_status status = BF_OK;
  int sort = 0;
  ORT_TRY(value_sort(model->value, &sort));
  if (sort == SORT_TENSOR) return read_tensor(model, out, err);
  if (sort == SORT_SEQUENCE) return read_sequence(model, out, err);
  status = bf__error(err, BF_ERR_UNSUPPORTED, "an output that is neither a tensor nor a sequence of maps");
out:
  return status;
}

bf_status bf__ort_run(bf__ort_model *model, const bf__tensor *inputs, size_t n_inputs, size_t output,
                      bf__ort_result *out, bf_error *err) {
  const bf__ort *ort = model->ort;
  bf_status status = BF_OK;
  ort_value *values[BF__MAX_PORTS] = {NULL};
  const char *names[BF__MAX_PORTS];
  *out = (bf__ort_result){0};
  if (n_inputs > BF__MAX_PORTS || output >= model->signature.n_outputs)
    return bf__error(err, BF_ERR_INTERNAL, "a run with %zu inputs for output %zu", n_inputs, output);
  if (model->value != NULL) ort->f.release_value(model->value);
  model->value = NULL;
  const char *output_name = model->signature.outputs[output].name;
  for (size_t i = 0; i < n_inputs; ++i) {
    if (inputs[i].input >= model->signature.n_inputs) {
      status = bf__error(err, BF_ERR_INTERNAL, "a tensor for input %zu", inputs[i].input);
      goto out;
    }
    names[i] = model->signature.inputs[inputs[i].input].name;
    BF_TRY(make_input(ort, &inputs[i], &values[i], err));
  }
  BF_TRY(taken(ort,
               ort->f.run(model->session, NULL, names, (const ort_value *const *)values, n_inputs, &output_name, 1,
                          &model->value),
               true, err));
  if (model->value == NULL) {
    status = bf__error(err, BF_ERR_UNSUPPORTED, "output %.60s came out empty", output_name);
    goto out;
  }
  BF_TRY(read_result(model, out, err));
out:
  for (size_t i = 0; i < n_inputs && i < BF__MAX_PORTS; ++i)
    if (values[i] != NULL) ort->f.release_value(values[i]);
  return status;
}
