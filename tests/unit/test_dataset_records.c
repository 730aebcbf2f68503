/* Pairs of records, tagged sentences, series from lists, and strings among features. */
#include <math.h>

#include "base/memory.h"
#include "dataset_testing.h"

static whole must_read(const char *path, const bf_dataset_options *options) {
  whole w = read_whole(path, options);
  if (w.status != BF_OK) fail_msg("%s: %s", path, w.error.message);
  return w;
}

/* Pairs */

static void attributes_and_labels_of_col_val_lines_are_read(void **state) {
  (void)state;
  whole w = must_read(put_text("p.txt",
                               "COL title VAL  a COL in the title VAL   COL price VAL \tCOL title VAL b VAL c \t1\r\n"
                               "COL a VAL\tCOL a VAL x\t0\n"
                               "COL a b VAL COLD COL c VAL tiny COL\tCOL VAL v\n"
                               "\t\t1\n"
                               "\n"),
                      OPTIONS(.format = "col-val"));
  assert_int_equal(w.kind, BF_KIND_PAIR);
  assert_int_equal(w.rows, 5);
  assert_string_equal(w.spelt[0], "{title:a}{in the title:NULL}{price:NULL}|{title:b VAL c}");
  assert_string_equal(w.spelt[1], "{a:NULL}|{a:x}");
  assert_string_equal(w.spelt[2], "{a b:COLD}{c:tiny COL}|{:v}");
  assert_string_equal(w.spelt[3], "|");
  assert_string_equal(w.spelt[4], "|");
  assert_string_equal(w.labels[0], "1");
  assert_string_equal(w.labels[1], "0");
  assert_null(w.labels[2]);
  assert_null(w.labels[4]);
  whole_free(&w);
  w = must_read(put_text("q.txt", "COL t VAL in COL umn of COL x VAL y\tCOL t VAL z\n"), NULL);
  assert_string_equal(w.format, "col-val");
  assert_string_equal(w.spelt[0], "{t:in COL umn of}{x:y}|{t:z}");
  whole_free(&w);
}

