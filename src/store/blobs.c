/* Content-addressed files.
 *
 * A blob's name is the SHA-256 of its bytes, so that equal files are stored once and a damaged one is recognised by its
 * name alone. Writing follows the only order that survives a power cut on a POSIX file system: bytes into a temporary
 * file of the same file system, fsync, rename, fsync of the folder that has the new name. A reader therefore sees the
 * whole blob or none. What a killed process leaves is a file in blobs/tmp/ or a blob that no version refers to; fsck
 * names both, and neither is ever read.
 *
 * A hash is made of 64 hexadecimal digits before it becomes part of a path, and files are opened without following
 * links, so that a damaged database cannot lead the store elsewhere.
 */
#include "store/blobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"

#define COPY_BYTES ((size_t)1 << 18)

/* Hashes that were verified: open addressing over 32-byte digests, at most half full. */
typedef struct verified_set {
  uint8_t (*digests)[32];
  bool *used;
  size_t capacity, count;
} verified_set;

struct bf__blobs {
  char *root;      /* DIR/blobs */
  char *temporary; /* DIR/blobs/tmp */
  verified_set verified;
};

bool bf__is_sha256(const char *s) {
  return s != NULL && strspn(s, "0123456789abcdef") == 64 && s[64] == 0;
}

static void digest_of(const char *sha256, uint8_t out[32]) {
  for (size_t i = 0; i < 32; ++i) {
    unsigned value = 0;
    for (size_t j = 0; j < 2; ++j) {
      unsigned c = (unsigned char)sha256[2 * i + j];
      value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    out[i] = (uint8_t)value;
  }
}

/* The slot of a digest, or the free one where it belongs. */
static size_t verified_slot(const verified_set *set, const uint8_t digest[32]) {
  uint64_t start;
  memcpy(&start, digest, sizeof start); /* a SHA-256 is its own hash */
  size_t i = (size_t)(start & (set->capacity - 1));
  while (set->used[i] && memcmp(set->digests[i], digest, 32) != 0) i = (i + 1) & (set->capacity - 1);
  return i;
}

static bool verified_has(const verified_set *set, const char *sha256) {
  if (set->capacity == 0) return false;
  uint8_t digest[32];
  digest_of(sha256, digest);
  return set->used[verified_slot(set, digest)];
}

/* Without memory the hash is simply not remembered: the next read checks again. */
static void verified_add(verified_set *set, const char *sha256) {
  if (2 * (set->count + 1) > set->capacity) {
    verified_set grown = {.capacity = set->capacity == 0 ? 64 : 2 * set->capacity, .count = set->count};
    grown.digests = bf__alloc(grown.capacity, sizeof *grown.digests);
    grown.used = bf__alloc(grown.capacity, sizeof *grown.used);
    if (grown.digests == NULL || grown.used == NULL) {
      free(grown.digests);
      free(grown.used);
      return;
    }
    for (size_t i = 0; i < set->capacity; ++i) {
      if (!set->used[i]) continue;
      size_t slot = verified_slot(&grown, set->digests[i]);
      memcpy(grown.digests[slot], set->digests[i], 32);
      grown.used[slot] = true;
    }
    free(set->digests);
    free(set->used);
    *set = grown;
  }
  uint8_t digest[32];
  digest_of(sha256, digest);
  size_t slot = verified_slot(set, digest);
  if (set->used[slot]) return;
  memcpy(set->digests[slot], digest, 32);
  set->used[slot] = true;
  ++set->count;
}

static bf_status sync_directory(const char *path, bf_error *err) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return bf__error_errno(err, errno, "cannot open folder %s", path);
  int failed = fsync(fd) != 0 ? errno : 0;
  close(fd);
  return failed == 0 ? BF_OK : bf__error_errno(err, failed, "cannot sync folder %s", path);
}

/* Makes one folder and syncs its parent, so that the folder itself survives a power cut. */
static bf_status make_directory(const char *path, const char *parent, bf_error *err) {
  if (mkdir(path, 0777) == 0) return sync_directory(parent, err);
  if (errno == EEXIST) return BF_OK;
  return bf__error_errno(err, errno, "cannot make folder %s", path);
}

