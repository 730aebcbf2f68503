/* The collections of real domains that rankings are scored on: rows from BESTFIT_DATA, serving accuracies from the
 * reference folder.
 *
 * A collection is made once into a scratch folder, one .npy a domain, in the form that a user would give to bestfit:
 *   dsads       20 domains, body position x subject pair, 81 features           (har-dsads)
 *   har_across  13 domains, MotionSense subject groups and DSADS positions, 54 features, six shared activities
 *   digits      11 domains, MNIST in six conditions and five other sets, images
 *   sentiment        16 domains, reviews of 13 kinds, sentences and tweets: texts  (sentiment_fdu_mtl, sentiment_short)
 *   pos              19 genres, some 12,000 tokens of each, sentences evenly spread (ud_english)
 *   entity_matching  12 domains: 6 deepmatcher, 3 wdc, 3 magellan; pairs           (em_deepmatcher, em_wdc,
 * em_magellan784) Words: training files; a text a line, tagged tokens, pairs as COL name VAL value. Which rows the
 * reference models were trained on is not published row by row, so the splits here follow the description (subject
 * pairs, subject groups, sixths of MNIST), and the conditions of MNIST are rendered anew.
 */
#ifndef BESTFIT_BENCH_COLLECTIONS_H
#define BESTFIT_BENCH_COLLECTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_NAME_BYTES 48
#define BENCH_MAX_DOMAINS 32

typedef struct bench_domain {
  char name[BENCH_NAME_BYTES];
  char path[512];
  const char *format; /* of the format table; NULL: sniffed */
} bench_domain;

typedef struct bench_collection {
  const char *name;
  size_t n;
  bench_domain domains[BENCH_MAX_DOMAINS];
  double accuracy[BENCH_MAX_DOMAINS][BENCH_MAX_DOMAINS]; /* [source][target], NaN where not measured */
} bench_collection;

/* Names of the collections; NULL past the end. */
const char *bench_collection_name(size_t i);
/* Fills *out; false with a message on stderr where data are missing or unreadable. `data` is BESTFIT_DATA, `scratch` an
 * existing folder. */
bool bench_collection_make(const char *name, const char *data, const char *scratch, bench_collection *out);
/* The five DSADS positions, sources of subjects 1-4 and targets of subjects 5-8 (no accuracies): domains 0..4 are the
 * sources, 5..9 the targets, in the order torso, right arm, left arm, right leg, left leg. */
bool bench_mirror_limbs_make(const char *data, const char *scratch, bench_collection *out);

/* Two of bestfit/metrics.h; NaN where they cannot be had (no models, an accuracy that is not finite). */
double bench_spearman(const double *a, const double *b, size_t n);
double bench_regret(const double *score, const double *accuracy, size_t n);

#endif
