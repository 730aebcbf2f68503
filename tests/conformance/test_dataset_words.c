/* Equal rows from every format of a kind: texts, pairs, sentences and series; and the collections of real data have the
 * rows, labels and tokens that their descriptions say. */
#include <duckdb.h>
#include <zlib.h>

#include "dataset_testing.h"

#define ROWS 2500 /* more than DuckDB's chunk */

static whole must_read(const char *path, const bf_dataset_options *options) {
  whole w = read_whole(path, options);
  if (w.status != BF_OK) fail_msg("%s: %s", path, w.error.message);
  return w;
}

static void put_parquet(const char *name, const char *select) {
  char sql[4096];
  duckdb_database db = NULL;
  duckdb_connection connection = NULL;
  duckdb_result result;
  assert_int_equal(duckdb_open(NULL, &db), DuckDBSuccess);
  assert_int_equal(duckdb_connect(db, &connection), DuckDBSuccess);
  snprintf(sql, sizeof sql, "COPY (%s) TO '%s' (FORMAT parquet)", select, in_folder(name));
  if (duckdb_query(connection, sql, &result) != DuckDBSuccess) fail_msg("%s", duckdb_result_error(&result));
  duckdb_destroy_result(&result);
  duckdb_disconnect(&connection);
  duckdb_close(&db);
}

static void assert_same(const whole *a, const whole *b, const char *name) {
  assert_int_equal(a->kind, b->kind);
  if (a->rows != b->rows) fail_msg("%s: %llu rows", name, (unsigned long long)b->rows);
  for (uint64_t i = 0; i < a->rows; i++) {
    if (a->spelt && strcmp(a->spelt[i], b->spelt[i]) != 0)
      fail_msg("%s: row %llu: \"%s\" instead of \"%s\"", name, (unsigned long long)i, b->spelt[i], a->spelt[i]);
    const char *x = a->labels[i] ? a->labels[i] : "none", *y = b->labels[i] ? b->labels[i] : "none";
    if (strcmp(x, y) != 0) fail_msg("%s: row %llu: label %s instead of %s", name, (unsigned long long)i, y, x);
  }
}

/* Texts: quotes, commas, tabs where the format can hold them, what looks like nothing, other scripts, none at all. */

static const char *const PIECES[] = {"good phone",
                                     "she said \"no\"",
                                     "a, b; c | d",
                                     "na\xc3\xafve caf\xc3\xa9",
                                     "NA",
                                     "null",
                                     "\xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80",
                                     "12 34.5",
                                     "it's",
                                     "x"};
static const char *const LABELS[] = {"pos", "neg", "mixed"};

static void put_quoted(FILE *f, const char *text, char escape) {
  fputc('"', f);
  for (; *text; text++) {
    if (*text == '"') fputc(escape, f);
    fputc(*text, f);
  }
  fputc('"', f);
}

static void text_of(int row, char *out, size_t size) {
  if (row % 50 == 7)
    out[0] = 0;
  else
    snprintf(out, size, "%s %s %d", PIECES[row % 10], PIECES[row / 10 % 10], row);
}

static FILE *create(const char *name) {
  FILE *f = fopen(in_folder(name), "w");
  assert_non_null(f);
  return f;
}

