/* The tables of what models are run with and learnt from: files, calibrations, validation samples, experience. */
#include <math.h>
#include <string.h>

#include "store/sql.h"

/* ------------------------------------------------------------------ parts of a version */

/* Whether a statement with a version's row and one or two texts finds something. */
static bf_status finds(bf__db *db, const char *sql, int64_t id, const char *first, const char *second, bool *out,
                       bf_error *err) {
  bf__sql q;
  *out = false;
  bf_status status = bf__sql_prepare(db, sql, &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_integer(&q, id);
  bf__sql_bind_text(&q, first);
  if (second != NULL) bf__sql_bind_text(&q, second);
  status = bf__sql_step(&q, out, err);
  bf__sql_end(&q);
  return status;
}

bf_status bf__db_same_parts(bf__db *db, int64_t id, const bf_store_entry *entry, const bf__version_blobs *blobs,
                            bool *same, bf_error *err) {
  bf_status status = BF_OK;
  uint64_t n = 0;
  BF_TRY(bf__db_count_of(db, "SELECT count(*) FROM files WHERE version_id = ?", id, &n, err));
  *same = n == entry->n_files;
  for (size_t i = 0; *same && i < entry->n_files; ++i)
    BF_TRY(finds(db, "SELECT 1 FROM files WHERE version_id = ? AND name = ? AND sha256 = ?", id, entry->files[i].name,
                 blobs->files[i].sha256, same, err));
  if (*same && entry->calibration != NULL)
    BF_TRY(finds(db, "SELECT 1 FROM calibrations WHERE version_id = ? AND json = ?", id, entry->calibration, NULL, same,
                 err));
  if (*same && entry->validation != NULL)
    BF_TRY(finds(db, "SELECT 1 FROM validations WHERE version_id = ? AND sha256 = ?", id, blobs->validation.sha256,
                 NULL, same, err));
out:
  return status;
}

static bf_status insert_file(bf__db *db, int64_t id, const char *name, const bf__blob *blob, bf_error *err) {
  bf__sql q;
  bf_status status = bf__db_insert_blob(db, blob, err);
  if (status == BF_OK)
    status = bf__sql_prepare(db, "INSERT INTO files (version_id, name, sha256) VALUES (?, ?, ?)", &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_integer(&q, id);
  bf__sql_bind_text(&q, name);
  bf__sql_bind_text(&q, blob->sha256);
  return bf__sql_run(&q, err);
}

static bf_status insert_text(bf__db *db, const char *sql, int64_t id, const char *text, bf_error *err) {
  bf__sql q;
  bf_status status = bf__sql_prepare(db, sql, &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_integer(&q, id);
  bf__sql_bind_text(&q, text);
  return bf__sql_run(&q, err);
}

bf_status bf__db_insert_parts(bf__db *db, int64_t id, const bf_store_entry *entry, const bf__version_blobs *blobs,
                              bf_error *err) {
  bf_status status = BF_OK;
  for (size_t i = 0; i < entry->n_files; ++i) BF_TRY(insert_file(db, id, entry->files[i].name, &blobs->files[i], err));
  if (entry->calibration != NULL)
    BF_TRY(insert_text(db, "INSERT INTO calibrations (version_id, json) VALUES (?, ?)", id, entry->calibration, err));
  if (entry->validation != NULL) {
    BF_TRY(bf__db_insert_blob(db, &blobs->validation, err));
    BF_TRY(insert_text(db, "INSERT INTO validations (version_id, sha256) VALUES (?, ?)", id, blobs->validation.sha256,
                       err));
  }
out:
  return status;
}

/* ------------------------------------------------------------------ experience */

/* SQLite takes NaN for NULL: not known. */
bf_status bf__db_set_experience(bf__db *db, int64_t model_id, int64_t domain_id, const bf_store_experience *row,
                                const bf__blob *outputs, bf_error *err) {
  bf__sql q;
  bool has_outputs = outputs->sha256[0] != 0;
  bf_status status = has_outputs ? bf__db_insert_blob(db, outputs, err) : BF_OK;
  if (status == BF_OK)
    status =
        bf__sql_prepare(db,
                        "INSERT OR REPLACE INTO experience (domain_id, model_id, items, accuracy, macro_f1, sha256)"
                        " VALUES (?, ?, ?, ?, ?, ?)",
                        &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_integer(&q, domain_id);
  bf__sql_bind_integer(&q, model_id);
  bf__sql_bind_integer(&q, (int64_t)row->n_items);
  bf__sql_bind_real(&q, row->accuracy);
  bf__sql_bind_real(&q, row->macro_f1);
  bf__sql_bind_text(&q, has_outputs ? outputs->sha256 : NULL);
  return bf__sql_run(&q, err);
}

bf_status bf__db_each_experience(bf__db *db, bf__db_experience_fn fn, void *context, bf_error *err) {
  bf_status status = BF_OK;
  bf__sql q = {0};
  bool row = false;
  BF_TRY(bf__sql_prepare(db,
                         "SELECT m.name, v.number, k.name, d.number, e.items, e.accuracy, e.macro_f1, e.sha256, b.bytes"
                         "  FROM experience e JOIN versions v ON v.id = e.model_id JOIN models m ON m.id = v.model_id"
                         "  JOIN versions d ON d.id = e.domain_id JOIN models k ON k.id = d.model_id"
                         "  LEFT JOIN blobs b ON b.sha256 = e.sha256 ORDER BY k.name, d.number, m.name, v.number",
                         &q, err));
  for (;;) {
    BF_TRY(bf__sql_step(&q, &row, err));
    if (!row) break;
    bf_store_experience item = {.model = bf__sql_text_or_empty(&q, 0),
                                .version = bf__sql_version(&q, 1),
                                .domain_model = bf__sql_text_or_empty(&q, 2),
                                .domain_version = bf__sql_version(&q, 3),
                                .n_items = bf__sql_unsigned(&q, 4),
                                .accuracy = bf__sql_real(&q, 5),
                                .macro_f1 = bf__sql_real(&q, 6),
                                .outputs_sha256 = bf__sql_text(&q, 7),
                                .outputs_bytes = (size_t)bf__sql_unsigned(&q, 8)};
    BF_TRY(fn(context, &item, err));
  }
out:
  bf__sql_end(&q);
  return status;
}
