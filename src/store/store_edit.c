/* Changes to a version that is there: its card and what is read from it, tags, metrics, aliases; and the log of all
 * changes.
 *
 * The number of a version stays when its card changes: what it is called does not depend on how well it is described.
 * The audit row has the hashes of both cards, and the old one stays among the blobs until fsck frees it. */
#include <bestfit/store.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/name.h"
#include "store/store_internal.h"

#define TAGS_MAX 1000

/* What changed, in words. */
static void say(bf__writer *w, const char *before, const char *text) {
  if (w->size > 0) bf__write(w, ", ", 2);
  bf__write(w, before, strlen(before));
  bf__write(w, text, strlen(text));
}

static void say_tag(bf__writer *w, const bf__tag *tag) {
  say(w, "", tag->key);
  if (tag->value == NULL) return;
  bf__write(w, "=", 1);
  bf__write(w, tag->value, strlen(tag->value));
}

static bf_status check_changes(const bf_store_changes *c, bf_error *err) {
  bool counted = (c->n_tags > 0 && c->tags == NULL) || (c->n_remove_tags > 0 && c->remove_tags == NULL) ||
                 (c->n_metrics > 0 && c->metrics == NULL) || (c->n_remove_metrics > 0 && c->remove_metrics == NULL);
  if (counted) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a number of changes without any");
  if (isinf(c->source_accuracy)) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "an infinite source accuracy");
  for (size_t i = 0; i < c->n_metrics; ++i) {
    bf_status status = bf__check_metric(&c->metrics[i], err);
    if (status != BF_OK) return status;
  }
  return BF_OK;
}

static bf_status change_tags(bf_store *store, int64_t id, const bf_store_changes *c, const bf__tags *tags,
                             bf__writer *what, bf_error *err) {
  bf_status status = BF_OK;
  uint64_t n = 0;
  for (size_t i = 0; i < c->n_remove_tags; ++i) {
    bool was = false;
    const char *key = c->remove_tags[i] != NULL ? c->remove_tags[i] : "";
    BF_TRY(bf__db_remove_tag(store->db, id, key, &was, err));
    if (!was) return bf__error(err, BF_ERR_NOT_FOUND, "there is no tag \"%.100s\"; bestfit show lists them", key);
    say(what, "-", key);
  }
  for (size_t i = 0; i < tags->n; ++i) {
    BF_TRY(bf__db_set_tag(store->db, id, &tags->items[i], err));
    say_tag(what, &tags->items[i]);
  }
  BF_TRY(bf__db_count_of(store->db, "SELECT count(*) FROM tags WHERE version_id = ?", id, &n, err));
  if (n > TAGS_MAX && tags->n > 0)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a version may have %d tags: remove some first", TAGS_MAX);
out:
  return status;
}

static bf_status change_metrics(bf_store *store, int64_t id, const bf_store_changes *c, bf__writer *what,
                                bf_error *err) {
  bf_status status = BF_OK;
  bool was = false;
  char text[96];
  if (c->set_source_accuracy && isnan(c->source_accuracy)) {
    BF_TRY(bf__db_remove_metric(store->db, id, "source_accuracy", &was, err));
    if (was) say(what, "", "-source accuracy");
  } else if (c->set_source_accuracy) {
    BF_TRY(bf__db_set_metric(store->db, id, "source_accuracy", c->source_accuracy, err));
    snprintf(text, sizeof text, "source accuracy %.6g", c->source_accuracy);
    say(what, "", text);
  }
  for (size_t i = 0; i < c->n_remove_metrics; ++i) {
    const char *name = c->remove_metrics[i] != NULL ? c->remove_metrics[i] : "";
    was = false;
    if (strcmp(name, "source_accuracy") != 0) BF_TRY(bf__db_remove_metric(store->db, id, name, &was, err));
    if (!was)
      return bf__error(err, BF_ERR_NOT_FOUND, "there is no metric \"%.100s\" to remove; bestfit show lists them", name);
    say(what, "-metric ", name);
  }
  for (size_t i = 0; i < c->n_metrics; ++i) {
    BF_TRY(bf__db_set_metric(store->db, id, c->metrics[i].name, c->metrics[i].value, err));
    snprintf(text, sizeof text, "metric %s %.6g", c->metrics[i].name, c->metrics[i].value);
    say(what, "", text);
  }
out:
  return status;
}

