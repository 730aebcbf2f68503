/* Replays corpus files (or folders of them) through a fuzz target as an ordinary test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    return 1;
  }
  size_t size = 0, capacity = 1u << 20;
  uint8_t *data = malloc(capacity);
  if (data) size = fread(data, 1, capacity, file);
  fclose(file);
  if (!data) return 1;
  uint8_t *exact = malloc(size ? size : 1); /* exact size, so that a sanitizer sees the first byte past the end */
  if (!exact) {
    free(data);
    return 1;
  }
  for (size_t i = 0; i < size; i++) exact[i] = data[i];
  free(data);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
  return 0;
}

int main(int argc, char **argv) {
  int n_files = 0;
  for (int i = 1; i < argc; i++) {
    struct stat st;
    if (stat(argv[i], &st) != 0) continue;
    if (!S_ISDIR(st.st_mode)) {
      if (replay_file(argv[i])) return 1;
      n_files++;
      continue;
    }
    DIR *folder = opendir(argv[i]);
    if (!folder) return 1;
    for (struct dirent *entry; (entry = readdir(folder));) {
      if (entry->d_name[0] == '.') continue;
      char path[4096];
      snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
      if (replay_file(path)) {
        closedir(folder);
        return 1;
      }
      n_files++;
    }
    closedir(folder);
  }
  printf("%d inputs replayed\n", n_files);
  return n_files ? 0 : 1;
}
