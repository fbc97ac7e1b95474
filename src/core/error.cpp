#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert {
namespace {

std::string with_hint(std::string text, std::string_view hint) {
  if (!hint.empty()) text += fmt::format(" ({})", hint);
  return text;
}

}  // namespace

void fail(const Mismatch& mismatch) {
  throw Error(with_hint(
      fmt::format("{}: expected {}, got {}", mismatch.what, mismatch.expected, mismatch.got), mismatch.hint));
}

void fail(std::string_view what, std::string_view problem, std::string_view hint) {
  throw Error(with_hint(fmt::format("{}: {}", what, problem), hint));
}

}  // namespace ccexpert
