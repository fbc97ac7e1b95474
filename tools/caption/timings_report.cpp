#include "caption/timings_report.h"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace ccexpert::tools {
namespace {

struct Stage {
  const char* name;
  double CaptionerTimings::*seconds;
};

constexpr std::array kStages{
    Stage{"load", &CaptionerTimings::load},       Stage{"preprocess", &CaptionerTimings::preprocess},
    Stage{"vision", &CaptionerTimings::vision},   Stage{"diff_expert", &CaptionerTimings::diff_expert},
    Stage{"prefill", &CaptionerTimings::prefill}, Stage{"decode", &CaptionerTimings::decode}};

double per_second(int64_t count, double seconds) {
  return seconds > 0.0 ? static_cast<double>(count) / seconds : 0.0;
}

}  // namespace

int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

std::string timings_table(const CaptionerTimings& timings, int64_t peak_bytes) {
  std::string table;
  for (const auto& stage : kStages)
    table += fmt::format("{:<12}{:10.3f} s\n", stage.name, timings.*stage.seconds);
  table += fmt::format("{:<12}{:>10}\n", "pairs", timings.pairs);
  table += fmt::format("{:<12}{:>10}    {:.1f} tokens/s\n", "prompt", timings.prompt_tokens,
                       per_second(timings.prompt_tokens, timings.prefill));
  table += fmt::format("{:<12}{:>10}    {:.1f} tokens/s\n", "generated", timings.generated_tokens,
                       per_second(timings.generated_tokens, timings.decode));
  return table + fmt::format("{:<12}{:10.2f} GB\n", "peak memory", static_cast<double>(peak_bytes) * 1e-9);
}

std::string timings_json(const CaptionerTimings& timings, int64_t peak_bytes) {
  nlohmann::ordered_json report;
  for (const auto& stage : kStages) report["seconds"][stage.name] = timings.*stage.seconds;
  report["pairs"] = timings.pairs;
  report["prompt_tokens"] = timings.prompt_tokens;
  report["generated_tokens"] = timings.generated_tokens;
  report["decode_tokens_per_second"] = per_second(timings.generated_tokens, timings.decode);
  report["peak_memory_bytes"] = peak_bytes;
  return report.dump(2) + "\n";
}

}  // namespace ccexpert::tools
