/* Words of the target against those of the best and the worst model: how many, which only one side has, which differ
 * most. A sketch keeps no row, so there are no examples. Words are the data's own: everything is escaped. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "rank/rank_internal.h"
#include "report/report_internal.h"
#include "sketch/sketch_data.h"

#define PLOTTED_WORDS 10u /* of each group */
#define NAMED_WORDS 3u    /* in a heading */

/* ---- amounts ---- */

typedef struct amounts {
  uint64_t rows, tokens, words;
  double words_a_row, different;
} amounts;

static amounts amounts_of(const bf_sketch *sketch) {
  amounts a = {.rows = sketch->rows, .tokens = sketch->kind == BF_KIND_TAGGED ? sketch->view_rows : 0};
  a.words = bf_sketch_word_total(sketch);
  a.words_a_row = a.rows > 0 ? (double)a.words / (double)a.rows : 0;
  a.different = a.words > 0 ? bf_sketch_word_distinct(sketch) : 0;
  return a;
}

char *bf__page_amounts(const bf_sketch *sketch) {
  amounts a = amounts_of(sketch);
  char extent[160] = "";
  uint32_t height, width, channels;
  if (bf_sketch_image_shape(sketch, &height, &width, &channels)) {
    snprintf(extent, sizeof extent, ", images of %" PRIu32 " × %" PRIu32 " with %" PRIu32 " channel%s", height, width,
             channels, channels == 1 ? "" : "s");
  } else if (sketch->kind == BF_KIND_SERIES) {
    int used = snprintf(extent, sizeof extent, ", windows of %" PRIu32 " channel%s", sketch->channels,
                        sketch->channels == 1 ? "" : "s");
    if (sketch->steps > 0)
      snprintf(extent + used, sizeof extent - (size_t)used, " and %" PRIu32 " steps", sketch->steps);
  } else if (sketch->kind == BF_KIND_FEATURES) {
    snprintf(extent, sizeof extent, ", %" PRIu64 " columns%s", bf_sketch_raw_column_count(sketch),
             a.words > 0 ? " of numbers, and columns of strings" : "");
  } else if (a.tokens > 0) {
    snprintf(extent, sizeof extent, ", %" PRIu64 " tokens", a.tokens);
  } else if (a.words > 0) {
    snprintf(extent, sizeof extent, ", %" PRIu64 " words", a.words);
  }
  return bf__asprintf("%" PRIu64 " row%s of kind %s%s", a.rows, a.rows == 1 ? "" : "s", bf_kind_name(sketch->kind),
                      extent);
}

static void amount_row(bf__page *page, size_t side, bool tagged) {
  static const char *const keys[BF__SIDES] = {"target", "best", "worst"};
  bf__writer *w = &page->w;
  amounts a = amounts_of(page->sketches[side]);
  bf__html_raw(w, "<tr><th scope=\"row\"><span class=\"key ");
  bf__html_raw(w, keys[side]);
  bf__html_raw(w, "\"></span>");
  bf__html_text(w, page->names[side]);
  bf__html_raw(w, "</th><td class=\"number\">");
  bf__html_format(w, "%" PRIu64, a.rows);
  bf__html_raw(w, "</td><td class=\"number\">");
  if (tagged) {
    bf__html_format(w, "%" PRIu64, a.tokens);
    bf__html_raw(w, "</td><td class=\"number\">");
    bf__html_format(w, "%.1f", a.rows > 0 ? (double)a.tokens / (double)a.rows : 0);
    bf__html_raw(w, "</td><td class=\"number\">");
  }
  bf__html_format(w, "%" PRIu64, a.words);
  bf__html_raw(w, "</td><td class=\"number\">");
  if (!tagged) {
    bf__html_format(w, "%.1f", a.words_a_row);
    bf__html_raw(w, "</td><td class=\"number\">");
  }
  bf__html_format(w, "%.0f", a.different);
  bf__html_raw(w, "</td></tr>\n");
}

