/* Words of a text, in two forms: the paper's, and our own.
 *
 * Both: runs of letters, digits and underscore (Unicode classes L*, N*, M*, Pc as in \w), lower-cased (utf8proc's
 * simple folding to lower case), with the English stop words (NLTK's list of 179) and "nan" left out. Our own
 * additionally cuts runs of scripts written without spaces (Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar) into
 * character bigrams (a single character is itself). Words longer than 64 bytes are cut at a character, and the rest is
 * dropped. Some 200 MB/s of English a core.
 */
#ifndef BESTFIT_SRC_BASE_WORDS_H
#define BESTFIT_SRC_BASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum bf__word_rule { BF__WORDS_OWN, BF__WORDS_PAPER } bf__word_rule;

#define BF__WORD_BYTES 64u

/* Called with each word in order of the text; `word` is UTF-8 of n bytes, 1 .. 64, not terminated, valid during the
 * call. */
typedef void (*bf__word_fn)(void *context, const char *word, size_t n);
/* Invalid UTF-8 separates words, and is nowhere read past `n_bytes`. */
void bf__each_word(const char *text, size_t n_bytes, bf__word_rule rule, bf__word_fn fn, void *context);
/* Whether the lower-case word is in the stop list or "nan". */
bool bf__is_stop_word(const char *word, size_t n);

#endif
