/*
 * Products of packed quantized weights with rows of int8 activations; the same bits as JavaKernels.
 *
 * A panel is 16 rows of weights. It consists of blocks of 32 columns, each the quants and then 16
 * half-precision scales. The quants are unsigned: group g holds columns 4g to 4g+3 of the 16 rows,
 * four bytes a row. Bytes: eight groups of 64 bytes. Nibbles: four times 64 bytes, group g in the
 * lower and group g + 4 in the upper halves.
 *
 * A row of activations has numbers |q| <= 2047, in a block first q >> 5 of all columns, then q & 31,
 * and for each block a scale and a bias: the zero point of the weights times the sum of the
 * quants, negated. For each output
 *
 *   sum = fma((float) (bias + sum of w * q), weightScale * activationScale, sum)
 *
 * from block to block. The integer in brackets is exact in any order, so the bits are the same
 * whatever the vectors are.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define API __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))

enum { ROWS = 16, BLOCK = 32, GROUP = 64, SCALES = 32, TOKENS = 4, LOW_BITS = 5 };

/* Rows of activations and of results; strides in blocks and in elements. */
typedef struct {
  const int8_t *quants;
  const float *scales;
  const int32_t *biases;
  float *results;
  ptrdiff_t block_stride;
  ptrdiff_t result_stride;
} rows_t;

INLINE rows_t rows_from(rows_t r, ptrdiff_t row, ptrdiff_t column) {
  r.quants += row * r.block_stride * 2 * BLOCK;
  r.scales += row * r.block_stride;
  r.biases += row * r.block_stride;
  r.results += row * r.result_stride + column;
  return r;
}

INLINE ptrdiff_t block_bytes(int nibbles) { return (nibbles ? 4 : 8) * GROUP + SCALES; }

/* Quantizes a row: its largest magnitude of each block becomes 2047. */
INLINE void quantize_row(const float *x, ptrdiff_t blocks, int zero_point, int8_t *quants,
                         float *scales, int32_t *biases) {
  const float rounder = 0x1.8p23f; /* added and taken away again: to whole, ties to even */
  for (ptrdiff_t b = 0; b < blocks; b++, x += BLOCK, quants += 2 * BLOCK) {
    uint32_t bits[BLOCK], largest = 0;
    memcpy(bits, x, sizeof bits);
    for (int i = 0; i < BLOCK; i++) {
      uint32_t magnitude = bits[i] & 0x7fffffff;
      largest = magnitude > largest ? magnitude : largest;
    }
    float most;
    memcpy(&most, &largest, sizeof most);
    int usable = most >= 1e-30f && largest < 0x7f800000;
    float inverse = usable ? 2047 / most : 0;
    scales[b] = usable ? most / 2047 : largest < 0x7f800000 ? 0 : __builtin_nanf("");
    int32_t sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      float whole = (x[i] * inverse + rounder) - rounder;
      int32_t quant = usable ? (int32_t)whole : 0;
      sum += quant;
      quants[i] = (int8_t)(quant >> LOW_BITS);
      quants[BLOCK + i] = (int8_t)(quant & ((1 << LOW_BITS) - 1));
    }
    biases[b] = -zero_point * sum;
  }
}

#if defined(__x86_64__)
#include <immintrin.h>

#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,fma,f16c")))

INLINE VNNI __m512i four_bytes(const int8_t *quants) {
  int32_t four;
  memcpy(&four, quants, sizeof four);
  return _mm512_set1_epi32(four);
}

