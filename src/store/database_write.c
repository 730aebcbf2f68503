/* What changes the repository's database. Every call belongs into a transaction of the caller's. */
#include <math.h>
#include <string.h>

#include "store/sql.h"

#define CARD_WORDS_MAX ((size_t)1 << 20) /* of a longer card only this much is indexed */

bf_status bf__db_audit(bf__db *db, const bf__act *act, const char *name, uint32_t version, const char *detail,
                       bf_error *err) {
  bf__sql q;
  bf_status status = bf__sql_prepare(db,
                                     "INSERT INTO audit (time, who, action, name, version, detail)"
                                     " VALUES (?, ?, ?, ?, nullif(?, 0), ?)",
                                     &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, act->time);
  bf__sql_bind_text(&q, act->who);
  bf__sql_bind_text(&q, act->action);
  bf__sql_bind_text(&q, name);
  bf__sql_bind_integer(&q, version);
  bf__sql_bind_text(&q, detail);
  return bf__sql_run(&q, err);
}

/* ------------------------------------------------------------------ adding and removing */

static void blob_from(const bf__sql *q, int column, bf__blob *out) {
  const char *sha256 = bf__sql_text(q, column);
  *out = (bf__blob){.bytes = bf__sql_unsigned(q, column + 1)};
  if (bf__is_sha256(sha256)) memcpy(out->sha256, sha256, 65);
}

bf_status bf__db_latest(bf__db *db, const char *name, uint32_t *version, bf__version_blobs *blobs, bf_error *err) {
  bf__sql q;
  bool row = false;
  *version = 0;
  *blobs = (bf__version_blobs){0};
  bf_status status =
      bf__sql_prepare(db,
                      "SELECT v.number, v.model_sha256, m.bytes, v.card_sha256, c.bytes, s.sha256, k.bytes"
                      "  FROM models JOIN versions v ON v.model_id = models.id"
                      "  LEFT JOIN sketches s ON s.version_id = v.id"
                      "  LEFT JOIN blobs m ON m.sha256 = v.model_sha256"
                      "  LEFT JOIN blobs c ON c.sha256 = v.card_sha256"
                      "  LEFT JOIN blobs k ON k.sha256 = s.sha256"
                      " WHERE models.name = ? ORDER BY v.number DESC LIMIT 1",
                      &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, name);
  status = bf__sql_step(&q, &row, err);
  if (status == BF_OK && row) {
    *version = bf__sql_version(&q, 0);
    blob_from(&q, 1, &blobs->model);
    blob_from(&q, 3, &blobs->card);
    blob_from(&q, 5, &blobs->sketch);
  }
  bf__sql_end(&q);
  return status;
}

bf_status bf__db_insert_blob(bf__db *db, const bf__blob *blob, bf_error *err) {
  bf__sql q;
  bf_status status = bf__sql_prepare(db,
                                     "INSERT INTO blobs (sha256, bytes) VALUES (?, ?)"
                                     " ON CONFLICT (sha256) DO UPDATE SET bytes = excluded.bytes",
                                     &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, blob->sha256);
  bf__sql_bind_integer(&q, (int64_t)blob->bytes);
  return bf__sql_run(&q, err);
}

/* Takes the next version number of a model; makes the model where there is none. */
static bf_status take_version(bf__db *db, const char *name, int64_t *model, uint32_t *version, bf_error *err) {
  bf__sql q;
  bool row = false;
  bf_status status = bf__sql_prepare(db, "INSERT INTO models (name) VALUES (?) ON CONFLICT (name) DO NOTHING", &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, name);
  status = bf__sql_run(&q, err);
  if (status != BF_OK) return status;
  status = bf__sql_prepare(
      db, "UPDATE models SET next_version = next_version + 1 WHERE name = ? RETURNING id, next_version - 1", &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, name);
  status = bf__sql_step(&q, &row, err);
  if (status == BF_OK && row) {
    *model = bf__sql_signed(&q, 0);
    *version = bf__sql_version(&q, 1);
  }
  bf__sql_end(&q);
  if (status == BF_OK && (!row || *version == 0))
    status = bf__error(err, BF_ERR_CORRUPT, "%.80s has no version number for %.100s: run bestfit fsck",
                       bf__sql_path(db), name);
  return status;
}

