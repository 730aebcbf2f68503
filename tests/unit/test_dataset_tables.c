/* Tables through DuckDB: what is read, and what a hostile or broken file or condition gets as answer. */
#include <math.h>
#include <zlib.h>

#include "dataset_testing.h"

static void names_types_and_missing_cells_are_understood(void **state) {
  (void)state;
  whole w = read_whole(put_text("a.csv",
                                "x,flag,day,when,word,x,label\n"
                                "1.5,true,1970-01-02,1970-01-01 12:00:00,hello,3,7\n"
                                ",False,1969-12-31,1970-01-03T00:00:00Z,world,NA,8\n"
                                "inf,,,,\"a,b\",nan,\n"),
                       OPTIONS(.label = "label"));
  if (w.status != BF_OK) fail_msg("%s", w.error.message);
  assert_string_equal(w.format, "csv");
  assert_string_equal(w.names, "x,flag,day,when,x_1");
  const float expected[15] = {1.5f, 1, 1, 0.5f, 3, NAN, 0, -1, 2, NAN, NAN, NAN, NAN, NAN, NAN};
  for (int i = 0; i < 15; i++)
    if (!(w.cells[i] == expected[i] || (isnan(w.cells[i]) && isnan(expected[i]))))
      fail_msg("cell %d: %g", i, (double)w.cells[i]);
  assert_string_equal(w.labels[0], "7");
  assert_null(w.labels[2]);
  assert_string_equal(w.spelt[0], "{word:hello}");
  assert_string_equal(w.spelt[2], "{word:a,b}");
  whole_free(&w);
}

static void separators_and_headers_are_sniffed(void **state) {
  (void)state;
  static const struct {
    const char *text, *names;
    uint64_t rows;
  } CASES[] = {
      {"a;b\n1;2\n3;4\n", "a,b", 2},
      {"a|b\r\n1|2\r\n", "a,b", 1},
      {"a\tb\n1\t2\n", "a,b", 1},
      {"1,2\n3,4\n", "column0,column1", 2},
      {"subject,1,2\n5,6,7\n", "subject,1,2", 1},
      {"\xef\xbb\xbf"
       "a,b\n1,2\n",
       "a,b", 1},
      {",b\n1,2\n", "column0,b", 1},
      {"\"a \"\"q\"\" b\",\"c,d\"\n1,2\n", "a \"q\" b,c,d", 1},
      {"a\n1\n2\n3", "a", 3},
      {"a,A\n1,2\n", "a,A_1", 1},
      {"it's,b'); DROP\n1,2\n", "it's,b'); DROP", 1},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    whole w = read_whole(put_text("s.csv", CASES[i].text), NULL);
    if (w.status != BF_OK) fail_msg("case %zu: %s", i, w.error.message);
    assert_string_equal(w.names, CASES[i].names);
    assert_int_equal(w.rows, CASES[i].rows);
    whole_free(&w);
  }
}

static void paths_with_quotes_and_wildcards_are_taken_literally(void **state) {
  (void)state;
  put_text("it's a*b[1]?.csv", "a,b\n1,2\n");
  put_text("it's aXb1Y.csv", "a,b\n9,9\n");
  whole w = read_whole(in_folder("it's a*b[1]?.csv"), NULL);
  if (w.status != BF_OK) fail_msg("%s", w.error.message);
  assert_true(w.rows == 1 && w.cells[0] == 1);
  whole_free(&w);
}

/* `good` good rows, then `line`, then good rows. */
static const char *put_long_csv(const char *name, int good, const char *line) {
  FILE *file = fopen(in_folder(name), "w");
  fprintf(file, "a,b,label\n");
  for (int i = 0; i < good; i++) fprintf(file, "%d,%d.25,c%d\n", i % 97, i % 31, i % 3);
  fprintf(file, "%s\n", line);
  for (int i = 0; i < 1000; i++) fprintf(file, "%d,%d.5,c%d\n", i % 89, i % 31, i % 3);
  fclose(file);
  return in_folder(name);
}

