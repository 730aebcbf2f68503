/* The filter language of `ls --filter` and `search --filter`.
 *
 *   condition  := all { "or" all }              all := one { "and" one }
 *   one        := "not" one | "(" condition ")" | comparison
 *   comparison := field ( = != < <= > >= ) value | field ["not"] "like" text
 *               | field ["not"] "in" "(" value { "," value } ")" | field "is" ["not"] "null"
 *   field      := a name of the table below | "tags." key | "metrics." name     (key: letters, digits, . _ - / : or
 * "quoted") value      := 'text', a quote in it doubled | number
 *
 * A recursive-descent parser writes SQL whose texts are all from the table below; what the user wrote enters it as
 * parameters only. A comparison is true or false, never unknown as in SQL: with a value that is not there it is false,
 * so that `not` of it is true. `alias` is a set: = asks whether one of them is so, != whether none is. A tag compared
 * with a number is read as one; a tag that is none is not compared.
 */
#include "store/filter.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/parse.h"
#include "store/near_names.h"

/* ------------------------------------------------------------------ fields */

typedef enum field_sort { FIELD_TEXT, FIELD_NUMBER, FIELD_TAG, FIELD_METRIC, FIELD_ALIAS } field_sort;

typedef struct field {
  const char *name; /* of keyed ones with the dot */
  field_sort sort;
  const char *sql;
  bool any_version;
} field;

static const field FIELDS[] = {
    {"name", FIELD_TEXT, "m.name", false},
    {"owner", FIELD_TEXT, "substr(m.name, 1, instr(m.name, '/') - 1)", false},
    {"version", FIELD_NUMBER, "v.number", true},
    {"domain", FIELD_TEXT, "v.domain", false},
    {"task", FIELD_TEXT, "v.task", false},
    {"kind", FIELD_TEXT, "s.kind", false},
    {"license", FIELD_TEXT, "nullif(v.license, '')", false},
    {"summary", FIELD_TEXT, "nullif(v.summary, '')", false},
    {"rows", FIELD_NUMBER, "s.rows", false},
    {"accuracy", FIELD_NUMBER, "a.value", false},
    {"created", FIELD_TEXT, "v.created", false},
    {"size", FIELD_NUMBER, "b.bytes", false},
    {"tags.", FIELD_TAG, NULL, false},
    {"metrics.", FIELD_METRIC, NULL, false},
    {"alias", FIELD_ALIAS, NULL, true},
};

#define ALL_FIELDS                                                                                        \
  "name, owner, version, domain, task, kind, license, summary, rows, accuracy, created, size, tags.KEY, " \
  "metrics.NAME, alias"

/* ------------------------------------------------------------------ words */

typedef enum token_sort {
  TOKEN_END,
  TOKEN_FIELD,
  TOKEN_WORD,
  TOKEN_TEXT,
  TOKEN_NUMBER,
  TOKEN_SIGN,
  TOKEN_WRONG
} token_sort;

typedef struct token {
  token_sort sort;
  const char *from;
  size_t n;
  const field *field; /* of TOKEN_FIELD */
  const char *key;    /* of tags. and metrics. */
  size_t key_n;
  double number;
} token;

typedef struct parser {
  const char *what; /* "filter", "sort" */
  const char *text;
  const char *at;
  token token; /* the one looked at */
  size_t n_comparisons, depth;
  bf__filter *out;
  bf_error *err;
} parser;

/* The place counted in characters, as the eye counts. */
static size_t place_of(const parser *p, const char *from) {
  size_t n = 1;
  for (const char *c = p->text; c < from; ++c) n += ((unsigned char)*c & 0xC0) != 0x80;
  return n;
}

__attribute__((format(printf, 3, 4))) static bf_status wrong(const parser *p, const char *from, const char *format,
                                                             ...) {
  char words[200];
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  return bf__error_at(p->err, BF_ERR_INVALID_ARGUMENT, from - p->text, "%s, character %zu: %s", p->what,
                      place_of(p, from), words);
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}
static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
static bool is_key(char c) {
  return is_letter(c) || is_digit(c) || (c != 0 && strchr(".-/:", c) != NULL);
}

