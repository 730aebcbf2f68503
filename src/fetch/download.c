/* One file over https: the only file with curl/curl.h.
 *
 * A transfer is a loop of connections. Each asks for what is missing, and what comes is hashed as it is written, so
 * that the file is not read again at its end. What the server claims (lengths, types, ranges) is believed only as far
 * as it can be checked: a body is bounded by the size that the caller knows, an answer to a range must say that it
 * begins where it was asked to, and the SHA-256 decides.
 *
 * A wrong hash after bytes of an earlier call were kept may be their fault, or that of a source that changed in
 * between: then everything is fetched once more. */
#include <bestfit/fetch.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#define CURL_DISABLE_TYPECHECK /* its macros would expand our pointers' names */
#include <curl/curl.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/library.h"
#include "base/memory.h"
#include "fetch/fetch_internal.h"

#define MAX_REDIRECTS 5L
#define CONNECT_MS 30000L
#define MAX_WAIT_MS 8000u
#define MAX_CONNECTIONS 1000
#define FRUITFUL_BYTES 4096                  /* a connection that brings fewer has brought nothing */
#define MAX_IGNORED_BYTES ((size_t)64 << 10) /* of a page that says what is wrong */

#define CURL_FUNCTIONS(X) \
  X(curl_global_init)     \
  X(curl_easy_init)       \
  X(curl_easy_setopt)     \
  X(curl_easy_perform)    \
  X(curl_easy_getinfo)    \
  X(curl_easy_cleanup)    \
  X(curl_easy_strerror)

static struct {
  CURLcode (*curl_global_init)(long flags);
  CURL *(*curl_easy_init)(void);
  CURLcode (*curl_easy_setopt)(CURL *curl, CURLoption option, ...);
  CURLcode (*curl_easy_perform)(CURL *curl);
  CURLcode (*curl_easy_getinfo)(CURL *curl, CURLINFO info, ...);
  void (*curl_easy_cleanup)(CURL *curl);
  const char *(*curl_easy_strerror)(CURLcode code);
} lib; /* written once, below */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static bf_status library_status;
static bf_error library_error;

static void start_curl(void) {
#define SYMBOL(name) {#name, (void *)&lib.name},
  const bf__symbol symbols[] = {CURL_FUNCTIONS(SYMBOL)};
#undef SYMBOL
  static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    library_status = bf__library_load(names[i], "downloading", "install Debian's libcurl4 (scripts/bootstrap does)",
                                      symbols, sizeof symbols / sizeof *symbols, &library_error);
    if (library_status == BF_OK) break;
  }
  if (library_status == BF_OK && lib.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    library_status = bf__error(&library_error, BF_ERR_INTERNAL, "the download library (libcurl) does not start");
}

static bf_status need_curl(bf_error *err) {
  pthread_once(&curl_once, start_curl);
  if (library_status != BF_OK && err) *err = library_error;
  return library_status;
}

typedef struct transfer {
  const char *url, *path;
  char *part_path;
  uint64_t size, done; /* bytes wanted; bytes in the part */
  bf_fetch_options options;
  CURL *curl;
  bf__sha256 *hash; /* of the part's bytes */
  int part;
  bool resumed;          /* some bytes are of an earlier call */
  uint64_t asked_from;   /* this connection: where the range began */
  int64_t answered_from; /* and where the server says that it begins; -1: not said */
  size_t ignored;        /* bytes of error pages */
  bool checked;          /* the answer's head was looked at */
  bool stalled, bad_range;
  bf_status status; /* of the callbacks, not BF_OK: why they stopped */
  bf_error error;
  double last_byte_ms, last_progress_ms;
} transfer;

static double now_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* False: cancelled. */
static bool report(transfer *t, bool always) {
  double now = now_ms();
  if (t->options.progress == NULL || (!always && now - t->last_progress_ms < 100)) return true;
  t->last_progress_ms = now;
  return t->options.progress(t->options.progress_context, "bytes", t->done, t->size);
}

static bf_status cancelled(const transfer *t, bf_error *err) {
  return bf__error(err, BF_ERR_CANCELLED, "the download of %.120s was cancelled: fetch again to go on with it", t->url);
}