static void lines_that_are_no_pairs_are_named(void **state) {
  (void)state;
  static const struct {
    const char *line, *words;
  } CASES[] = {
      {"COL a VAL x", "line 2 has no tab"},
      {"COL a VAL x\tCOL b VAL y\t1\t2", "line 2 has more than three fields"},
      {"COL a VAL x\tnothing", "line 2 has a record that is not"},
      {"COL a x\tCOL b VAL y", "line 2 has a record that is not"},
      {"a VAL x\tCOL b VAL y", "line 2 has a record that is not"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char text[200];
    snprintf(text, sizeof text, "COL a VAL x\tCOL b VAL y\t1\n%s\n", CASES[i].line);
    expect_failure(put_text("bad.txt", text), OPTIONS(.format = "col-val"), BF_ERR_FORMAT, 1, CASES[i].words);
  }
}

static void pairs_of_a_table_are_its_left_and_right_columns(void **state) {
  (void)state;
  const char *path = put_text("p.csv",
                              "left_title,left_price,right_title,right_price,label,id\n"
                              "foo,1.50,Foo!,,1,7\n,2,null,3.0,0,8\n");
  whole w = must_read(path, OPTIONS(.kind = "pair"));
  assert_string_equal(w.spelt[0], "{title:foo}{price:1.50}|{title:Foo!}{price:NULL}");
  assert_string_equal(w.spelt[1], "{title:NULL}{price:2}|{title:null}{price:3.0}");
  assert_int_equal(w.n_labels, 0);
  assert_non_null(strstr(w.warnings, "2 columns are ignored"));
  assert_non_null(strstr(w.warnings, ": label, id"));
  whole_free(&w);
  w = must_read(path, OPTIONS(.kind = "pair", .label = "label", .drop = "left_price,right_price", .where = "id = 8"));
  assert_int_equal(w.rows, 1);
  assert_string_equal(w.spelt[0], "{title:NULL}|{title:null}");
  assert_string_equal(w.labels[0], "0");
  whole_free(&w);
  w = must_read(path, NULL);
  assert_int_equal(w.kind, BF_KIND_FEATURES);
  assert_non_null(strstr(w.warnings, "give --kind pair"));
  whole_free(&w);
  w = must_read(put_text("m.tsv", "label\tltable_a\trtable_a\n1\tx\ty\n"), OPTIONS(.kind = "pair", .label = "label"));
  assert_string_equal(w.spelt[0], "{a:x}|{a:y}");
  whole_free(&w);
  expect_failure(path, OPTIONS(.kind = "pair", .columns = "left_title,id"), BF_ERR_INVALID_ARGUMENT, -1,
                 "\"id\" begins with neither");
  expect_failure(path, OPTIONS(.kind = "pair", .columns = "left_title"), BF_ERR_INVALID_ARGUMENT, -1,
                 "left records only");
  expect_failure(put_text("n.csv", "a,b\nx,y\n"), OPTIONS(.kind = "pair"), BF_ERR_INVALID_ARGUMENT, -1,
                 "no columns left_");
}

static void pairs_in_one_column_are_parted_at_the_mark(void **state) {
  (void)state;
  whole w = must_read(put_text("s.csv", "pairs,labels\na b [SEP] c,1\n[SEP] \"d\",0\n"),
                      OPTIONS(.kind = "pair", .label = "labels"));
  assert_string_equal(w.spelt[0], "{:a b}|{:c}");
  assert_string_equal(w.spelt[1], "{:NULL}|{:\"d\"}");
  assert_string_equal(w.labels[0], "1");
  whole_free(&w);
  expect_failure(put_text("s.csv", "pairs,labels\na [SEP] c,1\na b,0\n"), OPTIONS(.kind = "pair"), BF_ERR_FORMAT, 1,
                 "row 1 has no [SEP]");
  expect_failure(put_text("s.csv", "x,labels\na [SEP] c [SEP] d,1\n"), OPTIONS(.kind = "pair", .text = "x"),
                 BF_ERR_FORMAT, 0, "row 0 has more than one [SEP]");
}

/* Tagged sentences */

#define W(id, form, upos, deprel) id "\t" form "\t_\t" upos "\tX" upos "\t_\t0\t" deprel "\t_\t_\n"

static void words_and_tags_of_conllu_are_read(void **state) {
  (void)state;
  const char *path = put_text("a.conllu", "# text = Don't go\n" W("1-2", "Don't", "_", "_") W("1", "Do", "AUX", "aux")
                                              W("2", "n't", "PART", "advmod") W("3", "go", "VERB", "root")
                                                  W("3.1", "gone", "VERB", "_") "\n# a sentence of nothing\n\n\n"
                                                                                "1\ta b\t_\t_\t_\t_\t_\t_\t_\t_\r\n\r\n" W("1", "Ja", "INTJ", "root"));
  whole w = must_read(path, NULL);
  assert_string_equal(w.format, "conllu");
  assert_int_equal(w.kind, BF_KIND_TAGGED);
  assert_int_equal(w.rows, 3);
  assert_string_equal(w.spelt[0], "Do/AUX n't/PART go/VERB ");
  assert_string_equal(w.spelt[1], "a b/- ");
  assert_string_equal(w.spelt[2], "Ja/INTJ ");
  assert_int_equal(w.n_labels, 4);
  whole_free(&w);
  w = must_read(path, OPTIONS(.tag = "xpos"));
  assert_string_equal(w.spelt[0], "Do/XAUX n't/XPART go/XVERB ");
  whole_free(&w);
  w = must_read(path, OPTIONS(.tag = "deprel"));
  assert_string_equal(w.spelt[0], "Do/aux n't/advmod go/root ");
  whole_free(&w);
  expect_failure(path, OPTIONS(.tag = "head"), BF_ERR_INVALID_ARGUMENT, -1, "there are upos, xpos, deprel");
}

static void lines_that_are_not_conllu_are_named(void **state) {
  (void)state;
  static const struct {
    const char *line, *words;
  } CASES[] = {
      {"2\tb\t_\n", "line 4 has 3 columns where CoNLL-U has 10"},
      {"2\tb\t_\tX\t_\t_\t_\t_\t_\t_\tmore\n", "line 4 has more than 10 columns"},
      {W("two", "b", "X", "x"), "line 4 does not begin with the number"},
      {W("1-2-3", "b", "X", "x"), "line 4 does not begin with the number"},
      {W("1-", "b", "X", "x"), "line 4 does not begin with the number"},
      {"just text\n", "line 4 has 1 columns"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char text[400];
    snprintf(text, sizeof text, "%s\n%s%s", W("1", "a", "X", "root"), W("1", "a", "X", "root"), CASES[i].line);
    expect_failure(put_text("bad.conllu", text), OPTIONS(.format = "conllu"), BF_ERR_FORMAT, 1, CASES[i].words);
  }
}

static void tokens_and_tags_are_read_and_a_token_may_have_none(void **state) {
  (void)state;
  whole w = must_read(put_text("n.txt", "\nEU\tB-ORG\nrejects\tO\r\n\n\n \nno\ntags\t\n\nlast\tO"), NULL);
  assert_string_equal(w.format, "token-tag");
  assert_int_equal(w.rows, 3);
  assert_string_equal(w.spelt[0], "EU/B-ORG rejects/O ");
  assert_string_equal(w.spelt[1], "no/- tags/- ");
  assert_string_equal(w.spelt[2], "last/O ");
  whole_free(&w);
  expect_failure(put_text("n.txt", "a\tO\n\nb\tNN\tO\n"), OPTIONS(.format = "token-tag"), BF_ERR_FORMAT, 1,
                 "line 3 has more than a token and a tag");
  expect_failure(put_text("n.txt", "a\tO\n\n"), OPTIONS(.format = "token-tag", .tag = "upos"), BF_ERR_INVALID_ARGUMENT,
                 -1, "tag does not fit");
}

static void sentences_are_whole_however_small_the_batch(void **state) {
  (void)state;
  FILE *f = fopen(in_folder("many.txt"), "w");
  fputc('\n', f);
  for (int s = 0; s < 4000; s++) {
    for (int t = 0; t <= s % 37; t++) fprintf(f, "t%d_%d\ttag%d\n", s, t, t % 5);
    fputc('\n', f);
  }
  fclose(f);
  whole a = must_read(in_folder("many.txt"), OPTIONS(.batch_bytes = 1000)), b = must_read(in_folder("many.txt"), NULL);
  assert_int_equal(a.rows, 4000);
  assert_int_equal(b.rows, 4000);
  for (int s = 0; s < 4000; s++) {
    char first[40];
    snprintf(first, sizeof first, "t%d_0/tag0 ", s);
    assert_memory_equal(a.spelt[s], first, strlen(first));
    assert_string_equal(a.spelt[s], b.spelt[s]);
  }
  whole_free(&a);
  whole_free(&b);
}

static void rows_before_a_bad_line_are_given_first(void **state) {
  (void)state;
  bf_dataset *d = NULL;
  bf_batch b;
  bf_error err = {0};
  const char *path = put_text("late.txt", "a\tO\n\nb\tO\n\nc\tO\tX\n\n");
  assert_int_equal(bf_dataset_open(path, OPTIONS(.format = "token-tag"), &d, &err), BF_OK);
  assert_int_equal(bf_dataset_next(d, &b, &err), BF_OK);
  assert_int_equal(b.n_rows, 2);
  assert_memory_equal(b.sentences[1].tokens[0].bytes, "b", 1);
  assert_int_equal(bf_dataset_next(d, &b, &err), BF_ERR_FORMAT);
  assert_int_equal(err.position, 2);
  assert_int_equal(bf_dataset_next(d, &b, &err), BF_ERR_FORMAT); /* and stays so */
  bf_dataset_close(d);
}

static void a_sentence_without_end_is_refused(void **state) {
  (void)state;
  FILE *f = fopen(in_folder("endless.txt"), "w");
  for (int i = 0; i < 1100000; i++) fputs("a\tO\n", f);
  fclose(f);
  expect_failure(in_folder("endless.txt"), OPTIONS(.format = "token-tag"), BF_ERR_LIMIT, 0, "1,000,000 tokens");
}

/* Series */

static void columns_of_lists_are_channels(void **state) {
  (void)state;
  const char *path = put_text(
      "s.jsonl", "{\"x\":[1,2,3],\"y\":[4,5,6],\"k\":\"u\"}\n{\"x\":[1,2.5,null],\"y\":[7,8,1e99],\"k\":\"v\"}\n");
  whole w = must_read(path, OPTIONS(.label = "k"));
  assert_int_equal(w.kind, BF_KIND_SERIES);
  assert_true(w.steps == 3 && w.series_channels == 2 && w.columns == 6 && w.rows == 2);
  const float expected[12] = {1, 4, 2, 5, 3, 6, 1, 7, 2.5f, 8, NAN, NAN};
  for (int i = 0; i < 12; i++) assert_true(w.cells[i] == expected[i] || (isnan(w.cells[i]) && isnan(expected[i])));
  assert_string_equal(w.labels[1], "v");
  whole_free(&w);
  w = must_read(path, NULL); /* not lists alone: features, of which there is one */
  assert_int_equal(w.kind, BF_KIND_FEATURES);
  assert_non_null(strstr(w.warnings, "2 columns hold lists or other nested values, and are left out: x, y"));
  whole_free(&w);
  w = must_read(path, OPTIONS(.kind = "series", .columns = "y"));
  assert_true(w.steps == 3 && w.series_channels == 1 && w.cells[0] == 4);
  whole_free(&w);
  w = must_read(put_text("l.jsonl", "{\"a\":[[1,2],[3,4],[5,6]]}\n{\"a\":[[7,8],[9,1],[2,3]]}\n"), NULL);
  assert_true(w.kind == BF_KIND_SERIES && w.steps == 3 && w.series_channels == 2 && w.cells[3] == 4 &&
              w.cells[11] == 3);
  whole_free(&w);
}

static void series_of_other_lengths_are_a_mismatch_with_the_row(void **state) {
  (void)state;
  expect_failure(put_text("s.jsonl", "{\"a\":[1,2]}\n{\"a\":[1,2]}\n{\"a\":[1]}\n"), NULL, BF_ERR_MISMATCH, 2,
                 "row 2, column \"a\" has 1 steps where the rows before have 2: cut or pad");
  expect_failure(put_text("s.jsonl", "{\"a\":[1,2],\"b\":[1]}\n"), NULL, BF_ERR_MISMATCH, 0,
                 "column \"b\" has 1 steps");
  expect_failure(put_text("s.jsonl", "{\"a\":[1,2]}\n{\"a\":null}\n"), NULL, BF_ERR_MISMATCH, 1, "has 0 steps");
  expect_failure(put_text("s.jsonl", "{\"a\":[[1,2],[1]]}\n"), NULL, BF_ERR_MISMATCH, 0, "has 1 channels");
  expect_failure(put_text("s.jsonl", "{\"a\":[]}\n{\"a\":[1]}\n"), OPTIONS(.kind = "series"), BF_ERR_FORMAT, 0,
                 "is empty");
  expect_failure(put_text("s.jsonl", "{\"a\":1}\n"), OPTIONS(.kind = "series"), BF_ERR_FORMAT, -1,
                 "no column holds lists");
  expect_failure(put_text("s.jsonl", "{\"a\":[1],\"b\":[[1]]}\n"), OPTIONS(.kind = "series"), BF_ERR_INVALID_ARGUMENT,
                 -1, "\"b\" holds lists of lists");
}

static void series_of_arrays_have_steps_and_channels(void **state) {
  (void)state;
  float v[24];
  for (int i = 0; i < 24; i++) v[i] = (float)i;
  whole w = must_read(put_npy("s.npy", "<f4", "(2, 4, 3)", v, sizeof v), NULL);
  assert_true(w.kind == BF_KIND_SERIES && w.steps == 4 && w.series_channels == 3 && w.columns == 12 && w.rows == 2);
  assert_memory_equal(w.cells, v, sizeof v);
  whole_free(&w);
  w = must_read(put_npy("t.npy", "<f4", "(2, 12)", v, sizeof v), OPTIONS(.kind = "series"));
  assert_true(w.steps == 12 && w.series_channels == 1);
  whole_free(&w);
  expect_failure(in_folder("s.npy"), OPTIONS(.columns = "1"), BF_ERR_INVALID_ARGUMENT, -1, "do not fit series");
  bf_rows *rows = NULL;
  assert_int_equal(bf_rows_load(in_folder("s.npy"), NULL, &rows, NULL), BF_OK);
  assert_int_equal(bf_rows_column_count(rows), 12);
  assert_memory_equal(bf_rows_cells(rows), v, sizeof v);
  bf_rows_free(rows);
}

/* Strings among features */

static void columns_of_text_enter_as_named_strings(void **state) {
  (void)state;
  const char *path = put_text("f.csv", "word,x,flag,other,label\nhello,1,true,\"a, b\",k\nNA,2,false,c,l\n");
  whole w = must_read(path, OPTIONS(.label = "label"));
  assert_string_equal(w.names, "x,flag");
  assert_string_equal(w.spelt[0], "{word:hello}{other:a, b}");
  assert_string_equal(w.spelt[1], "{word:NULL}{other:c}");
  assert_true(w.columns == 2 && w.cells[1] == 1 && w.cells[2] == 2 && w.n_warnings == 0);
  whole_free(&w);
  w = must_read(path, OPTIONS(.columns = "other,x"));
  assert_string_equal(w.names, "x");
  assert_string_equal(w.spelt[1], "{other:c}");
  whole_free(&w);
  w = must_read(path, OPTIONS(.columns = "word"));
  assert_true(w.columns == 0 && w.cells == NULL && w.rows == 2);
  whole_free(&w);
  bf_rows *rows = NULL;
  bf_error err = {0};
  assert_int_equal(bf_rows_load(path, OPTIONS(.columns = "word"), &rows, &err), BF_ERR_MISMATCH);
  assert_int_equal(bf_rows_load(path, NULL, &rows, &err), BF_OK);
  assert_true(bf_rows_column_count(rows) == 2 && bf_rows_cells(rows)[2] == 2);
  bf_rows_free(rows);
}

static void strings_that_never_repeat_are_warned_about(void **state) {
  (void)state;
  FILE *f = fopen(in_folder("w.csv"), "w");
  fprintf(f, "key,text,colour\n");
  for (int i = 0; i < 5000; i++) fprintf(f, "k%d,this is text number %d,%s\n", i, i, i % 2 ? "red" : "green");
  fclose(f);
  whole w = must_read(in_folder("w.csv"), NULL);
  assert_int_equal(w.rows, 5000);
  assert_string_equal(w.spelt[4999], "{key:k4999}{text:this is text number 4999}{colour:red}");
  assert_int_equal(w.n_warnings, 2);
  assert_non_null(strstr(w.warnings, "column \"key\" looks like an identifier"));
  assert_non_null(strstr(w.warnings, "column \"text\" looks like free text: give --kind text"));
  whole_free(&w);
}

static void objects_of_very_many_members_are_refused_and_of_some_hundred_read(void **state) {
  (void)state;
  static const int COUNTS[] = {300, 20001};
  for (int k = 0; k < 2; k++) {
    FILE *f = fopen(in_folder("wide.jsonl"), "w");
    for (int i = 0; i < COUNTS[k]; i++) fprintf(f, "%c\"c%d\":%d", i ? ',' : '{', i, i);
    fprintf(f, "}\n");
    fclose(f);
    if (k == 1) {
      expect_failure(in_folder("wide.jsonl"), NULL, BF_ERR_LIMIT, -1,
                     "line 1: the objects up to here have 20001 different members, more than 20,000");
      continue;
    }
    whole w = must_read(in_folder("wide.jsonl"), NULL);
    assert_true(w.columns == 300 && w.cells[299] == 299);
    whole_free(&w);
  }
}

static void objects_that_share_no_members_are_refused_by_their_line_before_types_are_inferred(void **state) {
  (void)state;
  FILE *f = fopen(in_folder("keyed.jsonl"), "w");
  for (int i = 0; i < 9000; i++) fprintf(f, "{\"user%d\":%d}\n", i, i);
  fclose(f);
  /* n lines of one member each lack n (n - 1) members: above 2^26 from line 8,193 on */
  expect_failure(in_folder("keyed.jsonl"), NULL, BF_ERR_LIMIT, -1,
                 "line 8193: the objects up to here have 8193 different members, of which most lack most");
  f = fopen(in_folder("inner.jsonl"), "w");
  for (int i = 0; i < 25; i++) {
    fprintf(f, "{\"a\":1,\"by\":{\"z\":[{\"\\\"\":0}]");
    for (int k = 0; k < 1000; k++) fprintf(f, ",\"k%d\":%d", 1000 * i + k, k);
    fprintf(f, "}}\n");
  }
  fclose(f);
  expect_failure(in_folder("inner.jsonl"), NULL, BF_ERR_LIMIT, -1, "line 20: the objects up to here have 20001");
}

static void deeply_nested_json_is_refused_and_sixty_levels_are_left_out_with_a_warning(void **state) {
  (void)state;
  static const int DEPTHS[] = {60, 64, 200000};
  for (int k = 0; k < 3; k++) {
    FILE *f = fopen(in_folder("deep.jsonl"), "w");
    fprintf(f, "{\"a\":7,\"b\":");
    for (int i = 0; i < DEPTHS[k]; i++) fputs(k % 2 ? "{\"b\":" : "[", f);
    fputs("\"]}\"", f);
    for (int i = 0; i < DEPTHS[k]; i++) fputc(k % 2 ? '}' : ']', f);
    fprintf(f, "}\n");
    fclose(f);
    if (k > 0) {
      expect_failure(in_folder("deep.jsonl"), NULL, BF_ERR_LIMIT, -1,
                     "line 1: objects or lists are nested more than 64");
      continue;
    }
    whole w = must_read(in_folder("deep.jsonl"), NULL);
    assert_true(w.columns == 1 && w.cells[0] == 7);
    assert_non_null(strstr(w.warnings, "1 column holds lists or other nested values, and is left out: b"));
    whole_free(&w);
  }
}

/* Memory */

static void every_failing_allocation_is_reported_and_leaks_nothing(void **state) {
  (void)state;
  static const struct {
    const char *name, *text, *format, *kind;
  } CASES[] = {
      {"1", "1\ta b\xff\n0\tc d\n", NULL, NULL},
      {"2", "COL a VAL x\xff COL b VAL y\tCOL a VAL z\t1\n", NULL, NULL},
      {"3", "a\tO\nb\tI\xff\n\nc\tO\n", "token-tag", NULL},
      {"4", "1\ta\t_\tX\t_\t_\t_\t_\t_\t_\n\n", "conllu", NULL},
      {"5.csv", "left_a,right_a,l\nx,y,1\n", NULL, "pair"},
      {"6.csv", "a,b\n1,x y\n", NULL, "text"},
      {"7.jsonl", "{\"a\":[1,2]}\n", NULL, "series"},
      {"8.csv", "a,b,c\n1,x y,2020-01-01\n", NULL, NULL},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    const char *path = put_text(CASES[i].name, CASES[i].text);
    int failures = 0, passed = 0;
    for (long n = 1; n < 2000 && passed < 8;
         n++) { /* a lost warning fails nothing, so one success is not yet the end */
      bf_error err = {0};
      bf_dataset *d = NULL;
      bf_batch b = {.n_rows = 1};
      bf__alloc_fail_at(n);
      bf_status status = bf_dataset_open(path, OPTIONS(.format = CASES[i].format, .kind = CASES[i].kind), &d, &err);
      while (status == BF_OK && b.n_rows) status = bf_dataset_next(d, &b, &err);
      bf__alloc_fail_at(0);
      bf_dataset_close(d);
      if (status != BF_OK && status != BF_ERR_MEMORY) fail_msg("%s, allocation %ld: %s", path, n, err.message);
      failures += status != BF_OK;
      passed = status == BF_OK ? passed + 1 : 0;
    }
    assert_true(failures > 5 && passed == 8);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(attributes_and_labels_of_col_val_lines_are_read),
      cmocka_unit_test(lines_that_are_no_pairs_are_named),
      cmocka_unit_test(pairs_of_a_table_are_its_left_and_right_columns),
      cmocka_unit_test(pairs_in_one_column_are_parted_at_the_mark),
      cmocka_unit_test(words_and_tags_of_conllu_are_read),
      cmocka_unit_test(lines_that_are_not_conllu_are_named),
      cmocka_unit_test(tokens_and_tags_are_read_and_a_token_may_have_none),
      cmocka_unit_test(sentences_are_whole_however_small_the_batch),
      cmocka_unit_test(rows_before_a_bad_line_are_given_first),
      cmocka_unit_test(a_sentence_without_end_is_refused),
      cmocka_unit_test(columns_of_lists_are_channels),
      cmocka_unit_test(series_of_other_lengths_are_a_mismatch_with_the_row),
      cmocka_unit_test(series_of_arrays_have_steps_and_channels),
      cmocka_unit_test(columns_of_text_enter_as_named_strings),
      cmocka_unit_test(strings_that_never_repeat_are_warned_about),
      cmocka_unit_test(objects_of_very_many_members_are_refused_and_of_some_hundred_read),
      cmocka_unit_test(objects_that_share_no_members_are_refused_by_their_line_before_types_are_inferred),
      cmocka_unit_test(deeply_nested_json_is_refused_and_sixty_levels_are_left_out_with_a_warning),
      cmocka_unit_test(every_failing_allocation_is_reported_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