static bool token_is(const token *t, const char *word) {
  return (t->sort == TOKEN_WORD || t->sort == TOKEN_SIGN) && strlen(word) == t->n &&
         strncasecmp(t->from, word, t->n) == 0;
}

static const field *find_field(const char *name, size_t n) {
  for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; ++i)
    if (strlen(FIELDS[i].name) == n && strncasecmp(FIELDS[i].name, name, n) == 0) return &FIELDS[i];
  return NULL;
}

/* A text between `quote`s from p->at on; the quotes are in the token. */
static bf_status read_quoted(parser *p, char quote, const char *what, size_t *n) {
  const char *c = p->at + 1;
  for (;; ++c) {
    if (*c == 0) return wrong(p, p->at, "the %s has no closing %c", what, quote);
    if (*c != quote) continue;
    if (quote != '\'' || c[1] != '\'') break;
    ++c; /* a doubled quote is one */
  }
  *n = (size_t)(c + 1 - p->at);
  return BF_OK;
}

/* After "tags." or "metrics.". */
static bf_status read_key(parser *p, token *t) {
  if (*p->at == '"' || *p->at == '`') {
    size_t n = 0;
    bf_status status = read_quoted(p, *p->at, "key", &n);
    if (status != BF_OK) return status;
    t->key = p->at + 1;
    t->key_n = n - 2;
    p->at += n;
  } else {
    t->key = p->at;
    while (is_key(*p->at)) ++p->at;
    t->key_n = (size_t)(p->at - t->key);
  }
  if (t->key_n > 0) return BF_OK;
  return wrong(p, t->from, "%s needs a %s, as in %s", t->field->sort == FIELD_TAG ? "tags." : "metrics.",
               t->field->sort == FIELD_TAG ? "key" : "name",
               t->field->sort == FIELD_TAG ? "tags.site or tags.\"a key\"" : "metrics.accuracy");
}

static bf_status read_word(parser *p, token *t) {
  while (is_letter(*p->at) || is_digit(*p->at)) ++p->at;
  t->n = (size_t)(p->at - t->from);
  t->sort = TOKEN_WORD;
  if (*p->at == '.') ++p->at, ++t->n;
  t->field = find_field(t->from, t->n);
  if (t->field == NULL) return BF_OK;
  t->sort = TOKEN_FIELD;
  bool keyed = t->field->sort == FIELD_TAG || t->field->sort == FIELD_METRIC;
  bf_status status = keyed ? read_key(p, t) : BF_OK;
  t->n = (size_t)(p->at - t->from);
  return status;
}

static bf_status read_number(parser *p, token *t) {
  char text[64];
  t->n = strspn(t->from, "0123456789+-.eE");
  t->sort = TOKEN_NUMBER;
  p->at += t->n;
  if (t->n < sizeof text && !is_letter(*p->at)) {
    memcpy(text, t->from, t->n);
    text[t->n] = 0;
    if (bf__number_of(text, &t->number)) return BF_OK;
  }
  return wrong(p, t->from, "\"%.*s\" is no number; a text stands in single quotes", (int)(t->n < 40 ? t->n : 40),
               t->from);
}

