/* bestfit/model.h: run a stored model on rows, in a sandboxed worker process.
 *
 * Question it answers: what does this model say of these rows?
 *
 * Method: ONNX Runtime (C API, loaded at run time, telemetry off, one thread a worker) inside a worker process that is
 * started once and reused for many models. Before a worker sees the first byte of a model it gives up files, network,
 * new programs (Landlock and a seccomp list of system calls) and has limits on memory, CPU time and wall-clock time.
 * Rows become tensors by the card's featuriser (docs/formats/model-card.md), in memory that the worker shares. A crash,
 * a hang or a refusal is an error on that model alone; the worker is replaced.
 *
 * Memory: some runs of at most 256 rows (about 16 MiB of inputs each) on their way at once; a worker's limit is
 * `memory_bytes`. Determinism: outputs are those of ONNX Runtime with one thread: equal rows in equal batches give
 * equal bytes on one machine. Thread-safety: a pool may be used from several threads at once; a model from one at a
 * time, and it occupies one worker until it is closed.
 */
#ifndef BESTFIT_MODEL_H
#define BESTFIT_MODEL_H

#include <bestfit/card.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A file of a model: the ONNX file itself, external data under the name that the model gives them, a vocabulary. */
typedef struct bf_model_file {
  const char *name; /* plain relative name ("model.onnx", "weights.bin", "vocab.txt") */
  const uint8_t *bytes;
  size_t n_bytes;
} bf_model_file;

/* Names of the external data files that an ONNX file refers to, without running or loading it (a walk over the
 * untrusted bytes). You own *names and each string (bf_model_names_free). BF_ERR_FORMAT: not an ONNX file, or cut
 * (position). BF_ERR_INVALID_ARGUMENT: a name that is absolute, or leaves the model's folder. BF_ERR_LIMIT: more than
 * 1,024 names, or nested too deep. */
BF_API BF_MUST_CHECK bf_status bf_model_external_files(const uint8_t *model, size_t n_bytes, char ***names,
                                                       size_t *n_names, bf_error *err);
BF_API void bf_model_names_free(char **names, size_t n_names);

/* ---- workers ---- */

typedef struct bf_workers bf_workers;
typedef struct bf_workers_options {
  size_t struct_size;
  uint32_t n_workers;        /* at most so many processes at once; 0: the cores, at most 4 */
  uint64_t memory_bytes;     /* address space of a worker beyond ONNX Runtime itself; 0: 4 GiB */
  uint32_t load_timeout_ms;  /* wall clock for loading a model; 0: 60 s */
  uint32_t batch_timeout_ms; /* wall clock for one batch; 0: 60 s */
  uint32_t cpu_seconds;      /* CPU time for one model in all; 0: 600 s */
} bf_workers_options;
#define BF_WORKERS_OPTIONS_INIT \
  { .struct_size = sizeof(bf_workers_options) }

/* A pool. One process starts at once, so that what is missing is said here; others when first needed.
 * BF_ERR_UNSUPPORTED: the worker program or ONNX Runtime is missing, with how to get it, or the kernel cannot confine
 * it. The program is searched for in the environment variable BESTFIT_WORKER, beside the installed library, and in the
 * build folder. */
BF_API BF_MUST_CHECK bf_status bf_workers_create(const bf_workers_options *options, bf_workers **out, bf_error *err);
/* Ends every process. Models must be closed before. */
BF_API void bf_workers_free(bf_workers *workers);
/* Processes started so far, those that replaced a dead one included. */
BF_API uint32_t bf_workers_started(const bf_workers *workers);
BF_API uint32_t bf_workers_count(const bf_workers *workers); /* at most so many at once */
/* What confines the workers, in words: "seccomp, landlock, memory limit". An old kernel lacks Landlock; seccomp alone
 * keeps models from files and network, too. */
BF_API const char *bf_workers_sandbox(const bf_workers *workers);
/* The whole of the program bestfit-worker; no other program calls it. */
BF_API int bf_worker_main(int argc, char **argv);

/* ---- a model ---- */

typedef struct bf_model bf_model;

/* One input or output of the ONNX graph. */
typedef struct bf_model_port {
  const char *name;
  const char *type; /* "float32", "int64", "string", "sequence of maps" … */
  uint32_t n_dims;
  const int64_t *dims; /* -1: any */
} bf_model_port;

