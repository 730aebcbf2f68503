/* What may be a tag, a metric's name, an alias.
 *
 * Tags are listed with commas between them and written key=value, which is why neither may hold a comma nor a key "=".
 * An alias starts with a letter, so that no version number is one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "store/store_internal.h"

#define KEY_MAX 128
#define VALUE_MAX 1024
#define METRIC_MAX 64

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char alias_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
static const char metric_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";

bf_status bf__check_alias(const char *alias, bf_error *err) {
  size_t n = alias == NULL ? 0 : strlen(alias);
  if (n == 0 || n > BF__ALIAS_MAX || strchr(letters, alias[0]) == NULL || strspn(alias, alias_alphabet) != n)
    return bf__error(
        err, BF_ERR_INVALID_ARGUMENT,
        "\"%.70s\" cannot be an alias: 1 to %d of A-Z a-z 0-9 . _ - that start with a letter, as in production",
        alias == NULL ? "" : alias, BF__ALIAS_MAX);
  if (strcmp(alias, "latest") == 0)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "\"latest\" is always the latest version: choose another alias");
  return BF_OK;
}

bf_status bf__check_metric(const bf_store_metric *metric, bf_error *err) {
  size_t n = metric->name == NULL ? 0 : strlen(metric->name);
  if (n == 0 || n > METRIC_MAX || strspn(metric->name, metric_alphabet) != n)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT,
                     "\"%.70s\" cannot be a metric's name: 1 to %d of A-Z a-z 0-9 . _ - /, as in f1",
                     metric->name == NULL ? "" : metric->name, METRIC_MAX);
  if (strcmp(metric->name, "source_accuracy") == 0)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the source accuracy is said by the card: --accuracy, not --metric");
  if (!isfinite(metric->value))
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "metric %s: its value must be a finite number", metric->name);
  return BF_OK;
}

/* ------------------------------------------------------------------ tags */

static bool has_control(const char *s) {
  for (; *s != 0; ++s)
    if ((unsigned char)*s < 0x20 || *s == 0x7F) return true;
  return false;
}

static bf_status check_tag(const bf__tag *tag, bf_error *err) {
  const char *wrong = NULL;
  size_t key = strlen(tag->key);
  size_t value = tag->value == NULL ? 0 : strlen(tag->value);
  if (key == 0)
    wrong = "its key is empty";
  else if (key > KEY_MAX || value > VALUE_MAX)
    wrong = "a key may have 128 bytes and a value 1,024; longer text belongs into the card";
  else if (has_control(tag->key) || (tag->value != NULL && has_control(tag->value)))
    wrong = "it holds a line end or another control character";
  else if (bf__utf8_check(tag->key, key) < key || (tag->value != NULL && bf__utf8_check(tag->value, value) < value))
    wrong = "it is not UTF-8";
  if (wrong == NULL) return BF_OK;
  return bf__error(err, BF_ERR_INVALID_ARGUMENT, "tag \"%.60s%s%.40s\": %s", tag->key, tag->value != NULL ? "=" : "",
                   tag->value != NULL ? tag->value : "", wrong);
}

/* Without the blanks around, cut in place. */
static char *trim(char *from, char *end) {
  while (from < end && *from == ' ') ++from;
  while (end > from && end[-1] == ' ') --end;
  *end = 0;
  return from;
}

/* The places of one text with commas, cut in place. */
static bf_status read_one(char *text, bf__tags *out, bf_error *err) {
  for (char *at = text, *next; at != NULL; at = next) {
    char *comma = strchr(at, ',');
    next = comma != NULL ? comma + 1 : NULL;
    char *word = trim(at, comma != NULL ? comma : at + strlen(at));
    if (*word == 0) continue;
    char *equals = strchr(word, '=');
    bf__tag tag = {.key = word};
    if (equals != NULL) {
      char *end = equals + 1 + strlen(equals + 1);
      tag.value = trim(equals + 1, end);
      tag.key = trim(word, equals);
    }
    bf_status status = check_tag(&tag, err);
    if (status != BF_OK) return status;
    out->items[out->n++] = tag;
  }
  return BF_OK;
}

bf_status bf__tags_read(const char *const *texts, size_t n, bf__tags *out, bf_error *err) {
  bf_status status = BF_OK;
  size_t bytes = 0;
  size_t most = n;
  *out = (bf__tags){0};
  for (size_t i = 0; i < n; ++i) {
    if (texts[i] == NULL) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "tag number %zu is none", i + 1);
    bytes += strlen(texts[i]) + 1;
    for (const char *c = texts[i]; *c != 0; ++c) most += *c == ',';
  }
  out->items = bf__alloc(most, sizeof *out->items);
  out->text = bf__alloc(bytes, 1);
  if (out->items == NULL || out->text == NULL) {
    status = bf__error_memory(err, bytes + most * sizeof *out->items);
    goto out;
  }
  char *at = out->text;
  for (size_t i = 0; i < n; ++i) {
    size_t length = strlen(texts[i]) + 1;
    memcpy(at, texts[i], length);
    BF_TRY(read_one(at, out, err));
    at += length;
  }
out:
  if (status != BF_OK) bf__tags_deinit(out);
  return status;
}

void bf__tags_deinit(bf__tags *tags) {
  free(tags->items);
  free(tags->text);
  *tags = (bf__tags){0};
}

bf_status bf__check_file_name(const char *name, bf_error *err) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  size_t n = name == NULL ? 0 : strlen(name);
  bool good = n > 0 && n <= 255;
  for (const char *part = name; good; ++part) {
    size_t length = strspn(part, allowed);
    bool dots = (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.');
    good = length > 0 && !dots && (part[length] == '/' || part[length] == 0);
    part += length;
    if (good && *part == 0) return BF_OK;
  }
  return bf__error(err, BF_ERR_INVALID_ARGUMENT,
                   "\"%.100s\" cannot be the name of a file: a relative path of at most 255 bytes, its parts of A-Z a-z"
                   " 0-9 . _ - without \"..\"",
                   name == NULL ? "" : name);
}