/* Reads the next token. */
static bf_status advance(parser *p) {
  static const char *const signs[] = {"<=", ">=", "!=", "<>", "==", "&&", "||", "=", "<", ">", "(", ")", ",", "!"};
  while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r') ++p->at;
  token *t = &p->token;
  *t = (token){.sort = TOKEN_END, .from = p->at};
  if (*p->at == 0) return BF_OK;
  if (is_letter(*p->at)) return read_word(p, t);
  if (is_digit(*p->at) ||
      ((*p->at == '-' || *p->at == '+' || *p->at == '.') && (is_digit(p->at[1]) || p->at[1] == '.')))
    return read_number(p, t);
  if (*p->at == '\'') {
    bf_status status = read_quoted(p, '\'', "text", &t->n);
    if (status != BF_OK) return status;
    t->sort = TOKEN_TEXT;
    p->at += t->n;
    return BF_OK;
  }
  for (size_t i = 0; i < sizeof signs / sizeof *signs; ++i) {
    size_t n = strlen(signs[i]);
    if (strncmp(p->at, signs[i], n) != 0) continue;
    t->sort = TOKEN_SIGN;
    t->n = n;
    p->at += n;
    if (i == 3 || i == 4 || i == 5 || i == 6 || i == 13)
      return wrong(p, t->from, "write %s instead of %s",
                   i == 3   ? "!="
                   : i == 4 ? "="
                   : i == 5 ? "and"
                   : i == 6 ? "or"
                            : "not",
                   signs[i]);
    return BF_OK;
  }
  if (*p->at == '"' || *p->at == '`') return wrong(p, p->at, "a text stands in single quotes: 'text'");
  return wrong(p, p->at, "\"%.1s\" means nothing here", (unsigned char)*p->at < 0x80 ? p->at : "?");
}

/* ------------------------------------------------------------------ writing SQL */

static void put(parser *p, const char *sql) {
  bf__write(&p->out->sql, sql, strlen(sql));
}

static bf_status put_value(parser *p, const bf__filter_value *value) {
  bf__filter *f = p->out;
  if (f->n_values == f->capacity) {
    size_t capacity = f->capacity == 0 ? 16 : 2 * f->capacity;
    bf__filter_value *grown = bf__realloc(f->values, capacity, sizeof *grown);
    if (grown == NULL) return bf__error_memory(p->err, capacity * sizeof *grown);
    f->values = grown;
    f->capacity = capacity;
  }
  f->values[f->n_values++] = *value;
  return BF_OK;
}

/* Copies a key, or the inside of a quoted text with its doubled quotes made single. */
static bf_status put_text(parser *p, const char *from, size_t n, bool doubled) {
  bf__filter_value value = {.text = bf__strndup(from, n)};
  if (value.text == NULL) return bf__error_memory(p->err, n);
  if (doubled) {
    char *to = value.text;
    for (const char *c = value.text; *c != 0; ++c) {
      *to++ = *c;
      if (*c == '\'') ++c;
    }
    *to = 0;
  }
  bf_status status = put_value(p, &value);
  if (status != BF_OK) free(value.text);
  return status;
}

static bf_status put_literal(parser *p, const token *t) {
  if (t->sort == TOKEN_TEXT) return put_text(p, t->from + 1, t->n - 2, true);
  bf__filter_value value = {.number = t->number};
  return put_value(p, &value);
}

/* Where the rows of a keyed field or of aliases are looked for; ends within an open EXISTS. */
static bf_status put_exists(parser *p, const token *f) {
  switch (f->field->sort) {
    case FIELD_TAG:
      put(p, "EXISTS (SELECT 1 FROM tags t WHERE t.version_id = v.id AND t.key = ?");
      return put_text(p, f->key, f->key_n, false);
    case FIELD_METRIC:
      put(p, "EXISTS (SELECT 1 FROM metrics t WHERE t.version_id = v.id AND t.name = ");
      if (f->key_n == 8 && memcmp(f->key, "accuracy", 8) == 0) { /* the source accuracy, unless another was given */
        put(p,
            "CASE WHEN EXISTS (SELECT 1 FROM metrics o WHERE o.version_id = v.id AND o.name = 'accuracy')"
            " THEN 'accuracy' ELSE 'source_accuracy' END");
        return BF_OK;
      }
      put(p, "?");
      return put_text(p, f->key, f->key_n, false);
    case FIELD_ALIAS:
      put(p, "EXISTS (SELECT 1 FROM aliases t WHERE t.version_id = v.id");
      return BF_OK;
    case FIELD_TEXT:
    case FIELD_NUMBER:
      break;
  }
  return BF_OK;
}

