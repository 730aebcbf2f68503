/* Texts, one a line or from a table: what is taken for text and label, how odd bytes and odd sizes end. */
#include <zlib.h>

#include "dataset_testing.h"

static whole must_read(const char *path, const bf_dataset_options *options) {
  whole w = read_whole(path, options);
  if (w.status != BF_OK) fail_msg("%s: %s", path, w.error.message);
  return w;
}

static void assert_texts(const whole *w, const char *const *texts, size_t n) {
  assert_int_equal(w->rows, n);
  for (size_t i = 0; i < n; i++) assert_string_equal(w->spelt[i], texts[i]);
}

static void every_line_is_a_row_whatever_ends_it(void **state) {
  (void)state;
  whole w = must_read(put_text("a.txt",
                               "\xef\xbb\xbf"
                               "one text\r\n\nthe, third\t; one \n \nlast"),
                      NULL);
  assert_string_equal(w.format, "lines");
  assert_int_equal(w.kind, BF_KIND_TEXT);
  assert_texts(&w, (const char *const[]){"one text", "", "the, third\t; one ", " ", "last"}, 5);
  assert_null(w.labels[0]);
  assert_int_equal(w.columns, 0);
  whole_free(&w);
  w = must_read(put_text("b.txt", "\n"), OPTIONS(.format = "lines"));
  assert_texts(&w, (const char *const[]){""}, 1);
  whole_free(&w);
}

static void lines_take_their_labels_from_a_file(void **state) {
  (void)state;
  const char *labels = put_text("l.txt", "x\ny\n\n");
  const char *path = put_text("t.txt", "a b c\nd e f\ng h i\n");
  whole w = must_read(path, OPTIONS(.label = labels));
  assert_string_equal(w.labels[1], "y");
  assert_null(w.labels[2]);
  whole_free(&w);
  expect_failure(put_text("t.txt", "a b c\n"), OPTIONS(.label = in_folder("l.txt")), BF_ERR_MISMATCH, -2, "2 labels");
}

