// Engine of a CPU's products, and the precision that suits the processor.
#pragma once

#include <string>

#include <ccexpert/core/precision.h>

namespace ccexpert::kernels {

/// Returns the fastest precision of proven quality on a CPU: int8 at each level. docs/benchmarks.md has the
/// measurements of its quality, and of its time with VNNI; AVX2 and AMX were not measured.
Precision fastest_precision();

/// Returns the engine and the instruction set of a CPU's products, as "oneDNN int8 tiles, AVX512-VNNI". The
/// precision is one of numbers, or kStandard.
std::string engine_name(Precision precision);

/// Returns that of an int8 model whose decoder has blocks in 4 bits: they are widened for products of the
/// second engine, except for a few rows.
std::string int4_engine_name();

}  // namespace ccexpert::kernels