/* Empties the part. */
static bf_status start_over(transfer *t, bf_error *err) {
  t->done = 0;
  t->resumed = false;
  if (ftruncate(t->part, 0) != 0 || lseek(t->part, 0, SEEK_SET) != 0)
    return bf__error_errno(err, errno, "cannot empty %s", t->part_path);
  bf__sha256_free(t->hash);
  t->hash = NULL;
  return bf__sha256_create(&t->hash, err);
}

/* ---- what libcurl calls ---- */

static size_t on_header(char *line, size_t size, size_t n, void *context) {
  transfer *t = context;
  char text[128];
  unsigned long long from;
  size_t length = size * n;
  if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) t->answered_from = -1, t->checked = false; /* a new answer begins */
  size_t kept = length < sizeof text - 1 ? length : sizeof text - 1;
  memcpy(text, line, kept);
  text[kept] = '\0';
  if (strncasecmp(text, "content-range:", 14) == 0 && sscanf(text + 14, " bytes %llu-", &from) == 1 &&
      from <= INT64_MAX)
    t->answered_from = (int64_t)from;
  return length;
}

/* The first bytes of an answer: is it what was asked for? */
static bf_status check_answer(transfer *t, long code) {
  t->checked = true;
  if (code == 206 && t->answered_from != (int64_t)t->asked_from) {
    t->bad_range = true;
    return bf__error(&t->error, BF_ERR_IO, "%.120s answers another range than was asked for", t->url);
  }
  return code == 200 && t->done > 0 ? start_over(t, &t->error) : BF_OK;
}

static bf_status keep_bytes(transfer *t, const char *bytes, size_t n) {
  if (n > t->size - t->done)
    return bf__error(&t->error, BF_ERR_CORRUPT, "%.120s is longer than the %llu bytes that it should have", t->url,
                     (unsigned long long)t->size);
  for (size_t written = 0; written < n;) {
    ssize_t k = write(t->part, bytes + written, n - written);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return bf__error_errno(&t->error, k < 0 ? errno : ENOSPC, "cannot write %s", t->part_path);
    written += (size_t)k;
  }
  t->done += n;
  return bf__sha256_update(t->hash, bytes, n, &t->error);
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *context) {
  transfer *t = context;
  long code = 0;
  size_t length = size * n;
  t->last_byte_ms = now_ms();
  (void)lib.curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
  if (code != 200 && code != 206) {
    t->ignored += length;
    return t->ignored <= MAX_IGNORED_BYTES ? length : 0;
  }
  if (!t->checked) t->status = check_answer(t, code);
  if (t->status == BF_OK) t->status = keep_bytes(t, bytes, length);
  return t->status == BF_OK ? length : 0;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now) {
  transfer *t = context;
  (void)total, (void)now, (void)up_total, (void)up_now;
  if (!report(t, false)) {
    t->status = cancelled(t, &t->error);
    return 1;
  }
  t->stalled = now_ms() - t->last_byte_ms > t->options.stall_ms;
  return t->stalled;
}

/* ---- one connection ---- */

static bool set_options(transfer *t, const char *range) {
  const char *protocols = t->options.plain_http ? "http,https" : "https";
  CURL *c = t->curl;
  bool ok = lib.curl_easy_setopt(c, CURLOPT_URL, t->url) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, protocols) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_MAXREDIRS, MAX_REDIRECTS) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_USERAGENT, "bestfit") == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_RANGE, range) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_HEADERDATA, t) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_WRITEDATA, t) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
  ok &= lib.curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK;
  return ok && lib.curl_easy_setopt(c, CURLOPT_XFERINFODATA, t) == CURLE_OK;
}

/* What may go away by itself is worth another attempt. */
static bool is_passing(CURLcode code) {
  return code == CURLE_COULDNT_CONNECT || code == CURLE_PARTIAL_FILE || code == CURLE_OPERATION_TIMEDOUT ||
         code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_HTTP2 ||
         code == CURLE_HTTP2_STREAM || code == CURLE_SSL_CONNECT_ERROR || code == CURLE_ABORTED_BY_CALLBACK;
}

/* Status of a code of HTTP; *again where it is worth another attempt. */
static bf_status judge_code(transfer *t, long code, bool *again, bf_error *err) {
  *again = false;
  if (code == 416 && t->done > 0) { /* the part is as long as the file is there, or longer */
    *again = t->resumed;
    bf_status status = start_over(t, err);
    if (status != BF_OK) return status;
    return bf__error(err, BF_ERR_CORRUPT, "%.120s is shorter than the %llu bytes that it should have", t->url,
                     (unsigned long long)t->size);
  }
  if (code == 404 || code == 410)
    return bf__error(err, BF_ERR_NOT_FOUND, "%.150s is not there (the server says %ld)", t->url, code);
  *again = code == 408 || code == 429 || code >= 500;
  return bf__error(err, BF_ERR_IO, "the server of %.150s refuses with %ld", t->url, code);
}