static bf_status change_columns(bf_store *store, const bf__version *v, const bf_store_changes *c, const bf__blob *card,
                                bf__writer *what, bf_error *err) {
  bool new_card = card != NULL && strcmp(card->sha256, v->card_sha256) != 0;
  bf__columns columns = {
      .domain = c->domain, .task = c->task, .summary = c->summary, .license = c->license, .card = card};
  if (new_card) {
    say(what, "card ", v->card_sha256);
    bf__write(what, " -> ", 4);
    bf__write(what, card->sha256, 64);
  }
  if (c->domain != NULL) say(what, "domain ", c->domain);
  if (c->task != NULL) say(what, "task ", c->task);
  if (c->license != NULL) say(what, "license ", c->license);
  if (c->summary != NULL) say(what, "", "summary");
  return bf__db_set_columns(store->db, v->id, &columns, err);
}

/* Within the transaction. */
static bf_status apply(bf_store *store, const bf__version *v, const bf__selector *wanted, const bf_store_changes *c,
                       const bf__tags *tags, const bf__blob *card, bf_error *err) {
  bf_status status = BF_OK;
  bf__writer what = {0};
  char now[BF__TIME_BYTES];
  bf__act act = {.time = now, .who = store->who, .action = "edit"};
  bool columns = card != NULL || c->domain != NULL || c->task != NULL || c->summary != NULL || c->license != NULL;
  bf__store_time(now);
  if (columns) BF_TRY(change_columns(store, v, c, card, &what, err));
  BF_TRY(change_metrics(store, v->id, c, &what, err));
  if (!columns && what.size == 0) act.action = "tag";
  BF_TRY(change_tags(store, v->id, c, tags, &what, err));
  BF_TRY(bf__db_index(store->db, v->id, card != NULL ? c->card : NULL, c->card_bytes, err));
  bf__write_u8(&what, 0);
  if (what.failed) {
    status = bf__error_memory(err, what.size);
    goto out;
  }
  BF_TRY(bf__db_audit(store->db, &act, wanted->name, v->number, (const char *)what.data, err));
out:
  bf__writer_deinit(&what);
  return status;
}

bf_status bf_store_edit(bf_store *store, const char *which, const bf_store_changes *given, uint32_t *version,
                        bf_error *err) {
  bf_status status = BF_OK;
  bf_store_changes c = BF_STORE_CHANGES_INIT;
  bf__selector wanted;
  bf__version v = {0};
  bf__tags tags = {0};
  bf__version_blobs blobs = {0};
  bf__error_clear(err);
  if (version != NULL) *version = 0;
  BF_TRY(bf__store_check_writable(store, err));
  BF_TRY(bf__store_take_struct(&c, sizeof c, given, "bf_store_changes", err));
  BF_TRY(check_changes(&c, err));
  BF_TRY(bf__tags_read(c.tags, c.n_tags, &tags, err));
  BF_TRY(bf__store_parse_selector(which == NULL ? "" : which, &wanted, err));
  BF_TRY(bf__store_find_version(store, &wanted, &v, err)); /* before a card is written in vain */
  if (c.card != NULL) BF_TRY(bf__blobs_put_bytes(store->blobs, "card", c.card, c.card_bytes, &blobs.card, err));
  BF_TRY(bf__db_begin(store->db, err));
  BF_TRY(bf__store_find_version(store, &wanted, &v, err));
  if (c.expected_card != NULL && strcmp(c.expected_card, v.card_sha256) != 0) {
    status = bf__error(err, BF_ERR_MISMATCH, "the card of %.120s@%u was changed meanwhile: look at it again, then edit",
                       wanted.name, v.number);
    goto out;
  }
  /* Collecting needs the lock that we now have; what it freed before is put again. */
  if (c.card != NULL && !bf__blobs_has(store->blobs, blobs.card.sha256, blobs.card.bytes))
    BF_TRY(bf__blobs_put_bytes(store->blobs, "card", c.card, c.card_bytes, &blobs.card, err));
  BF_TRY(apply(store, &v, &wanted, &c, &tags, c.card != NULL ? &blobs.card : NULL, err));
  BF_TRY(bf__db_commit(store->db, err));
  if (version != NULL) *version = v.number;
out:
  if (status != BF_OK) {
    bf__db_rollback(store->db);
    bf__store_discard(store, &blobs);
  }
  bf__tags_deinit(&tags);
  return status;
}

