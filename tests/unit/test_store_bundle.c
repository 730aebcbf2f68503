/* One model as one file: what is exported comes back, equal versions give equal bytes, strangers' archives are refused.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <math.h>
#include <sys/stat.h>
#include <time.h>
#include <zip.h>

#include "base/file.h"
#include "store_testing.h"

static const char MANIFEST[] =
    "{\"bestfit_bundle\":1,\"name\":\"a/b\",\"version\":3,\"rows\":7,\"kind\":null,\"tags\":[],\"files\":{"
    "\"model.onnx\":{\"sha256\":\"9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4\"},"
    "\"README.md\":{\"sha256\":\"d1e9d30b7c8d1ab79edbb2a0fd1b6ba5d8b1a34d8ea3d1ef6a5a1d9c5ebdf2a5\"}}}";

static void path_in(const char *folder, const char *name, char out[600]) {
  snprintf(out, 600, "%s/%s", folder, name);
}

/* A repository with one model that has everything. */
static bf_store *full_store(const char *folder) {
  char path[600];
  path_in(folder, "repo", path);
  bf_store *store = open_store(path);
  static const char *const tags[] = {"walk", "site=lyon", "empty="}, *const aliases[] = {"production", "staging"};
  static const bf_store_metric metrics[] = {{"f1", 0.1 + 0.2}, {"accuracy", 0.5}};
  bf_store_entry entry = entry_of("lab/gait", "model");
  entry.card = (const uint8_t *)"the card";
  entry.card_bytes = 8;
  entry.sketch = (const uint8_t *)"sk\0tch";
  entry.sketch_bytes = 6;
  entry.kind = "image";
  entry.rows = 900;
  entry.domain = "lyon";
  entry.task = "tagging";
  entry.summary = "It's \"quoted\" \xC3\xA4";
  entry.license = "mit";
  entry.source_accuracy = 0.9944;
  entry.tags = tags;
  entry.n_tags = 3;
  entry.metrics = metrics;
  entry.n_metrics = 2;
  entry.aliases = aliases;
  entry.n_aliases = 2;
  uint32_t version = 0;
  bf_error err;
  if (bf_store_add(store, &entry, &version, &err) != BF_OK) fail_msg("add: %s", err.message);
  return store;
}

static void same(const char *folder, const char *a, const char *b) {
  char path[600];
  uint8_t *bytes[2];
  size_t n[2];
  path_in(folder, a, path);
  assert_int_equal(bf__file_read(path, 1 << 20, &bytes[0], &n[0], NULL), BF_OK);
  path_in(folder, b, path);
  assert_int_equal(bf__file_read(path, 1 << 20, &bytes[1], &n[1], NULL), BF_OK);
  assert_int_equal(n[0], n[1]);
  assert_memory_equal(bytes[0], bytes[1], n[0]);
  free(bytes[0]);
  free(bytes[1]);
}

static void what_is_exported_comes_back_with_all_it_had(void **state) {
  bf_store *store = full_store(*state);
  char path[600];
  bf_error err;
  bf_bundle *bundle = NULL;
  bf_store_list *list = NULL;
  path_in(*state, "one.bestfit", path);
  if (bf_store_export(store, "lab/gait@production", path, &err) != BF_OK) fail_msg("export: %s", err.message);
  bf_store_close(store);
  assert_int_equal(bf_bundle_open(path, &bundle, &err), BF_OK);
  assert_int_equal(bf_bundle_version(bundle), 1);
  const bf_store_entry *entry = bf_bundle_entry(bundle);
  assert_string_equal(entry->origin, "from lab/gait@1");
  assert_int_equal(entry->model_n_bytes, 5);
  path_in(*state, "other", path);
  store = open_store(path);
  uint32_t version = 0;
  if (bf_store_add(store, entry, &version, &err) != BF_OK) fail_msg("add: %s", err.message);
  bf_bundle_free(bundle);
  assert_int_equal(bf_store_find(store, "lab/gait", &list, NULL), BF_OK);
  const bf_store_model *m = bf_store_list_at(list, 0);
  assert_string_equal(m->domain, "lyon");
  assert_string_equal(m->task, "tagging");
  assert_string_equal(m->kind, "image");
  assert_string_equal(m->summary, "It's \"quoted\" \xC3\xA4");
  assert_string_equal(m->license, "mit");
  assert_string_equal(m->tags, "walk,site=lyon,empty=");
  assert_string_equal(m->aliases, "production,staging");
  assert_true(m->source_accuracy == 0.9944);
  assert_int_equal(m->rows, 900);
  assert_int_equal(m->n_metrics, 2);
  assert_true(m->metrics[0].value == 0.5);
  assert_true(m->metrics[1].value == 0.1 + 0.2);
  uint8_t *bytes = NULL;
  size_t n = 0;
  assert_int_equal(bf_store_read_blob(store, m->sketch_sha256, &bytes, &n, NULL), BF_OK);
  assert_int_equal(n, 6);
  assert_memory_equal(bytes, "sk\0tch", 6);
  free(bytes);
  bf_store_list_free(list);
  bf_store_close(store);
}