static bf_status connect_once(transfer *t, bool *again, bf_error *err) {
  char range[32];
  long code = 0;
  *again = false;
  t->asked_from = t->done;
  t->answered_from = -1;
  t->ignored = 0;
  t->checked = t->stalled = t->bad_range = false;
  t->status = BF_OK;
  t->last_byte_ms = now_ms();
  snprintf(range, sizeof range, "%llu-", (unsigned long long)t->done);
  if (!set_options(t, t->done > 0 ? range : NULL))
    return bf__error(err, BF_ERR_UNSUPPORTED, "this version of libcurl is too old: 7.85 is needed");
  CURLcode result = lib.curl_easy_perform(t->curl);
  (void)lib.curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
  if (t->bad_range) { /* without a range this server may do */
    *again = true;
    bf_status status = start_over(t, err);
    if (status != BF_OK) return status;
  }
  if (t->status != BF_OK) {
    if (err) *err = t->error;
    return t->status;
  }
  if (t->stalled) {
    *again = true;
    return bf__error(err, BF_ERR_IO, "nothing came from %.120s for %u ms", t->url, t->options.stall_ms);
  }
  bool answered = code >= 300 && (result == CURLE_OK || result == CURLE_WRITE_ERROR);
  if (answered) return judge_code(t, code, again, err);
  if (result != CURLE_OK) {
    *again = is_passing(result);
    bf__error(err, BF_ERR_IO, "cannot fetch %.130s: %s", t->url, lib.curl_easy_strerror(result));
    if (err) err->native_code = (int32_t)result;
    return BF_ERR_IO;
  }
  *again = t->done < t->size;
  return t->done == t->size ? BF_OK
                            : bf__error(err, BF_ERR_IO, "%.120s ended after %llu of %llu bytes", t->url,
                                        (unsigned long long)t->done, (unsigned long long)t->size);
}

/* ---- the part and its end ---- */

