/* How many different members the objects of a JSON lines file have, and how deep they are nested, before the SQL engine
 * takes their union to infer types: it does so without a bound, in time that grows with keys times lines, and by
 * recursion, so that a small file could take hours or the whole stack.
 *
 * A walk over the bytes, with no more grammar than strings and brackets; what is no JSON at all is left to the engine's
 * own message. A member is known by the hash of its path; elements of a list have the path of the list. */
#include "dataset/json_keys.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#define SLOTS 65536u /* a power of two, more than three times BF__JSON_KEYS */
#define READ_BYTES ((size_t)1 << 18)
_Static_assert(3 * BF__JSON_KEYS < SLOTS, "the set of paths stays sparse");

struct bf__json_keys {
  uint64_t lines;   /* that have begun */
  uint64_t members; /* of all objects so far */
  uint32_t n_keys, depth;
  bool in_line, quoted, escaped, key_next; /* key_next: the next string names a member */
  uint64_t name;                           /* hash of the string in work */
  uint64_t value;                          /* path of the member whose value comes next */
  uint64_t paths[BF__JSON_DEPTH + 1];      /* of what is open; [0] the line */
  bool is_object[BF__JSON_DEPTH + 1];
  uint64_t seen[SLOTS];
};

bf__json_keys *bf__json_keys_create(void) {
  return bf__alloc(1, sizeof(bf__json_keys));
}

static void see(bf__json_keys *k, uint64_t path) {
  size_t at = (size_t)path & (SLOTS - 1);
  path |= (uint64_t)1 << 63; /* 0 is a free slot */
  while (k->seen[at] != 0 && k->seen[at] != path) at = (at + 1) & (SLOTS - 1);
  k->n_keys += k->seen[at] == 0;
  k->members++;
  k->seen[at] = path;
}

static void end_line(bf__json_keys *k) {
  k->in_line = k->quoted = k->escaped = k->key_next = false;
  k->depth = 0;
  k->value = 0;
}

static void take_in_string(bf__json_keys *k, uint8_t c) {
  if (c != '"' || k->escaped) {
    k->escaped = c == '\\' && !k->escaped;
    k->name = bf__mix64(k->name, c);
    return;
  }
  k->quoted = false;
  if (!k->key_next) return;
  k->key_next = false;
  k->value = bf__mix64(k->paths[k->depth], k->name);
  see(k, k->value);
}

static void take_outside(bf__json_keys *k, uint8_t c) {
  switch (c) {
    case '"':
      k->quoted = true;
      k->name = 0;
      break;
    case '{':
    case '[':
      if (++k->depth > BF__JSON_DEPTH) return;
      k->paths[k->depth] = k->value;
      k->is_object[k->depth] = c == '{';
      k->key_next = c == '{';
      break;
    case '}':
    case ']':
      k->key_next = false;
      if (k->depth > 0) k->value = k->paths[k->depth--];
      break;
    case ',':
      k->key_next = k->depth > 0 && k->is_object[k->depth];
      if (k->depth > 0) k->value = k->paths[k->depth];
      break;
    default:
      break;
  }
}

bf__json_verdict bf__json_keys_take(bf__json_keys *k, const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint8_t c = bytes[i];
    if (c == '\n') {
      end_line(k);
      if (k->lines >= BF__JSON_SAMPLE_LINES) return BF__JSON_SEEN;
      continue;
    }
    if (!k->in_line && c != ' ' && c != '\t' && c != '\r') {
      k->in_line = true;
      k->lines++;
    }
    if (k->quoted) {
      take_in_string(k, c);
    } else {
      take_outside(k, c);
    }
    if (k->depth > BF__JSON_DEPTH) return BF__JSON_TOO_DEEP;
    if (k->n_keys > BF__JSON_KEYS) return BF__JSON_TOO_MANY;
    if (c == '}' && k->lines * k->n_keys > k->members + BF__JSON_ABSENT) return BF__JSON_TOO_MANY;
  }
  return BF__JSON_MORE;
}

bf_status bf__json_keys_check(const bf_dataset *d, bf_error *err) {
  bf_status status = BF_OK;
  bf__stream *stream = NULL;
  bf__json_verdict verdict = BF__JSON_MORE;
  bf__json_keys *keys = bf__json_keys_create();
  uint8_t *bytes = bf__alloc(READ_BYTES, 1);
  if (!keys || !bytes) BF_TRY(bf__error_memory(err, sizeof *keys + READ_BYTES));
  BF_TRY(bf__stream_open(d->path, &stream, err));
  for (size_t got = READ_BYTES; got > 0 && verdict == BF__JSON_MORE;) {
    BF_TRY(bf__stream_read(stream, bytes, READ_BYTES, &got, err));
    verdict = bf__json_keys_take(keys, bytes, got);
  }
  if (verdict == BF__JSON_TOO_MANY)
    status = bf__error(err, BF_ERR_LIMIT,
                       "%.40s: line %llu: the objects up to here have %u different members%s: write numbers as .npy or "
                       ".csv, and what is keyed by name as a list of rows",
                       d->shown, (unsigned long long)keys->lines, keys->n_keys,
                       keys->n_keys > BF__JSON_KEYS ? ", more than 20,000" : ", of which most lack most");
  if (verdict == BF__JSON_TOO_DEEP)
    status =
        bf__error(err, BF_ERR_LIMIT, "%.60s: line %llu: objects or lists are nested more than %u deep: flatten them",
                  d->shown, (unsigned long long)keys->lines, BF__JSON_DEPTH);
out:
  bf__stream_close(stream);
  free(keys);
  free(bytes);
  return status;
}