static void put_texts(void) {
  FILE *csv = create("t.csv"), *tsv = create("t.tsv"), *jsonl = create("t.jsonl"), *lines = create("t.txt"),
       *first = create("first.txt"), *last = create("last.txt"), *labels = create("labels.txt");
  fprintf(csv, "label,text\n");
  fprintf(tsv, "label\ttext\n");
  for (int r = 0; r < ROWS; r++) {
    char text[200];
    const char *label = LABELS[r % 3];
    text_of(r, text, sizeof text);
    fprintf(csv, "%s,", label);
    put_quoted(csv, text, '"');
    fprintf(tsv, "%s\t", label);
    put_quoted(tsv, text, '"');
    fprintf(jsonl, "{\"label\":\"%s\",\"text\":", label);
    put_quoted(jsonl, text, '\\');
    fprintf(csv, "\n");
    fprintf(tsv, "\n");
    fprintf(jsonl, "}\n");
    fprintf(lines, "%s\n", text);
    fprintf(first, "%s\t%s\n", label, text);
    fprintf(last, "%s\t%s\n", text, label);
    fprintf(labels, "%s\n", label);
  }
  FILE *all[] = {csv, tsv, jsonl, lines, first, last, labels};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) assert_int_equal(fclose(all[i]), 0);
  char select[1200];
  snprintf(select, sizeof select, "SELECT * FROM read_csv('%s', nullstr='\1', all_varchar=true)", in_folder("t.csv"));
  put_parquet("t.parquet", select);
}

static void the_same_texts_come_from_every_format(void **state) {
  (void)state;
  char labels[1024];
  put_texts();
  snprintf(labels, sizeof labels, "%s", in_folder("labels.txt"));
  whole expected = must_read(in_folder("t.txt"), OPTIONS(.label = labels));
  assert_string_equal(expected.format, "lines");
  assert_int_equal(expected.rows, ROWS);
  for (int r = 0; r < ROWS; r++) {
    char text[200];
    text_of(r, text, sizeof text);
    assert_string_equal(expected.spelt[r], text);
  }
  static const struct {
    const char *name, *format;
    bool is_table;
  } FILES[] = {{"t.csv", "csv", true},
               {"t.tsv", "tsv", true},
               {"t.jsonl", "jsonl", true},
               {"t.parquet", "parquet", true},
               {"first.txt", "label-text", false},
               {"last.txt", "text-label", false}};
  for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
    for (size_t bytes = 0; bytes <= 5000; bytes += 5000) {
      whole w = must_read(in_folder(FILES[i].name), FILES[i].is_table ? OPTIONS(.kind = "text", .label = "label",
                                                                                .text = "text", .batch_bytes = bytes)
                                                                      : OPTIONS(.kind = "text", .batch_bytes = bytes));
      assert_string_equal(w.format, FILES[i].format);
      assert_same(&expected, &w, FILES[i].name);
      whole_free(&w);
    }
  }
  whole_free(&expected);
}

static void the_same_pairs_come_from_every_format(void **state) {
  (void)state;
  FILE *colval = create("p.txt"), *csv = create("p.csv"), *jsonl = create("p.jsonl");
  fprintf(csv, "label,left_title,left_price,right_title,right_price\n");
  for (int r = 0; r < ROWS; r++) {
    const char *a = r % 9 ? PIECES[r % 10] : "", *b = PIECES[r / 10 % 10];
    fprintf(colval, "COL title VAL %s COL price VAL %d.50 \tCOL title VAL %s COL price VAL  \t%d\n", a, r, b, r % 2);
    fprintf(csv, "%d,", r % 2);
    put_quoted(csv, a, '"');
    fprintf(csv, ",%d.50,", r);
    put_quoted(csv, b, '"');
    fprintf(csv, ",\n");
    fprintf(jsonl, "{\"label\":%d,\"left_title\":", r % 2);
    put_quoted(jsonl, a, '\\');
    fprintf(jsonl, ",\"left_price\":\"%d.50\",\"right_title\":", r);
    put_quoted(jsonl, b, '\\');
    fprintf(jsonl, ",\"right_price\":%s}\n", r % 3 ? "null" : "\"\"");
  }
  FILE *all[] = {colval, csv, jsonl};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) assert_int_equal(fclose(all[i]), 0);
  char select[1200];
  snprintf(select, sizeof select, "SELECT * FROM read_csv('%s', nullstr='', all_varchar=true)", in_folder("p.csv"));
  put_parquet("p.parquet", select);
  whole expected = must_read(in_folder("p.txt"), NULL);
  assert_string_equal(expected.format, "col-val");
  assert_string_equal(expected.spelt[9], "{title:NULL}{price:9.50}|{title:good phone}{price:NULL}");
  static const char *const FILES[] = {"p.csv", "p.jsonl", "p.parquet"};
  for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
    whole w = must_read(in_folder(FILES[i]), OPTIONS(.kind = "pair", .label = "label"));
    assert_same(&expected, &w, FILES[i]);
    whole_free(&w);
  }
  whole_free(&expected);
}