bf_status bf__blobs_open(const char *directory, bool create, bf__blobs **out, bf_error *err) {
  bf_status status = BF_OK;
  char *hashes = NULL;
  *out = NULL;
  bf__blobs *blobs = bf__alloc(1, sizeof *blobs);
  if (blobs == NULL) return bf__error_memory(err, sizeof *blobs);
  blobs->root = bf__asprintf("%s/blobs", directory);
  blobs->temporary = bf__asprintf("%s/blobs/tmp", directory);
  hashes = bf__asprintf("%s/blobs/sha256", directory);
  if (blobs->root == NULL || blobs->temporary == NULL || hashes == NULL) {
    status = bf__error_memory(err, strlen(directory));
    goto out;
  }
  if (create) {
    BF_TRY(make_directory(blobs->root, directory, err));
    BF_TRY(make_directory(blobs->temporary, blobs->root, err));
    BF_TRY(make_directory(hashes, blobs->root, err));
  }
  *out = blobs;
  blobs = NULL;
out:
  free(hashes);
  bf__blobs_close(blobs);
  return status;
}

void bf__blobs_close(bf__blobs *blobs) {
  if (blobs == NULL) return;
  free(blobs->root);
  free(blobs->temporary);
  free(blobs->verified.digests);
  free(blobs->verified.used);
  free(blobs);
}

bf_status bf__blobs_path(const bf__blobs *blobs, const char *sha256, char **out, bf_error *err) {
  *out = NULL;
  if (!bf__is_sha256(sha256))
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "\"%.80s\" is not a SHA-256: 64 hexadecimal digits are needed",
                     sha256 == NULL ? "" : sha256);
  *out = bf__asprintf("%s/sha256/%.2s/%s", blobs->root, sha256, sha256);
  return *out != NULL ? BF_OK : bf__error_memory(err, strlen(blobs->root) + 80);
}

/* ------------------------------------------------------------------ writing */

typedef struct put {
  const char *what;
  char *path; /* of the temporary file; NULL: there is none */
  int fd;
  bf__sha256 *hash;
  uint64_t written, expected;
} put;

/* A full disk is said with what it would have taken and where. */
static bf_status write_error(const bf__blobs *blobs, const put *p, int number, bf_error *err) {
  if (number != ENOSPC && number != EDQUOT && number != EFBIG)
    return bf__error_errno(err, number, "cannot write the %s into %s", p->what, blobs->root);
  struct statvfs fs;
  unsigned long long available = 0;
  /* What was written so far is given up anyway, and must not count as used. */
  int dropped = p->fd >= 0 ? ftruncate(p->fd, 0) : 0;
  (void)dropped;
  if (statvfs(blobs->root, &fs) == 0) available = (unsigned long long)fs.f_bavail * fs.f_frsize;
  bf_status status =
      bf__error(err, BF_ERR_NO_SPACE,
                "no space for the %s: %llu bytes are needed in %.120s, %llu are free%s; make room, then add again",
                p->what, (unsigned long long)p->expected, blobs->root, available,
                number == EDQUOT  ? " but the quota is used up"
                : number == EFBIG ? " but a file may not grow so large"
                                  : "");
  if (err != NULL) err->native_code = number;
  return status;
}

/* O_EXCL decides; the random number only makes a collision unlikely. Not mkostemp: it hides blobs from other users. */
static bf_status put_begin(const bf__blobs *blobs, put *p, bf_error *err) {
  for (int tries = 0; tries < 8; ++tries) {
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) < 0) number = (uint64_t)getpid() + (uint64_t)tries;
    p->path = bf__asprintf("%s/%016llx", blobs->temporary, (unsigned long long)number);
    if (p->path == NULL) return bf__error_memory(err, strlen(blobs->temporary) + 32);
    p->fd = open(p->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (p->fd >= 0) return bf__sha256_create(&p->hash, err);
    free(p->path);
    p->path = NULL;
    if (errno != EEXIST) break;
  }
  return write_error(blobs, p, errno, err);
}