static void aliases_that_the_model_has_already_stay_where_they_are(void **state) {
  bf_store *store = full_store(*state);
  char path[600];
  bf_bundle *bundle = NULL;
  bf_store_list *list = NULL;
  uint32_t version = 0;
  path_in(*state, "one.bestfit", path);
  assert_int_equal(bf_store_remove_alias(store, "lab/gait", "staging", NULL, NULL), BF_OK);
  assert_int_equal(bf_store_export(store, "lab/gait", path, NULL), BF_OK);
  bf_store_entry changed = entry_of("lab/gait", "another");
  assert_int_equal(bf_store_add(store, &changed, &version, NULL), BF_OK);
  assert_int_equal(bf_bundle_open(path, &bundle, NULL), BF_OK);
  assert_int_equal(bf_store_add(store, bf_bundle_entry(bundle), &version, NULL), BF_OK);
  assert_int_equal(version, 3);
  bf_bundle_free(bundle);
  assert_int_equal(bf_store_find(store, "lab/gait@production", &list, NULL), BF_OK);
  assert_int_equal(bf_store_list_at(list, 0)->version, 1);
  bf_store_list_free(list);
  bf_store_close(store);
}

static void equal_versions_give_equal_bytes(void **state) {
  bf_store *store = full_store(*state);
  char path[600];
  path_in(*state, "one.bestfit", path);
  assert_int_equal(bf_store_export(store, "lab/gait", path, NULL), BF_OK);
  struct timespec pause = {.tv_sec = 2, .tv_nsec = 100000000}; /* beyond what a zip's clock can tell */
  nanosleep(&pause, NULL);
  path_in(*state, "two.bestfit", path);
  assert_int_equal(chmod(*state, 0700), 0);
  setenv("TZ", "Asia/Tokyo", 1);
  assert_int_equal(bf_store_export(store, "lab/gait@1", path, NULL), BF_OK);
  unsetenv("TZ");
  same(*state, "one.bestfit", "two.bestfit");
  assert_int_equal(bf_store_export(store, "lab/gait@1", path, NULL), BF_OK); /* over one that is there */
  same(*state, "one.bestfit", "two.bestfit");
  bf_store_close(store);
}

static void a_damaged_blob_is_not_exported_and_an_older_file_stays(void **state) {
  bf_store *store = full_store(*state);
  char path[600];
  char *blob = NULL;
  bf_error err;
  bf_store_list *list = NULL;
  path_in(*state, "one.bestfit", path);
  assert_int_equal(bf_store_find(store, "lab/gait", &list, NULL), BF_OK);
  assert_int_equal(bf_store_blob_path(store, bf_store_list_at(list, 0)->model_sha256, &blob, NULL), BF_OK);
  FILE *file = fopen(blob, "wb");
  fputs("wrong", file);
  fclose(file);
  file = fopen(path, "wb");
  fputs("older", file);
  fclose(file);
  assert_int_equal(bf_store_export(store, "lab/gait", path, &err), BF_ERR_CORRUPT);
  assert_non_null(strstr(err.message, "lab/gait@1 is damaged: run bestfit fsck"));
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_size, 5);
  free(blob);
  bf_store_list_free(list);
  bf_store_close(store);
}

/* ------------------------------------------------------------------ strangers */

typedef struct member {
  const char *name;
  const void *bytes;
  size_t n;
  bool deflate;
} member;

static void write_zip(const char *path, const member *members, size_t n) {
  int code = 0;
  remove(path);
  zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_EXCL, &code);
  assert_non_null(archive);
  for (size_t i = 0; i < n; ++i) {
    zip_source_t *source = zip_source_buffer(archive, members[i].bytes, members[i].n, 0);
    zip_int64_t at = zip_file_add(archive, members[i].name, source, 0);
    assert_true(at >= 0);
    assert_int_equal(
        zip_set_file_compression(archive, (zip_uint64_t)at, members[i].deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0), 0);
  }
  assert_int_equal(zip_close(archive), 0);
}

static bf_status open_zip(const char *path, const member *members, size_t n, bf_error *err) {
  bf_bundle *bundle = NULL;
  write_zip(path, members, n);
  bf_status status = bf_bundle_open(path, &bundle, err);
  assert_true((status == BF_OK) == (bundle != NULL));
  bf_bundle_free(bundle);
  return status;
}

