// Arithmetic of rows in float32, vectorised for each instruction set.
#pragma once

#include <cstdint>

namespace ccexpert::kernels {

/// Function of each element.
enum class RowFunction {
  kNone,
  kGeluTanh,   ///< GELU with the tanh approximation
  kGelu,       ///< x times the normal distribution function
  kQuickGelu,  ///< x sigmoid(1.702 x)
  kSilu,       ///< x sigmoid(x)
  kRelu,       ///< max(x, 0)
};

/// Widens bits of bfloat16.
void widen(const uint16_t* from, int64_t count, float* to);

/// Writes the bits of the nearest values in bfloat16, half to even. Infinity and NaN stay.
void narrow(const float* from, int64_t count, uint16_t* to);

/// Applies `function` to each of `row`, within 1e-6 of the exact value relative to the argument's magnitude.
/// NaN and infinity stay; of -infinity, GELU is NaN, as LibTorch has it.
void apply_function(RowFunction function, float* row, int64_t count);

/// Multiplies `row` by `factors`.
void multiply_row(float* row, const float* factors, int64_t count);

/// Adds `term` to each of `row`.
void shift_row(float* row, float term, int64_t count);

/// Adds `terms` to `row`.
void add_row(float* row, const float* terms, int64_t count);
/// Same for terms in bits of bfloat16.
void add_row(float* row, const uint16_t* terms, int64_t count);

/// Returns the largest of a row; `count` above 0.
float most_of(const float* row, int64_t count);

/// Replaces each x of `row` by e^(scale x - shift), and returns the sum.
float exponentials(float* row, int64_t count, float scale, float shift);

/// Multiplies `row` by `factor`.
void scale_row(float* row, float factor, int64_t count);

/// Factors of a norm, as long as the row; `bias` null: RMSNorm, else LayerNorm.
struct NormFactors {
  const float* weight;
  const float* bias;
  float eps;
};

/// Writes the norm of `row`.
void normalize_row(const float* row, int64_t count, const NormFactors& factors, float* to);

/// Quantisation of a row: x is about (byte - zero) * scale.
struct RowScale {
  float scale = 1.0F;
  int32_t zero = 0;
};

/// Returns 0, or NaN if a value of the row is not finite.
float row_fault(const float* row, int64_t count);

/// Rounds a row to bytes between its least and its largest value, with 0 among them. Of a row that is not
/// finite, the scale is NaN.
RowScale quantize_row(const float* row, int64_t count, uint8_t* bytes);

/// Columns of a panel of a product.
struct PanelFactors {
  const float* scales;
  const float* biases;
  const int32_t* sums;  ///< of the weights of each column
};

/// Writes [rows,kRowPanel] products from sums of bytes of rows that `quantize_row` rounded.
void scale_sums(const int32_t* sums, const RowScale* rows, int64_t count, const PanelFactors& columns,
                float* to);
/// Adds such products of other inputs to `to`, without biases.
void add_scaled_sums(const int32_t* sums, const RowScale* rows, int64_t count, const PanelFactors& columns,
                     float* to);
inline constexpr int64_t kRowPanel = 64;

}  // namespace ccexpert::kernels