static bf_status put_write(const bf__blobs *blobs, put *p, const uint8_t *bytes, size_t n, bf_error *err) {
  bf_status status = bf__sha256_update(p->hash, bytes, n, err);
  while (status == BF_OK && n > 0) {
    ssize_t wrote = write(p->fd, bytes, n);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return write_error(blobs, p, errno, err);
    bytes += wrote;
    n -= (size_t)wrote;
    p->written += (uint64_t)wrote;
  }
  return status;
}

/* The blob is there and whole. One that was damaged is replaced by the new copy: adding a model again heals it. */
static bool is_good(const bf__blobs *blobs, const bf__blob *blob) {
  uint64_t bytes = 0;
  return bf__blobs_has(blobs, blob->sha256, blob->bytes) &&
         bf__blobs_verify(blobs, blob->sha256, &bytes, NULL) == BF_OK;
}

/* Gives the temporary file its name, or drops it where the blob is there already. */
static bf_status put_end(const bf__blobs *blobs, put *p, bf__blob *out, bf_error *err) {
  bf_status status = BF_OK;
  char *path = NULL;
  char *folder = NULL;
  char *hashes = NULL;
  bf__blob blob = {.bytes = p->written};
  BF_TRY(bf__sha256_finish(p->hash, blob.sha256, err));
  BF_TRY(bf__blobs_path(blobs, blob.sha256, &path, err));
  if (!is_good(blobs, &blob)) {
    hashes = bf__asprintf("%s/sha256", blobs->root);
    folder = hashes == NULL ? NULL : bf__asprintf("%s/%.2s", hashes, blob.sha256);
    if (folder == NULL) {
      status = bf__error_memory(err, strlen(path));
      goto out;
    }
    if (fsync(p->fd) != 0) {
      status = write_error(blobs, p, errno, err);
      goto out;
    }
    BF_TRY(make_directory(folder, hashes, err));
    if (rename(p->path, path) != 0) {
      status = write_error(blobs, p, errno, err);
      goto out;
    }
    free(p->path);
    p->path = NULL;
    blob.created = true;
  }
  /* Also where the blob was there: its writer may not have come to its own sync yet. */
  if (folder == NULL) folder = bf__strndup(path, strlen(path) - 65);
  if (folder == NULL) {
    status = bf__error_memory(err, strlen(path));
    goto out;
  }
  BF_TRY(sync_directory(folder, err));
  *out = blob;
out:
  free(hashes);
  free(folder);
  free(path);
  return status;
}

static void put_deinit(put *p) {
  if (p->path != NULL) (void)unlink(p->path);
  free(p->path);
  if (p->fd >= 0) close(p->fd);
  bf__sha256_free(p->hash);
}

bf_status bf__blobs_put_bytes(bf__blobs *blobs, const char *what, const void *bytes, size_t n_bytes, bf__blob *out,
                              bf_error *err) {
  bf_status status = BF_OK;
  put p = {.what = what, .fd = -1, .expected = n_bytes};
  BF_TRY(put_begin(blobs, &p, err));
  BF_TRY(put_write(blobs, &p, bytes, n_bytes, err));
  BF_TRY(put_end(blobs, &p, out, err));
out:
  put_deinit(&p);
  return status;
}

/* Opens a file that can be read to an end. O_NONBLOCK: a named pipe must not stop us before we see what it is. */
static bf_status open_source(const char *what, const char *path, int *fd, uint64_t *bytes, bf_error *err) {
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (*fd < 0) return bf__error_errno(err, errno, "cannot open the %s %s", what, path);
  struct stat st;
  if (fstat(*fd, &st) != 0) return bf__error_errno(err, errno, "cannot read the %s %s", what, path);
  if (!S_ISREG(st.st_mode))
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the %s %s is not a regular file", what, path);
  *bytes = (uint64_t)st.st_size;
  return BF_OK;
}