static void the_same_sentences_come_from_both_formats(void **state) {
  (void)state;
  static const char *const TAGS[] = {"NOUN", "VERB", "_"};
  FILE *conllu = create("s.conllu"), *plain = create("s.txt");
  for (int s = 0; s < ROWS; s++) {
    fprintf(conllu, "# sent_id = %d\n", s);
    for (int t = 0; t <= s % 11; t++) {
      const char *tag = TAGS[(s + t) % 3], *word = PIECES[(s * 3 + t) % 10 > 7 ? 9 : 4];
      if (t == 3) fprintf(conllu, "%d-%d\tboth\t_\t_\t_\t_\t_\t_\t_\t_\n", t + 1, t + 2);
      fprintf(conllu, "%d\t%s%d\t_\t%s\t_\t_\t0\troot\t_\t_\n", t + 1, word, t, tag);
      fprintf(plain, tag[0] == '_' ? "%s%d\n" : "%s%d\t%s\n", word, t, tag);
    }
    fprintf(conllu, "\n");
    fprintf(plain, "\n");
  }
  assert_int_equal(fclose(conllu), 0);
  assert_int_equal(fclose(plain), 0);
  whole a = must_read(in_folder("s.conllu"), NULL), b = must_read(in_folder("s.txt"), NULL);
  assert_string_equal(a.format, "conllu");
  assert_string_equal(b.format, "token-tag");
  assert_int_equal(a.rows, ROWS);
  assert_same(&a, &b, "s.txt");
  whole_free(&a);
  whole_free(&b);
}

static void the_same_series_come_from_arrays_and_lists(void **state) {
  (void)state;
  static float cells[ROWS * 7 * 2];
  for (int i = 0; i < ROWS * 14; i++) cells[i] = (float)(i * 7919 % 1000) / 8.0f;
  put_npy("s.npy", "<f4", "(2500, 7, 2)", cells, sizeof cells);
  FILE *lists = create("l.jsonl"), *nested = create("n.jsonl");
  for (int r = 0; r < ROWS; r++) {
    for (int c = 0; c < 2; c++) {
      fprintf(lists, c ? ",\"y\":" : "{\"x\":");
      for (int t = 0; t < 7; t++) fprintf(lists, "%c%g", t ? ',' : '[', (double)cells[r * 14 + t * 2 + c]);
      fprintf(lists, c ? "]}\n" : "]");
    }
    for (int t = 0; t < 7; t++)
      fprintf(nested, "%s[%g,%g]", t ? "," : "{\"s\":[", (double)cells[r * 14 + t * 2],
              (double)cells[r * 14 + t * 2 + 1]);
    fprintf(nested, "]}\n");
  }
  assert_int_equal(fclose(lists), 0);
  assert_int_equal(fclose(nested), 0);
  char select[1200];
  snprintf(select, sizeof select, "SELECT x::FLOAT[] AS x, y FROM read_json('%s')", in_folder("l.jsonl"));
  put_parquet("l.parquet", select);
  snprintf(select, sizeof select, "SELECT s::FLOAT[2][7] AS s FROM read_json('%s')", in_folder("n.jsonl"));
  put_parquet("n.parquet", select);
  static const char *const FILES[] = {"s.npy", "l.jsonl", "n.jsonl", "l.parquet", "n.parquet"};
  for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
    for (size_t bytes = 0; bytes <= 3000; bytes += 3000) {
      whole w = must_read(in_folder(FILES[i]), OPTIONS(.batch_bytes = bytes));
      assert_true(w.kind == BF_KIND_SERIES && w.rows == ROWS && w.steps == 7 && w.series_channels == 2);
      assert_memory_equal(w.cells, cells, sizeof cells);
      whole_free(&w);
    }
  }
}