/* `left op value`; a tag is compared as a number only where it reads as one (a text is above all numbers in SQLite). */
static bf_status put_test(parser *p, const token *f, const char *left, const char *op, const token *value) {
  bool cast = f->field->sort == FIELD_TAG && value->sort == TOKEN_NUMBER;
  put(p, "(");
  put(p, left);
  put(p, op);
  put(p, cast ? "CAST(? AS REAL)" : "?");
  if (cast) {
    put(p, " AND ");
    put(p, left);
    put(p, " <= CAST(9e999 AS REAL)");
  }
  put(p, ")");
  return put_literal(p, value);
}

static bf_status check_value(const parser *p, const token *f, const token *value) {
  if (value->sort == TOKEN_WORD || value->sort == TOKEN_FIELD)
    return wrong(p, value->from, "a text stands in single quotes: '%.*s'", (int)(value->n < 60 ? value->n : 60),
                 value->from);
  if (value->sort != TOKEN_TEXT && value->sort != TOKEN_NUMBER)
    return wrong(p, value->from, "a value is missing: 'text' in single quotes, or a number");
  bool number = f->field->sort == FIELD_NUMBER || f->field->sort == FIELD_METRIC;
  if (number && value->sort == TOKEN_TEXT)
    return wrong(p, value->from, "%.*s is a number: write it without quotes", (int)(f->n < 60 ? f->n : 60), f->from);
  if (!number && f->field->sort != FIELD_TAG && value->sort == TOKEN_NUMBER)
    return wrong(p, value->from, "%.*s is a text: write '%.*s' in single quotes", (int)f->n, f->from,
                 (int)(value->n < 40 ? value->n : 40), value->from);
  if (value->n > 1024) return wrong(p, value->from, "a text may have up to 1,022 bytes");
  return BF_OK;
}

/* ------------------------------------------------------------------ comparisons */

/* The test between `open` and `close`, with `left` for what is compared. Negated tests of sets ask for no such row; of
 * single values for a row that differs. */
typedef struct frame {
  const char *left;
  bool exists;
} frame;

static bf_status open_frame(parser *p, const token *f, bool negated, frame *out) {
  out->exists = f->field->sort >= FIELD_TAG;
  out->left = f->field->sort == FIELD_ALIAS ? "t.alias" : out->exists ? "t.value" : f->field->sql;
  if (!out->exists) {
    put(p, negated ? "coalesce(NOT " : "coalesce(");
    return BF_OK;
  }
  if (negated && f->field->sort == FIELD_ALIAS) put(p, "NOT ");
  bf_status status = put_exists(p, f);
  put(p, negated && f->field->sort != FIELD_ALIAS ? " AND NOT " : " AND ");
  return status;
}

static void close_frame(parser *p, const frame *f) {
  put(p, f->exists ? ")" : ", 0)");
}

static bf_status parse_operator(parser *p, const token *f) {
  bf_status status = BF_OK;
  frame in;
  char op[8];
  bool negated = token_is(&p->token, "!=");
  if (f->field->sort == FIELD_ALIAS && !negated && !token_is(&p->token, "="))
    return wrong(p, p->token.from, "an alias has no order: write =, !=, in, like or is null");
  snprintf(op, sizeof op, " %.*s ", (int)p->token.n, p->token.from);
  BF_TRY(advance(p));
  BF_TRY(check_value(p, f, &p->token));
  BF_TRY(open_frame(p, f, negated, &in));
  BF_TRY(put_test(p, f, in.left, negated ? " = " : op, &p->token));
  close_frame(p, &in);
  BF_TRY(advance(p));
out:
  return status;
}