static void archives_that_are_no_bundle_are_refused_by_what_is_wrong(void **state) {
  char path[600];
  bf_error err;
  path_in(*state, "x.bestfit", path);
  member m[] = {{"manifest.json", MANIFEST, sizeof MANIFEST - 1, false},
                {"README.md", "card", 4, false},
                {"model.onnx", "model", 5, false}};
  assert_int_equal(open_zip(path, m, 2, &err), BF_ERR_FORMAT);
  assert_non_null(strstr(err.message, "it has no model.onnx"));
  assert_int_equal(open_zip(path, m, 3, &err), BF_ERR_CORRUPT); /* the card's hash */
  assert_non_null(strstr(err.message, "README.md is damaged"));
  m[2].bytes = "other";
  assert_int_equal(open_zip(path, m, 3, &err), BF_ERR_CORRUPT);
  static const struct {
    const char *manifest, *words;
    bf_status status;
  } manifests[] = {
      {"", "line", BF_ERR_FORMAT},
      {"[]", "this is no bundle", BF_ERR_FORMAT},
      {"{\"bestfit_bundle\":3}", "use the newer one", BF_ERR_UNSUPPORTED},
      {"{\"bestfit_bundle\":1}", "\"name\" is not a text", BF_ERR_FORMAT},
      {"{\"bestfit_bundle\":1,\"name\":\"../../x\"}", "owner", BF_ERR_INVALID_ARGUMENT},
      {"{\"bestfit_bundle\":1,\"name\":\"a/b\",\"version\":0}", "\"version\"", BF_ERR_FORMAT},
      {"{\"bestfit_bundle\":1,\"name\":\"a/b\",\"version\":1,\"rows\":-1}", "\"rows\"", BF_ERR_FORMAT},
      {"{\"bestfit_bundle\":1,\"name\":\"a/b\",\"version\":1,\"tags\":[1]}", "\"tags\"", BF_ERR_FORMAT},
      {"{\"bestfit_bundle\":1,\"name\":\"a/b\",\"version\":1,\"metrics\":{\"f\":\"x\"}}", "\"metrics\"", BF_ERR_FORMAT},
      {"{\"bestfit_bundle\":1,\"name\":\"a/b\",\"version\":1,\"name\":\"a/c\"}", "duplicate", BF_ERR_FORMAT},
      {"{\"bestfit_bundle\":1,\"name\":\"a/b\",\"version\":1}", "README.md", BF_ERR_FORMAT},
      {"{\"bestfit_bundle\":1,\"name\":\"a/b\",\"version\":1,\"files\":{\"README.md\":{\"sha256\":\"../../../etc/"
       "passwd\"}}}",
       "README.md", BF_ERR_FORMAT},
  };
  for (size_t i = 0; i < sizeof manifests / sizeof *manifests; ++i) {
    m[0].bytes = manifests[i].manifest;
    m[0].n = strlen(manifests[i].manifest);
    bf_status status = open_zip(path, m, 3, &err);
    if (status != manifests[i].status || strstr(err.message, manifests[i].words) == NULL)
      fail_msg("%s: %s: %s", manifests[i].manifest, bf_status_name(status), err.message);
  }
  bf_bundle *bundle = NULL;
  assert_int_equal(bf_bundle_open(*state, &bundle, &err), BF_ERR_FORMAT); /* a folder */
  path_in(*state, "nowhere", path);
  assert_int_equal(bf_bundle_open(path, &bundle, &err), BF_ERR_NOT_FOUND);
  assert_int_equal(bf_bundle_read((const uint8_t *)"no zip", 6, &bundle, &err), BF_ERR_FORMAT);
  assert_int_equal(bf_bundle_read((const uint8_t *)"", 0, &bundle, &err), BF_ERR_FORMAT);
}

