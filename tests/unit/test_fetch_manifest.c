/* Manifests: what is read of them, what is refused, files that are checked against them, addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bestfit/fetch.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/gzip.h"
#include "base/memory.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEAD                                                                                                         \
  "{\"bestfit_manifest\": 1, \"name\": \"rows\", \"title\": \"Rows\", \"workload\": \"tests\", \"kind\": \"text\", " \
  "\"license\": \"MIT\", \"citation\": [\"A. Author: Rows.\"], \"recipes\": {\"cut\": \"Cut it.\"}, "
#define SOURCES \
  "\"sources\": {\"one\": {\"host\": \"github.com\", \"repository\": \"lab/rows\", \"commit\": \"" COMMIT "\"}}, "
#define FILE_ONE                                             \
  "{\"path\": \"a/b.txt\", \"bytes\": 7, \"sha256\": \"" SHA \
  "\", \"made\": \"published\", \"source\": \"one\", "       \
  "\"from\": \"data/b.txt\"}"
#define WHOLE HEAD SOURCES "\"files\": [" FILE_ONE "]}"

static bf_status parse(const char *text, bf_manifest **out, bf_error *err) {
  bf_status status = bf_manifest_parse(text, strlen(text), out, err);
  assert_true((status == BF_OK) == (*out != NULL));
  return status;
}

/* `whole` with its first `from` replaced by `to` is refused, with these words in the message. */
static void refused(const char *from, const char *to, const char *words) {
  const char *at = strstr(WHOLE, from);
  char text[8192];
  bf_manifest *m = NULL;
  bf_error err = {0};
  assert_non_null(at);
  snprintf(text, sizeof text, "%.*s%s%s", (int)(at - WHOLE), WHOLE, to, at + strlen(from));
  if (parse(text, &m, &err) != BF_ERR_FORMAT) fail_msg("taken: %s", text);
  if (strstr(err.message, words) == NULL) fail_msg("'%s' does not say '%s'", err.message, words);
}

static void every_field_is_read(void **state) {
  (void)state;
  bf_manifest *m = NULL;
  bf_error err = {0};
  const char *text = HEAD SOURCES "\"files\": [" FILE_ONE ", {\"path\": \"c.gz\", \"bytes\": 9, \"sha256\": \"" SHA
                                  "\", \"made\": \"gzip\", \"unpacked_bytes\": 30, \"unpacked_sha256\": \"" SHA
                                  "\", \"source\": \"one\", \"from\": \"c\"}, {\"path\": \"d\", \"bytes\": 1, "
                                  "\"sha256\": \"" SHA "\", \"made\": \"derived\", \"recipe\": \"cut\"}]}";
  if (parse(text, &m, &err) != BF_OK) fail_msg("%s", err.message);
  assert_string_equal(bf_manifest_name(m), "rows");
  assert_string_equal(bf_manifest_title(m), "Rows");
  assert_string_equal(bf_manifest_workload(m), "tests");
  assert_string_equal(bf_manifest_kind(m), "text");
  assert_string_equal(bf_manifest_license(m), "MIT");
  assert_int_equal(bf_manifest_citation_count(m), 1);
  assert_string_equal(bf_manifest_citation(m, 0), "A. Author: Rows.");
  assert_null(bf_manifest_citation(m, 1));
  assert_int_equal(bf_manifest_source_count(m), 1);
  assert_string_equal(bf_manifest_source_at(m, 0)->commit, COMMIT);
  assert_null(bf_manifest_source_at(m, 1));
  assert_int_equal(bf_manifest_file_count(m), 3);
  const bf_manifest_file *file = bf_manifest_file_at(m, 0);
  assert_string_equal(file->path, "a/b.txt");
  assert_int_equal(file->size_bytes, 7);
  assert_int_equal(file->origin, BF_ORIGIN_PUBLISHED);
  assert_string_equal(file->source->repository, "lab/rows");
  assert_string_equal(file->source_path, "data/b.txt");
  assert_null(file->recipe);
  assert_null(file->unpacked_sha256);
  file = bf_manifest_file_at(m, 1);
  assert_int_equal(file->origin, BF_ORIGIN_COMPRESSED);
  assert_int_equal(file->unpacked_bytes, 30);
  file = bf_manifest_file_at(m, 2);
  assert_int_equal(file->origin, BF_ORIGIN_DERIVED);
  assert_string_equal(file->recipe, "Cut it.");
  assert_null(file->source);
  assert_null(bf_manifest_file_at(m, 3));
  assert_string_equal(bf_origin_name(BF_ORIGIN_COMPRESSED), "gzip");
  assert_null(bf_origin_name((bf_origin)3));
  bf_manifest_free(m);
}