/* P panels with N rows of activations. */
INLINE VNNI void vnni_tile(const int P, const int N, const int nibbles, const uint8_t *weights,
                           ptrdiff_t blocks, rows_t r, int last_rows) {
  const ptrdiff_t bytes = block_bytes(nibbles);
  const ptrdiff_t panel = blocks * bytes;
  const __m512i mask = _mm512_set1_epi8(15);
  const ptrdiff_t row = r.block_stride * 2 * BLOCK;
  __m512 sums[2][TOKENS];
  for (int p = 0; p < P; p++)
    for (int t = 0; t < N; t++) sums[p][t] = _mm512_setzero_ps();
  for (ptrdiff_t b = 0; b < blocks; b++) {
    const uint8_t *at = weights + b * bytes;
    const int8_t *quants = r.quants + b * 2 * BLOCK;
    __m512i parts[2][TOKENS], dots[2][TOKENS];
    if (N == 1)
      for (ptrdiff_t line = 0; line < bytes; line += 64)
        for (int p = 0; p < P; p++)
          _mm_prefetch((const char *)at + p * panel + 4096 + line, _MM_HINT_T0);
    for (int t = 0; t < N; t++)
      for (int p = 0; p < P; p++) {
        parts[p][t] = _mm512_setzero_si512();
        dots[p][t] = _mm512_set1_epi32(r.biases[t * r.block_stride + b]);
      }
    for (int g = 0; g < (nibbles ? 4 : 8); g++) {
      __m512i low[2], high[2];
      for (int p = 0; p < P; p++) {
        low[p] = _mm512_loadu_si512(at + p * panel + g * GROUP);
        if (nibbles) {
          high[p] = _mm512_and_si512(_mm512_srli_epi16(low[p], 4), mask);
          low[p] = _mm512_and_si512(low[p], mask);
        }
      }
      for (int t = 0; t < N; t++) {
        const int8_t *four = quants + t * row + 4 * g;
        __m512i part = four_bytes(four), rest = four_bytes(four + BLOCK);
        for (int p = 0; p < P; p++) {
          parts[p][t] = _mm512_dpbusd_epi32(parts[p][t], low[p], part);
          dots[p][t] = _mm512_dpbusd_epi32(dots[p][t], low[p], rest);
        }
        if (nibbles) {
          part = four_bytes(four + 16);
          rest = four_bytes(four + BLOCK + 16);
          for (int p = 0; p < P; p++) {
            parts[p][t] = _mm512_dpbusd_epi32(parts[p][t], high[p], part);
            dots[p][t] = _mm512_dpbusd_epi32(dots[p][t], high[p], rest);
          }
        }
      }
    }
    for (int t = 0; t < N; t++)
      for (int p = 0; p < P; p++)
        dots[p][t] = _mm512_add_epi32(dots[p][t], _mm512_slli_epi32(parts[p][t], LOW_BITS));
    for (int p = 0; p < P; p++) {
      const uint8_t *scales = at + p * panel + bytes - SCALES;
      __m512 scale = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)scales));
      for (int t = 0; t < N; t++) {
        __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(r.scales[t * r.block_stride + b]));
        sums[p][t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[p][t]), factor, sums[p][t]);
      }
    }
  }
  for (int p = 0; p < P; p++) {
    int rows = p == P - 1 ? last_rows : ROWS;
    __mmask16 there = (__mmask16)((1u << rows) - 1);
    for (int t = 0; t < N; t++)
      _mm512_mask_storeu_ps(r.results + t * r.result_stride + p * ROWS, there, sums[p][t]);
  }
}

#define VNNI_CASE(n) \
  case n: vnni_tile(P, n, nibbles, weights, blocks, part, last_rows); break

INLINE VNNI void vnni_panels(const int P, const int nibbles, const uint8_t *weights,
                             ptrdiff_t blocks, rows_t r, ptrdiff_t tokens, int last_rows) {
  for (ptrdiff_t t = 0; t < tokens; t += TOKENS) {
    rows_t part = rows_from(r, t, 0);
    switch (tokens - t) {
      VNNI_CASE(1);
      VNNI_CASE(2);
      VNNI_CASE(3);
      default: vnni_tile(P, TOKENS, nibbles, weights, blocks, part, last_rows);
    }
  }
}