/* Loads a model into a worker, waiting for a free one, and checks it against its card: input kind and shape, number of
 * classes, featuriser. files[0] is the ONNX file. The card and files may be freed afterwards.
 * BF_ERR_MISMATCH: model and card disagree (what the model has, what the card says). BF_ERR_UNSUPPORTED: a task that
 * gives no classes, an operator or type that cannot be run. BF_ERR_FORMAT: the runtime refuses the file.
 * BF_ERR_LIMIT: memory or time. BF_ERR_NOT_FOUND: an external file or vocabulary is missing (named). */
BF_API BF_MUST_CHECK bf_status bf_model_open(bf_workers *workers, const bf_card *card, const bf_model_file *files,
                                             size_t n_files, bf_model **out, bf_error *err);
BF_API void bf_model_close(bf_model *model);

BF_API size_t bf_model_input_count(const bf_model *model);
BF_API bf_model_port bf_model_input(const bf_model *model, size_t i);
BF_API size_t bf_model_output_count(const bf_model *model);
BF_API bf_model_port bf_model_output(const bf_model *model, size_t i);
BF_API bf_kind bf_model_kind(const bf_model *model); /* of the rows that it takes */
BF_API bool bf_model_gives_logits(const bf_model *model);
/* Classes by name, in the order of the outputs. Known after loading, or (maps of scikit-learn without classes in the
 * card) after the first batch. A sigmoid has two. */
BF_API size_t bf_model_class_count(const bf_model *model);
BF_API const char *bf_model_class(const bf_model *model, size_t i);

/* Outputs of a model, an item a row: rows of the dataset, tokens for the kind tagged. */
typedef struct bf_outputs {
  size_t n_items, n_classes, capacity; /* items */
  float *scores;                       /* [n_items][n_classes] logits or probabilities as the model gives them */
  bool are_logits;
} bf_outputs;
#define BF_OUTPUTS_INIT \
  { .n_items = 0 }
BF_API void bf_outputs_deinit(bf_outputs *outputs);

/* Bytes of outputs with the names of their classes and, where known, the truth (as bf_model_truth gives it; NULL:
 * none), for the repository's experience (docs/formats/outputs-v1.md). Scores are kept bit for bit. You own *out
 * (free()). BF_ERR_INVALID_ARGUMENT: no class, a class without a name, a truth that is no class. */
BF_API BF_MUST_CHECK bf_status bf_outputs_encode(const bf_outputs *outputs, const char *const *classes,
                                                 const int32_t *truth, uint8_t **out, size_t *out_bytes, bf_error *err);
/* From untrusted bytes. You own *out (bf_outputs_deinit), *classes and each of its out->n_classes strings
 * (bf_model_names_free), and *truth (free(); NULL: none was kept). BF_ERR_FORMAT: no outputs. BF_ERR_CORRUPT: damaged.
 * BF_ERR_LIMIT: above 1 GiB. BF_ERR_UNSUPPORTED: a newer version. */
BF_API BF_MUST_CHECK bf_status bf_outputs_decode(const uint8_t *bytes, size_t n_bytes, bf_outputs *out, char ***classes,
                                                 int32_t **truth, bf_error *err);

/* Runs all rows of a batch and appends the outputs. `schema` describes the batch (bf_dataset_schema, bf_sample_schema).
 * BF_ERR_MISMATCH: a column, kind or shape that the model cannot take (named). BF_ERR_LIMIT: time or memory.
 * BF_ERR_UNSUPPORTED, BF_ERR_FORMAT: the runtime's refusal, in its words. After an error the model can only be closed;
 * outputs are as they were. */
BF_API BF_MUST_CHECK bf_status bf_model_run(bf_model *model, const bf_schema *schema, const bf_batch *batch,
                                            bf_outputs *outputs, bf_error *err);

/* True labels of a batch's items as numbers of the model's classes, matched by name: -1 no label, -2 a label that the
 * model does not have. [n_items] in *out, appended behind the n_before that are there; you own it (free()). */
BF_API BF_MUST_CHECK bf_status bf_model_truth(const bf_model *model, const bf_schema *schema, const bf_batch *batch,
                                              size_t n_before, int32_t **out, size_t *n_out, bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
