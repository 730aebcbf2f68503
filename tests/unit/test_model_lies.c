/* Workers that lie: this program plays one itself, as a model that took a worker over could. The host believes nothing,
 * ends the worker and goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "model/shared_memory.h"
#include "model/worker_main.h"
#include "model/worker_protocol.h"
#include "model_testing.h"

/* The lie is chosen by the limit of memory that the host passes on, in bytes above this. */
#define FIRST_LIE ((uint64_t)7 << 30)

typedef enum lie {
  HONEST,
  SIGNATURE_CUT,
  SIGNATURE_ENDLESS_NAME,
  RESULT_LARGER_THAN_ITS_MEMORY,
  RESULT_OF_OTHER_SORT,
  RESULT_OF_OTHER_REQUEST,
  GROW_TOO_MUCH,
  GROW_TWICE,
  NAMES_BEYOND_THEIR_MEMORY,
  NAMES_NOT_UTF8,
  DESCRIPTORS_FOR_THE_HOST,
  SILENCE,
  OVERLONG_PACKET,
  FAILURE_THAT_IS_NONE,
  LENGTH_TOO_LONG,
  N_LIES,
} lie;

/* ---- the worker's side ---- */

static bf__writer w;
static uint32_t sequence;

static void reply_with(bf__reply_sort sort) {
  w.size = 0;
  bf__reply_begin(&w, sort, sequence);
}

static void signature(lie l) {
  reply_with(BF__REPLY_SIGNATURE);
  bf__write_u32(&w, 1);
  bf__write_u32(&w, 1);
  for (int i = 0; i < 2; ++i) {
    bf__write_u16(&w, l == SIGNATURE_ENDLESS_NAME ? 60000 : 1);
    bf__write(&w, i == 0 ? "x" : "y", 1);
    bf__write_u8(&w, BF__ELEMENT_FLOAT32);
    bf__write_u8(&w, 0);
    bf__write_u8(&w, 2);
    bf__write_u64(&w, UINT64_MAX); /* any */
    bf__write_u64(&w, 3);
  }
  if (l == SIGNATURE_CUT) w.size -= 3;
}

static void result(lie l) {
  reply_with(l == RESULT_OF_OTHER_SORT ? BF__REPLY_SIGNATURE : BF__REPLY_RESULT);
  bf__write_u8(&w, 2);
  bf__write_u64(&w, l == RESULT_LARGER_THAN_ITS_MEMORY ? 1u << 24 : 4);
  bf__write_u64(&w, 2);
  bool names = l == NAMES_BEYOND_THEIR_MEMORY || l == NAMES_NOT_UTF8;
  bf__write_u32(&w, names ? 2 : 0);
  bf__write_u64(&w, !names ? 0 : l == NAMES_NOT_UTF8 ? 10 : 1u << 24);
}

static void play(lie l) {
  static uint8_t request[BF__MESSAGE_BYTES];
  static uint8_t long_packet[BF__MESSAGE_BYTES + 4096];
  int fds[BF__MESSAGE_FDS];
  size_t n_fds = 0;
  size_t n = 0;
  reply_with(BF__REPLY_READY);
  bf__write_u32(&w, BF__WORKER_PROTOCOL);
  bf__write_u32(&w, 7);
  bf__write_u16(&w, 0);
  bf__reply_end(&w, 0);
  bf__message_send(BF__WORKER_SOCKET, w.data, w.size, NULL, 0, 0);
  bool asked = false;
  while (bf__message_receive(BF__WORKER_SOCKET, request, sizeof request, &n, fds, BF__MESSAGE_FDS, &n_fds, 0) &&
         n > 0) {
    bf__reader r = bf__reader_of(request, n);
    uint8_t sort = bf__read_u8(&r);
    sequence = bf__read_u32(&r);
    if (sort == BF__REQUEST_LOAD) {
      signature(l);
    } else if (sort == BF__REQUEST_UNLOAD) {
      reply_with(BF__REPLY_DONE);
    } else if (l == GROW_TWICE || (l == GROW_TOO_MUCH && !asked)) {
      reply_with(BF__REPLY_GROW);
      bf__write_u64(&w, l == GROW_TOO_MUCH ? (uint64_t)1 << 35 : 64);
      asked = true;
    } else {
      bf__shared memory = BF__SHARED_INIT;
      bf_error err;
      if (n_fds == 2 && bf__shared_map(fds[0], 64, true, &memory, &err) == BF_OK && l == NAMES_NOT_UTF8)
        memcpy(memory.bytes + 32, "\1\0\0\0\xff\1\0\0\0a", 10);
      result(l);
      if (l == RESULT_OF_OTHER_REQUEST) w.data[5] ^= 1;
    }
    if (sort == BF__REQUEST_RUN && l == SILENCE) pause();
    if (sort == BF__REQUEST_RUN && l == FAILURE_THAT_IS_NONE) {
      reply_with(BF__REPLY_FAILED);
      bf__write_u32(&w, BF_OK);
      bf__write_u32(&w, 0);
      bf__write_u16(&w, 0);
    }
    if (l != LENGTH_TOO_LONG || sort != BF__REQUEST_RUN)
      bf__reply_end(&w, 0);
    else
      w.data[2] = 1;
    static const int given[] = {0, 1, 2};
    bool gives = l == DESCRIPTORS_FOR_THE_HOST;
    if (sort == BF__REQUEST_RUN && l == OVERLONG_PACKET)
      bf__message_send(BF__WORKER_SOCKET, long_packet, sizeof long_packet, NULL, 0, 0);
    else
      bf__message_send(BF__WORKER_SOCKET, w.data, w.size, given, gives ? 3 : 0, 0);
  }
}

