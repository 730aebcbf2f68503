/* What asks the repository's database. The names of tables in a query of models (m, v, s, a, b) are those that filter.c
 * writes. */
#include <math.h>
#include <string.h>

#include "store/filter.h"
#include "store/sql.h"

#define MODEL_COLUMNS                                                                                           \
  "SELECT m.name, v.number, v.domain, v.task, s.kind, v.summary, v.license, " BF__TAGS_OF_V                     \
  ", a.value, s.rows, b.bytes, v.model_sha256, v.card_sha256, s.sha256, v.created,"                             \
  " (SELECT group_concat(alias, ',') FROM (SELECT alias FROM aliases WHERE version_id = v.id ORDER BY alias))," \
  " (SELECT group_concat(name || '=' || quote(value), ',') FROM"                                                \
  "  (SELECT CASE name WHEN 'source_accuracy' THEN 'accuracy' ELSE name END AS name, value FROM metrics o"      \
  "    WHERE o.version_id = v.id AND NOT (o.name = 'source_accuracy' AND EXISTS"                                \
  "     (SELECT 1 FROM metrics t WHERE t.version_id = v.id AND t.name = 'accuracy')) ORDER BY 1)),"             \
  " (SELECT group_concat(t, ',') FROM (SELECT f.name || ' ' || d.bytes || ' ' || f.sha256 AS t FROM files f"    \
  "    JOIN blobs d ON d.sha256 = f.sha256 WHERE f.version_id = v.id ORDER BY f.name)),"                        \
  " (SELECT json FROM calibrations WHERE version_id = v.id),"                                                   \
  " (SELECT sha256 FROM validations WHERE version_id = v.id)"                                                   \
  "  FROM models m JOIN versions v ON v.model_id = m.id LEFT JOIN sketches s ON s.version_id = v.id"            \
  "  LEFT JOIN metrics a ON a.version_id = v.id AND a.name = 'source_accuracy'"                                 \
  "  LEFT JOIN blobs b ON b.sha256 = v.model_sha256"

static bf_store_model model_from(const bf__sql *q) {
  return (bf_store_model){
      .name = bf__sql_text_or_empty(q, 0),
      .version = bf__sql_version(q, 1),
      .domain = bf__sql_text_or_empty(q, 2),
      .task = bf__sql_text_or_empty(q, 3),
      .kind = bf__sql_text(q, 4),
      .summary = bf__sql_text_or_empty(q, 5),
      .license = bf__sql_text_or_empty(q, 6),
      .tags = bf__sql_text_or_empty(q, 7),
      .source_accuracy = bf__sql_real(q, 8),
      .rows = bf__sql_unsigned(q, 9),
      .model_bytes = bf__sql_unsigned(q, 10),
      .model_sha256 = bf__sql_text_or_empty(q, 11),
      .card_sha256 = bf__sql_text_or_empty(q, 12),
      .sketch_sha256 = bf__sql_text(q, 13),
      .created = bf__sql_text_or_empty(q, 14),
      .aliases = bf__sql_text_or_empty(q, 15),
      .calibration = bf__sql_text(q, 18),
      .validation_sha256 = bf__sql_text(q, 19),
  };
}

/* ------------------------------------------------------------------ models */

static void put(bf__writer *w, const char *text) {
  bf__write(w, text, strlen(text));
}

/* The statement; parameters stand in it in the order in which bind_query gives them. */
static void write_query(const bf__db_query *q, bf__writer *w) {
  const bf__selector *which = q->which;
  put(w, MODEL_COLUMNS);
  if (q->words != NULL) put(w, " JOIN texts ON texts.rowid = v.id");
  put(w, " WHERE 1");
  if (which != NULL) put(w, " AND m.name = ?");
  if (which != NULL && which->version != 0) put(w, " AND v.number = ?");
  if (which != NULL && which->alias[0] != 0)
    put(w, " AND v.id = (SELECT version_id FROM aliases WHERE model_id = m.id AND alias = ?)");
  if (!q->all_versions) put(w, " AND v.number = (SELECT max(number) FROM versions WHERE model_id = m.id)");
  if (q->words != NULL) put(w, " AND texts MATCH ?");
  if (q->filter != NULL) {
    put(w, " AND (");
    put(w, (const char *)q->filter->sql.data);
    put(w, ")");
  }
  put(w, " ORDER BY ");
  if (q->sort != NULL) {
    put(w, (const char *)q->sort->sql.data);
    put(w, ", ");
  } else if (q->words != NULL) {
    put(w, "bm25(texts, 10.0, 4.0, 1.0, 6.0), "); /* a word of the name says more than one of the card */
  }
  put(w, "m.name, v.number");
  bf__write_u8(w, 0);
}