/* Real data */

static const char *data_folder(void) {
  const char *data = getenv("BESTFIT_DATA");
  if (data) return data;
  print_message("skipped: BESTFIT_DATA is not set\n");
  skip();
  return NULL;
}

typedef struct counts {
  uint64_t rows, words;
  uint32_t n_labels;
  uint64_t first_label; /* rows of the label named */
} counts;

/* Rows, tokens (or fields of records), labels, and rows of one label. */
static counts count(const char *name, const char *format, const char *label, const bf_dataset_options *options) {
  char path[1024];
  bf_dataset *d = NULL;
  bf_error err = {0};
  bf_batch b;
  counts c = {0};
  snprintf(path, sizeof path, "%s/%s", data_folder(), name);
  if (bf_dataset_open(path, options, &d, &err) != BF_OK) fail_msg("%s: %s", name, err.message);
  assert_string_equal(bf_dataset_format(d), format);
  for (;;) {
    if (bf_dataset_next(d, &b, &err) != BF_OK) fail_msg("%s: %s", name, err.message);
    if (b.n_rows == 0) break;
    c.rows += b.n_rows;
    for (uint32_t i = 0; i < b.n_rows; i++) {
      if (b.sentences) c.words += b.sentences[i].n_tokens;
      if (b.pairs) c.words += b.pairs[i].left.n_fields + b.pairs[i].right.n_fields;
      if (label && b.labels && b.labels[i] >= 0)
        c.first_label += strcmp(bf_dataset_label_name(d, (uint32_t)b.labels[i]), label) == 0;
    }
  }
  c.n_labels = bf_dataset_label_count(d);
  bf_dataset_close(d);
  return c;
}

static void real_texts_have_the_rows_and_labels_they_should(void **state) {
  (void)state;
  static const struct {
    const char *name, *format, *label;
    unsigned rows, of_label, n_labels;
  } FILES[] = {
      {"sentiment_fdu_mtl/apparel.task.train.gz", "label-text", "1", 1600, 785, 2},
      {"sentiment_fdu_mtl/baby.task.train.gz", "label-text", "1", 1500, 800, 2},
      {"sentiment_fdu_mtl/books.task.train.gz", "label-text", "1", 1600, 798, 2},
      {"sentiment_fdu_mtl/camera_photo.task.train.gz", "label-text", "1", 1597, 805, 2},
      {"sentiment_fdu_mtl/dvd.task.train.gz", "label-text", "1", 1600, 802, 2},
      {"sentiment_fdu_mtl/electronics.task.train.gz", "label-text", "1", 1598, 802, 2},
      {"sentiment_fdu_mtl/imdb.task.train.gz", "label-text", "1", 1600, 795, 2},
      {"sentiment_fdu_mtl/kitchen_housewares.task.train.gz", "label-text", "1", 1600, 808, 2},
      {"sentiment_fdu_mtl/music.task.train.gz", "label-text", "1", 1600, 801, 2},
      {"sentiment_fdu_mtl/software.task.train.gz", "label-text", "1", 1515, 788, 2},
      {"sentiment_fdu_mtl/sports_outdoors.task.train.gz", "label-text", "1", 1600, 810, 2},
      {"sentiment_fdu_mtl/toys_games.task.train.gz", "label-text", "1", 1600, 794, 2},
      {"sentiment_fdu_mtl/video.task.train.gz", "label-text", "1", 1600, 787, 2},
      {"sentiment_fdu_mtl/apparel.task.test.gz", "label-text", "1", 400, 215, 2},
      {"sentiment_fdu_mtl/imdb.task.test.gz", "label-text", "1", 400, 199, 2},
      {"sentiment_fdu_mtl/software.task.test.gz", "label-text", "1", 400, 212, 2},
      {"sentiment_fdu_mtl/apparel.task.unlabel.gz", "lines", NULL, 2000, 0, 0},
      {"sentiment_fdu_mtl/dvd.task.unlabel.gz", "lines", NULL, 2000, 0, 0},
      {"sentiment_fdu_mtl/imdb.task.unlabel.gz", "lines", NULL, 2000, 0, 0},
      {"sentiment_fdu_mtl/software.task.unlabel.gz", "lines", NULL, 475, 0, 0},
      {"sentiment_short/amazon_cells_labelled.txt", "text-label", "1", 1000, 500, 2},
      {"sentiment_short/imdb_labelled.txt", "text-label", "1", 1000, 500, 2},
      {"sentiment_short/airline_tweets.tsv.gz", "label-text", "neutral", 14640, 3099, 3},
  };
  for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
    counts c = count(FILES[i].name, FILES[i].format, FILES[i].label, NULL);
    if (c.rows != FILES[i].rows || c.first_label != FILES[i].of_label || c.n_labels != FILES[i].n_labels)
      fail_msg("%s: %llu rows, %llu of %s, %u labels", FILES[i].name, (unsigned long long)c.rows,
               (unsigned long long)c.first_label, FILES[i].label, c.n_labels);
  }
  char path[1024];
  snprintf(path, sizeof path, "%s/sentiment_fdu_mtl/dvd.task.train.gz", data_folder());
  whole w = must_read(path, NULL);
  assert_non_null(strstr(w.warnings, "2 byte sequences are not UTF-8"));
  whole_free(&w);
}

