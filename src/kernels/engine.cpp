#include "kernels/engine.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "kernels/cpu_level.h"
#include "kernels/linear.h"
#include "kernels/onednn_product.h"

namespace ccexpert::kernels {
namespace {

const char* instructions_of(CpuLevel level) {
  switch (level) {
    case CpuLevel::kAvx2:
      return "AVX2";
    case CpuLevel::kAvx512:
      return "AVX512";
    case CpuLevel::kVnni:
      return "AVX512-VNNI";
    case CpuLevel::kAmx:
      return "AMX";
  }
  fail("CPU level", "is not one of the enum", "", ErrorKind::kInternal);
}

const char* float32_library() {
  if (multiplies_by_onednn()) return "oneDNN";
  return at::hasMKL() ? "MKL" : "BLAS";
}

/// A product of LibTorch's libraries; CCEXPERT_CPU does not reach them.
std::string float32_engine(const std::string& kind) {
  return fmt::format("{} {}, {}", float32_library(), kind, at::get_cpu_capability());
}

std::string half_engine(at::ScalarType dtype, const std::string& name) {
  if (multiplies_by_blocks(dtype))
    return float32_engine(fmt::format("float32 by blocks of {} weights", name));
  const bool half = dtype == at::kHalf;
  // A processor with tiles of bytes may have none of float16.
  const bool tiles = cpu_level() == CpuLevel::kAmx && has_instructions(half ? "amx_fp16" : "amx_bf16");
  return fmt::format("oneDNN {}, {}-{}", name, tiles ? "AMX" : "AVX512", half ? "FP16" : "BF16");
}

std::string int8_engine() {
  const auto level = cpu_level();
  if (level >= CpuLevel::kVnni) return fmt::format("oneDNN int8 tiles, {}", instructions_of(level));
  // XNNPACK chooses its instructions by itself.
  return fmt::format("XNNPACK int8, {}", instructions_of(machine_cpu_level()));
}

}  // namespace

Precision fastest_precision() {
  return Precision::kInt8;
}

std::string engine_name(Precision precision) {
  switch (precision) {
    case Precision::kBfloat16:
      return half_engine(at::kBFloat16, "bfloat16");
    case Precision::kFloat16:
      return half_engine(at::kHalf, "float16");
    case Precision::kInt8:
      return int8_engine();
    case Precision::kFloat32:
    case Precision::kStandard:
    case Precision::kAuto:
      break;
  }
  return float32_engine("float32");
}

std::string int4_engine_name() {
  const auto blocks = multiplies_bfloat16() ? Precision::kBfloat16 : Precision::kFloat32;
  return fmt::format("{}; blocks in 4 bits: {}", int8_engine(), engine_name(blocks));
}

}  // namespace ccexpert::kernels
