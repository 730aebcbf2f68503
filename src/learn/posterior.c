/* Seven posteriors of the rows' classes, and the share of their mass on what each model says: docs/strategies.md,
 * part 5, step 2. Three are weighted votes; four carry over confusion matrices from labelled domains, the nearer the
 * domain the more, in the way of Dawid and Skene. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "learn/learn_internal.h"

#define ROWS 600u
#define LEAST_CONFUSION 1e-4
#define EM_ROUNDS 3

typedef struct posterior {
  const bf_experience *e;
  const bf__scene *s;
  size_t n, n_rows, n_classes;
  size_t *rows;      /* [n_rows] items */
  uint16_t *votes;   /* [n][n_rows] */
  double *weights;   /* [n] */
  double *share;     /* [n_classes] pi */
  double *confusion; /* [n][n_classes][n_classes] Pi: truth, said */
  double *worked;    /* the same, as changed for a feature */
  double *logs;      /* [n][n_classes said][n_classes truth] */
  double *q;         /* [n_rows][n_classes] */
  double *p;         /* [n_classes] scratch */
  uint16_t *to_panel;
  bf__class_counts *counts; /* [n_classes] scratch */
  double *out;              /* [n][n_posteriors] */
} posterior;

/* ---- set-up ---- */

static bf_status choose_items(posterior *p, bf_error *err) {
  bf_status status = bf__sample_items(p->e->seed, p->s->panel->n_items, p->n_rows, p->rows, err);
  if (status != BF_OK) return status;
  for (size_t j = 0; j < p->n; ++j) {
    const uint16_t *votes = bf__votes(p->s->panel, j);
    for (size_t r = 0; r < p->n_rows; ++r) p->votes[j * p->n_rows + r] = votes[p->rows[r]];
  }
  return BF_OK;
}

void bf__map_panel_classes(const bf_experience *e, const bf_panel *panel, uint16_t *to_panel) {
  for (size_t c = 0, k = 0; c < e->n_classes; ++c) { /* both sort by bytes */
    while (k < panel->n_classes && strcmp(panel->classes[k], e->classes[c]) < 0) ++k;
    bool same = k < panel->n_classes && strcmp(panel->classes[k], e->classes[c]) == 0;
    to_panel[c] = same ? (uint16_t)k : BF__NO_CLASS;
  }
}

bf_status bf__belief_weights(const bf_panel *panel, const double *believed, size_t n, double *weights, bf_error *err) {
  const double *agreement = NULL;
  bf_status status = bf__panel_agreement(panel, &agreement, err);
  if (status != BF_OK) return status;
  bf__clone_weights(agreement, n, weights);
  for (size_t j = 0; j < n; ++j) weights[j] *= exp(20.0 * believed[j]);
  return BF_OK;
}

/* ---- transported confusion ---- */

/* Weight of a labelled domain, at most 1; 0 for the scene's own. */
static double domain_weight(const posterior *p, size_t v, double nearest) {
  return p->e->domains[v].group == p->s->group ? 0.0 : exp(-4.0 * (p->s->distance[v] - nearest));
}

static double nearest_distance(const posterior *p) {
  double nearest = INFINITY;
  for (size_t v = 0; v < p->e->n_domains; ++v)
    if (p->e->domains[v].group != p->s->group) nearest = fmin(nearest, p->s->distance[v]);
  return nearest;
}

static void set_shares(posterior *p, double nearest) {
  double total = 0.0;
  for (size_t v = 0; v < p->e->n_domains; ++v) {
    const bf__labelled *d = &p->e->domains[v];
    double weight = domain_weight(p, v, nearest);
    for (size_t i = 0; weight > 0.0 && i < d->n_items; ++i) {
      uint16_t c = d->truth[i] == BF__NO_CLASS ? BF__NO_CLASS : p->to_panel[d->truth[i]];
      if (c == BF__NO_CLASS) continue;
      p->share[c] += weight / (double)d->n_labelled;
      total += weight / (double)d->n_labelled;
    }
  }
  for (size_t c = 0; c < p->n_classes; ++c)
    p->share[c] = total > 0.0 ? p->share[c] / total : 1.0 / (double)p->n_classes;
}

static void add_record(const posterior *p, const bf__labelled *d, const bf__record *record, double weight, double *to) {
  for (size_t i = 0; i < d->n_items; ++i) {
    if (d->truth[i] == BF__NO_CLASS || record->votes[i] == BF__NO_CLASS) continue;
    uint16_t c = p->to_panel[d->truth[i]], k = p->to_panel[record->votes[i]];
    if (c != BF__NO_CLASS && k != BF__NO_CLASS) to[c * p->n_classes + k] += weight / (double)d->n_labelled;
  }
}

