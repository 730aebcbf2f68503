/* The kernels of sketch_kernels.c, included there once a variant, with VARIANT(name) and TARGET defined. A template
 * rather than inline functions: a vector that is wider than the registers of the target it was compiled for lives in
 * memory for ever after. */
/* No include guard: it is meant to be included more than once. */

TARGET static size_t VARIANT(range)(const float *x, size_t n, float *min, float *max) {
  vec8f lowest = {0}, highest = {0};
  lowest += INFINITY;
  highest -= INFINITY;
  vec8i missing = {0};
  for (size_t i = 0; i < n; i += 8) {
    vec8f v;
    size_t got = 8;
    if (n - i >= 8) {
      memcpy(&v, x + i, sizeof v);
    } else {
      float padded[8];
      got = load8(x + i, n - i, NAN, padded);
      memcpy(&v, padded, sizeof v);
      missing[0] -= (int32_t)(8 - got);
    }
    vec8i ok = FINITE(v);
    missing += ok + 1;
    vec8i less = (v < lowest) & ok, more = (v > highest) & ok;
    lowest = SELECT(less, v, lowest);
    highest = SELECT(more, v, highest);
  }
  size_t n_missing = 0;
  float low = INFINITY, high = -INFINITY;
  for (int l = 0; l < 8; l++) {
    n_missing += (size_t)(int64_t)missing[l];
    if (lowest[l] < low) low = lowest[l];
    if (highest[l] > high) high = highest[l];
  }
  if (low <= high) {
    *min = low + 0.0f;
    *max = high + 0.0f;
  }
  return n_missing;
}

/* float32 suffices: x * 2^-e is exact, but for results below 2^-126, which round to something of at most 2^-126 that
 * the tests for zero below still put into bin -1 or 0 as it belongs. */
TARGET static bool VARIANT(bins)(const float *x, size_t n, int exponent, int32_t base, int32_t *out) {
  if (exponent < -120 || exponent > 120) return bins_far(x, n, exponent, base, out);
  const float scale = ldexpf(1.0f, -exponent);
  vec8i rough = {0};
  for (size_t i = 0; i < n; i += 8) {
    vec8f v;
    if (n - i >= 8) {
      memcpy(&v, x + i, sizeof v);
    } else {
      float padded[8];
      load8(x + i, n - i, 0.0f, padded);
      memcpy(&v, padded, sizeof v);
    }
    vec8i ok = FINITE(v);
    v = (vec8f)((vec8i)v & ok);
    vec8f t = v * scale;
    vec8i k = __builtin_convertvector(t, vec8i);
    vec8f back = __builtin_convertvector(k, vec8f);
    vec8i zero = t == 0.0f;
    rough |= (back != t) | (zero & (v != 0.0f));
    k += (back > t) | (zero & (v < 0.0f));
    k = ((k - base) & ok) | (BF__MISSING_BIN & ~ok);
    if (n - i >= 8) {
      memcpy(out + i, &k, sizeof k);
    } else {
      memcpy(out + i, &k, (n - i) * sizeof *out);
    }
  }
  int32_t any = 0;
  for (int l = 0; l < 8; l++) any |= rough[l];
  return any == 0;
}

TARGET static void VARIANT(log_cells)(const float *x, size_t n, double *out) {
  for (size_t i = 0; i < n; i += 4) {
    float padded[4] = {0};
    size_t got = n - i < 4 ? n - i : 4;
    if (got == 4) {
      memcpy(padded, x + i, sizeof padded);
    } else {
      for (size_t j = 0; j < got; j++) padded[j] = x[i + j];
    }
    vec4f cells;
    memcpy(&cells, padded, sizeof cells);
    vec4d v = __builtin_convertvector(cells, vec4d);
    vec4u sign = (vec4u)v & 0x8000000000000000u;
    vec4d size = (vec4d)((vec4u)v & 0x7fffffffffffffffu);
    vec4u ok = (vec4u)(size <= (double)FLT_MAX);
    vec4d y = (vec4d)((vec4u)size & ok) + 1.0;
    vec4u bits = (vec4u)y;
    vec4u k = (bits - 0x3fe6a09e667f3bcdu) >> 52; /* y >= 1, thus the difference is positive */
    vec4d m = (vec4d)(bits - (k << 52));
    vec4d exponent = (vec4d)(k | 0x4330000000000000u) - 4503599627370496.0; /* 2^52: integer to double */
    vec4d s = (m - 1.0) / (m + 1.0);
    vec4d z = s * s;
    vec4d p = z * (1.0 / 21) + 1.0 / 19;
    p = p * z + 1.0 / 17;
    p = p * z + 1.0 / 15;
    p = p * z + 1.0 / 13;
    p = p * z + 1.0 / 11;
    p = p * z + 1.0 / 9;
    p = p * z + 1.0 / 7;
    p = p * z + 1.0 / 5;
    p = p * z + 1.0 / 3;
    vec4d ln = (p * z + 1.0) * (s + s) + exponent * 0.693147180559945309417;
    ln = (vec4d)((vec4u)ln | (sign & ok));
    memcpy(out + i, &ln, got * sizeof *out);
  }
}