INLINE VNNI void vnni(const int nibbles, const uint8_t *weights, ptrdiff_t panels,
                      ptrdiff_t blocks, rows_t r, ptrdiff_t tokens, int last_rows) {
  const ptrdiff_t panel = blocks * block_bytes(nibbles);
  ptrdiff_t p = 0;
  for (; p + 2 <= panels; p += 2)
    vnni_panels(2, nibbles, weights + p * panel, blocks, rows_from(r, 0, p * ROWS), tokens,
                p + 2 == panels ? last_rows : ROWS);
  if (p < panels)
    vnni_panels(1, nibbles, weights + p * panel, blocks, rows_from(r, 0, p * ROWS), tokens,
                last_rows);
}

static VNNI void vnni_bytes(const uint8_t *weights, ptrdiff_t panels, ptrdiff_t blocks, rows_t r,
                            ptrdiff_t tokens, int last_rows) {
  vnni(0, weights, panels, blocks, r, tokens, last_rows);
}

static VNNI void vnni_nibbles(const uint8_t *weights, ptrdiff_t panels, ptrdiff_t blocks, rows_t r,
                              ptrdiff_t tokens, int last_rows) {
  vnni(1, weights, panels, blocks, r, tokens, last_rows);
}

static VNNI void vnni_quantize(const float *x, ptrdiff_t blocks, int zero_point, int8_t *quants,
                               float *scales, int32_t *biases) {
  quantize_row(x, blocks, zero_point, quants, scales, biases);
}

#define AVX2 __attribute__((target("avx2,fma,f16c")))

static AVX2 void avx2_quantize(const float *x, ptrdiff_t blocks, int zero_point, int8_t *quants,
                               float *scales, int32_t *biases) {
  quantize_row(x, blocks, zero_point, quants, scales, biases);
}

/* Sums of pairs of products. Bytes are taken as signed, which needs no bias: with the sign of the
   weight moved to the other number, no pair of products leaves 16 bits. */
INLINE AVX2 __m256i pairs(const int nibbles, __m256i weights, const int8_t *quants) {
  int32_t four;
  memcpy(&four, quants, sizeof four);
  __m256i x = _mm256_set1_epi32(four);
  return nibbles ? _mm256_maddubs_epi16(weights, x)
                 : _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(x, weights));
}

/* Half a panel, eight rows, with N rows of activations. */
INLINE AVX2 void avx2_tile(const int N, const int nibbles, const uint8_t *weights, int half,
                           ptrdiff_t blocks, rows_t r, int rows) {
  const ptrdiff_t bytes = block_bytes(nibbles);
  const ptrdiff_t row = r.block_stride * 2 * BLOCK;
  const __m256i mask = _mm256_set1_epi8(15), zero_point = _mm256_set1_epi8((char)128);
  const __m256i ones = _mm256_set1_epi16(1), units = _mm256_set1_epi16(1 << LOW_BITS);
  __m256 sums[TOKENS];
  for (int t = 0; t < N; t++) sums[t] = _mm256_setzero_ps();
  for (ptrdiff_t b = 0; b < blocks; b++) {
    const uint8_t *at = weights + b * bytes;
    __m256i dots[TOKENS];
    for (int t = 0; t < N; t++)
      dots[t] = nibbles ? _mm256_set1_epi32(r.biases[t * r.block_stride + b])
                        : _mm256_setzero_si256();
    for (int g = 0; g < (nibbles ? 4 : 8); g++) {
      __m256i w = _mm256_loadu_si256((const __m256i *)(at + g * GROUP + half * 32));
      __m256i low = nibbles ? _mm256_and_si256(w, mask) : _mm256_xor_si256(w, zero_point);
      __m256i high = _mm256_and_si256(_mm256_srli_epi16(w, 4), mask);
      for (int t = 0; t < N; t++) {
        const int8_t *four = r.quants + b * 2 * BLOCK + t * row + 4 * g;
        __m256i part = pairs(nibbles, low, four), rest = pairs(nibbles, low, four + BLOCK);
        if (nibbles) {
          part = _mm256_add_epi16(part, pairs(nibbles, high, four + 16));
          rest = _mm256_add_epi16(rest, pairs(nibbles, high, four + BLOCK + 16));
        }
        dots[t] = _mm256_add_epi32(dots[t], _mm256_madd_epi16(part, units));
        dots[t] = _mm256_add_epi32(dots[t], _mm256_madd_epi16(rest, ones));
      }
    }
    __m256 scale = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(at + bytes - SCALES + half * 16)));
    for (int t = 0; t < N; t++) {
      __m256 factor = _mm256_mul_ps(scale, _mm256_set1_ps(r.scales[t * r.block_stride + b]));
      sums[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[t]), factor, sums[t]);
    }
  }
  for (int t = 0; t < N; t++) {
    float out[8];
    _mm256_storeu_ps(out, sums[t]);
    memcpy(r.results + t * r.result_stride, out, (size_t)rows * sizeof(float));
  }
}