static void paths_stay_inside(void **state) {
  (void)state;
  static const char *const bad[] = {"/etc/passwd", "../x", "a/../b", "a/..",   "./a",   "a//b",
                                    "a/",          "",     " a",     "a\\\\b", "a\\nb", "caf\\u00e9"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    refused("a/b.txt", bad[i], "'path' is not valid");
    refused("data/b.txt", bad[i], "'from' is not valid");
  }
  refused("lab/rows", "lab", "'repository'");
  refused("lab/rows", "lab/../rows", "'repository'");
  refused("lab/rows", "lab/rows?x", "'repository'");
  refused("github.com", "../x", "'host'");
}

static void what_is_missing_or_wrong_is_named(void **state) {
  (void)state;
  refused("\"bestfit_manifest\": 1", "\"x\": 1", "not a manifest");
  refused("\"name\": \"rows\"", "\"name\": \"Rows\"", "'name' is not valid");
  refused("\"title\"", "\"tittle\"", "'title' is missing");
  refused("\"kind\": \"text\"", "\"kind\": \"sound\"", "'kind'");
  refused("[\"A. Author: Rows.\"]", "[]", "'citation'");
  refused("[\"A. Author: Rows.\"]", "[7]", "citation 1");
  refused(COMMIT, "main", "source 'one': 'commit' is not valid");
  refused("\"bytes\": 7", "\"bytes\": 0", "file 1 (a/b.txt): 'bytes'");
  refused("\"bytes\": 7", "\"bytes\": -1", "'bytes'");
  refused("\"bytes\": 7", "\"bytes\": 7.5", "'bytes'");
  refused("\"bytes\": 7", "\"bytes\": 1073741825", "'bytes'");
  refused("\"bytes\": 7", "\"bytes\": 99999999999999999999", "is no JSON");
  refused(SHA, "AAAA", "'sha256'");
  refused("published", "gathered", "'made' is published, gzip or derived, not 'gathered'");
  refused("published", "gzip", "'unpacked_bytes'");
  refused("published", "derived", "'recipe' is missing");
  refused("\"source\": \"one\"", "\"source\": \"two\"", "there is no source 'two'");
  refused("\"made\": \"published\"", "\"made\": \"derived\", \"recipe\": \"no\"", "there is no recipe 'no'");
  refused(FILE_ONE, "", "'files'");
  refused(FILE_ONE, "7", "file 1: 'path' is missing");
  refused(FILE_ONE, FILE_ONE ", " FILE_ONE, "'a/b.txt' stands there twice");
  refused("\"title\": \"Rows\"", "\"title\": \"a\", \"title\": \"b\"", "is no JSON");
}

static void another_version_and_too_many_bytes(void **state) {
  (void)state;
  bf_manifest *m = NULL;
  bf_error err = {0};
  assert_int_equal(parse("{\"bestfit_manifest\": 2}", &m, &err), BF_ERR_UNSUPPORTED);
  char *large = calloc(1, ((size_t)4 << 20) + 1);
  assert_int_equal(bf_manifest_parse(large, ((size_t)4 << 20) + 1, &m, &err), BF_ERR_LIMIT);
  free(large);
  assert_int_equal(bf_manifest_parse("", 0, &m, &err), BF_ERR_FORMAT);
}