static void other_members_are_never_written_anywhere(void **state) {
  bf_store *store = full_store(*state);
  char path[600];
  bf_error err;
  bf_bundle *bundle = NULL;
  uint8_t *bytes = NULL;
  size_t n = 0;
  path_in(*state, "x.bestfit", path);
  assert_int_equal(bf_store_export(store, "lab/gait", path, NULL), BF_OK);
  int code = 0;
  zip_t *archive = zip_open(path, 0, &code);
  static const char *const hostile[] = {"../../escaped", "/tmp/bestfit-escaped", "model.onnx/x", "C:\\x"};
  for (size_t i = 0; i < 4; ++i)
    assert_true(zip_file_add(archive, hostile[i], zip_source_buffer(archive, "x", 1, 0), 0) >= 0);
  assert_int_equal(zip_close(archive), 0);
  assert_int_equal(bf_bundle_open(path, &bundle, &err), BF_OK);
  bf_bundle_free(bundle);
  assert_int_equal(access("/tmp/bestfit-escaped", F_OK), -1);
  assert_int_equal(bf__file_read(path, 1 << 20, &bytes, &n, NULL), BF_OK);
  /* cut anywhere, or with any byte changed, it is refused or the same */
  for (size_t cut = 0; cut < n; cut += 7) {
    bundle = NULL;
    if (bf_bundle_read(bytes, cut, &bundle, &err) == BF_OK) fail_msg("cut at %zu was read", cut);
    assert_null(bundle);
  }
  for (size_t i = 0; i < n; ++i) {
    bytes[i] ^= 0x11;
    if (bf_bundle_read(bytes, n, &bundle, &err) == BF_OK)
      assert_memory_equal(bf_bundle_entry(bundle)->model_bytes, "model", 5);
    bf_bundle_free(bundle);
    bytes[i] ^= 0x11;
  }
  free(bytes);
  bf_store_close(store);
}

static void members_that_are_too_large_or_grow_too_much_are_refused_before_they_are_read(void **state) {
  char path[600];
  bf_error err;
  path_in(*state, "x.bestfit", path);
  size_t n = 4 << 20;
  char *zeros = calloc(n, 1);
  member m[] = {{"manifest.json", MANIFEST, sizeof MANIFEST - 1, false},
                {"README.md", "card", 4, false},
                {"model.onnx", zeros, n, true},
                {"sketch", "s", 1, false}};
  assert_int_equal(open_zip(path, m, 3, &err), BF_ERR_LIMIT);
  assert_non_null(strstr(err.message, "packed more than 200 to 1"));
  m[2].deflate = false;
  assert_int_equal(open_zip(path, m, 3, &err), BF_ERR_CORRUPT); /* only its hash is wrong */
  m[2].n = 5;
  m[1].bytes = zeros;
  m[1].n = (1 << 20) + 1;
  assert_int_equal(open_zip(path, m, 3, &err), BF_ERR_LIMIT);
  assert_non_null(strstr(err.message, "README.md has 1048577 bytes"));
  m[1].n = 4;
  m[3].bytes = zeros;
  m[3].n = 192 * 1024 + 1;
  assert_int_equal(open_zip(path, m, 4, &err), BF_ERR_LIMIT);
  m[0].bytes = zeros;
  m[0].n = (1 << 20) + 1;
  assert_int_equal(open_zip(path, m, 3, &err), BF_ERR_LIMIT);
  free(zeros);
}

static void an_archive_with_doubled_or_very_many_members_is_refused(void **state) {
  char path[600];
  bf_error err;
  path_in(*state, "x.bestfit", path);
  member m[80];
  char names[80][16];
  for (size_t i = 0; i < 80; ++i) {
    snprintf(names[i], sizeof names[i], "member %zu", i);
    m[i] = (member){.name = names[i], .bytes = "x", .n = 1};
  }
  assert_int_equal(open_zip(path, m, 80, &err), BF_ERR_LIMIT);
  m[0] = (member){.name = "manifest.json", .bytes = MANIFEST, .n = sizeof MANIFEST - 1};
  m[1] = (member){.name = "README.md", .bytes = "card", .n = 4};
  m[2] = (member){.name = "model.onnX", .bytes = "model", .n = 5};
  m[3] = (member){.name = "model.onnx", .bytes = "model", .n = 5};
  write_zip(path, m, 4);
  /* libzip does not write a name twice: the last letter is changed where it stands, in both places */
  uint8_t *bytes = NULL;
  size_t n = 0;
  bf_bundle *bundle = NULL;
  assert_int_equal(bf__file_read(path, 1 << 20, &bytes, &n, NULL), BF_OK);
  for (size_t i = 0; i + 10 < n; ++i)
    if (memcmp(bytes + i, "model.onnX", 10) == 0) bytes[i + 9] = 'x';
  assert_int_equal(bf_bundle_read(bytes, n, &bundle, &err), BF_ERR_FORMAT);
  assert_non_null(strstr(err.message, "more than one model.onnx"));
  free(bytes);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(what_is_exported_comes_back_with_all_it_had),
      STORE_TEST(aliases_that_the_model_has_already_stay_where_they_are),
      STORE_TEST(equal_versions_give_equal_bytes),
      STORE_TEST(a_damaged_blob_is_not_exported_and_an_older_file_stays),
      STORE_TEST(archives_that_are_no_bundle_are_refused_by_what_is_wrong),
      STORE_TEST(other_members_are_never_written_anywhere),
      STORE_TEST(members_that_are_too_large_or_grow_too_much_are_refused_before_they_are_read),
      STORE_TEST(an_archive_with_doubled_or_very_many_members_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