static void amount_table(bf__page *page) {
  bf_kind kind = bf_sketch_kind(page->sketches[BF__SIDE_TARGET]);
  bool tagged = kind == BF_KIND_TAGGED;
  bf__html_raw(&page->w, "<table class=\"words amounts\"><thead><tr><th></th><th class=\"number\">");
  bf__html_raw(&page->w, tagged                 ? "sentences"
                         : kind == BF_KIND_PAIR ? "pairs"
                         : kind == BF_KIND_TEXT ? "texts"
                                                : "rows");
  bf__html_raw(&page->w, tagged ? "</th><th class=\"number\">tokens</th><th class=\"number\">tokens a sentence</th><th "
                                  "class=\"number\">words</th>"
                                : "</th><th class=\"number\">words</th><th class=\"number\">words a row</th>");
  bf__html_raw(&page->w, "<th class=\"number\">different words</th></tr></thead><tbody>\n");
  for (size_t side = 0; side < BF__SIDES; side++)
    if (page->sketches[side] != NULL) amount_row(page, side, tagged);
  bf__html_raw(&page->w, "</tbody></table>\n");
}

/* ---- words of one model ---- */

static int group_of(const bf_word_difference *word) {
  return !word->in_source ? BF__ONLY_TARGET : !word->in_target ? BF__ONLY_MODEL : BF__BOTH;
}

/* The first PLOTTED_WORDS of each group; how many. */
static size_t take_bars(const bf_explanation *e, bf__word_bar bars[BF__WORD_GROUPS * PLOTTED_WORDS]) {
  size_t n = 0, taken[BF__WORD_GROUPS] = {0};
  for (size_t i = 0; i < bf_explanation_word_count(e); i++) {
    const bf_word_difference *word = bf_explanation_word(e, i);
    int group = group_of(word);
    if (taken[group]++ >= PLOTTED_WORDS) continue;
    bars[n++] = (bf__word_bar){word->word, 100 * word->target_share, 100 * word->source_share, group};
  }
  return n;
}

static void share_cell(bf__writer *w, double share, bool has, bool nowhere) {
  bf__html_raw(w, "<td class=\"number\">");
  if (has) {
    bf__html_format(w, "%.3f %%", 100 * share);
  } else {
    bf__html_raw(w, nowhere ? "never" : "rare or never");
  }
  bf__html_raw(w, "</td>");
}

static void word_table(bf__page *page, const bf_explanation *e, size_t side) {
  bf__writer *w = &page->w;
  size_t n = bf_explanation_word_count(e);
  bf__html_raw(w, "<details><summary>");
  bf__html_format(w, "all %zu words as a table", n);
  bf__html_raw(w,
               "</summary><table class=\"words\"><thead><tr><th>word</th><th class=\"number\">target</th><th "
               "class=\"number\">");
  bf__html_text(w, page->names[side]);
  bf__html_raw(w, "</th></tr></thead><tbody>\n");
  for (size_t i = 0; i < n; i++) {
    const bf_word_difference *word = bf_explanation_word(e, i);
    bf__html_raw(w, "<tr><th scope=\"row\">");
    bf__html_text(w, word->word);
    bf__html_raw(w, "</th>");
    share_cell(w, word->target_share, word->in_target, word->nowhere);
    share_cell(w, word->source_share, word->in_source, word->nowhere);
    bf__html_raw(w, "</tr>\n");
  }
  bf__html_raw(w, "</tbody></table></details>\n");
}

/* "album (1.5 %), song (0.8 %)": words that only the target has; "" where there are none. */
static void name_words(const bf_explanation *e, char *text, size_t size) {
  size_t used = 0, told = 0;
  char share[16];
  text[0] = '\0';
  for (size_t i = 0; i < bf_explanation_word_count(e) && told < NAMED_WORDS; i++) {
    const bf_word_difference *word = bf_explanation_word(e, i);
    if (group_of(word) != BF__ONLY_TARGET) break;
    int wrote = snprintf(text + used, size - used, "%s%s (%s %%)", told++ > 0 ? ", " : ": most of all ", word->word,
                         bf__percent(word->target_share, share));
    if (wrote < 0 || (size_t)wrote >= size - used) {
      text[used] = '\0';
      return;
    }
    used += (size_t)wrote;
  }
}