bf_status bf__blobs_put_file(bf__blobs *blobs, const char *what, const char *path, bf__blob *out, bf_error *err) {
  bf_status status = BF_OK;
  int source = -1;
  put p = {.what = what, .fd = -1};
  uint8_t *buffer = bf__alloc(COPY_BYTES, 1);
  if (buffer == NULL) return bf__error_memory(err, COPY_BYTES);
  BF_TRY(open_source(what, path, &source, &p.expected, err));
  BF_TRY(put_begin(blobs, &p, err));
  for (;;) {
    ssize_t n = read(source, buffer, COPY_BYTES);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      status = bf__error_errno(err, errno, "cannot read the %s %s", what, path);
      goto out;
    }
    if (n == 0) break;
    BF_TRY(put_write(blobs, &p, buffer, (size_t)n, err));
  }
  BF_TRY(put_end(blobs, &p, out, err));
out:
  put_deinit(&p);
  if (source >= 0) close(source);
  free(buffer);
  return status;
}

/* ------------------------------------------------------------------ reading */

bool bf__blobs_has(const bf__blobs *blobs, const char *sha256, uint64_t bytes) {
  char *path = NULL;
  struct stat st;
  if (bf__blobs_path(blobs, sha256, &path, NULL) != BF_OK) return false;
  bool has = lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == bytes;
  free(path);
  return has;
}

static bf_status open_blob(const bf__blobs *blobs, const char *sha256, int *fd, uint64_t *bytes, bf_error *err) {
  char *path = NULL;
  *fd = -1;
  bf_status status = bf__blobs_path(blobs, sha256, &path, err);
  if (status != BF_OK) return status;
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat st;
  if (*fd < 0 && errno == ENOENT)
    status = bf__error(err, BF_ERR_NOT_FOUND, "blob %.12s… is missing; bestfit fsck tells which model it belongs to",
                       sha256);
  else if (*fd < 0 && errno != ELOOP)
    status = bf__error_errno(err, errno, "cannot open blob %s", path);
  else if (*fd < 0 || fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode))
    status = bf__error(err, BF_ERR_CORRUPT, "blob %.12s… is not a regular file; run bestfit fsck", sha256);
  else
    *bytes = (uint64_t)st.st_size;
  free(path);
  return status;
}

bf_status bf__blobs_read(bf__blobs *blobs, const char *sha256, uint8_t **out, size_t *out_bytes, bf_error *err) {
  bf_status status = BF_OK;
  int fd = -1;
  uint64_t bytes = 0;
  uint8_t *data = NULL;
  size_t n = 0;
  *out = NULL;
  *out_bytes = 0;
  BF_TRY(open_blob(blobs, sha256, &fd, &bytes, err));
  if (bytes >= SIZE_MAX || (data = bf__alloc((size_t)bytes + 1, 1)) == NULL) {
    status = bf__error_memory(err, (size_t)bytes);
    goto out;
  }
  while (n < bytes) {
    ssize_t got = read(fd, data + n, (size_t)bytes - n);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      status = bf__error_errno(err, errno, "cannot read blob %.12s…", sha256);
      goto out;
    }
    if (got == 0) break;
    n += (size_t)got;
  }
  if (!verified_has(&blobs->verified, sha256)) {
    char hash[65];
    BF_TRY(bf_sha256(data, n, hash, err));
    if (strcmp(hash, sha256) != 0) {
      status = bf__error(
          err, BF_ERR_CORRUPT,
          "blob %.12s… is damaged: its bytes have another hash; run bestfit fsck to see what it belongs to", sha256);
      goto out;
    }
    verified_add(&blobs->verified, sha256);
  }
  *out = data;
  *out_bytes = n;
  data = NULL;
out:
  free(data);
  if (fd >= 0) close(fd);
  return status;
}