#define AVX2_CASE(n) \
  case n: avx2_tile(n, nibbles, weights, half, blocks, part, rows); break

INLINE AVX2 void avx2(const int nibbles, const uint8_t *weights, ptrdiff_t panels,
                      ptrdiff_t blocks, rows_t r, ptrdiff_t tokens, int last_rows) {
  for (ptrdiff_t p = 0; p < panels; p++, weights += blocks * block_bytes(nibbles)) {
    int there = p == panels - 1 ? last_rows : ROWS;
    for (int half = 0; half < 2 && there > half * 8; half++) {
      int rows = there - half * 8 < 8 ? there - half * 8 : 8;
      for (ptrdiff_t t = 0; t < tokens; t += TOKENS) {
        rows_t part = rows_from(r, t, p * ROWS + half * 8);
        switch (tokens - t) {
          AVX2_CASE(1);
          AVX2_CASE(2);
          AVX2_CASE(3);
          default: avx2_tile(TOKENS, nibbles, weights, half, blocks, part, rows);
        }
      }
    }
  }
}

static AVX2 void avx2_bytes(const uint8_t *weights, ptrdiff_t panels, ptrdiff_t blocks, rows_t r,
                            ptrdiff_t tokens, int last_rows) {
  avx2(0, weights, panels, blocks, r, tokens, last_rows);
}

static AVX2 void avx2_nibbles(const uint8_t *weights, ptrdiff_t panels, ptrdiff_t blocks, rows_t r,
                              ptrdiff_t tokens, int last_rows) {
  avx2(1, weights, panels, blocks, r, tokens, last_rows);
}
#endif

/* What the machine can do: 0 nothing of this, 1 AVX2, 2 AVX-512 with VNNI. */
API int sluice_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
    return 2;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c"))
    return 1;
#endif
  return 0;
}

/* One row of activations. */
API void sluice_quantize(int level, const float *x, int64_t blocks, int zero_point, int8_t *quants,
                         float *scales, int32_t *biases) {
#if defined(__x86_64__)
  (level == 2 ? vnni_quantize : avx2_quantize)(x, blocks, zero_point, quants, scales, biases);
#endif
}

/*
 * Whole panels with rows of activations, by instructions that sluice_level() has allowed.
 *
 * last_rows: rows of the last panel, 1 to 16; nothing is written for the others.
 */
API void sluice_multiply(int level, int nibbles, const uint8_t *weights, int64_t panels,
                         int64_t blocks, int last_rows, const int8_t *quants,
                         const float *scales, const int32_t *biases, int64_t block_stride,
                         int64_t tokens, float *results, int64_t result_stride) {
  rows_t r = {quants, scales, biases, results, block_stride, result_stride};
#if defined(__x86_64__)
  if (level == 2)
    (nibbles ? vnni_nibbles : vnni_bytes)(weights, panels, blocks, r, tokens, last_rows);
  if (level == 1)
    (nibbles ? avx2_nibbles : avx2_bytes)(weights, panels, blocks, r, tokens, last_rows);
#endif
}