static bf_status insert_sketch(bf__db *db, int64_t id, const bf_store_entry *entry, const bf__blob *sketch,
                               bf_error *err) {
  if (sketch->sha256[0] == 0) return BF_OK;
  bf__sql q;
  bf_status status =
      bf__sql_prepare(db, "INSERT INTO sketches (version_id, sha256, kind, rows) VALUES (?, ?, ?, ?)", &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_integer(&q, id);
  bf__sql_bind_text(&q, sketch->sha256);
  bf__sql_bind_text(&q, entry->kind);
  bf__sql_bind_integer(&q, (int64_t)entry->rows);
  return bf__sql_run(&q, err);
}

static bf_status insert_version(bf__db *db, const bf_store_entry *entry, const bf__version_blobs *blobs,
                                const char *time, int64_t model, uint32_t number, bf_error *err) {
  bf__sql q;
  bf_status status = bf__sql_prepare(db,
                                     "INSERT INTO versions (model_id, number, domain, task, summary, license,"
                                     " model_sha256, card_sha256, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                     &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_integer(&q, model);
  bf__sql_bind_integer(&q, number);
  bf__sql_bind_text(&q, entry->domain != NULL ? entry->domain : entry->name);
  bf__sql_bind_text(&q, entry->task != NULL ? entry->task : "classification");
  bf__sql_bind_text(&q, entry->summary != NULL ? entry->summary : "");
  bf__sql_bind_text(&q, entry->license != NULL ? entry->license : "");
  bf__sql_bind_text(&q, blobs->model.sha256);
  bf__sql_bind_text(&q, blobs->card.sha256);
  bf__sql_bind_text(&q, time);
  return bf__sql_run(&q, err);
}

bf_status bf__db_insert(bf__db *db, const bf_store_entry *entry, const bf__tag *tags, size_t n_tags,
                        const bf__version_blobs *blobs, const bf__act *act, uint32_t *version, int64_t *id,
                        bf_error *err) {
  bf_status status = BF_OK;
  int64_t model = 0;
  BF_TRY(take_version(db, entry->name, &model, version, err));
  BF_TRY(bf__db_insert_blob(db, &blobs->model, err));
  BF_TRY(bf__db_insert_blob(db, &blobs->card, err));
  if (blobs->sketch.sha256[0] != 0) BF_TRY(bf__db_insert_blob(db, &blobs->sketch, err));
  BF_TRY(insert_version(db, entry, blobs, act->time, model, *version, err));
  *id = bf__sql_last_id(db);
  BF_TRY(insert_sketch(db, *id, entry, &blobs->sketch, err));
  BF_TRY(bf__db_insert_parts(db, *id, entry, blobs, err));
  for (size_t i = 0; i < n_tags; ++i) BF_TRY(bf__db_set_tag(db, *id, &tags[i], err));
  if (!isnan(entry->source_accuracy))
    BF_TRY(bf__db_set_metric(db, *id, "source_accuracy", entry->source_accuracy, err));
  for (size_t i = 0; i < entry->n_metrics; ++i)
    BF_TRY(bf__db_set_metric(db, *id, entry->metrics[i].name, entry->metrics[i].value, err));
  BF_TRY(bf__db_index(db, *id, entry->card, entry->card_bytes, err));
  BF_TRY(bf__db_audit(db, act, entry->name, *version, entry->origin != NULL ? entry->origin : "", err));
out:
  return status;
}

/* Runs a statement whose parameters are a model's name and a version (0: all). */
static bf_status run_for_versions(bf__db *db, const char *text, const char *name, uint32_t version, bf_error *err) {
  bf__sql q;
  bf_status status = bf__sql_prepare(db, text, &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, name);
  bf__sql_bind_integer(&q, version);
  return bf__sql_run(&q, err);
}

#define VERSIONS_OF \
  "(SELECT v.id FROM models m JOIN versions v ON v.model_id = m.id WHERE m.name = ?1 AND (?2 = 0 OR v.number = ?2))"

bf_status bf__db_remove(bf__db *db, const char *name, uint32_t version, const bf__act *act, uint32_t *n_removed,
                        bf_error *err) {
  bf_status status = BF_OK;
  bf__sql q;
  *n_removed = 0;
  /* The audit rows come from the versions while these are still there. */
  BF_TRY(bf__sql_prepare(db,
                         "INSERT INTO audit (time, who, action, name, version) SELECT ?3, ?4, ?5, m.name, v.number"
                         "  FROM models m JOIN versions v ON v.model_id = m.id"
                         " WHERE m.name = ?1 AND (?2 = 0 OR v.number = ?2) ORDER BY v.number",
                         &q, err));
  bf__sql_bind_text(&q, name);
  bf__sql_bind_integer(&q, version);
  bf__sql_bind_text(&q, act->time);
  bf__sql_bind_text(&q, act->who);
  bf__sql_bind_text(&q, act->action);
  BF_TRY(bf__sql_run(&q, err));
  BF_TRY(run_for_versions(db, "DELETE FROM texts WHERE rowid IN " VERSIONS_OF, name, version, err));
  BF_TRY(run_for_versions(db, "DELETE FROM versions WHERE id IN " VERSIONS_OF, name, version, err));
  *n_removed = bf__sql_changes(db);
out:
  return status;
}

/* ------------------------------------------------------------------ changing a version */

bf_status bf__db_find_version(bf__db *db, const bf__selector *which, bf__version *out, bf_error *err) {
  bf__sql q;
  bool row = false;
  *out = (bf__version){0};
  bf_status status =
      bf__sql_prepare(db,
                      "SELECT v.id, v.number, v.card_sha256 FROM models m JOIN versions v ON v.model_id = m.id"
                      " WHERE m.name = ?1 AND (?2 = 0 OR v.number = ?2) AND (?3 = '' OR v.id ="
                      " (SELECT version_id FROM aliases WHERE model_id = m.id AND alias = ?3))"
                      " ORDER BY v.number DESC LIMIT 1",
                      &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, which->name);
  bf__sql_bind_integer(&q, which->version);
  bf__sql_bind_text(&q, which->alias);
  status = bf__sql_step(&q, &row, err);
  if (status == BF_OK && row) {
    out->id = bf__sql_signed(&q, 0);
    out->number = bf__sql_version(&q, 1);
    const char *card = bf__sql_text(&q, 2);
    if (bf__is_sha256(card)) memcpy(out->card_sha256, card, 65);
  }
  bf__sql_end(&q);
  return status;
}

bf_status bf__db_set_columns(bf__db *db, int64_t id, const bf__columns *columns, bf_error *err) {
  bf__sql q;
  bf_status status = columns->card != NULL ? bf__db_insert_blob(db, columns->card, err) : BF_OK;
  if (status != BF_OK) return status;
  status = bf__sql_prepare(db,
                           "UPDATE versions SET domain = coalesce(?, domain), task = coalesce(?, task),"
                           " summary = coalesce(?, summary), license = coalesce(?, license),"
                           " card_sha256 = coalesce(?, card_sha256) WHERE id = ?",
                           &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, columns->domain);
  bf__sql_bind_text(&q, columns->task);
  bf__sql_bind_text(&q, columns->summary);
  bf__sql_bind_text(&q, columns->license);
  bf__sql_bind_text(&q, columns->card != NULL ? columns->card->sha256 : NULL);
  bf__sql_bind_integer(&q, id);
  return bf__sql_run(&q, err);
}

bf_status bf__db_set_tag(bf__db *db, int64_t id, const bf__tag *tag, bf_error *err) {
  bf__sql q;
  bf_status status = bf__sql_prepare(db,
                                     "INSERT INTO tags (version_id, key, value, position) VALUES (?1, ?2, ?3,"
                                     " (SELECT coalesce(max(position), 0) + 1 FROM tags WHERE version_id = ?1))"
                                     " ON CONFLICT (version_id, key) DO UPDATE SET value = excluded.value",
                                     &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_integer(&q, id);
  bf__sql_bind_text(&q, tag->key);
  bf__sql_bind_text(&q, tag->value);
  return bf__sql_run(&q, err);
}

/* Deletes by version and a name; *was: something was there. */
static bf_status delete_named(bf__db *db, const char *text, int64_t id, const char *name, bool *was, bf_error *err) {
  bf__sql q;
  *was = false;
  bf_status status = bf__sql_prepare(db, text, &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_integer(&q, id);
  bf__sql_bind_text(&q, name);
  status = bf__sql_run(&q, err);
  *was = status == BF_OK && bf__sql_changes(db) > 0;
  return status;
}

bf_status bf__db_remove_tag(bf__db *db, int64_t id, const char *key, bool *was, bf_error *err) {
  return delete_named(db, "DELETE FROM tags WHERE version_id = ? AND key = ?", id, key, was, err);
}

bf_status bf__db_remove_metric(bf__db *db, int64_t id, const char *name, bool *was, bf_error *err) {
  return delete_named(db, "DELETE FROM metrics WHERE version_id = ? AND name = ?", id, name, was, err);
}

bf_status bf__db_count_of(bf__db *db, const char *sql, int64_t id, uint64_t *out, bf_error *err) {
  bf__sql q;
  bool row = false;
  *out = 0;
  bf_status status = bf__sql_prepare(db, sql, &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_integer(&q, id);
  status = bf__sql_step(&q, &row, err);
  if (status == BF_OK && row) *out = bf__sql_unsigned(&q, 0);
  bf__sql_end(&q);
  return status;
}

bf_status bf__db_set_metric(bf__db *db, int64_t id, const char *name, double value, bf_error *err) {
  bf__sql q;
  bf_status status = bf__sql_prepare(db,
                                     "INSERT INTO metrics (version_id, name, value) VALUES (?, ?, ?)"
                                     " ON CONFLICT (version_id, name) DO UPDATE SET value = excluded.value",
                                     &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_integer(&q, id);
  bf__sql_bind_text(&q, name);
  bf__sql_bind_real(&q, value);
  return bf__sql_run(&q, err);
}

/* ------------------------------------------------------------------ aliases */

static bf_status alias_target(bf__db *db, const char *name, const char *alias, uint32_t *out, bf_error *err) {
  bf__sql q;
  bool row = false;
  *out = 0;
  bf_status status = bf__sql_prepare(db,
                                     "SELECT v.number FROM models m JOIN aliases a ON a.model_id = m.id"
                                     "  JOIN versions v ON v.id = a.version_id WHERE m.name = ? AND a.alias = ?",
                                     &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, name);
  bf__sql_bind_text(&q, alias);
  status = bf__sql_step(&q, &row, err);
  if (status == BF_OK && row) *out = bf__sql_version(&q, 0);
  bf__sql_end(&q);
  return status;
}

bf_status bf__db_set_alias(bf__db *db, const char *name, const char *alias, int64_t id, bool keep, uint32_t *was,
                           bf_error *err) {
  bf__sql q;
  bf_status status = alias_target(db, name, alias, was, err);
  if (status != BF_OK || (keep && *was != 0)) return status;
  status = bf__sql_prepare(db,
                           "INSERT INTO aliases (model_id, alias, version_id)"
                           " VALUES ((SELECT id FROM models WHERE name = ?), ?, ?)"
                           " ON CONFLICT (model_id, alias) DO UPDATE SET version_id = excluded.version_id",
                           &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, name);
  bf__sql_bind_text(&q, alias);
  bf__sql_bind_integer(&q, id);
  return bf__sql_run(&q, err);
}

bf_status bf__db_remove_alias(bf__db *db, const char *name, const char *alias, uint32_t *was, bf_error *err) {
  bf__sql q;
  bf_status status = alias_target(db, name, alias, was, err);
  if (status != BF_OK || *was == 0) return status;
  status = bf__sql_prepare(
      db, "DELETE FROM aliases WHERE model_id = (SELECT id FROM models WHERE name = ?) AND alias = ?", &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text(&q, name);
  bf__sql_bind_text(&q, alias);
  return bf__sql_run(&q, err);
}

/* ------------------------------------------------------------------ full-text search */

/* Name, summary and tags are taken from the tables as they are now. */
static bf_status insert_text(bf__db *db, int64_t id, const uint8_t *card, size_t card_bytes, bf_error *err) {
  bf__sql q;
  bf_status status = bf__sql_prepare(db,
                                     "INSERT INTO texts (rowid, name, summary, card, tags)"
                                     " SELECT v.id, m.name, v.summary, ?, coalesce(" BF__TAGS_OF_V
                                     ", '')"
                                     "   FROM versions v JOIN models m ON m.id = v.model_id WHERE v.id = ?",
                                     &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_text_n(&q, (const char *)card, card_bytes < CARD_WORDS_MAX ? card_bytes : CARD_WORDS_MAX);
  bf__sql_bind_integer(&q, id);
  return bf__sql_run(&q, err);
}

/* Runs a statement whose parameter is a version's row. */
static bf_status run_for_id(bf__db *db, const char *text, int64_t id, bf_error *err) {
  bf__sql q;
  bf_status status = bf__sql_prepare(db, text, &q, err);
  if (status != BF_OK) return status;
  bf__sql_bind_integer(&q, id);
  return bf__sql_run(&q, err);
}

bf_status bf__db_index(bf__db *db, int64_t id, const uint8_t *card, size_t card_bytes, bf_error *err) {
  bf_status status = BF_OK;
  if (card == NULL)
    return run_for_id(db,
                      "UPDATE texts SET (name, summary, tags) = (SELECT m.name, v.summary, coalesce(" BF__TAGS_OF_V
                      ", '') FROM versions v JOIN models m ON m.id = v.model_id WHERE v.id = texts.rowid)"
                      " WHERE rowid = ?",
                      id, err);
  BF_TRY(run_for_id(db, "DELETE FROM texts WHERE rowid = ?", id, err));
  BF_TRY(insert_text(db, id, card, card_bytes, err));
  BF_TRY(run_for_id(db, "UPDATE versions SET indexed = 1 WHERE id = ?", id, err));
out:
  return status;
}

bf_status bf__db_unindexed(bf__db *db, bf__version *out, bf_error *err) {
  bf__sql q;
  bool row = false;
  *out = (bf__version){0};
  bf_status status = bf__sql_prepare(
      db, "SELECT id, number, card_sha256 FROM versions WHERE indexed = 0 ORDER BY id LIMIT 1", &q, err);
  if (status != BF_OK) return status;
  status = bf__sql_step(&q, &row, err);
  if (status == BF_OK && row) {
    out->id = bf__sql_signed(&q, 0);
    out->number = bf__sql_version(&q, 1);
    const char *card = bf__sql_text(&q, 2);
    if (bf__is_sha256(card)) memcpy(out->card_sha256, card, 65);
  }
  bf__sql_end(&q);
  return status;
}

bf_status bf__db_forget_index(bf__db *db, bf_error *err) {
  /* A damaged index cannot forget row by row, but can be built from its own texts first. */
  return bf__sql_execute(db,
                         "INSERT INTO texts (texts) VALUES ('rebuild'); DELETE FROM texts;"
                         " UPDATE versions SET indexed = 0",
                         err);
}

bf_status bf__db_forget_blobs(bf__db *db, bf_error *err) {
  return bf__sql_execute(db,
                         "DELETE FROM blobs WHERE NOT EXISTS (SELECT 1 FROM versions WHERE model_sha256 = blobs.sha256)"
                         " AND NOT EXISTS (SELECT 1 FROM versions WHERE card_sha256 = blobs.sha256)"
                         " AND NOT EXISTS (SELECT 1 FROM sketches WHERE sketches.sha256 = blobs.sha256)"
                         " AND NOT EXISTS (SELECT 1 FROM files WHERE files.sha256 = blobs.sha256)"
                         " AND NOT EXISTS (SELECT 1 FROM validations WHERE validations.sha256 = blobs.sha256)"
                         " AND NOT EXISTS (SELECT 1 FROM experience WHERE experience.sha256 = blobs.sha256)",
                         err);
}