static void the_side_with_few_short_values_is_the_label(void **state) {
  (void)state;
  static const struct {
    const char *text, *format, *first, *label;
  } CASES[] = {
      {"1\tgood phone\n0\tbad phone\n1\tvery good\n", "label-text", "good phone", "1"},
      {"good phone\t1\nbad phone\t0\nvery good\t1\n", "text-label", "good phone", "1"},
      {"pos\ta tab\tin it\nneg\tand none here\npos\tnor here, no\n", "label-text", "a tab\tin it", "pos"},
      {"a tab\tin it\tpos\nand none here\tneg\nnor here, no\tpos\n", "text-label", "a tab\tin it", "pos"},
      {"pos\tgood phone\r\nneg\tbad phone\r\npos\tone\r\n", "label-text", "good phone", "pos"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    whole w = must_read(put_text("side", CASES[i].text), NULL);
    assert_string_equal(w.format, CASES[i].format);
    assert_string_equal(w.spelt[0], CASES[i].first);
    assert_string_equal(w.labels[0], CASES[i].label);
    assert_int_equal(w.rows, 3);
    assert_int_equal(w.n_labels, 2);
    assert_int_equal(w.n_warnings, 1);
    assert_non_null(strstr(w.warnings, "name the format (label-text, text-label or lines)"));
    whole_free(&w);
  }
}

static void a_format_that_is_named_is_neither_doubted_nor_warned_about(void **state) {
  (void)state;
  const char *path = put_text("named.txt", "1\tgood phone\n0\tbad phone\n1\tvery good\n\n");
  whole w = must_read(path, OPTIONS(.format = "text-label"));
  assert_texts(&w, (const char *const[]){"1", "0", "1", ""}, 4);
  assert_string_equal(w.labels[2], "very good");
  assert_null(w.labels[3]);
  assert_int_equal(w.n_warnings, 0);
  whole_free(&w);
  w = must_read(path, OPTIONS(.format = "lines"));
  assert_string_equal(w.spelt[0], "1\tgood phone");
  assert_int_equal(w.n_labels, 0);
  whole_free(&w);
}

static void tables_and_numbers_are_not_taken_for_labelled_text(void **state) {
  (void)state;
  static const struct {
    const char *text, *format;
  } CASES[] = {
      {"label\ttext\npos\ta good one\nneg\ta bad one\npos\tanother good one\nneg\tone\n", "tsv"},
      {"1\t2\n3\t4\n5\t6\n", "tsv"},
      {"a b\tc d\te\nf g\th i\te\nj k\tl m\tn\n", "tsv"},
      {"id,text\n1,hello there\n2,good bye\n", "csv"},
      {"1\n2\n3\n", "csv"},
      {"just some words, here\nand more of them\nand, even, more\n", "lines"},
      {"{\"a\": 1}\n", "jsonl"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    whole w = must_read(put_text("sniffed", CASES[i].text), NULL);
    if (strcmp(w.format, CASES[i].format) != 0) fail_msg("case %zu: %s", i, w.format);
    whole_free(&w);
  }
}

static void what_is_not_clear_is_an_error_that_names_the_formats(void **state) {
  (void)state;
  const char *path = put_text("unclear.txt", "good\tpos\nbad\tneg\nfine\tgood\n");
  expect_failure(path, OPTIONS(.kind = "text"), BF_ERR_INVALID_ARGUMENT, -1,
                 "name the format label-text, text-label or lines");
  expect_failure(put_text("one.txt", "1\ta good one\nand a line without\n"), OPTIONS(.format = "label-text"),
                 BF_ERR_FORMAT, 1, "line 2 has no tab");
  path = put_text("l.txt", "1\ta b\n0\tc d\n");
  expect_failure(path, OPTIONS(.format = "label-text", .label = "x"), BF_ERR_INVALID_ARGUMENT, -1,
                 "whose lines hold it");
  expect_failure(path, OPTIONS(.format = "lines", .drop = "x"), BF_ERR_INVALID_ARGUMENT, -1, "drop does not fit");
  expect_failure(path, OPTIONS(.kind = "tagged"), BF_ERR_UNSUPPORTED, -1,
                 "tagged is not read from the format label-text");
  expect_failure(put_file("u16.txt", "\xff\xfe\x61\0\x62\0", 6), OPTIONS(.format = "lines"), BF_ERR_FORMAT, 0,
                 "UTF-16");
}

/* Python: b"…".decode("utf-8", "replace") */
static void what_is_not_utf8_is_replaced_as_by_maximal_parts(void **state) {
  (void)state;
  static const struct {
    const char *bytes, *text;
    unsigned n;
  } CASES[] = {
      {"caf\xe9 x", "caf\xef\xbf\xbd x", 1},
      {"\xe2\x82", "\xef\xbf\xbd", 1},
      {"\xe2\x82x\xe2\x82\xac", "\xef\xbf\xbdx\xe2\x82\xac", 1},
      {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", 2},
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 3},
      {"\xf0\x9f\x98\x80\xf0\x9f\x98", "\xf0\x9f\x98\x80\xef\xbf\xbd", 1},
      {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 4},
      {"a long run of ASCII before the byte that is not UTF-8: \xff!",
       "a long run of ASCII before the byte that is not UTF-8: \xef\xbf\xbd!", 1},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char counted[40];
    whole w = must_read(put_text("u.txt", CASES[i].bytes), OPTIONS(.format = "lines"));
    assert_string_equal(w.spelt[0], CASES[i].text);
    snprintf(counted, sizeof counted, "%u byte sequence%s", CASES[i].n, CASES[i].n == 1 ? " is" : "s are");
    assert_int_equal(w.n_warnings, 1);
    assert_non_null(strstr(w.warnings, counted));
    whole_free(&w);
  }
  whole w = must_read(put_text("v.txt", "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80"), OPTIONS(.format = "lines"));
  assert_int_equal(w.n_warnings, 0);
  whole_free(&w);
}

static void zero_bytes_are_part_of_a_text(void **state) {
  (void)state;
  bf_dataset *d = NULL;
  bf_batch b;
  const char *path = put_file("z.txt", "a\0b c\nd", 7);
  assert_int_equal(bf_dataset_open(path, OPTIONS(.format = "lines"), &d, NULL), BF_OK);
  assert_int_equal(bf_dataset_next(d, &b, NULL), BF_OK);
  assert_int_equal(b.n_rows, 2);
  assert_int_equal(b.texts[0].n_bytes, 5);
  assert_memory_equal(b.texts[0].bytes, "a\0b c", 5);
  bf_dataset_close(d);
}

static void small_batches_give_the_same_texts(void **state) {
  (void)state;
  char *text = NULL, want[64];
  size_t n = 0;
  FILE *f = open_memstream(&text, &n);
  for (int i = 0; i < 20000; i++) fprintf(f, "%d\tthe %dth text\xe9 of this%s", i % 3, i, i % 5 ? "\n" : "\r\n");
  fclose(f);
  gzFile file = gzopen(in_folder("many.txt.gz"), "wb1");
  assert_int_equal(gzwrite(file, text, (unsigned)n), (int)n);
  gzclose(file);
  put_file("many.txt", text, n);
  free(text);
  for (int k = 0; k < 4; k++) {
    whole w = must_read(in_folder(k & 1 ? "many.txt" : "many.txt.gz"), OPTIONS(.batch_bytes = k & 2 ? 2000 : 0));
    assert_int_equal(w.rows, 20000);
    assert_string_equal(w.format, "label-text");
    for (int i = 0; i < 20000; i++) {
      snprintf(want, sizeof want, "the %dth text\xef\xbf\xbd of this", i);
      assert_string_equal(w.spelt[i], want);
      assert_int_equal(w.labels[i][0], '0' + i % 3);
    }
    assert_non_null(strstr(w.warnings, "20000 byte sequences"));
    whole_free(&w);
  }
}

/* 200 MB of one line in a file of 200 KB. */
static void a_line_beyond_64_mib_is_refused_with_its_number(void **state) {
  (void)state;
  static char piece[1 << 20];
  memset(piece, 'a', sizeof piece);
  gzFile file = gzopen(in_folder("long.txt.gz"), "wb1");
  gzputs(file, "1\ta first line\n0\tand a second\n");
  for (int i = 0; i < 200; i++) gzwrite(file, piece, sizeof piece);
  gzclose(file);
  static const char *const FORMATS[] = {"lines", "label-text", "text-label", "col-val", "token-tag", "conllu"};
  for (size_t i = 0; i < 3; i++)
    expect_failure(in_folder("long.txt.gz"), OPTIONS(.format = FORMATS[i]), BF_ERR_LIMIT, 2, "line 3, or the record");
  for (size_t i = 3; i < 6; i++) {
    file = gzopen(in_folder("long2.txt.gz"), "wb1");
    for (int k = 0; k < 70; k++) gzwrite(file, piece, sizeof piece);
    gzclose(file);
    expect_failure(in_folder("long2.txt.gz"), OPTIONS(.format = FORMATS[i]), BF_ERR_LIMIT, 0, "line 1, or the record");
  }
  file = gzopen(in_folder("long.csv.gz"), "wb1");
  gzputs(file, "a,b\n1,x y\n2,x y\n3,");
  for (int k = 0; k < 40; k++) gzwrite(file, piece, sizeof piece);
  gzclose(file);
  expect_failure(in_folder("long.csv.gz"), OPTIONS(.kind = "text"), BF_ERR_LIMIT, -1, "longer than 2,000,000 bytes");
}

static void texts_come_from_a_column_of_a_table(void **state) {
  (void)state;
  const char *path = put_text("t.csv", "id,name,text,label\n1,ann,\"good, \"\"phone\"\"\",1\n2,bob,null,0\n3,eve,,1\n");
  whole w = must_read(path, OPTIONS(.kind = "text", .text = "text", .label = "label"));
  assert_texts(&w, (const char *const[]){"good, \"phone\"", "null", ""}, 3);
  assert_string_equal(w.labels[1], "0");
  whole_free(&w);
  w = must_read(path, OPTIONS(.kind = "text", .text = "id", .where = "name > 'b'"));
  assert_texts(&w, (const char *const[]){"2", "3"}, 2);
  whole_free(&w);
  expect_failure(path, OPTIONS(.kind = "text"), BF_ERR_INVALID_ARGUMENT, -1,
                 "2 columns of text: name one with the option text: name, text");
  expect_failure(path, OPTIONS(.kind = "text", .text = "words"), BF_ERR_INVALID_ARGUMENT, -1,
                 "text: \"words\" is not a column of t.csv; it has: id, name, text");
  expect_failure(path, OPTIONS(.kind = "text", .text = "text", .label = "text"), BF_ERR_INVALID_ARGUMENT, -1,
                 "is the label");
  expect_failure(path, OPTIONS(.kind = "text", .text = "text", .drop = "id"), BF_ERR_INVALID_ARGUMENT, -1,
                 "do not fit texts");
  expect_failure(path, OPTIONS(.text = "text"), BF_ERR_INVALID_ARGUMENT, -1, "give --kind text");
  expect_failure(put_text("n.csv", "a,b\n1,2\n"), OPTIONS(.kind = "text"), BF_ERR_INVALID_ARGUMENT, -1,
                 "no column of text");
  w = must_read(put_text("t.jsonl", "{\"n\":{\"m\":1},\"t\":\"a \\u00e9\",\"k\":1}\n{\"t\":null}\n"),
                OPTIONS(.kind = "text"));
  assert_texts(&w, (const char *const[]){"a \xc3\xa9", ""}, 2);
  whole_free(&w);
}

static void a_table_that_is_not_utf8_is_refused_with_its_line(void **state) {
  (void)state;
  const char *path = put_text("latin.csv", "a,b\n1,x y\n2,caf\xe9 z\n");
  expect_failure(path, NULL, BF_ERR_FORMAT, 1, "line 3 is not UTF-8 text");
  expect_failure(path, OPTIONS(.kind = "text"), BF_ERR_FORMAT, 1, "line 3 is not UTF-8 text");
}

static void documents_are_all_rows_in_one_spelling(void **state) {
  (void)state;
  bf_documents *docs = NULL;
  bf_error err = {0};
  assert_int_equal(bf_documents_load(put_text("d.txt", "one text\n\nlast\n"), OPTIONS(.format = "lines"), &docs, &err),
                   BF_OK);
  assert_int_equal(bf_documents_count(docs), 3);
  assert_string_equal(bf_documents_at(docs, 0).bytes, "one text");
  assert_int_equal(bf_documents_at(docs, 0).n_bytes, 8);
  assert_string_equal(bf_documents_at(docs, 1).bytes, "");
  assert_string_equal(bf_documents_at(docs, 2).bytes, "last");
  assert_string_equal(bf_documents_at(docs, 3).bytes, "");
  bf_documents_free(docs);
  static const struct {
    const char *name, *text, *kind, *document;
  } CASES[] = {
      {"d.pairs", "COL a VAL x y COL b VAL  \tCOL a VAL z COL b VAL w\t1\n", "pair", "x y z w"},
      {"d.tags", "The\tDET\ncat\n\n", "tagged", "The cat"},
      {"d.csv", "n,a,b\n1,x y,\n", "features", "a=x y"},
      {"d.csv", "n,a,b\n1,x,z\n", "features", "a=x b=z"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    const char *path = put_text(CASES[i].name, CASES[i].text);
    if (bf_documents_load(path, OPTIONS(.kind = CASES[i].kind), &docs, &err) != BF_OK) fail_msg("%s", err.message);
    assert_int_equal(bf_documents_count(docs), 1);
    assert_string_equal(bf_documents_at(docs, 0).bytes, CASES[i].document);
    bf_documents_free(docs);
  }
  assert_int_equal(bf_documents_load(put_text("d.csv", "a,b\n1,2\n"), NULL, &docs, &err), BF_ERR_MISMATCH);
  assert_null(docs);
  bf_rows *rows = NULL;
  assert_int_equal(bf_rows_load(in_folder("d.txt"), OPTIONS(.format = "lines"), &rows, &err), BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "measure of words"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_line_is_a_row_whatever_ends_it),
      cmocka_unit_test(lines_take_their_labels_from_a_file),
      cmocka_unit_test(the_side_with_few_short_values_is_the_label),
      cmocka_unit_test(a_format_that_is_named_is_neither_doubted_nor_warned_about),
      cmocka_unit_test(tables_and_numbers_are_not_taken_for_labelled_text),
      cmocka_unit_test(what_is_not_clear_is_an_error_that_names_the_formats),
      cmocka_unit_test(what_is_not_utf8_is_replaced_as_by_maximal_parts),
      cmocka_unit_test(zero_bytes_are_part_of_a_text),
      cmocka_unit_test(small_batches_give_the_same_texts),
      cmocka_unit_test(a_line_beyond_64_mib_is_refused_with_its_number),
      cmocka_unit_test(texts_come_from_a_column_of_a_table),
      cmocka_unit_test(a_table_that_is_not_utf8_is_refused_with_its_line),
      cmocka_unit_test(documents_are_all_rows_in_one_spelling),
  };
  return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
