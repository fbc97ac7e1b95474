#include "caption/timings_report.h"

#include <type_traits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "core/printable.h"

namespace ccexpert::tools {
namespace {

/// Calls `visit(name, seconds)` for each stage.
template <class Visit>
void for_each_stage(const CaptionerTimings& timings, const Visit& visit) {
  for_each_field<CaptionerTimings>([&](const auto& each) {
    if constexpr (std::is_same_v<decltype(timings.*each.member), const double&>)
      visit(each.name, timings.*each.member);
  });
}

double per_second(int64_t count, double seconds) {
  return seconds > 0.0 ? static_cast<double>(count) / seconds : 0.0;
}

}  // namespace

int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

std::string timings_table(const RunFigures& figures) {
  const auto& timings = figures.timings;
  std::string table;
  for_each_stage(timings, [&](const char* name, double seconds) {
    table += fmt::format("{:<12}{:10.3f} s\n", name, seconds);
  });
  table += fmt::format("{:<12}{:>10}\n", "pairs", timings.pairs);
  table += fmt::format("{:<12}{:>10}    {} encoded before\n", "images",
                       timings.encoded_images + timings.reused_images, timings.reused_images);
  table += fmt::format(
      "{:<12}{:>10}    {:.1f} tokens/s, {} computed before\n", "prompt", timings.prompt_tokens,
      per_second(timings.prompt_tokens - timings.reused_tokens, timings.prefill), timings.reused_tokens);
  table += fmt::format("{:<12}{:>10}    {:.1f} tokens/s, {} drafted\n", "generated", timings.generated_tokens,
                       per_second(timings.generated_tokens, timings.decode), timings.drafted_tokens);
  table += fmt::format("{:<12}{:10.2f} GB\n", "peak memory", static_cast<double>(figures.peak_bytes) * 1e-9);
  return table + fmt::format("{:<12}{}\n{:<12}{}\n{:<12}{}\n{:<12}{}\n", "model", figures.model, "engine",
                             figures.engine, "decoding", to_text(figures.decoding), "question",
                             printable(figures.question));
}

std::string timings_json(const RunFigures& figures) {
  const auto& timings = figures.timings;
  const auto& decoding = figures.decoding;
  nlohmann::ordered_json report;
  for_each_stage(timings, [&](const char* name, double seconds) { report["seconds"][name] = seconds; });
  for_each_field<CaptionerTimings>([&](const auto& each) {
    if constexpr (std::is_same_v<decltype(timings.*each.member), const int64_t&>)
      report[each.name] = timings.*each.member;
  });
  report["decode_tokens_per_second"] = per_second(timings.generated_tokens, timings.decode);
  report["peak_memory_bytes"] = figures.peak_bytes;
  report["model"] = figures.model;
  report["engine"] = figures.engine;
  report["decoding"] = {{"max_new_tokens", decoding.max_new_tokens},
                        {"min_new_tokens", decoding.min_new_tokens},
                        {"beams", decoding.beams},
                        {"length_penalty", decoding.length_penalty},
                        {"temperature", decoding.temperature},
                        {"top_p", decoding.top_p},
                        {"top_k", decoding.top_k},
                        {"repetition_penalty", decoding.repetition_penalty},
                        {"stop_ids", decoding.stop_ids},
                        {"seed", decoding.seed}};
  report["question"] = figures.question;
  return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace ccexpert::tools