static void addresses_are_built_and_encoded(void **state) {
  (void)state;
  bf_manifest_source source = {.host = "github.com", .repository = "lab/rows", .commit = COMMIT};
  bf_manifest_file file = {.path = "x", .source = &source, .source_path = "a b/100%#?.txt"};
  bf_error err = {0};
  char *url = NULL;
  assert_int_equal(bf_manifest_url(&file, NULL, &url, &err), BF_OK);
  assert_string_equal(url, "https://raw.githubusercontent.com/lab/rows/" COMMIT "/a%20b/100%25%23%3F.txt");
  free(url);
  assert_int_equal(bf_manifest_url(&file, "http://127.0.0.1:8080/m/", &url, &err), BF_OK);
  assert_string_equal(url, "http://127.0.0.1:8080/m/lab/rows/" COMMIT "/a%20b/100%25%23%3F.txt");
  free(url);
  source.host = "elsewhere.example";
  assert_int_equal(bf_manifest_url(&file, NULL, &url, &err), BF_ERR_UNSUPPORTED);
  file.origin = BF_ORIGIN_DERIVED, file.recipe = "Cut it.";
  assert_int_equal(bf_manifest_url(&file, NULL, &url, &err), BF_ERR_NOT_APPLICABLE);
  assert_non_null(strstr(err.message, "Cut it."));
  assert_null(url);
}

/* ---- files ---- */

static char folder[64];

static int make_folder(void **state) {
  (void)state;
  strcpy(folder, "/tmp/bestfit-manifest-XXXXXX");
  return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

static void write_at(const char *name, const void *bytes, size_t n, char out[256]) {
  snprintf(out, 256, "%s/%s", folder, name);
  FILE *file = fopen(out, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, n, file), n);
  fclose(file);
}

static void files_are_checked_by_their_bytes(void **state) {
  (void)state;
  char hex[65], path[256];
  bf_error err = {0};
  assert_int_equal(bf_sha256("content", 7, hex, &err), BF_OK);
  bf_manifest_file file = {.path = "x", .size_bytes = 7, .sha256 = hex};
  write_at("right", "content", 7, path);
  assert_int_equal(bf_manifest_check(&file, path, &err), BF_OK);
  write_at("other", "contenT", 7, path);
  assert_int_equal(bf_manifest_check(&file, path, &err), BF_ERR_CORRUPT);
  write_at("longer", "content.", 8, path);
  assert_int_equal(bf_manifest_check(&file, path, &err), BF_ERR_CORRUPT);
  assert_int_equal(bf_manifest_check(&file, folder, &err), BF_ERR_CORRUPT); /* a folder */
  strcat(path, "/none");
  assert_int_equal(bf_manifest_check(&file, path, &err), BF_ERR_NOT_FOUND);
}

static void a_compressed_file_counts_by_its_content(void **state) {
  (void)state;
  char hex[65], packed_hex[65], path[256], copy[256];
  uint8_t text[4000], *packed = NULL;
  size_t n = 0;
  bf_error err = {0};
  memset(text, 'x', sizeof text);
  assert_int_equal(bf__gzip_compress(text, sizeof text, &packed, &n, &err), BF_OK);
  assert_int_equal(bf_sha256(text, sizeof text, hex, &err), BF_OK);
  assert_int_equal(bf_sha256(packed, n, packed_hex, &err), BF_OK);
  bf_manifest_file file = {.path = "x",
                           .size_bytes = n,
                           .sha256 = packed_hex,
                           .origin = BF_ORIGIN_COMPRESSED,
                           .unpacked_bytes = sizeof text,
                           .unpacked_sha256 = hex};
  write_at("packed", packed, n, path);
  assert_int_equal(bf_manifest_check(&file, path, &err), BF_OK);
  packed[9] = 3; /* the system that packed it: other bytes, the same content */
  write_at("packed", packed, n, path);
  assert_int_equal(bf_manifest_check(&file, path, &err), BF_OK);
  snprintf(copy, sizeof copy, "%s/deep/er/copy", folder);
  assert_int_equal(bf_manifest_copy(&file, path, copy, &err), BF_OK);
  assert_int_equal(bf_manifest_check(&file, copy, &err), BF_OK);
  file.unpacked_bytes--; /* expands to more than is expected */
  assert_int_equal(bf_manifest_check(&file, path, &err), BF_ERR_CORRUPT);
  file.unpacked_bytes += 2; /* to less */
  assert_int_equal(bf_manifest_check(&file, path, &err), BF_ERR_CORRUPT);
  file.unpacked_bytes--;
  write_at("packed", packed, n - 4, path); /* cut */
  assert_int_equal(bf_manifest_check(&file, path, &err), BF_ERR_CORRUPT);
  assert_int_equal(bf_manifest_copy(&file, path, copy, &err), BF_ERR_CORRUPT);
  write_at("packed", text, sizeof text, path); /* not compressed at all */
  assert_int_equal(bf_manifest_check(&file, path, &err), BF_ERR_CORRUPT);
  free(packed);
}