/* `n_rows` rows at once (a constant), a quarter of the columns at a time: eight sums stay in registers. */
TARGET INLINE void VARIANT(project_rows)(const double *x, size_t n_rows, size_t x_stride, size_t n, const double *signs,
                                         double *acc) {
  for (size_t quarter = 0; quarter < 64; quarter += 16) {
    vec4d a[2][4] = {{{0}}};
    for (size_t r = 0; r < n_rows; r++) {
      for (size_t l = 0; l < 4; l++) LOAD(a[r][l], acc + r * 64 + quarter + 4 * l);
    }
    for (size_t i = 0; i < n; i++) {
      const double *from = signs + i * 64 + quarter;
      for (size_t l = 0; l < 4; l++) {
        vec4d s;
        LOAD(s, from + 4 * l);
        for (size_t r = 0; r < n_rows; r++) a[r][l] += s * x[r * x_stride + i];
      }
    }
    for (size_t r = 0; r < n_rows; r++) {
      for (size_t l = 0; l < 4; l++) memcpy(acc + r * 64 + quarter + 4 * l, &a[r][l], sizeof a[r][l]);
    }
  }
}

TARGET static void VARIANT(project)(const double *x, size_t n_rows, size_t x_stride, size_t n, const double *signs,
                                    double *acc) {
  size_t r = 0;
  for (; r + 2 <= n_rows; r += 2) VARIANT(project_rows)(x + r * x_stride, 2, x_stride, n, signs, acc + r * 64);
  if (r < n_rows) VARIANT(project_rows)(x + r * x_stride, 1, x_stride, n, signs, acc + r * 64);
}

TARGET static void VARIANT(project_bits)(const double *x, const uint64_t *bits, size_t n, size_t n_columns,
                                         double *acc) {
  const vec4u top = {0x8000000000000000u, 0x8000000000000000u, 0x8000000000000000u, 0x8000000000000000u};
  for (size_t first = 0; first < n_columns; first += 16) {
    vec4d a[4];
    vec4u shift[4];
    for (size_t l = 0; l < 4; l++) {
      LOAD(a[l], acc + first + 4 * l);
      for (size_t k = 0; k < 4; k++) shift[l][k] = 63 - (first + 4 * l + k);
    }
    for (size_t i = 0; i < n; i++) {
      vec4d v = {x[i], x[i], x[i], x[i]};
      vec4u b = {bits[i], bits[i], bits[i], bits[i]};
      for (size_t l = 0; l < 4; l++) a[l] += (vec4d)((vec4u)v ^ ((b << shift[l]) & top));
    }
    for (size_t l = 0; l < 4; l++) memcpy(acc + first + 4 * l, &a[l], sizeof a[l]);
  }
}

TARGET static void VARIANT(add_scaled)(double *restrict acc, const float *restrict x, size_t n, size_t stride,
                                       double weight) {
  if (stride == 1) {
    for (size_t i = 0; i < n; i++) acc[i] += weight * (double)(is_finite(x[i]) ? x[i] : 0.0f);
  } else {
    for (size_t i = 0; i < n; i++) acc[i] += weight * (double)(is_finite(x[i * stride]) ? x[i * stride] : 0.0f);
  }
}

TARGET static void VARIANT(column_sums)(const float *restrict rows, size_t n_rows, size_t n, double *restrict count,
                                        double *restrict sum, float *restrict min, float *restrict max) {
  for (size_t r = 0; r < n_rows; r++) {
    const float *restrict x = rows + r * n;
    for (size_t j = 0; j < n; j++) {
      float v = x[j];
      bool ok = is_finite(v);
      count[j] += ok ? 1.0 : 0.0;
      sum[j] += ok ? (double)v : 0.0;
      float low = ok ? v : INFINITY, high = ok ? v : -INFINITY;
      min[j] = low < min[j] ? low : min[j];
      max[j] = high > max[j] ? high : max[j];
    }
  }
}

TARGET static void VARIANT(column_squares)(const float *restrict rows, size_t n_rows, size_t n,
                                           const double *restrict mean, double *restrict m2) {
  for (size_t r = 0; r < n_rows; r++) {
    const float *restrict x = rows + r * n;
    for (size_t j = 0; j < n; j++) {
      double d = is_finite(x[j]) ? (double)x[j] - mean[j] : 0.0;
      m2[j] += d * d;
    }
  }
}

TARGET static void VARIANT(deviations)(const float *restrict x, size_t n, const double *restrict shift,
                                       double *restrict d, double *restrict present) {
  for (size_t j = 0; j < n; j++) {
    bool ok = is_finite(x[j]);
    d[j] = ok ? (double)x[j] - shift[j] : 0.0;
    present[j] = ok ? 1.0 : 0.0;
  }
}

