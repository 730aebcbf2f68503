/* YAML as a small tree, with limits, and back. Around libyaml; nothing here knows what a card means. */
#ifndef BESTFIT_SRC_MODEL_CARD_YAML_H
#define BESTFIT_SRC_MODEL_CARD_YAML_H

#include "base/bytes.h"
#include "base/error.h"

#define BF__YAML_MAX_DEPTH 64
#define BF__YAML_MAX_NODES ((size_t)1 << 17)

typedef enum bf__yaml_type { BF__YAML_SCALAR, BF__YAML_SEQUENCE, BF__YAML_MAPPING } bf__yaml_type;

typedef struct bf__yaml_node {
  bf__yaml_type type;
  bool plain;                     /* scalar written without quotes: may mean null or a number */
  bool flow;                      /* [a, b] or {a: b} */
  char *text;                     /* scalar, without zeros inside */
  uint32_t first, next;           /* child and sibling; 0: none. A mapping's children are key, value, key, value */
  size_t line, column, character; /* where it starts, from 0 */
} bf__yaml_node;

/* Node 0 is the root; n is 0 for an empty document. */
typedef struct bf__yaml {
  bf__yaml_node *nodes;
  size_t n, capacity;
} bf__yaml;

/* Parses valid UTF-8. Lines in messages count from first_line, positions from first_byte. BF_ERR_FORMAT, BF_ERR_LIMIT
 * (depth, nodes, anchors, aliases). */
bf_status bf__yaml_parse(const char *bytes, size_t n, size_t first_line, size_t first_byte, bf__yaml *out,
                         bf_error *err);
void bf__yaml_deinit(bf__yaml *yaml);

/* The value of a key in a mapping; 0: not there, or `mapping` is none. */
uint32_t bf__yaml_get(const bf__yaml *yaml, uint32_t mapping, const char *key);
/* A plain null, ~ or nothing. */
bool bf__yaml_is_null(const bf__yaml_node *node);
/* Byte of the n-th character; the size where there are fewer. */
size_t bf__utf8_byte_of(const char *bytes, size_t n, size_t character);

/* Writes block mappings at the top, flow collections on one line. Failures are kept: check once, at the end. */
typedef struct bf__yaml_out bf__yaml_out;
bf_status bf__yaml_out_create(bool crlf, bf__yaml_out **out, bf_error *err);
void bf__yaml_out_free(bf__yaml_out *out);
void bf__yaml_put_text(bf__yaml_out *out, const char *text); /* quoted unless every reader takes it for text */
void bf__yaml_put_raw(bf__yaml_out *out, const char *text);  /* a number or a bare word of ours */
void bf__yaml_put_mapping(bf__yaml_out *out, bool flow);
void bf__yaml_put_sequence(bf__yaml_out *out, bool flow);
void bf__yaml_put_end(bf__yaml_out *out); /* of the innermost mapping or sequence */
void bf__yaml_put_node(bf__yaml_out *out, const bf__yaml *yaml, uint32_t node);
/* Ends the document; the bytes belong to `out`. */
bf_status bf__yaml_out_finish(bf__yaml_out *out, const char **bytes, size_t *n, bf_error *err);

#endif
