/* bestfit-worker: runs models in a sandbox (docs/models.md). bestfit starts it. */
#include <bestfit/model.h>

#ifdef __SANITIZE_ADDRESS__
/* A model that wants too much is refused, and one that crashes dies of the signal, as without the sanitizer. */
const char *__asan_default_options(void);  /* NOLINT */
const char *__asan_default_options(void) { /* NOLINT */
  return "allocator_may_return_null=1:handle_segv=0";
}
#endif

int main(int argc, char **argv) {
  return bf_worker_main(argc, argv);
}
