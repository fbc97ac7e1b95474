/// Values of options of a map: lengths, stretches and shards, with their text forms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ccexpert::geo {

/// Length on the ground in pixels of the first date, or in metres.
struct Length {
  static constexpr std::string_view kForms = "pixels as 256, or metres as 128m";

  double value = 0.0;   ///< pixels or metres
  bool metres = false;  ///< false: pixels

  static std::optional<Length> from_text(std::string_view text);
  std::string text() const;

  bool operator==(const Length&) const = default;
};

/// Conversion of samples to 8 bits.
struct Stretch {
  static constexpr std::string_view kForms = "auto, none, percentiles as 2,98, or values as fixed:0,3000";

  enum class Kind {  ///< Kind of conversion
    kAuto,           ///< none for 8 bits, else the percentiles 2 and 98
    kNone,           ///< samples are 0 to 255 already
    kPercentiles,    ///< of each band of each date, over the scene
    kFixed,          ///< the same two values for all bands
  };

  Kind kind = Kind::kAuto;  ///< of conversion
  double low = 2.0;         ///< percentile or value that becomes 0
  double high = 98.0;       ///< percentile or value that becomes 255

  static std::optional<Stretch> from_text(std::string_view text);
  std::string text() const;

  bool operator==(const Stretch&) const = default;
};

/// Part of the tiles, for one of several processes.
struct Shard {
  static constexpr std::string_view kForms = "I/N with I from 1 to N";

  int64_t index = 1;  ///< 1 to `count`
  int64_t count = 1;  ///< number of parts

  static std::optional<Shard> from_text(std::string_view text);
  std::string text() const;

  bool operator==(const Shard&) const = default;
};

}  // namespace ccexpert::geo
