#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_BODY ((size_t)64 << 20)

typedef struct request {
  char path[512];    /* without the behaviour, decoded */
  char encoded[512]; /* the same as it came */
  char behaviour[64];
  char whole[512];
  long number; /* after the behaviour's dash */
  long from;   /* of a range; -1: none */
} request;

static bool behaves(const request *r, const char *name) {
  return strcmp(r->behaviour, name) == 0;
}

static void send_all(int connection, const void *bytes, size_t n) {
  const char *p = bytes;
  while (n > 0) {
    ssize_t k = send(connection, p, n, MSG_NOSIGNAL);
    if (k <= 0) return;
    p += k, n -= (size_t)k;
  }
}

/* The head of a request, up to the empty line. */
static bool read_head(int connection, char *head, size_t size) {
  size_t n = 0;
  while (n + 1 < size) {
    struct pollfd wait = {.fd = connection, .events = POLLIN};
    if (poll(&wait, 1, 5000) <= 0) return false;
    ssize_t k = recv(connection, head + n, size - 1 - n, 0);
    if (k <= 0) return false;
    n += (size_t)k;
    head[n] = '\0';
    if (strstr(head, "\r\n\r\n") != NULL) return true;
  }
  return false;
}

static void decode(char *path) {
  char *out = path;
  for (; *path != '\0'; path++) {
    char digits[3] = {path[0] == '%' ? path[1] : '\0', path[0] == '%' && path[1] ? path[2] : '\0', '\0'};
    if (digits[0] != '\0' && digits[1] != '\0')
      *out++ = (char)strtol(digits, NULL, 16), path += 2;
    else
      *out++ = *path;
  }
  *out = '\0';
}

static bool parse_head(char *head, request *r) {
  *r = (request){.from = -1};
  if (sscanf(head, "GET /%511s HTTP/1.", r->whole) != 1) return false;
  size_t n = strcspn(r->whole, "/");
  if (n >= sizeof r->behaviour || r->whole[n] == '\0') return false;
  memcpy(r->behaviour, r->whole, n);
  strcpy(r->path, r->whole + n + 1);
  strcpy(r->encoded, r->path);
  decode(r->path);
  char *dash = strchr(r->behaviour, '-');
  if (dash != NULL) r->number = strtol(dash + 1, NULL, 10), *dash = '\0';
  const char *range = strcasestr(head, "\nrange: bytes=");
  if (range != NULL) r->from = strtol(range + 14, NULL, 10);
  return strstr(r->path, "..") == NULL;
}

static char *read_body(const http_server *server, const request *r, size_t *n) {
  char path[1100];
  snprintf(path, sizeof path, "%s/%s", server->folder, r->path);
  FILE *file = fopen(path, "rb");
  char *body = file != NULL ? malloc(MAX_BODY) : NULL;
  *n = body != NULL ? fread(body, 1, MAX_BODY, file) : 0;
  if (file != NULL) fclose(file);
  return body;
}

static void send_status(int connection, int status, const char *header, const char *words) {
  char head[1600];
  snprintf(head, sizeof head, "HTTP/1.1 %d Words\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status,
           header, strlen(words), words);
  send_all(connection, head, strlen(head));
}

static void redirect(const http_server *server, int connection, const request *r) {
  char header[1200];
  if (behaves(r, "loop"))
    snprintf(header, sizeof header, "Location: /%s\r\n", r->whole);
  else if (behaves(r, "tofile"))
    snprintf(header, sizeof header, "Location: file://%s/%s\r\n", server->folder, r->encoded);
  else if (behaves(r, "toftp"))
    snprintf(header, sizeof header, "Location: ftp://127.0.0.1:%u/%s\r\n", server->port, r->encoded);
  else if (r->number > 1)
    snprintf(header, sizeof header, "Location: /hops-%ld/%s\r\n", r->number - 1, r->encoded);
  else
    snprintf(header, sizeof header, "Location: http://127.0.0.1:%u/plain/%s\r\n", server->port, r->encoded);
  send_status(connection, 302, header, "<html>moved</html>");
}

/* Until the other side closes, or the server stops. */
static void wait_for_end(http_server *server, int connection, int timeout_ms) {
  struct pollfd waits[2] = {{.fd = connection, .events = POLLRDHUP | POLLIN},
                            {.fd = server->stop[0], .events = POLLIN}};
  (void)poll(waits, 2, timeout_ms);
}

static void send_endless(http_server *server, int connection) {
  char block[65536];
  struct pollfd stop = {.fd = server->stop[0], .events = POLLIN};
  memset(block, 'x', sizeof block);
  send_all(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 38);
  while (poll(&stop, 1, 0) == 0) {
    ssize_t k = send(connection, block, sizeof block, MSG_NOSIGNAL);
    if (k <= 0) return;
  }
}