static void model_figure(bf__page *page, const bf_explanation *e, size_t side) {
  bf__word_bar bars[BF__WORD_GROUPS * PLOTTED_WORDS];
  bf__word_plot plot = {.groups = {"the target has, the model never saw or rarely",
                                   "the model saw, the target never has or rarely", "both have, in other shares"},
                        .words = bars,
                        .side = side};
  char named[320], kept[64], unseen[16];
  const bf_sketch *source = page->sketches[side];
  bool complete = source->words->n_words < BF__WORDS && source->min_count <= 1;
  plot.n_words = take_bars(e, bars);
  for (size_t i = 0; i < BF__SIDES; i++) plot.names[i] = page->names[i];
  name_words(e, named, sizeof named);
  bf__kept_words(source, kept, sizeof kept);
  bf__html_raw(&page->w, "<div>");
  bf__page_figure(
      page,
      bf__asprintf("%s: at least %s %% of the target's words are %s%s%s", page->names[side],
                   bf__percent(bf_explanation_unseen_share(e), unseen),
                   complete ? "words that the model never saw" : "not among its ", complete ? "" : kept, named),
      NULL, bf__plot_words(&plot));
  word_table(page, e, side);
  bf__html_raw(&page->w, "</div>\n");
}

bf_status bf__page_explain(const bf__page *page, bf_explanation *out[BF__SIDES], bf_error *err) {
  for (size_t side = BF__SIDE_BEST; side < BF__SIDES; side++) {
    bf_error unexplained;
    if (page->sketches[side] == NULL) continue;
    bf_status status = bf_explain(page->sketches[side], page->sketches[BF__SIDE_TARGET], &page->options->measure,
                                  &out[side], &unexplained);
    if (status != BF_ERR_MEMORY) continue; /* a page without this part is still a page */
    if (err != NULL) *err = unexplained;
    return status;
  }
  return BF_OK;
}

static bool has_words(const bf_explanation *e) {
  return bf_explanation_word_count(e) > 0;
}

bf_status bf__page_words(bf__page *page, bf_error *err) {
  const bf_sketch *target = page->sketches[BF__SIDE_TARGET];
  bf_explanation *of[BF__SIDES] = {NULL};
  bf_status status = BF_OK;
  if (page->sketches[BF__SIDE_BEST] == NULL || bf_sketch_word_total(target) == 0) return BF_OK;
  BF_TRY(bf__page_explain(page, of, err));
  if (!has_words(of[BF__SIDE_BEST])) goto out;
  char best[16], worst[16];
  bf__percent(bf_explanation_unseen_share(of[BF__SIDE_BEST]), best);
  bf__html_raw(&page->w, "<section><h2>");
  if (has_words(of[BF__SIDE_WORST])) {
    bf__html_format(&page->w,
                    "Words: %s %% of the target's are not among those kept of the best model's data, %s %% not "
                    "among the worst's",
                    best, bf__percent(bf_explanation_unseen_share(of[BF__SIDE_WORST]), worst));
  } else {
    bf__html_format(&page->w, "Words: %s %% of the target's are not among those kept of the model's data", best);
  }
  bf__html_raw(&page->w,
               "</h2>\n<p>Words without the common ones of English (“the”, “and” …). A sketch keeps the 1,000 most "
               "frequent. “Never” is certain; “rare or never” is a word that is not kept on that side.");
  if (bf_sketch_kind(target) == BF_KIND_FEATURES)
    bf__html_raw(&page->w, " Here a word is a value of a column of strings, column=value.");
  bf__html_raw(&page->w, "</p>\n");
  amount_table(page);
  bf__html_raw(&page->w, "<div class=\"grid\">\n");
  for (size_t side = BF__SIDE_BEST; side < BF__SIDES; side++)
    if (has_words(of[side])) model_figure(page, of[side], side);
  bf__html_raw(&page->w, "</div></section>\n");
out:
  for (size_t side = 0; side < BF__SIDES; side++) bf_explanation_free(of[side]);
  return status;
}
