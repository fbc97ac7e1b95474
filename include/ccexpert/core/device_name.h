/// Device in configs and on command lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ccexpert {

/// "cpu", "cuda", "cuda:N", or "auto": a GPU if one is available. The device may be missing: that is found
/// when a model is loaded.
class DeviceName {
 public:
  static constexpr std::string_view kForms = "cpu, cuda, cuda:N or auto";

  DeviceName() = default;
  /// Throws Error for another name.
  DeviceName(const char* text);         // NOLINT(google-explicit-constructor): devices are written as texts
  DeviceName(const std::string& text);  // NOLINT(google-explicit-constructor): likewise

  static std::optional<DeviceName> from_text(std::string_view text);
  std::string text() const;

  bool is_auto() const { return kind_ == Kind::kAuto; }  ///< True for a GPU if there is one, else the CPU
  bool is_cpu() const { return kind_ == Kind::kCpu; }    ///< True for "cpu"
  /// Index of the GPU; 0 for "cuda".
  int gpu() const { return gpu_.value_or(0); }

  bool operator==(const DeviceName&) const = default;

 private:
  enum class Kind { kAuto, kCpu, kGpu };

  explicit DeviceName(Kind kind, std::optional<int> gpu = {}) : kind_(kind), gpu_(gpu) {}

  Kind kind_ = Kind::kAuto;
  std::optional<int> gpu_;  ///< nothing for "cuda"
};

}  // namespace ccexpert