static bf_status parse_like(parser *p, const token *f, bool negated) {
  bf_status status = BF_OK;
  frame in;
  if (f->field->sort == FIELD_NUMBER || f->field->sort == FIELD_METRIC)
    return wrong(p, p->token.from, "%.*s is a number: like is for texts", (int)(f->n < 60 ? f->n : 60), f->from);
  BF_TRY(advance(p));
  if (p->token.sort != TOKEN_TEXT)
    return wrong(p, p->token.from, "like wants a text in single quotes: 'lyon%%' (%% any letters, _ one)");
  BF_TRY(check_value(p, f, &p->token));
  BF_TRY(open_frame(p, f, negated, &in));
  BF_TRY(put_test(p, f, in.left, " LIKE ", &p->token));
  close_frame(p, &in);
  BF_TRY(advance(p));
out:
  return status;
}

static bf_status parse_in(parser *p, const token *f, bool negated) {
  bf_status status = BF_OK;
  frame in;
  BF_TRY(advance(p));
  if (!token_is(&p->token, "(")) return wrong(p, p->token.from, "in wants a list: in ('a', 'b')");
  BF_TRY(open_frame(p, f, negated, &in));
  put(p, "(");
  for (size_t i = 0;; ++i) {
    BF_TRY(advance(p));
    BF_TRY(check_value(p, f, &p->token));
    if (++p->n_comparisons > BF__FILTER_MAX_COMPARISONS)
      return bf__error_at(p->err, BF_ERR_LIMIT, p->token.from - p->text, "%s: more than %d comparisons", p->what,
                          BF__FILTER_MAX_COMPARISONS);
    if (i > 0) put(p, " OR ");
    BF_TRY(put_test(p, f, in.left, " = ", &p->token));
    BF_TRY(advance(p));
    if (!token_is(&p->token, ",")) break;
  }
  put(p, ")");
  close_frame(p, &in);
  if (!token_is(&p->token, ")")) return wrong(p, p->token.from, "the list goes on with a comma or ends with )");
  BF_TRY(advance(p));
out:
  return status;
}

static bf_status parse_is(parser *p, const token *f) {
  bf_status status = BF_OK;
  BF_TRY(advance(p));
  bool negated = token_is(&p->token, "not");
  if (negated) BF_TRY(advance(p));
  if (!token_is(&p->token, "null")) return wrong(p, p->token.from, "is goes on with null or not null");
  if (f->field->sort >= FIELD_TAG) {
    if (!negated) put(p, "NOT ");
    BF_TRY(put_exists(p, f));
    put(p, ")");
  } else {
    put(p, "(");
    put(p, f->field->sql);
    put(p, negated ? " IS NOT NULL)" : " IS NULL)");
  }
  BF_TRY(advance(p));
out:
  return status;
}

static bf_status unknown_field(const parser *p, const token *t) {
  char word[BF__NAME_MAX + 1];
  size_t n = t->n > 0 && t->from[t->n - 1] == '.' ? t->n - 1 : t->n; /* "tag.site" */
  snprintf(word, sizeof word, "%.*s", (int)(n < 40 ? n : 40), t->from);
  bool bare = strcasecmp(word, "tags") == 0 || strcasecmp(word, "tag") == 0 || strcasecmp(word, "metrics") == 0 ||
              strcasecmp(word, "metric") == 0;
  if (bare)
    return wrong(p, t->from, "write %s",
                 (word[0] | 32) == 't' ? "tags.KEY, as in tags.site" : "metrics.NAME, as in metrics.f1");
  bf__near_names near = {.wanted = word};
  for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; ++i) bf__near_names_offer(&near, FIELDS[i].name);
  if (near.n > 0)
    return wrong(p, t->from, "no \"%s\"; did you mean %s? A tag is written tags.%s", word, near.names[0], word);
  return wrong(p, t->from, "no \"%.20s\"; there are " ALL_FIELDS, word);
}