static void real_pairs_have_the_rows_attributes_and_matches_they_should(void **state) {
  (void)state;
  static const struct {
    const char *name;
    unsigned rows, matches, attributes;
  } FILES[] = {
      {"em_deepmatcher/abt_buy/train.txt.gz", 5743, 616, 3},
      {"em_deepmatcher/abt_buy/valid.txt.gz", 1916, 206, 3},
      {"em_deepmatcher/amazon_google/train.txt.gz", 6874, 699, 3},
      {"em_deepmatcher/dblp_acm/train.txt.gz", 7417, 1332, 4},
      {"em_deepmatcher/dblp_acm/valid.txt.gz", 2473, 444, 4},
      {"em_deepmatcher/dblp_scholar/train.txt.gz", 17223, 3207, 4},
      {"em_deepmatcher/dblp_scholar/valid.txt.gz", 5742, 1070, 4},
      {"em_deepmatcher/dirty_itunes_amazon/train.txt.gz", 321, 78, 8},
      {"em_deepmatcher/dirty_itunes_amazon/valid.txt.gz", 109, 27, 8},
      {"em_deepmatcher/walmart_amazon/train.txt.gz", 6144, 576, 5},
      {"em_deepmatcher/walmart_amazon/valid.txt.gz", 2049, 193, 5},
      {"em_wdc/cameras/train.txt.gz", 4081, 856, 1},
      {"em_wdc/computers/train.txt.gz", 6332, 1378, 1},
      {"em_wdc/shoes/train.txt.gz", 4505, 940, 1},
      {"em_wdc/shoes/test.txt.gz", 1084, 295, 1},
  };
  static const struct {
    const char *name;
    unsigned rows, matches;
  } JOINED[] = {{"em_magellan784/labelled/books2.csv", 397, 92},
                {"em_magellan784/labelled/movies1_rottentomatoes_imdb.csv", 600, 190},
                {"em_magellan784/labelled/restaurants_zomato_yelp.csv", 894, 214}};
  for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
    counts c = count(FILES[i].name, "col-val", "1", NULL);
    if (c.rows != FILES[i].rows || c.first_label != FILES[i].matches || c.n_labels != 2 ||
        c.words != 2ull * FILES[i].rows * FILES[i].attributes)
      fail_msg("%s: %llu rows, %llu matches, %llu fields", FILES[i].name, (unsigned long long)c.rows,
               (unsigned long long)c.first_label, (unsigned long long)c.words);
  }
  for (size_t i = 0; i < sizeof JOINED / sizeof JOINED[0]; i++) {
    counts c = count(JOINED[i].name, "csv", "1", OPTIONS(.kind = "pair", .label = "labels"));
    assert_true(c.rows == JOINED[i].rows && c.first_label == JOINED[i].matches && c.words == 2 * c.rows);
  }
}