bf_status bf__blobs_verify(const bf__blobs *blobs, const char *sha256, uint64_t *bytes, bf_error *err) {
  bf_status status = BF_OK;
  int fd = -1;
  bf__sha256 *hash = NULL;
  uint8_t *buffer = NULL;
  char found[65];
  *bytes = 0;
  BF_TRY(open_blob(blobs, sha256, &fd, bytes, err));
  buffer = bf__alloc(COPY_BYTES, 1);
  if (buffer == NULL) {
    status = bf__error_memory(err, COPY_BYTES);
    goto out;
  }
  BF_TRY(bf__sha256_create(&hash, err));
  for (;;) {
    ssize_t n = read(fd, buffer, COPY_BYTES);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      /* A sector that cannot be read is a damaged blob, and no reason to stop looking at the others. */
      int number = errno;
      status = number == EIO ? bf__error(err, BF_ERR_CORRUPT, "blob %.12s… cannot be read", sha256)
                             : bf__error_errno(err, number, "cannot read blob %.12s…", sha256);
      goto out;
    }
    if (n == 0) break;
    BF_TRY(bf__sha256_update(hash, buffer, (size_t)n, err));
  }
  BF_TRY(bf__sha256_finish(hash, found, err));
  if (strcmp(found, sha256) != 0) status = bf__error(err, BF_ERR_CORRUPT, "blob %.12s… is damaged", sha256);
out:
  bf__sha256_free(hash);
  free(buffer);
  if (fd >= 0) close(fd);
  return status;
}

bf_status bf__blobs_remove(bf__blobs *blobs, const char *sha256, bf_error *err) {
  char *path = NULL;
  bf_status status = bf__blobs_path(blobs, sha256, &path, err);
  if (status != BF_OK) return status;
  if (unlink(path) != 0 && errno != ENOENT) status = bf__error_errno(err, errno, "cannot remove blob %s", path);
  free(path);
  return status;
}

/* ------------------------------------------------------------------ walking */

/* Calls fn for the entries of one folder. `fan` is the two digits that its blobs start with, "" for blobs/tmp. */
static bf_status walk_folder(const char *folder, const char *fan, bf__blobs_walk_fn fn, void *context, bf_error *err) {
  bf_status status = BF_OK;
  DIR *dir = opendir(folder);
  if (dir == NULL && errno == ENOENT) return BF_OK;
  if (dir == NULL) return bf__error_errno(err, errno, "cannot read folder %s", folder);
  time_t now = time(NULL);
  for (struct dirent *entry; status == BF_OK && (entry = readdir(dir)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    char *path = bf__asprintf("%s/%s", folder, entry->d_name);
    if (path == NULL) {
      status = bf__error_memory(err, strlen(folder));
      break;
    }
    struct stat st;
    if (lstat(path, &st) == 0) { /* gone meanwhile is fine */
      bf__blob_file file = {.path = path, .bytes = (uint64_t)st.st_size, .age_seconds = (int64_t)(now - st.st_mtime)};
      bool is_blob = fan[0] != 0 && bf__is_sha256(entry->d_name) && strncmp(entry->d_name, fan, 2) == 0;
      file.sort = !S_ISREG(st.st_mode) ? BF__FILE_FOREIGN
                  : is_blob            ? BF__FILE_BLOB
                  : fan[0] == 0        ? BF__FILE_TEMPORARY
                                       : BF__FILE_FOREIGN;
      if (file.sort == BF__FILE_BLOB) file.sha256 = entry->d_name;
      status = fn(context, &file, err);
    }
    free(path);
  }
  closedir(dir);
  return status;
}

bf_status bf__blobs_walk(const bf__blobs *blobs, bf__blobs_walk_fn fn, void *context, bf_error *err) {
  bf_status status = walk_folder(blobs->temporary, "", fn, context, err);
  for (unsigned i = 0; status == BF_OK && i < 256; ++i) {
    const char *digits = "0123456789abcdef";
    const char fan[3] = {digits[i / 16], digits[i % 16], 0};
    char *folder = bf__asprintf("%s/sha256/%s", blobs->root, fan);
    if (folder == NULL) return bf__error_memory(err, strlen(blobs->root));
    status = walk_folder(folder, fan, fn, context, err);
    free(folder);
  }
  return status;
}