static size_t find_class(const bf_panel *panel, const char *name) {
  size_t low = 0, high = panel->n_classes;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = strcmp(panel->classes[middle], name);
    if (order == 0) return middle;
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return SIZE_MAX;
}

static void add_own_validation(const posterior *p, size_t j, double *to) {
  const bf_calibration *own = p->s->info[j].calibration;
  double similarity = p->s->similarity[j];
  if (!own || own->n_items == 0) return;
  if (isnan(similarity)) similarity = -2.5;
  double weight = 2.0 * exp(fmin(fmax(similarity, -2.5), 2.5) - 2.5) / (double)own->n_items;
  for (size_t c = 0; c < own->n_classes; ++c) {
    size_t truth = find_class(p->s->panel, own->classes[c]);
    for (size_t k = 0; k < own->n_classes && truth != SIZE_MAX; ++k) {
      uint64_t count = own->confusion[c * own->n_classes + k];
      size_t said = count ? find_class(p->s->panel, own->classes[k]) : SIZE_MAX;
      if (said != SIZE_MAX) to[truth * p->n_classes + said] += weight * (double)count;
    }
  }
}

/* Rows sum to 1; a row without mass becomes the base row. */
static void normalise_rows(const posterior *p, double *confusion) {
  size_t m = p->n_classes;
  for (size_t c = 0; c < m; ++c) {
    double sum = 0.0;
    for (size_t k = 0; k < m; ++k) sum += confusion[c * m + k];
    for (size_t k = 0; k < m; ++k)
      confusion[c * m + k] = sum > 0.0 ? confusion[c * m + k] / sum : .5 * (k == c) + .5 / (double)m;
  }
}

static void set_confusions(posterior *p) {
  size_t m = p->n_classes;
  double nearest = nearest_distance(p);
  set_shares(p, nearest);
  for (size_t v = 0; v < p->e->n_domains; ++v) {
    const bf__labelled *d = &p->e->domains[v];
    double weight = domain_weight(p, v, nearest);
    for (size_t r = 0; weight > 0.0 && r < d->n_records; ++r) {
      uint32_t model = d->records[r].model;
      if (p->e->groups[model] == d->group) continue; /* its own rows: as its calibration says */
      for (size_t j = 0; j < p->n; ++j)
        if (p->s->models[j] == model) add_record(p, d, &d->records[r], weight, p->confusion + j * m * m);
    }
  }
  for (size_t j = 0; j < p->n; ++j) {
    double *to = p->confusion + j * m * m;
    add_own_validation(p, j, to);
    for (size_t c = 0; c < m; ++c)
      for (size_t k = 0; k < m; ++k) to[c * m + k] += .2 * p->share[c] * (.5 * (k == c) + .5 / (double)m);
    normalise_rows(p, to);
  }
}

/* ---- posteriors ---- */

/* q of every row from `share` and confusions. */
static void set_q(posterior *p, const double *share, const double *confusion, double lambda) {
  size_t m = p->n_classes;
  for (size_t j = 0; j < p->n; ++j)
    for (size_t c = 0; c < m; ++c)
      for (size_t k = 0; k < m; ++k)
        p->logs[(j * m + k) * m + c] = lambda * log(fmax(confusion[(j * m + c) * m + k], LEAST_CONFUSION));
  for (size_t r = 0; r < p->n_rows; ++r) {
    double *q = p->q + r * m;
    for (size_t c = 0; c < m; ++c) q[c] = log(share[c] + .001);
    for (size_t j = 0; j < p->n; ++j) {
      uint16_t vote = p->votes[j * p->n_rows + r];
      if (vote == BF__NO_VOTE) continue;
      const double *logs = p->logs + (j * m + vote) * m;
      for (size_t c = 0; c < m; ++c) q[c] += logs[c];
    }
    bf__softmax(q, m, 1.0, q);
  }
}

/* Mean posterior mass on what each model says. */
static void put_feature(posterior *p, size_t feature) {
  for (size_t j = 0; j < p->n; ++j) {
    double sum = 0.0;
    size_t n = 0;
    for (size_t r = 0; r < p->n_rows; ++r) {
      uint16_t vote = p->votes[j * p->n_rows + r];
      if (vote == BF__NO_VOTE) continue;
      sum += p->q[r * p->n_classes + vote];
      ++n;
    }
    p->out[j * p->e->n_posteriors + feature] = n ? sum / (double)n : NAN;
  }
}

