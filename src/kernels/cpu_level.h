// Instruction sets of a CPU, as far as kernels differ by them.
#pragma once

#include <ccexpert/core/names.h>

namespace ccexpert::kernels {

/// Levels of a CPU, each above the one before it.
enum class CpuLevel {
  kAvx2,    ///< AVX2, or less
  kAvx512,  ///< AVX-512 without products of bytes
  kVnni,    ///< AVX-512 with VNNI, products of bytes
  kAmx,     ///< AMX, tiles of bytes
};
constexpr auto names_of(CpuLevel) {
  return std::to_array<Name<CpuLevel>>({{CpuLevel::kAvx2, "avx2"},
                                        {CpuLevel::kAvx512, "avx512"},
                                        {CpuLevel::kVnni, "vnni"},
                                        {CpuLevel::kAmx, "amx"}});
}

/// Returns the highest level of this machine.
CpuLevel machine_cpu_level();

/// Returns `wanted`, the value of CCEXPERT_CPU; null or empty: `machine`. Throws Error for an unknown name
/// and for a level above `machine`.
CpuLevel chosen_cpu_level(const char* wanted, CpuLevel machine);

/// Returns the level that kernels use: that of this machine, or a lower one that the environment variable
/// CCEXPERT_CPU names. It is read at each call. Throws Error as `chosen_cpu_level`.
CpuLevel cpu_level();

/// True if the machine has the instructions of this name, as "amx_bf16".
bool has_instructions(const char* name);

/// True if products of bfloat16 are faster than those of float32: with AVX-512's or AMX's instructions for
/// them, unless CCEXPERT_CPU names a level without.
bool multiplies_bfloat16();

/// Same for float16.
bool multiplies_float16();

}  // namespace ccexpert::kernels