static void ragged_rows_and_words_among_numbers_are_reported_with_line_and_row(void **state) {
  (void)state;
  expect_failure(put_text("r.csv", "a,b,c\n1,2,3\n4,5\n6,7,8\n"), NULL, BF_ERR_FORMAT, 1,
                 "line 3 has 2 values where the first line has 3");
  expect_failure(put_text("r2.csv", "a,b\n1,2\n4,5,6\n"), NULL, BF_ERR_FORMAT, 1,
                 "line 3 has 3 values where the first line has 2");
  expect_failure(put_text("r3.csv", "1,2\n4\n"), NULL, BF_ERR_FORMAT, 1,
                 "line 2 has 1 value where the first line has 2");
  /* far behind what is sniffed */
  expect_failure(put_long_csv("l.csv", 150000, "1,2"), NULL, BF_ERR_FORMAT, 150000, "line 150002 has 2 values");
  expect_failure(put_long_csv("w.csv", 150000, "1,oops,c"), NULL, BF_ERR_FORMAT, 150000,
                 "line 150002, column \"b\": \"oops\" is not a number");
  expect_failure(put_long_csv("q.csv", 150000, "1,\"2,c"), NULL, BF_ERR_FORMAT, -2, "quote");
  whole w = read_whole(in_folder("w.csv"), OPTIONS(.drop = "b"));
  assert_true(w.status == BF_ERR_FORMAT ||
              w.rows == 151001); /* what is left out need not be a number, where SQL skips it */
  whole_free(&w);
}

static void a_late_decimal_or_a_value_beyond_float_is_no_error(void **state) {
  (void)state;
  whole w = read_whole(put_long_csv("d.csv", 150000, "1.5,1e300,c"), OPTIONS(.label = "label"));
  if (w.status != BF_OK) fail_msg("%s", w.error.message);
  assert_int_equal(w.rows, 151001);
  assert_true(w.cells[300000] == 1.5f && isnan(w.cells[300001]));
  assert_string_equal(w.labels[150000], "c");
  whole_free(&w);
}

static void conditions_choose_rows_and_reach_no_other_file(void **state) {
  (void)state;
  char path[1024], where[2048];
  snprintf(path, sizeof path, "%s", put_text("w.csv", "a,b,c\n1,2,x\n3,4,y\n5,6,y\n"));
  whole w = read_whole(path, OPTIONS(.where = "a > 1 AND c = 'y'", .columns = "b"));
  if (w.status != BF_OK) fail_msg("%s", w.error.message);
  assert_true(w.rows == 2 && w.columns == 1 && w.cells[0] == 4 && w.cells[1] == 6);
  whole_free(&w);
  put_text("secret.csv", "s\n42\n");
  static const char *const READS[] = {"a > (SELECT count(*) FROM read_csv('%s'))",
                                      "a > (SELECT count(*) FROM read_text('%s'))", "a > (SELECT count(*) FROM '%s')",
                                      "a IN (SELECT s FROM read_csv_auto('%s'))",
                                      "a > (SELECT count(*) FROM glob('%s'))"};
  for (size_t i = 0; i < sizeof READS / sizeof READS[0]; i++) {
    const char *secret = in_folder("secret.csv");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(where, sizeof where, READS[i], secret);
#pragma GCC diagnostic pop
    expect_failure(path, OPTIONS(.where = where), BF_ERR_INVALID_ARGUMENT, -1, "where: ");
  }
  snprintf(where, sizeof where, "1=1); COPY (SELECT 1) TO '%s'; SELECT (1", in_folder("written.csv"));
  expect_failure(path, OPTIONS(.where = where), BF_ERR_INVALID_ARGUMENT, -1, "where: ");
  assert_int_equal(access(in_folder("written.csv"), F_OK), -1);
  expect_failure(path, OPTIONS(.where = "nope > 1"), BF_ERR_INVALID_ARGUMENT, -1,
                 "where: Referenced column \"nope\" not found");
  static const char *const ESCAPES[] = {"a > 0) union all select 1.0 where (1=1",
                                        "a > 0 -- the later ones",
                                        "a /* or b */ > 0",
                                        "a > 0; select 1",
                                        "c = e'\\'') union all select 1 where (1=1",
                                        "c = $$)$$",
                                        "c = ')' or \")\" = 1 or a in (select 1)) or (1=1"};
  for (size_t i = 0; i < sizeof ESCAPES / sizeof *ESCAPES; i++)
    expect_failure(path, OPTIONS(.where = ESCAPES[i]), BF_ERR_INVALID_ARGUMENT, -1, "give one SQL condition");
  w = read_whole(path, OPTIONS(.where = "c <> ') -- ;' AND (c <> 'it''s (' OR a in (select 1))", .columns = "b"));
  assert_int_equal(w.status, BF_OK);
  assert_int_equal(w.n_warnings, 0);
  whole_free(&w);
  w = read_whole(path, OPTIONS(.where = "a > 1e9"));
  assert_true(w.status == BF_OK && w.rows == 0);
  assert_non_null(strstr(w.warnings, "no row meets the condition --where"));
  whole_free(&w);
  expect_failure(path, OPTIONS(.where = "a >"), BF_ERR_INVALID_ARGUMENT, -1, "where: ");
  expect_failure(path, OPTIONS(.where = "a > ?"), BF_ERR_INVALID_ARGUMENT, -1, "where: ");
  expect_failure(path, OPTIONS(.where = "c::INTEGER > 1"), BF_ERR_INVALID_ARGUMENT, -1, "where: ");
}

