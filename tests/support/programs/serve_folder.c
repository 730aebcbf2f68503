/* serve_folder FOLDER: the server of http_server.h for scripts. Prints its port and serves until standard input ends.
 */
#include <stdio.h>

#include "http_server.h"

int main(int argc, char **argv) {
  http_server server;
  if (argc != 2 || !http_server_start(&server, argv[1])) return 1;
  printf("%u\n", server.port);
  (void)fflush(stdout);
  while (getchar() != EOF) {
  }
  http_server_stop(&server);
  return 0;
}