/* Body from `from` on, with the faults of the behaviour. */
static void send_file(http_server *server, int connection, const request *r, char *body, size_t n) {
  char head[400], length[64] = "", range[96] = "";
  size_t from = r->from > 0 && !behaves(r, "norange") && !behaves(r, "cutnorange") ? (size_t)r->from : 0;
  if (behaves(r, "wrong") && n > 0) body[n - 1] ^= 1;
  if (behaves(r, "long")) {
    memset(body + n, 'x', (size_t)r->number);
    n += (size_t)r->number;
  }
  if (behaves(r, "short")) n -= (size_t)r->number < n ? (size_t)r->number : n;
  if (from > 0 && from >= n) {
    send_status(connection, 416, "", "<html>no such range</html>");
    return;
  }
  size_t left = n - from, sent = left;
  bool cuts = behaves(r, "cut") || behaves(r, "cutnorange") || behaves(r, "chop") || behaves(r, "stall");
  if (cuts && sent > (size_t)r->number) sent = (size_t)r->number;
  if (!behaves(r, "chop")) snprintf(length, sizeof length, "Content-Length: %zu\r\n", left);
  if (from > 0)
    snprintf(range, sizeof range, "Content-Range: bytes %zu-%zu/%zu\r\n", behaves(r, "badrange") ? from + 1 : from,
             n - 1, n);
  snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%s%sConnection: close\r\n\r\n", from > 0 ? "206 Partial" : "200 OK",
           length, range);
  send_all(connection, head, strlen(head));
  if (behaves(r, "slow")) {
    send_all(connection, body + from, sent / 2);
    wait_for_end(server, connection, (int)r->number);
    send_all(connection, body + from + sent / 2, sent - sent / 2);
    return;
  }
  send_all(connection, body + from, sent);
  if (behaves(r, "stall") && sent < left) wait_for_end(server, connection, -1);
}

/* Whether this is one of the first N requests of a behaviour that counts. */
static bool is_early(http_server *server, const request *r) {
  pthread_mutex_lock(&server->lock);
  bool early = server->n_served < r->number;
  if (early) server->n_served++;
  pthread_mutex_unlock(&server->lock);
  return early;
}

static void answer(http_server *server, int connection) {
  char head[8192];
  request r;
  if (!read_head(connection, head, sizeof head) || !parse_head(head, &r)) return;
  pthread_mutex_lock(&server->lock);
  server->n_requests++;
  server->last_range = r.from;
  strcpy(server->last_path, r.path);
  pthread_mutex_unlock(&server->lock);
  if (behaves(&r, "loop") || behaves(&r, "hops") || behaves(&r, "tofile") || behaves(&r, "toftp")) {
    redirect(server, connection, &r);
  } else if (behaves(&r, "status")) {
    send_status(connection, (int)r.number, "", "<html>words that are no data</html>");
  } else if (behaves(&r, "endless")) {
    send_endless(server, connection);
  } else if (behaves(&r, "busy") && is_early(server, &r)) {
    send_status(connection, 503, "", "<html>later</html>");
  } else if (!behaves(&r, "drop") || !is_early(server, &r)) {
    size_t n = 0;
    char *body = read_body(server, &r, &n);
    if (body != NULL)
      send_file(server, connection, &r, body, n);
    else
      send_status(connection, 404, "", "<html>not found</html>");
    free(body);
  }
}

static void *serve(void *context) {
  http_server *server = context;
  for (;;) {
    struct pollfd waits[2] = {{.fd = server->listener, .events = POLLIN}, {.fd = server->stop[0], .events = POLLIN}};
    if (poll(waits, 2, -1) < 0) continue;
    if (waits[1].revents != 0) return NULL;
    int connection = accept(server->listener, NULL, NULL);
    if (connection < 0) continue;
    answer(server, connection);
    shutdown(connection, SHUT_WR);
    close(connection);
  }
}

bool http_server_start(http_server *server, const char *folder) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  *server = (http_server){.last_range = -1};
  snprintf(server->folder, sizeof server->folder, "%s", folder);
  server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (server->listener < 0 || pipe(server->stop) != 0) return false;
  if (bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(server->listener, 16) != 0 ||
      getsockname(server->listener, (struct sockaddr *)&address, &size) != 0)
    return false;
  server->port = ntohs(address.sin_port);
  pthread_mutex_init(&server->lock, NULL);
  return pthread_create(&server->thread, NULL, serve, server) == 0;
}

void http_server_stop(http_server *server) {
  (void)!write(server->stop[1], "x", 1);
  pthread_join(server->thread, NULL);
  close(server->listener);
  close(server->stop[0]);
  close(server->stop[1]);
  pthread_mutex_destroy(&server->lock);
}

int http_server_requests(http_server *server) {
  pthread_mutex_lock(&server->lock);
  int n = server->n_requests;
  pthread_mutex_unlock(&server->lock);
  return n;
}

long http_server_last_range(http_server *server) {
  pthread_mutex_lock(&server->lock);
  long range = server->last_range;
  pthread_mutex_unlock(&server->lock);
  return range;
}

void http_server_forget(http_server *server) {
  pthread_mutex_lock(&server->lock);
  server->n_served = 0;
  pthread_mutex_unlock(&server->lock);
}

void http_server_base(const http_server *server, const char *behaviour, char out[128]) {
  snprintf(out, 128, "http://127.0.0.1:%u/%s", server->port, behaviour);
}