/* F1 that each model would have, were the posterior true; with `rates`, as feature + 1, how far it votes for a class
 * more or less often than there are such rows. Of the experience's positive class, else on the mean. */
static void put_f1(posterior *p, size_t feature, bool rates) {
  size_t m = p->n_classes, positive = SIZE_MAX;
  if (p->e->metric == BF_METRIC_ACCURACY) return;
  if (p->e->positive != BF__NO_CLASS) positive = p->to_panel[p->e->positive];
  for (size_t j = 0; j < p->n; ++j) {
    double n = 0.0, gap = 0.0, *out = p->out + j * p->e->n_posteriors + feature;
    size_t n_gaps = 0;
    memset(p->counts, 0, m * sizeof *p->counts);
    for (size_t r = 0; r < p->n_rows; ++r) {
      uint16_t vote = p->votes[j * p->n_rows + r];
      if (vote == BF__NO_VOTE) continue;
      const double *q = p->q + r * m;
      for (size_t c = 0; c < m; ++c) p->counts[c].truths += q[c];
      p->counts[vote].votes++;
      p->counts[vote].hits += q[vote];
      n++;
    }
    out[0] = n > 0.0 ? bf__f1_of_counts(p->counts, m, positive) : NAN;
    for (size_t c = 0; rates && n > 0.0 && c < m; ++c) {
      if (positive != SIZE_MAX && c != positive) continue;
      gap -= fabs(log((p->counts[c].votes / n + .01) / (p->counts[c].truths / n + .01)));
      ++n_gaps;
    }
    if (rates) out[1] = n_gaps ? gap / (double)n_gaps : NAN;
  }
}

/* (i) votes, (ii) means and (iii) products of probabilities, weighted by belief. */
static void put_votes(posterior *p) {
  const bf_panel *panel = p->s->panel;
  size_t m = p->n_classes;
  for (int way = 0; way < 3; ++way) {
    for (size_t r = 0; r < p->n_rows; ++r) {
      double *q = p->q + r * m, total = 0.0;
      memset(q, 0, m * sizeof *q);
      for (size_t j = 0; j < p->n; ++j) {
        uint16_t vote = p->votes[j * p->n_rows + r];
        const bf__member *member = &panel->members[j];
        if (vote == BF__NO_VOTE) continue;
        total += p->weights[j];
        if (way == 0 || !member->given->scores) {
          q[vote] += way == 2 ? 0.0 : p->weights[j];
          for (size_t c = 0; way == 2 && c < m; ++c) q[c] += p->weights[j] * log(c == vote ? 1.0 : 1e-3);
          continue;
        }
        bf__panel_probabilities(panel, j, p->rows[r], p->p);
        for (size_t k = 0; way == 1 && k < member->n_kept; ++k) q[member->to_panel[k]] += p->weights[j] * p->p[k];
        if (way == 1) continue;
        for (size_t c = 0; c < m; ++c) q[c] += p->weights[j] * log(1e-3);
        for (size_t k = 0; k < member->n_kept; ++k)
          q[member->to_panel[k]] += p->weights[j] * (log(fmax(p->p[k], 1e-3)) - log(1e-3));
      }
      for (size_t c = 0; c < m && total > 0.0; ++c) q[c] *= (way == 2 ? 2.0 : 1.0) / total;
      if (way == 2) bf__softmax(q, m, 1.0, q);
    }
    put_feature(p, (size_t)way);
    if (way == 1) put_f1(p, BF__N_POSTERIORS, false);
  }
}