/* ---- the host's side ---- */

static size_t count_descriptors(void) {
  size_t n = 0;
  for (int fd = 0; fd < 256; ++fd) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

static bf_status meet(lie l, bf_error *err) {
  bf_workers_options options = BF_WORKERS_OPTIONS_INIT;
  bf_workers *workers = NULL;
  bf__session *session = NULL;
  bf__result out;
  const uint8_t byte = 0;
  const bf_model_file file = {.name = "model.onnx", .bytes = &byte, .n_bytes = 1};
  *err = (bf_error){.code = BF_OK};
  options.n_workers = 1;
  options.memory_bytes = FIRST_LIE + (uint64_t)l;
  options.batch_timeout_ms = 300;
  assert_int_equal(bf_workers_create(&options, &workers, err), BF_OK);
  bf_status status = bf__session_open(workers, &file, 1, &session, err);
  if (status == BF_OK) {
    put_rows(session, ROWS, 4);
    status = bf__session_run(session, 0, &out, err);
    if (status == BF_OK) assert_int_equal(out.dims[0], 4);
  }
  bf__session_close(session);
  bf_workers_free(workers);
  return status;
}

static void every_lie_is_found_out(void **state) {
  (void)state;
  static const bf_status expected[N_LIES] = {
      [HONEST] = BF_OK,
      [SIGNATURE_CUT] = BF_ERR_CORRUPT,
      [SIGNATURE_ENDLESS_NAME] = BF_ERR_CORRUPT,
      [RESULT_LARGER_THAN_ITS_MEMORY] = BF_ERR_CORRUPT,
      [RESULT_OF_OTHER_SORT] = BF_ERR_CORRUPT,
      [RESULT_OF_OTHER_REQUEST] = BF_ERR_CORRUPT,
      [GROW_TOO_MUCH] = BF_ERR_LIMIT,
      [GROW_TWICE] = BF_ERR_CORRUPT,
      [NAMES_BEYOND_THEIR_MEMORY] = BF_ERR_CORRUPT,
      [NAMES_NOT_UTF8] = BF_ERR_FORMAT,
      [DESCRIPTORS_FOR_THE_HOST] = BF_OK,
      [SILENCE] = BF_ERR_LIMIT,
      [OVERLONG_PACKET] = BF_ERR_IO,
      [FAILURE_THAT_IS_NONE] = BF_ERR_CORRUPT,
      [LENGTH_TOO_LONG] = BF_ERR_CORRUPT,
  };
  size_t before = count_descriptors();
  for (int l = 0; l < N_LIES; ++l) {
    bf_error err;
    bf_status status = meet((lie)l, &err);
    if (status != expected[l]) fail_msg("lie %d: %s, %s", l, bf_status_name(status), err.message);
    assert_int_equal(count_descriptors(), before); /* none that the worker sent, none left open */
  }
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--serve") == 0) {
    play((lie)(strtoull(argv[2], NULL, 10) - FIRST_LIE));
    return 0;
  }
  char itself[4096] = "";
  if (readlink("/proc/self/exe", itself, sizeof itself - 1) < 0) return 1;
  setenv("BESTFIT_WORKER", itself, 1);
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_lie_is_found_out)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
