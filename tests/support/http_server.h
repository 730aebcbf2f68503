/* A small HTTP/1.1 server on 127.0.0.1 for tests of downloads, that misbehaves as the address asks.
 *
 * The first part of the path is the behaviour, the rest a file below the folder that is served:
 *   plain          the file, with ranges             cut-N     closes after N bytes of each answer, which promises more
 *   norange        ignores ranges                    chop-N    the same without a length
 *   cutnorange-N   both                              wrong     the last byte is another
 *   long-N         N bytes more than the file        short-N   N bytes fewer
 *   endless        a body without an end             stall-N   sends N bytes, then nothing until the other side closes
 *   slow-MS        waits MS between two halves       badrange  answers a range that was not asked for
 *   hops-N         N redirects, then plain           loop      a redirect to itself
 *   tofile, toftp  redirects to other protocols      status-N  that status with a page of words
 *   busy-N         503 for the first N requests, then plain
 *   drop-N         closes the first N connections without an answer, then plain
 * Requests are answered one after another, each on a connection of its own. */
#ifndef BESTFIT_TESTS_HTTP_SERVER_H
#define BESTFIT_TESTS_HTTP_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct http_server {
  char folder[512];
  int listener, stop[2];
  uint16_t port;
  pthread_t thread;
  pthread_mutex_t lock;
  /* under the lock */
  int n_requests, n_served; /* since the start; of behaviours that count */
  long last_range;          /* first byte that the last request asked for; -1: no range */
  char last_path[512];
} http_server;

/* Serves `folder` on a free port from a thread of its own; false: it does not start. */
bool http_server_start(http_server *server, const char *folder);
void http_server_stop(http_server *server);
int http_server_requests(http_server *server);
long http_server_last_range(http_server *server);
/* Behaviours that count begin anew. */
void http_server_forget(http_server *server);
/* "http://127.0.0.1:PORT/BEHAVIOUR" into out. */
void http_server_base(const http_server *server, const char *behaviour, char out[128]);

#endif
