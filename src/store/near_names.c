/* Near names by edit distance (Levenshtein 1966), letters of either case alike.
 *
 * A name counts as near if at most a third of its letters (at least two) must change, or if it contains what was typed.
 * What was typed without an owner is compared with the part after the slash too: "lato" means typefaces/lato.
 */
#include "store/near_names.h"

#include <string.h>
#include <strings.h>

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static unsigned char lower(char c) {
  return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Both are at most BF__NAME_MAX long. One row of the table is enough. */
static size_t edit_distance(const char *a, const char *b) {
  size_t row[BF__NAME_MAX + 1];
  size_t n_b = strlen(b);
  for (size_t j = 0; j <= n_b; ++j) row[j] = j;
  for (size_t i = 1; a[i - 1] != 0; ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= n_b; ++j) {
      size_t change = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
      diagonal = row[j];
      row[j] = least(change, least(row[j], row[j - 1]) + 1);
    }
  }
  return row[n_b];
}

static size_t cost_of(const char *wanted, const char *name) {
  size_t n = strlen(wanted);
  if (n == 0 || n > BF__NAME_MAX || strlen(name) > BF__NAME_MAX) return SIZE_MAX;
  size_t cost = edit_distance(wanted, name);
  const char *slash = strchr(name, '/');
  if (strchr(wanted, '/') == NULL && slash != NULL) cost = least(cost, edit_distance(wanted, slash + 1));
  if (n >= 2 && strcasestr(name, wanted) != NULL) cost = least(cost, 1);
  size_t allowed = n / 3 < 2 ? 2 : n / 3;
  return cost <= allowed && cost < n ? cost : SIZE_MAX;
}

void bf__near_names_offer(bf__near_names *near, const char *name) {
  size_t cost = cost_of(near->wanted, name);
  if (cost == SIZE_MAX) return;
  size_t at = near->n;
  while (at > 0 && near->costs[at - 1] > cost) --at;
  if (at >= BF__NEAR_MAX) return;
  if (near->n < BF__NEAR_MAX) ++near->n;
  for (size_t i = near->n - 1; i > at; --i) {
    near->costs[i] = near->costs[i - 1];
    memcpy(near->names[i], near->names[i - 1], sizeof near->names[i]);
  }
  near->costs[at] = cost;
  size_t n = strlen(name); /* at most BF__NAME_MAX: else it had no cost */
  memcpy(near->names[at], name, n + 1);
}