static bf_status parse_comparison(parser *p) {
  bf_status status = BF_OK;
  token f = p->token;
  static const char *const operators[] = {"=", "!=", "<", "<=", ">", ">="};
  if (f.sort == TOKEN_WORD && !token_is(&f, "and") && !token_is(&f, "or")) return unknown_field(p, &f);
  if (f.sort != TOKEN_FIELD) return wrong(p, f.from, "a comparison is expected, such as domain = 'lyon'");
  if (++p->n_comparisons > BF__FILTER_MAX_COMPARISONS)
    return bf__error_at(p->err, BF_ERR_LIMIT, f.from - p->text, "%s: more than %d comparisons", p->what,
                        BF__FILTER_MAX_COMPARISONS);
  p->out->any_version |= f.field->any_version;
  BF_TRY(advance(p));
  for (size_t i = 0; i < sizeof operators / sizeof *operators; ++i)
    if (token_is(&p->token, operators[i])) return parse_operator(p, &f);
  if (token_is(&p->token, "is")) return parse_is(p, &f);
  bool negated = token_is(&p->token, "not");
  if (negated) BF_TRY(advance(p));
  if (token_is(&p->token, "like")) return parse_like(p, &f, negated);
  if (token_is(&p->token, "in")) return parse_in(p, &f, negated);
  return wrong(p, p->token.from, "after %.*s comes %s", (int)(f.n < 60 ? f.n : 60), f.from,
               negated ? "not like or not in" : "one of = != < <= > >= like in is");
out:
  return status;
}

/* ------------------------------------------------------------------ conditions */

static bf_status parse_condition(parser *p);

static bf_status parse_one(parser *p) {
  bf_status status = BF_OK;
  if (++p->depth > BF__FILTER_MAX_DEPTH)
    return bf__error_at(p->err, BF_ERR_LIMIT, p->token.from - p->text, "%s: more than %d levels", p->what,
                        BF__FILTER_MAX_DEPTH);
  if (token_is(&p->token, "not")) {
    BF_TRY(advance(p));
    put(p, "NOT (");
    BF_TRY(parse_one(p));
    put(p, ")");
  } else if (token_is(&p->token, "(")) {
    const char *from = p->token.from;
    BF_TRY(advance(p));
    put(p, "(");
    BF_TRY(parse_condition(p));
    if (p->token.sort == TOKEN_END) return wrong(p, from, "this ( is never closed");
    if (!token_is(&p->token, ")")) return wrong(p, p->token.from, "and, or, or ) is expected");
    put(p, ")");
    BF_TRY(advance(p));
  } else {
    BF_TRY(parse_comparison(p));
  }
  --p->depth;
out:
  return status;
}

static bf_status parse_all(parser *p) {
  bf_status status = BF_OK;
  BF_TRY(parse_one(p));
  while (token_is(&p->token, "and")) {
    BF_TRY(advance(p));
    put(p, " AND ");
    BF_TRY(parse_one(p));
  }
out:
  return status;
}

/* `and` binds tighter than `or`, here and in SQL. */
static bf_status parse_condition(parser *p) {
  bf_status status = BF_OK;
  BF_TRY(parse_all(p));
  while (token_is(&p->token, "or")) {
    BF_TRY(advance(p));
    put(p, " OR ");
    BF_TRY(parse_all(p));
  }
out:
  return status;
}

static bf_status begin(parser *p, const char *what, const char *text, bf__filter *out, bf_error *err) {
  size_t n = strlen(text);
  *out = (bf__filter){0};
  *p = (parser){.what = what, .text = text, .at = text, .out = out, .err = err};
  if (n > BF__FILTER_MAX_BYTES)
    return bf__error(err, BF_ERR_LIMIT, "%s: %zu bytes; at most %d are read", what, n, BF__FILTER_MAX_BYTES);
  size_t good = bf__utf8_check(text, n);
  if (good < n)
    return bf__error_at(err, BF_ERR_INVALID_ARGUMENT, (int64_t)good, "%s, byte %zu: not UTF-8", what, good + 1);
  return advance(p);
}

static bf_status finish(parser *p, bf_status status) {
  if (status == BF_OK) {
    bf__write_u8(&p->out->sql, 0);
    if (p->out->sql.failed) status = bf__error_memory(p->err, p->out->sql.size);
  }
  if (status != BF_OK) bf__filter_deinit(p->out);
  return status;
}