/* ------------------------------------------------------------------ aliases */

static bf_status audit_alias(bf_store *store, const char *name, const char *alias, uint32_t from, uint32_t to,
                             bf_error *err) {
  char now[BF__TIME_BYTES];
  char detail[BF__ALIAS_MAX + 64];
  bf__act act = {.time = now, .who = store->who, .action = "alias"};
  bf__store_time(now);
  if (to == 0)
    snprintf(detail, sizeof detail, "-%s (was %u)", alias, from);
  else if (from == 0)
    snprintf(detail, sizeof detail, "%s: %u", alias, to);
  else
    snprintf(detail, sizeof detail, "%s: %u -> %u", alias, from, to);
  return bf__db_audit(store->db, &act, name, to != 0 ? to : from, detail, err);
}

bf_status bf_store_set_alias(bf_store *store, const char *which, const char *alias, uint32_t *was, bf_error *err) {
  bf_status status = BF_OK;
  bf__selector wanted;
  bf__version v = {0};
  uint32_t before = 0;
  bf__error_clear(err);
  if (was != NULL) *was = 0;
  BF_TRY(bf__store_check_writable(store, err));
  BF_TRY(bf__check_alias(alias, err));
  BF_TRY(bf__store_parse_selector(which == NULL ? "" : which, &wanted, err));
  BF_TRY(bf__db_begin(store->db, err));
  BF_TRY(bf__store_find_version(store, &wanted, &v, err));
  BF_TRY(bf__db_set_alias(store->db, wanted.name, alias, v.id, false, &before, err));
  BF_TRY(audit_alias(store, wanted.name, alias, before, v.number, err));
  BF_TRY(bf__db_commit(store->db, err));
  if (was != NULL) *was = before;
out:
  if (status != BF_OK) bf__db_rollback(store->db);
  return status;
}

bf_status bf_store_remove_alias(bf_store *store, const char *name, const char *alias, uint32_t *was, bf_error *err) {
  bf_status status = BF_OK;
  bf__selector wanted;
  uint32_t before = 0;
  bf__error_clear(err);
  if (was != NULL) *was = 0;
  BF_TRY(bf__store_check_writable(store, err));
  BF_TRY(bf__check_alias(alias, err));
  BF_TRY(bf__store_parse_selector(name == NULL ? "" : name, &wanted, err));
  BF_TRY(bf__db_begin(store->db, err));
  BF_TRY(bf__db_remove_alias(store->db, wanted.name, alias, &before, err));
  if (before == 0) {
    memcpy(wanted.alias, alias, strlen(alias) + 1);
    status = bf__store_not_found(store, &wanted, err);
    goto out;
  }
  BF_TRY(audit_alias(store, wanted.name, alias, before, 0, err));
  BF_TRY(bf__db_commit(store->db, err));
  if (was != NULL) *was = before;
out:
  if (status != BF_OK) bf__db_rollback(store->db);
  return status;
}

/* ------------------------------------------------------------------ log */

bf_status bf_store_log(bf_store *store, const char *name, uint64_t limit, bf_store_event_fn fn, void *context,
                       bf_error *err) {
  bf__error_clear(err);
  return bf__db_each_event(store->db, name, limit, fn, context, err);
}
