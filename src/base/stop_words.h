/* The English stop words, for base/words.c and its tests. */
#ifndef BESTFIT_SRC_BASE_STOP_WORDS_H
#define BESTFIT_SRC_BASE_STOP_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define BF__STOP_KEY_BYTES 16u

/* `key`: the lower-case word, zero-filled to 16 bytes (longer words are never stop words: do not ask). */
bool bf__is_stop_key(const char key[BF__STOP_KEY_BYTES]);
/* The list in order of bytes. */
size_t bf__stop_word_count(void);
const char *bf__stop_word_at(size_t i);

#endif
