/* bestfit-worker: runs models in a sandbox (docs/models.md). bestfit starts it. */
#include <bestfit/model.h>

int main(int argc, char **argv) {
  return bf_worker_main(argc, argv);
}
