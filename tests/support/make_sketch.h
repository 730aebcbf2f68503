/* Rows, sketches and .npy files for the tests of measures and rankings. */
#ifndef BESTFIT_TESTS_MAKE_SKETCH_H
#define BESTFIT_TESTS_MAKE_SKETCH_H

/* cmocka.h needs the others before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <bestfit/measure.h>
#include <stdbool.h>

/* [n][d] rows; column j ~ N(means[j], deviations[j]^2), each row with a shared part so that columns correlate. You own
 * the result. */
float *make_rows(uint64_t seed, size_t n, uint32_t d, const double *means, const double *deviations);
/* Sketch of kind features; names may be NULL. Fails the test on error. */
bf_sketch *make_sketch(const float *cells, size_t n, uint32_t d, const char *const *names);
/* Rows N(mean, deviation^2) in every column, sketched. */
bf_sketch *make_normal_sketch(uint64_t seed, size_t n, uint32_t d, double mean, double deviation,
                              const char *const *names);
/* Sketch of n grey images [n][height][width], white is 255. */
bf_sketch *make_image_sketch(const float *pixels, size_t n, uint32_t height, uint32_t width);
/* Sketch of kind text, of n terminated strings; words that occur min_count times are kept. */
bf_sketch *make_text_sketch(const char *const *texts, size_t n, uint32_t min_count);
/* n texts of 5 to 24 words each, drawn from "w0", "w1" … of which number i has weight 1/(i + 1) turned by `shift`
 * (words i < shift come last); `vocabulary` different ones. You own the result: free each and the array. */
char **make_texts(uint64_t seed, size_t n, uint32_t vocabulary, uint32_t shift);
void free_texts(char **texts, size_t n);
/* Documents by way of a file, which is removed again. */
bf_documents *make_documents(const char *const *texts, size_t n);
/* Rows by way of a .npy file in a folder of their own, which is removed again. */
bf_rows *make_bf_rows(const float *cells, size_t n, uint32_t d);

#endif