/* Opens and locks the part, and hashes what it holds. */
static bf_status open_part(transfer *t, bf_error *err) {
  struct stat here, named;
  uint8_t buffer[16384];
  t->part = open(t->part_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (t->part < 0) return bf__error_errno(err, errno, "cannot write %s", t->part_path);
  /* whoever held the lock may have renamed the file that was opened here */
  if (flock(t->part, LOCK_EX | LOCK_NB) != 0 || fstat(t->part, &here) != 0 || stat(t->part_path, &named) != 0 ||
      here.st_ino != named.st_ino) {
    close(t->part);
    t->part = -1;
    return bf__error(err, BF_ERR_BUSY, "another process fetches %.180s: wait for it", t->path);
  }
  if ((uint64_t)here.st_size > t->size) return start_over(t, err);
  bf_status status = bf__sha256_create(&t->hash, err);
  while (status == BF_OK && t->done < (uint64_t)here.st_size) {
    ssize_t n = read(t->part, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return bf__error_errno(err, n < 0 ? errno : EIO, "cannot read %s", t->part_path);
    status = bf__sha256_update(t->hash, buffer, (size_t)n, err);
    t->done += (uint64_t)n;
  }
  t->resumed = t->done > 0;
  return status;
}

/* False: cancelled meanwhile. */
static bool wait_for(transfer *t, uint32_t wait_ms) {
  double until = now_ms() + wait_ms;
  for (double left; (left = until - now_ms()) > 0;) {
    long slice_ms = left < 100 ? (long)left + 1 : 100;
    struct timespec pause = {.tv_nsec = slice_ms * 1000000};
    (void)nanosleep(&pause, NULL);
    if (!report(t, false)) return false;
  }
  return true;
}

/* Connections until every byte is there. */
static bf_status fill_part(transfer *t, bf_error *err) {
  uint32_t fruitless = 0, wait_ms = t->options.wait_ms;
  bf_status status = BF_OK;
  for (int i = 0; t->done < t->size; i++) {
    uint64_t before = t->done;
    bool again = false;
    if (!report(t, i == 0)) return cancelled(t, err);
    status = connect_once(t, &again, err);
    if (status == BF_OK || !again || i == MAX_CONNECTIONS) return status;
    if (t->done >= before + FRUITFUL_BYTES)
      fruitless = 0, wait_ms = t->options.wait_ms;
    else if (++fruitless >= t->options.n_attempts)
      return status;
    if (!wait_for(t, wait_ms)) return cancelled(t, err);
    wait_ms = wait_ms < MAX_WAIT_MS / 2 ? 2 * wait_ms : MAX_WAIT_MS;
  }
  return BF_OK;
}

/* Fills the part and compares its hash; once more from the beginning where bytes of an earlier call may be at fault. */
static bf_status fetch_verified(transfer *t, const char *sha256, bf_error *err) {
  char hex[65];
  for (;;) {
    bf_status status = fill_part(t, err);
    if (status == BF_OK) status = bf__sha256_finish(t->hash, hex, err);
    if (status != BF_OK) return status;
    if (strcmp(hex, sha256) == 0) return BF_OK;
    if (!t->resumed)
      return bf__error(err, BF_ERR_CORRUPT, "%.110s has other bytes than expected: SHA-256 %.12s…, not %.12s…", t->url,
                       hex, sha256);
    status = start_over(t, err);
    if (status != BF_OK) return status;
  }
}

static bf_status finish_part(transfer *t, bf_error *err) {
  if (fsync(t->part) != 0 && errno != EINVAL) return bf__error_errno(err, errno, "cannot sync %s", t->part_path);
  (void)report(t, true); /* it is there: too late to cancel */
  return bf__file_replace(t->part_path, t->path, err);
}

static bf_fetch_options read_options(const bf_fetch_options *given) {
  bf_fetch_options o = BF_FETCH_OPTIONS_INIT;
  if (given != NULL) memcpy(&o, given, given->struct_size < sizeof o ? given->struct_size : sizeof o);
  if (o.stall_ms == 0) o.stall_ms = 30000;
  if (o.n_attempts == 0) o.n_attempts = 5;
  if (o.wait_ms == 0) o.wait_ms = 500;
  return o;
}

static bf_status check_arguments(const char *url, const char *sha256, uint64_t size_bytes, bool plain_http,
                                 bf_error *err) {
  bool address = strncmp(url, "https://", 8) == 0 || (plain_http && strncmp(url, "http://", 7) == 0);
  if (!address)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%.120s does not begin with https://%s", url,
                     plain_http ? " or http://" : "");
  if (size_bytes == 0 || size_bytes > BF_FETCH_MAX_BYTES)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a file to fetch has 1 to %llu bytes, not %llu",
                     (unsigned long long)BF_FETCH_MAX_BYTES, (unsigned long long)size_bytes);
  if (strlen(sha256) != 64 || strspn(sha256, "0123456789abcdef") != 64)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a SHA-256 is 64 hexadecimal digits in lower case");
  return BF_OK;
}

bf_status bf_fetch_file(const char *url, const char *sha256, uint64_t size_bytes, const char *path,
                        const bf_fetch_options *options, bf_error *err) {
  transfer t = {.url = url, .path = path, .size = size_bytes, .options = read_options(options), .part = -1};
  bf_error unused; /* the callbacks and their callers rely on one */
  if (err == NULL) err = &unused;
  bf_status status = BF_OK;
  bool complete = false;
  BF_TRY(check_arguments(url, sha256, size_bytes, t.options.plain_http, err));
  if (bf__file_is(path, size_bytes, sha256)) goto out;
  BF_TRY(need_curl(err));
  t.part_path = bf__asprintf("%s.part", path);
  t.curl = lib.curl_easy_init();
  if (t.part_path == NULL || t.curl == NULL) {
    status = bf__error_memory(err, strlen(path) + 6);
    goto out;
  }
  BF_TRY(open_part(&t, err));
  BF_TRY(fetch_verified(&t, sha256, err));
  BF_TRY(finish_part(&t, err));
  complete = true;
out:
  /* wrong bytes are of no use to a later call, and no bytes neither */
  if (t.part >= 0 && !complete && (t.done == 0 || status == BF_ERR_CORRUPT)) unlink(t.part_path);
  if (t.part >= 0) close(t.part);
  if (t.curl != NULL) lib.curl_easy_cleanup(t.curl);
  bf__sha256_free(t.hash);
  free(t.part_path);
  return status;
}