/* (v) shares and confusions follow the posterior, anchored at where they were. */
static void put_expectation_maximisation(posterior *p) {
  size_t m = p->n_classes;
  double *share = p->p;
  memcpy(share, p->share, m * sizeof *share);
  memcpy(p->worked, p->confusion, p->n * m * m * sizeof *p->worked);
  set_q(p, share, p->worked, .25);
  for (int round = 0; round < EM_ROUNDS; ++round) {
    for (size_t c = 0; c < m; ++c) {
      double mean = 0.0;
      for (size_t r = 0; r < p->n_rows; ++r) mean += p->q[r * m + c] / (double)p->n_rows;
      share[c] = .5 * p->share[c] + .5 * mean;
    }
    for (size_t j = 0; j < p->n; ++j) {
      double *to = p->worked + j * m * m;
      const double *from = p->confusion + j * m * m;
      for (size_t c = 0; c < m; ++c)
        for (size_t k = 0; k < m; ++k) to[c * m + k] = .5 * share[c] * from[c * m + k];
      for (size_t r = 0; r < p->n_rows; ++r) {
        uint16_t vote = p->votes[j * p->n_rows + r];
        if (vote == BF__NO_VOTE) continue;
        for (size_t c = 0; c < m; ++c) to[c * m + vote] += p->q[r * m + c] / (double)p->n_rows;
      }
      normalise_rows(p, to);
    }
    set_q(p, share, p->worked, .25);
  }
  put_feature(p, 4);
  put_f1(p, BF__N_POSTERIORS + 1, true);
}

/* Mixes a confusion with the identity, or with the base row, until its accuracy is the believed one. */
static void fit_accuracy(const posterior *p, double believed, const double *from, double *to) {
  size_t m = p->n_classes;
  double now = 0.0, base = 0.0;
  for (size_t c = 0; c < m; ++c) {
    now += p->share[c] * from[c * m + c];
    base += p->share[c] * (.5 * p->share[c] + .5 / (double)m);
  }
  bool up = believed > now;
  double span = up ? 1.0 - now : now - base;
  double t = span > 1e-12 ? fmin(fabs(believed - now) / span, 1.0) : 0.0;
  for (size_t c = 0; c < m; ++c) {
    for (size_t k = 0; k < m; ++k) {
      double other = up ? (double)(k == c) : .5 * p->share[k] + .5 / (double)m;
      to[c * m + k] = (1.0 - t) * from[c * m + k] + t * other;
    }
  }
}

static void put_transported(posterior *p, const double *believed) {
  size_t m = p->n_classes;
  set_q(p, p->share, p->confusion, .25);
  put_feature(p, 3);
  put_expectation_maximisation(p);
  for (size_t j = 0; j < p->n; ++j) fit_accuracy(p, believed[j], p->confusion + j * m * m, p->worked + j * m * m);
  set_q(p, p->share, p->worked, .25);
  put_feature(p, 5);
  put_f1(p, BF__N_POSTERIORS + 3, false);
  set_q(p, p->share, p->worked, .1);
  put_feature(p, 6);
}

bf_status bf__posterior_features(const bf_experience *e, const bf__scene *scene, const double *believed, double *out,
                                 bf_error *err) {
  bf_status status = BF_OK;
  posterior p = {.e = e, .s = scene, .n = scene->n, .n_classes = scene->panel->n_classes, .out = out};
  p.n_rows = scene->panel->n_items < ROWS ? scene->panel->n_items : ROWS;
  size_t cells = p.n * p.n_classes * p.n_classes;
  p.rows = bf__alloc(p.n_rows, sizeof *p.rows);
  p.votes = bf__alloc(p.n * p.n_rows, sizeof *p.votes);
  p.weights = bf__alloc(p.n, sizeof *p.weights);
  p.share = bf__alloc(p.n_classes, sizeof *p.share);
  p.confusion = bf__alloc(cells, sizeof *p.confusion);
  p.worked = bf__alloc(cells, sizeof *p.worked);
  p.logs = bf__alloc(cells, sizeof *p.logs);
  p.q = bf__alloc(p.n_rows * p.n_classes, sizeof *p.q);
  p.p = bf__alloc(p.n_classes, sizeof *p.p);
  p.to_panel = bf__alloc(e->n_classes, sizeof *p.to_panel);
  p.counts = bf__alloc(p.n_classes, sizeof *p.counts);
  if (!p.rows || !p.votes || !p.weights || !p.share || !p.confusion || !p.worked || !p.logs || !p.q || !p.p ||
      !p.to_panel || !p.counts) {
    status = bf__error_memory(err, cells * sizeof *p.confusion);
    goto out;
  }
  BF_TRY(choose_items(&p, err));
  BF_TRY(bf__belief_weights(scene->panel, believed, p.n, p.weights, err));
  bf__map_panel_classes(e, scene->panel, p.to_panel);
  put_votes(&p);
  set_confusions(&p);
  put_transported(&p, believed);
out:
  free(p.rows);
  free(p.votes);
  free(p.weights);
  free(p.share);
  free(p.confusion);
  free(p.worked);
  free(p.logs);
  free(p.q);
  free(p.p);
  free(p.to_panel);
  free(p.counts);
  return status;
}
