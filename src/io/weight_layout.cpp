#include <ccexpert/io/weight_layout.h>

namespace ccexpert::io {
namespace {

/// Returns `name` with the first matching prefix replaced; empty if none matches or the replacement is empty.
std::string renamed(std::string_view name, std::span<const RenamedPrefix> prefixes) {
  for (const auto& prefix : prefixes) {
    if (!name.starts_with(prefix.from)) continue;
    return prefix.to.empty() ? "" : std::string(prefix.to).append(name.substr(prefix.from.size()));
  }
  return {};
}

}  // namespace

std::string model_name(const WeightLayout& layout, std::string_view name) {
  if (name.starts_with(layout.outer)) name.remove_prefix(layout.outer.size());
  return renamed(name, layout.to_model);
}

std::string file_name(const WeightLayout& layout, std::string_view name) {
  return renamed(name, layout.to_files);
}

}  // namespace ccexpert::io
