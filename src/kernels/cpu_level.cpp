#include "kernels/cpu_level.h"

#include <cstdlib>
#include <string>

#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>

#include <ccexpert/core/error.h>

namespace ccexpert::kernels {
namespace {

/// True if the processor has byte tiles and the system lets this process use them.
bool has_amx() {
  return has_instructions("amx_int8") && at::cpu::init_amx();
}

}  // namespace

bool has_instructions(const char* name) {
  const auto has = at::cpu::get_cpu_capabilities();
  const auto found = has.find(name);
  return found != has.end() && found->second.isBool() && found->second.toBool();
}

CpuLevel machine_cpu_level() {
  static const CpuLevel level = [] {
    if (at::get_cpu_capability() != "AVX512") return CpuLevel::kAvx2;
    if (!at::cpu::is_avx512_vnni_supported()) return CpuLevel::kAvx512;
    return has_amx() ? CpuLevel::kAmx : CpuLevel::kVnni;
  }();
  return level;
}

CpuLevel chosen_cpu_level(const char* wanted, CpuLevel machine) {
  if (wanted == nullptr || *wanted == '\0') return machine;
  const auto level = value_named<CpuLevel>(wanted);
  if (!level) fail_expected({"CCEXPERT_CPU", "avx2, avx512, vnni or amx", wanted});
  if (*level > machine) {
    fail_expected({"CCEXPERT_CPU", "at most " + std::string(name_of(machine)), wanted,
                   "this processor or this system has no more"});
  }
  return *level;
}

bool multiplies_bfloat16() {
  static const bool machine = has_instructions("avx512_bf16") || has_instructions("amx_bf16");
  return machine && cpu_level() >= CpuLevel::kVnni;
}

bool multiplies_float16() {
  static const bool machine = has_instructions("avx512_fp16") || has_instructions("amx_fp16");
  return machine && cpu_level() >= CpuLevel::kVnni;
}

CpuLevel cpu_level() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment.
  return chosen_cpu_level(std::getenv("CCEXPERT_CPU"), machine_cpu_level());
}

}  // namespace ccexpert::kernels
