#include "datasets/entry.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "datasets/caption_text.h"

namespace ccexpert::datasets {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

}  // namespace

std::optional<bool> changed_by(const std::vector<std::string>& captions) {
  if (captions.empty()) return std::nullopt;
  const auto unchanged = std::count_if(captions.begin(), captions.end(), says_no_change);
  return 2 * unchanged <= static_cast<std::ptrdiff_t>(captions.size());
}

std::string split_named(std::string_view name) {
  const auto text = lower(name);
  if (text == "train" || text == "training") return "train";
  if (text == "val" || text == "valid" || text == "validation") return "val";
  if (text == "test" || text == "testing") return "test";
  fail({"split", "train, val or test", fmt::format("'{}'", name)});
}

std::string split_in_name(std::string_view file_name) {
  const auto text = lower(file_name);
  if (text.find("test") != std::string::npos || text.find("bench") != std::string::npos) return "test";
  return text.find("val") != std::string::npos ? "val" : "train";
}

}  // namespace ccexpert::datasets