static void real_sentences_have_the_tokens_and_tags_they_should(void **state) {
  (void)state;
  static const struct {
    const char *name, *format;
    unsigned rows, words, n_labels; /* IOB2: two of each type and O */
  } FILES[] = {
      {"ner_crossner/politics/dev.txt.gz", "token-tag", 541, 24624, 19},
      {"ner_crossner/politics/train.txt.gz", "token-tag", 200, 8384, 19},
      {"ner_crossner/science/test.txt.gz", "token-tag", 543, 19487, 35},
      {"ner_crossner/music/test.txt.gz", "token-tag", 465, 19605, 27},
      {"ner_crossner/literature/dev.txt.gz", "token-tag", 400, 14503, 25},
      {"ud_english/gum_academic.train.conllu.gz", "conllu", 491, 13439, 17},
      {"ud_english/gum_conversation.train.conllu.gz", "conllu", 1494, 13869, 16},
      {"ud_english/gum_news.dev.conllu.gz", "conllu", 64, 1720, 17},
      {"ud_english/ewt_answers.train.conllu.gz", "conllu", 2631, 43480, 17},
      {"ud_english/ewt_email.train.conllu.gz", "conllu", 3770, 46255, 17},
      {"ud_english/ewt_newsgroup.train.conllu.gz", "conllu", 1833, 34978, 17},
      {"ud_english/ewt_reviews.train.conllu.gz", "conllu", 2725, 44811, 17},
      {"ud_english/ewt_weblog.test.conllu.gz", "conllu", 214, 4495, 16},
      {"ud_english/atis.train.conllu.gz", "conllu", 4274, 48655, 13},
  };
  for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
    counts c = count(FILES[i].name, FILES[i].format, NULL, NULL);
    if (c.rows != FILES[i].rows || c.words != FILES[i].words || c.n_labels != FILES[i].n_labels)
      fail_msg("%s: %llu sentences, %llu tokens, %u tags", FILES[i].name, (unsigned long long)c.rows,
               (unsigned long long)c.words, c.n_labels);
  }
}

static void real_windows_have_the_steps_and_channels_they_should(void **state) {
  (void)state;
  char path[1024];
  snprintf(path, sizeof path, "%s/har-motionsense/raw25hz.npy.gz", data_folder());
  whole w = must_read(path, OPTIONS(.kind = "series"));
  assert_true(w.rows == 5462 && w.steps == 125 && w.series_channels == 6);
  whole_free(&w);
  snprintf(path, sizeof path, "%s/har-dsads/raw25hz_torso.npy.gz", data_folder());
  w = must_read(path, OPTIONS(.kind = "series"));
  assert_true(w.rows == 1520 && w.steps == 125 && w.series_channels == 6);
  whole_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_texts_come_from_every_format),
      cmocka_unit_test(the_same_pairs_come_from_every_format),
      cmocka_unit_test(the_same_sentences_come_from_both_formats),
      cmocka_unit_test(the_same_series_come_from_arrays_and_lists),
      cmocka_unit_test(real_texts_have_the_rows_and_labels_they_should),
      cmocka_unit_test(real_pairs_have_the_rows_attributes_and_matches_they_should),
      cmocka_unit_test(real_sentences_have_the_tokens_and_tags_they_should),
      cmocka_unit_test(real_windows_have_the_steps_and_channels_they_should),
  };
  return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