static void unknown_columns_and_labels_list_what_is_there(void **state) {
  (void)state;
  const char *path = put_text("n.csv", "alpha,beta,word\n1,2,x\n");
  expect_failure(path, OPTIONS(.label = "lable"), BF_ERR_INVALID_ARGUMENT, -1,
                 "\"lable\" is not a column of n.csv; it has: alpha, beta, word");
  expect_failure(path, OPTIONS(.drop = "gamma"), BF_ERR_INVALID_ARGUMENT, -1, "drop: \"gamma\"");
  expect_failure(path, OPTIONS(.columns = "alpha,gamma"), BF_ERR_INVALID_ARGUMENT, -1, "it has: alpha, beta, word");
  expect_failure(path, OPTIONS(.columns = "alpha", .label = "alpha"), BF_ERR_INVALID_ARGUMENT, -1,
                 "never is a feature");
  expect_failure(path, OPTIONS(.columns = "alpha", .drop = "beta"), BF_ERR_INVALID_ARGUMENT, -1, "not both");
  expect_failure(path, OPTIONS(.range_max = 1), BF_ERR_INVALID_ARGUMENT, -1, "--range (range_max) does not fit");
  expect_failure(put_text("t.jsonl", "{\"a\":{\"b\":1}}\n"), NULL, BF_ERR_FORMAT, -1,
                 "no column holds numbers or text");
}

static void broken_json_and_parquet_are_format_errors_with_place(void **state) {
  (void)state;
  expect_failure(put_text("b.jsonl", "{\"a\":1}\n{\"a\":2}\n{\"a\":\n"), NULL, BF_ERR_FORMAT, -2, "line");
  expect_failure(put_text("p.parquet", "PAR1 and then nothing that fits"), NULL, BF_ERR_FORMAT, 31,
                 "not a whole Parquet file");
  whole w = read_whole(put_text("j.jsonl", "{\"a\":1,\"b\":true}\n{\"a\":2.5}\n{\"b\":false,\"a\":null}\n"), NULL);
  if (w.status != BF_OK) fail_msg("%s", w.error.message);
  assert_string_equal(w.names, "a,b");
  assert_true(w.cells[0] == 1 && w.cells[1] == 1 && w.cells[2] == 2.5f && isnan(w.cells[3]) && isnan(w.cells[4]) &&
              w.cells[5] == 0);
  whole_free(&w);
}

