#include "datasets/lists/entry.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/ascii.h"
#include "datasets/caption_text.h"

namespace ccexpert::datasets {
namespace {

/// Splits "RSCC_captionTest2.json" into rscc, caption, test, json.
std::vector<std::string> words_in_name(std::string_view name) {
  const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  const auto is_capital = [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; };
  std::vector<std::string> words;
  for (size_t i = 0; i < name.size(); ++i) {
    if (!is_letter(name[i])) continue;
    const bool first = i == 0 || !is_letter(name[i - 1]);
    // As in "LevirTest" and "RSCCTest".
    const bool last_was_small = !first && !is_capital(name[i - 1]);
    const bool next_is_small = i + 1 < name.size() && is_letter(name[i + 1]) && !is_capital(name[i + 1]);
    if (first || (is_capital(name[i]) && (last_was_small || next_is_small))) words.emplace_back();
    words.back() += ascii_lower_case(name.substr(i, 1));
  }
  return words;
}

}  // namespace

std::optional<bool> changed_by(const std::vector<std::string>& captions) {
  if (captions.empty()) return std::nullopt;
  const auto unchanged = std::count_if(captions.begin(), captions.end(), says_no_change);
  return 2 * unchanged <= static_cast<std::ptrdiff_t>(captions.size());
}

std::string split_named(std::string_view name) {
  const auto text = ascii_lower_case(name);
  if (text == "train" || text == "training") return "train";
  if (text == "val" || text == "valid" || text == "validation") return "val";
  if (text == "test" || text == "testing") return "test";
  fail_expected({"split", "train, val or test", fmt::format("'{}'", name)});
}

std::string split_in_name(std::string_view file_name) {
  const auto words = words_in_name(file_name);
  const auto holds_any = [&](std::initializer_list<std::string_view> wanted) {
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
      // In "LEVIRtest", the last capital is not part of the word.
      const auto is = [&](std::string_view one) { return word == one || word.substr(1) == one; };
      return std::any_of(wanted.begin(), wanted.end(), is);
    });
  };
  if (holds_any({"test", "tests", "testing", "testset", "bench", "benchmark"})) return "test";
  return holds_any({"val", "valid", "validation", "valset"}) ? "val" : "train";
}

}  // namespace ccexpert::datasets