bf_status bf__filter_compile(const char *text, bf__filter *out, bf_error *err) {
  parser p;
  bf_status status = begin(&p, "filter", text, out, err);
  if (status == BF_OK) status = parse_condition(&p);
  if (status == BF_OK && p.token.sort != TOKEN_END) status = wrong(&p, p.token.from, "and, or, or the end is expected");
  return finish(&p, status);
}

void bf__filter_deinit(bf__filter *filter) {
  if (filter == NULL) return;
  for (size_t i = 0; i < filter->n_values; ++i) free(filter->values[i].text);
  free(filter->values);
  bf__writer_deinit(&filter->sql);
  *filter = (bf__filter){0};
}

/* ------------------------------------------------------------------ sort orders */

/* One expression of the order; a keyed one has its key as parameter each time. */
static bf_status put_expression(parser *p, const token *f) {
  switch (f->field->sort) {
    case FIELD_TAG:
      put(p, "(SELECT t.value FROM tags t WHERE t.version_id = v.id AND t.key = ?)");
      return put_text(p, f->key, f->key_n, false);
    case FIELD_METRIC:
      if (f->key_n == 8 && memcmp(f->key, "accuracy", 8) == 0) {
        put(p,
            "(SELECT t.value FROM metrics t WHERE t.version_id = v.id AND t.name IN ('accuracy', 'source_accuracy')"
            " ORDER BY t.name LIMIT 1)");
        return BF_OK;
      }
      put(p, "(SELECT t.value FROM metrics t WHERE t.version_id = v.id AND t.name = ?)");
      return put_text(p, f->key, f->key_n, false);
    default:
      put(p, f->field->sql);
      return BF_OK;
  }
}

/* What is not there comes last either way; tags that read as numbers are ordered as such. */
static bf_status put_term(parser *p, const token *f, bool falling) {
  bf_status status = BF_OK;
  BF_TRY(put_expression(p, f));
  put(p, " IS NULL, ");
  if (f->field->sort == FIELD_TAG) {
    put(p, "CASE WHEN ");
    BF_TRY(put_expression(p, f));
    put(p, " <= CAST(9e999 AS REAL) THEN CAST(");
    BF_TRY(put_expression(p, f));
    put(p, falling ? " AS REAL) END DESC, " : " AS REAL) END, ");
  }
  BF_TRY(put_expression(p, f));
  put(p, falling ? " DESC" : "");
out:
  return status;
}

static bf_status parse_terms(parser *p) {
  bf_status status = BF_OK;
  for (size_t i = 0;; ++i) {
    if (p->token.sort == TOKEN_WORD) return unknown_field(p, &p->token);
    if (p->token.sort != TOKEN_FIELD)
      return wrong(p, p->token.from, "what to sort by is expected, as in accuracy or -created");
    if (p->token.field->sort == FIELD_ALIAS) return wrong(p, p->token.from, "an alias has no order");
    if (i >= BF__SORT_MAX_TERMS) return bf__error(p->err, BF_ERR_LIMIT, "sort: more than %d terms", BF__SORT_MAX_TERMS);
    token f = p->token;
    bool falling = f.from > p->text && f.from[-1] == '-';
    if (i > 0) put(p, ", ");
    BF_TRY(put_term(p, &f, falling));
    BF_TRY(advance(p));
    if (p->token.sort == TOKEN_END) break;
    if (!token_is(&p->token, ",")) return wrong(p, p->token.from, "a comma is expected");
    while (*p->at == ' ') ++p->at;
    if (*p->at == '-') ++p->at;
    BF_TRY(advance(p));
  }
out:
  return status;
}

bf_status bf__sort_compile(const char *text, bf__filter *out, bf_error *err) {
  parser p;
  size_t skip = text[0] == '-';
  bf_status status = begin(&p, "sort", text + skip, out, err);
  if (status == BF_OK) {
    p.text = text;
    status = parse_terms(&p);
  }
  return finish(&p, status);
}