TARGET static void VARIANT(cross)(const double *restrict u, const double *restrict v, size_t n, size_t stride,
                                  bool full, double *restrict acc) {
  for (size_t i = 0; i < n; i++) {
    double *row = acc + i * stride;
    size_t end = full ? n : i + 1;
    double a[BF__CROSS_ROWS];
    for (size_t r = 0; r < BF__CROSS_ROWS; r++) a[r] = u[r * stride + i];
    for (size_t j = 0; j < end; j += 4) {
      vec4d s;
      memcpy(&s, row + j, sizeof s);
      for (size_t r = 0; r < BF__CROSS_ROWS; r++) {
        vec4d b;
        memcpy(&b, v + r * stride + j, sizeof b);
        s += b * a[r];
      }
      memcpy(row + j, &s, sizeof s);
    }
  }
}

TARGET static void VARIANT(welford)(const float *restrict x, size_t n, double *restrict count, double *restrict mean,
                                    double *restrict m2) {
  for (size_t j = 0; j < n; j++) {
    bool ok = is_finite(x[j]);
    double v = ok ? (double)x[j] : mean[j];
    double c = count[j] + (ok ? 1.0 : 0.0);
    double d = v - mean[j];
    double next = mean[j] + d / (c > 1.0 ? c : 1.0);
    m2[j] += d * (v - next);
    mean[j] = next;
    count[j] = c;
  }
}

TARGET static void VARIANT(distances)(const float *rows, size_t n_rows, size_t stride, const float *centre,
                                      float *best) {
  for (size_t r = 0; r < n_rows; r++) {
    const float *row = rows + r * stride;
    vec8f sum = {0};
    for (size_t j = 0; j < stride; j += 8) {
      vec8f a, b;
      memcpy(&a, row + j, sizeof a);
      memcpy(&b, centre + j, sizeof b);
      a -= b;
      sum += a * a;
    }
    float d = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
    if (d < best[r]) best[r] = d;
  }
}

/* `n` rows at once (a constant, so that all scores stay in registers). */
TARGET INLINE void VARIANT(nearest_rows)(const float *rows, size_t n, size_t stride, size_t n_columns,
                                         const float *centres, const float *half, size_t n_padded, uint32_t *out) {
  vec8f best[2] = {{0}};
  vec8i best_at[2] = {{0}};
  const vec8i lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  for (size_t r = 0; r < n; r++) best[r] += INFINITY;
  for (size_t c = 0; c < n_padded; c += 32) {
    vec8f score[2][4] = {{{0}}};
    for (size_t r = 0; r < n; r++) {
      for (size_t l = 0; l < 4; l++) LOAD(score[r][l], half + c + 8 * l);
    }
    for (size_t j = 0; j < n_columns; j++) {
      const float *from = centres + j * n_padded + c;
      for (size_t l = 0; l < 4; l++) {
        vec8f t;
        LOAD(t, from + 8 * l);
        for (size_t r = 0; r < n; r++) score[r][l] -= t * rows[r * stride + j];
      }
    }
    for (int l = 0; l < 4; l++) {
      vec8i at = lanes + (int32_t)(c + 8 * (size_t)l);
      for (size_t r = 0; r < n; r++) {
        vec8i less = score[r][l] < best[r];
        best[r] = SELECT(less, score[r][l], best[r]);
        best_at[r] = (at & less) | (best_at[r] & ~less);
      }
    }
  }
  for (size_t r = 0; r < n; r++) {
    float low = best[r][0];
    int32_t at = best_at[r][0];
    for (int l = 1; l < 8; l++) {
      if (best[r][l] < low || (best[r][l] == low && best_at[r][l] < at)) {
        low = best[r][l];
        at = best_at[r][l];
      }
    }
    out[r] = (uint32_t)at;
  }
}

TARGET static void VARIANT(nearest)(const float *rows, size_t n_rows, size_t stride, size_t n_columns,
                                    const float *centres, const float *half, size_t n_padded, uint32_t *out) {
  size_t r = 0;
  for (; r + 2 <= n_rows; r += 2) {
    VARIANT(nearest_rows)(rows + r * stride, 2, stride, n_columns, centres, half, n_padded, out + r);
  }
  if (r < n_rows) VARIANT(nearest_rows)(rows + r * stride, 1, stride, n_columns, centres, half, n_padded, out + r);
}

static const bf__kernels VARIANT(kernels) = {
    .name = VARIANT_NAME,
    .range = VARIANT(range),
    .bins = VARIANT(bins),
    .log_cells = VARIANT(log_cells),
    .project = VARIANT(project),
    .project_bits = VARIANT(project_bits),
    .add_scaled = VARIANT(add_scaled),
    .column_sums = VARIANT(column_sums),
    .column_squares = VARIANT(column_squares),
    .deviations = VARIANT(deviations),
    .cross = VARIANT(cross),
    .welford = VARIANT(welford),
    .distances = VARIANT(distances),
    .nearest = VARIANT(nearest),
};