static void bind_values(bf__sql *s, const bf__filter *filter) {
  for (size_t i = 0; filter != NULL && i < filter->n_values; ++i) {
    if (filter->values[i].text != NULL)
      bf__sql_bind_text(s, filter->values[i].text);
    else
      bf__sql_bind_real(s, filter->values[i].number);
  }
}

static void bind_query(const bf__db_query *q, bf__sql *s) {
  const bf__selector *which = q->which;
  if (which != NULL) bf__sql_bind_text(s, which->name);
  if (which != NULL && which->version != 0) bf__sql_bind_integer(s, which->version);
  if (which != NULL && which->alias[0] != 0) bf__sql_bind_text(s, which->alias);
  if (q->words != NULL) bf__sql_bind_text(s, q->words);
  bind_values(s, q->filter);
  bind_values(s, q->sort);
}

bf_status bf__db_each_model(bf__db *db, const bf__db_query *query, bf__db_model_fn fn, void *context, bf_error *err) {
  bf_status status = BF_OK;
  bf__sql s = {0};
  bf__writer text = {0};
  bool row = false;
  write_query(query, &text);
  if (text.failed) {
    status = bf__error_memory(err, text.size);
    goto out;
  }
  BF_TRY(bf__sql_prepare(db, (const char *)text.data, &s, err));
  bind_query(query, &s);
  for (;;) {
    BF_TRY(bf__sql_step(&s, &row, err));
    if (!row) break;
    bf_store_model model = model_from(&s);
    BF_TRY(fn(context, &model, bf__sql_text_or_empty(&s, 16), bf__sql_text_or_empty(&s, 17), err));
  }
out:
  bf__sql_end(&s);
  bf__writer_deinit(&text);
  return status;
}

/* ------------------------------------------------------------------ names and events */

static bf_status each_text(bf__sql *q, bf__db_name_fn fn, void *context, bf_error *err) {
  bf_status status = BF_OK;
  bool row = false;
  for (;;) {
    BF_TRY(bf__sql_step(q, &row, err));
    if (!row) break;
    fn(context, bf__sql_text_or_empty(q, 0));
  }
out:
  bf__sql_end(q);
  return status;
}

bf_status bf__db_each_name(bf__db *db, bf__db_name_fn fn, void *context, bf_error *err) {
  bf__sql q;
  bf_status status = bf__sql_prepare(
      db, "SELECT name FROM models WHERE EXISTS (SELECT 1 FROM versions WHERE model_id = models.id) ORDER BY name", &q,
      err);
  return status == BF_OK ? each_text(&q, fn, context, err) : status;
}

bf_status bf__db_each_alias(bf__db *db, const char *name, uint32_t version, bf__db_name_fn fn, void *context,
                            bf_error *err) {
  bf__sql q;
  bf_status status =
      bf__sql_prepare(db,
                      "SELECT a.alias FROM models m JOIN aliases a ON a.model_id = m.id JOIN versions v ON"
                      " v.id = a.version_id WHERE m.name = ?1 AND (?2 = 0 OR v.number = ?2) ORDER BY a.alias",
                      &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, name);
  bf__sql_bind_integer(&q, version);
  return each_text(&q, fn, context, err);
}