static void compressed_text_that_is_cut_between_rows_is_still_noticed(void **state) {
  (void)state;
  gzFile file = gzopen(in_folder("c.csv.gz"), "wb1");
  gzputs(file, "a\n");
  for (int i = 0; i < 400000; i++) gzprintf(file, "%d\n", (int)(i * 7919LL % 100003));
  gzclose(file);
  whole w = read_whole(in_folder("c.csv.gz"), NULL);
  assert_true(w.status == BF_OK && w.rows == 400000);
  whole_free(&w);
  struct stat st;
  assert_int_equal(stat(in_folder("c.csv.gz"), &st), 0);
  assert_int_equal(truncate(in_folder("c.csv.gz"), st.st_size - 5), 0); /* all rows are there, the checksum is not */
  expect_failure(in_folder("c.csv.gz"), NULL, BF_ERR_FORMAT, st.st_size - 5, "end too early");
}

static void rows_before_a_bad_one_are_given_first(void **state) {
  (void)state;
  bf_dataset *d = NULL;
  bf_error err = {0};
  bf_batch b;
  uint64_t rows = 0;
  assert_int_equal(bf_dataset_open(put_long_csv("f.csv", 400000, "1"), NULL, &d, &err), BF_OK);
  bf_status status;
  while ((status = bf_dataset_next(d, &b, &err)) == BF_OK && b.n_rows) rows += b.n_rows;
  assert_int_equal(status, BF_ERR_FORMAT);
  assert_true(rows > 0 && rows <= 400000);
  assert_int_equal(bf_dataset_next(d, &b, &err), BF_ERR_FORMAT); /* and stays so */
  bf_dataset_close(d);
}

static void ten_thousand_columns_are_read(void **state) {
  (void)state;
  FILE *file = fopen(in_folder("wide.csv"), "w");
  for (int row = -1; row < 3; row++)
    for (int c = 0; c < 10000; c++)
      fprintf(file, row < 0 ? "f%d%s" : "%d%s", row < 0 ? c : row * c, c == 9999 ? "\n" : ",");
  fclose(file);
  whole w = read_whole(in_folder("wide.csv"), NULL);
  if (w.status != BF_OK) fail_msg("%s", w.error.message);
  assert_true(w.rows == 3 && w.columns == 10000 && w.cells[29999] == 19998);
  whole_free(&w);
}

static void names_of_identifiers_are_warned_about(void **state) {
  (void)state;
  whole w = read_whole(put_text("i.csv", "id,b\n5,1\n3,2\n9,2\n"), NULL);
  assert_int_equal(w.n_warnings, 1);
  assert_non_null(strstr(w.warnings, "column \"id\" looks like an identifier: the option --drop leaves it out"));
  whole_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_types_and_missing_cells_are_understood),
      cmocka_unit_test(separators_and_headers_are_sniffed),
      cmocka_unit_test(paths_with_quotes_and_wildcards_are_taken_literally),
      cmocka_unit_test(ragged_rows_and_words_among_numbers_are_reported_with_line_and_row),
      cmocka_unit_test(a_late_decimal_or_a_value_beyond_float_is_no_error),
      cmocka_unit_test(conditions_choose_rows_and_reach_no_other_file),
      cmocka_unit_test(unknown_columns_and_labels_list_what_is_there),
      cmocka_unit_test(broken_json_and_parquet_are_format_errors_with_place),
      cmocka_unit_test(compressed_text_that_is_cut_between_rows_is_still_noticed),
      cmocka_unit_test(rows_before_a_bad_one_are_given_first),
      cmocka_unit_test(ten_thousand_columns_are_read),
      cmocka_unit_test(names_of_identifiers_are_warned_about),
  };
  return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
