#include <charconv>

#include <ccexpert/core/device_name.h>
#include <ccexpert/core/limits.h>

namespace ccexpert {
namespace {

/// Parses the N of "cuda:N". LibTorch's own parser truncates it to 8 bits, so cuda:256 would become cuda:0.
std::optional<int> gpu_index(std::string_view text) {
  unsigned int index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  const bool whole = error == std::errc() && end == text.data() + text.size() && index < 1U << 30;
  return whole ? std::optional(static_cast<int>(index)) : std::nullopt;
}

}  // namespace

DeviceName::DeviceName(const char* text) : DeviceName(parse_text<DeviceName>(text, "device")) {}
DeviceName::DeviceName(const std::string& text) : DeviceName(parse_text<DeviceName>(text, "device")) {}

std::optional<DeviceName> DeviceName::from_text(std::string_view text) {
  constexpr std::string_view kGpu = "cuda:";
  if (text == "auto") return DeviceName(Kind::kAuto);
  if (text == "cpu") return DeviceName(Kind::kCpu);
  if (text == "cuda") return DeviceName(Kind::kGpu);
  if (!text.starts_with(kGpu)) return std::nullopt;
  const auto index = gpu_index(text.substr(kGpu.size()));
  return index ? std::optional(DeviceName(Kind::kGpu, index)) : std::nullopt;
}

std::string DeviceName::text() const {
  if (kind_ == Kind::kAuto) return "auto";
  if (kind_ == Kind::kCpu) return "cpu";
  return gpu_ ? "cuda:" + std::to_string(*gpu_) : "cuda";
}

}  // namespace ccexpert
