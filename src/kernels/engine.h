// Engine of a CPU's products, and the precision that suits the processor.
#pragma once

#include <string>

#include <ccexpert/core/precision.h>

#include "kernels/cpu_level.h"

namespace ccexpert::kernels {

/// Returns the fastest precision of proven quality on a CPU of `level`: int8 on all of them, by the
/// measurements in docs/benchmarks.md.
Precision fastest_precision(CpuLevel level = cpu_level());

/// Returns the engine and the instruction set of a CPU's products, as "oneDNN int8 tiles, AVX512-VNNI". The
/// precision is one of numbers, or kStandard.
std::string engine_name(Precision precision);

}  // namespace ccexpert::kernels