bf_status bf__db_each_event(bf__db *db, const char *name, uint64_t limit, bf_store_event_fn fn, void *context,
                            bf_error *err) {
  bf__sql q;
  bool row = false;
  bool more = true;
  bf_status status = bf__sql_prepare(db,
                                     "SELECT time, who, action, name, version, detail FROM audit"
                                     " WHERE ?1 IS NULL OR name = ?1 ORDER BY id DESC LIMIT ?2",
                                     &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, name);
  bf__sql_bind_integer(&q, limit == 0 || limit > INT64_MAX ? -1 : (int64_t)limit);
  while (more) {
    BF_TRY(bf__sql_step(&q, &row, err));
    if (!row) break;
    bf_store_event event = {.time = bf__sql_text_or_empty(&q, 0),
                            .who = bf__sql_text_or_empty(&q, 1),
                            .action = bf__sql_text_or_empty(&q, 2),
                            .name = bf__sql_text_or_empty(&q, 3),
                            .version = bf__sql_version(&q, 4),
                            .detail = bf__sql_text_or_empty(&q, 5)};
    more = fn(context, &event);
  }
out:
  bf__sql_end(&q);
  return status;
}

/* ------------------------------------------------------------------ references */

bf_status bf__db_each_reference(bf__db *db, bf__db_reference_fn fn, void *context, bf_error *err) {
  bf_status status = BF_OK;
  bf__sql q = {0};
  bool row = false;
  BF_TRY(bf__sql_prepare(db,
                         "SELECT r.sha256, m.name, r.number, r.role, b.bytes FROM ("
                         "  SELECT model_sha256 AS sha256, model_id, number, 'model' AS role FROM versions"
                         "  UNION ALL SELECT card_sha256, model_id, number, 'card' FROM versions"
                         "  UNION ALL SELECT s.sha256, v.model_id, v.number, 'sketch' FROM sketches s"
                         "    JOIN versions v ON v.id = s.version_id"
                         "  UNION ALL SELECT f.sha256, v.model_id, v.number, 'file' FROM files f"
                         "    JOIN versions v ON v.id = f.version_id"
                         "  UNION ALL SELECT k.sha256, v.model_id, v.number, 'validation' FROM validations k"
                         "    JOIN versions v ON v.id = k.version_id"
                         "  UNION ALL SELECT e.sha256, v.model_id, v.number, 'experience' FROM experience e"
                         "    JOIN versions v ON v.id = e.model_id WHERE e.sha256 IS NOT NULL) r"
                         "  LEFT JOIN models m ON m.id = r.model_id LEFT JOIN blobs b ON b.sha256 = r.sha256"
                         " ORDER BY r.sha256, m.name, r.number, r.role",
                         &q, err));
  for (;;) {
    BF_TRY(bf__sql_step(&q, &row, err));
    if (!row) break;
    bf__db_reference reference = {.sha256 = bf__sql_text_or_empty(&q, 0),
                                  .name = bf__sql_text_or_empty(&q, 1),
                                  .version = bf__sql_version(&q, 2),
                                  .role = bf__sql_text_or_empty(&q, 3),
                                  .bytes = bf__sql_unsigned(&q, 4)};
    BF_TRY(fn(context, &reference, err));
  }
out:
  bf__sql_end(&q);
  return status;
}

bf_status bf__db_is_referenced(bf__db *db, const char *sha256, bool *out, bf_error *err) {
  int64_t found = 1;
  bf_status status = bf__sql_integer(db,
                                     "SELECT EXISTS (SELECT 1 FROM versions WHERE model_sha256 = ?1)"
                                     " OR EXISTS (SELECT 1 FROM versions WHERE card_sha256 = ?1)"
                                     " OR EXISTS (SELECT 1 FROM sketches WHERE sha256 = ?1)"
                                     " OR EXISTS (SELECT 1 FROM files WHERE sha256 = ?1)"
                                     " OR EXISTS (SELECT 1 FROM validations WHERE sha256 = ?1)"
                                     " OR EXISTS (SELECT 1 FROM experience WHERE sha256 = ?1)",
                                     sha256, &found, err);
  *out = status != BF_OK || found != 0; /* what cannot be asked is not thrown away */
  return status;
}

bf_status bf__db_count(bf__db *db, uint64_t *models, uint64_t *versions, bf_error *err) {
  int64_t n_models = 0;
  int64_t n_versions = 0;
  bf_status status = bf__sql_integer(db, "SELECT count(DISTINCT model_id) FROM versions", NULL, &n_models, err);
  if (status == BF_OK) status = bf__sql_integer(db, "SELECT count(*) FROM versions", NULL, &n_versions, err);
  *models = (uint64_t)n_models;
  *versions = (uint64_t)n_versions;
  return status;
}