static void packing_gives_the_same_bytes_everywhere(void **state) {
  (void)state;
  static const uint8_t expected[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff};
  uint8_t *packed = NULL, *again = NULL;
  size_t n = 0;
  assert_int_equal(bf__gzip_compress("", 0, &packed, &n, NULL), BF_OK);
  assert_int_equal(n, 20);
  assert_memory_equal(packed, expected, sizeof expected);
  assert_int_equal(bf__gzip_expand(packed, n, 0, &again, NULL), BF_OK);
  free(again);
  assert_int_equal(bf__gzip_expand(packed, n - 1, 0, &again, NULL), BF_ERR_FORMAT);
  assert_null(again);
  free(packed);
}

static void every_failing_allocation_is_an_error(void **state) {
  (void)state;
  bf_status status = BF_ERR_MEMORY;
  long n = 1;
  for (; n < 100 && status == BF_ERR_MEMORY; n++) {
    bf_manifest *m = NULL;
    bf__alloc_fail_at(n);
    status = parse(WHOLE, &m, NULL);
    bf__alloc_fail_at(0);
    bf_manifest_free(m);
  }
  assert_int_equal(status, BF_OK);
  assert_true(n > 5);
}

static void the_manifests_of_the_benchmark_are_sound(void **state) {
  (void)state;
  bf_manifest **list = NULL;
  size_t n = 0, n_files = 0, n_published = 0;
  bf_error err = {0};
  if (bf_manifests_load(TEST_SOURCE_DIR "/bench/datasets", &list, &n, &err) != BF_OK) fail_msg("%s", err.message);
  assert_int_equal(n, 18);
  for (size_t i = 0; i < n; i++) {
    if (i > 0) assert_true(strcmp(bf_manifest_name(list[i - 1]), bf_manifest_name(list[i])) < 0);
    n_files += bf_manifest_file_count(list[i]);
    for (size_t k = 0; k < bf_manifest_file_count(list[i]); k++) {
      const bf_manifest_file *file = bf_manifest_file_at(list[i], k);
      char *url = NULL;
      if (file->origin == BF_ORIGIN_DERIVED) continue;
      n_published++;
      assert_int_equal(bf_manifest_url(file, NULL, &url, &err), BF_OK);
      assert_int_equal(strncmp(url, "https://", 8), 0);
      free(url);
    }
  }
  assert_int_equal(n_files, 207);
  assert_int_equal(n_published, 105);
  bf_manifests_free(list, n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_field_is_read),
      cmocka_unit_test(paths_stay_inside),
      cmocka_unit_test(what_is_missing_or_wrong_is_named),
      cmocka_unit_test(another_version_and_too_many_bytes),
      cmocka_unit_test(addresses_are_built_and_encoded),
      cmocka_unit_test(files_are_checked_by_their_bytes),
      cmocka_unit_test(a_compressed_file_counts_by_its_content),
      cmocka_unit_test(packing_gives_the_same_bytes_everywhere),
      cmocka_unit_test(every_failing_allocation_is_an_error),
      cmocka_unit_test(the_manifests_of_the_benchmark_are_sound),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
