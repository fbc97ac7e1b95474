#include "geo/shared/scene_date.h"

#include <array>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "geo/gdal_use.h"

namespace ccexpert::geo {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int days_of(int year, int month) {
  constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<size_t>(month - 1)];
}

/// Reader of a date at a place of a text.
class DateReader {
 public:
  DateReader(std::string_view text, size_t at) : text_(text), at_(at) {}

  /// Returns year, month and day, with the time of day if one follows.
  std::optional<std::string> day() {
    const auto year = number(4, 1900, 2099);
    if (!year) return std::nullopt;
    const char between = separator();
    const auto month = number(2, 1, 12);
    if (!month || separator() != between) return std::nullopt;
    const auto day = number(2, 1, days_of(*year, *month));
    if (!day) return std::nullopt;
    const auto date = fmt::format("{:04}-{:02}-{:02}", *year, *month, *day);
    const size_t end = at_;
    if (const auto clock = time_of_day()) return date + "T" + *clock + "Z";
    return end == text_.size() || !is_digit(text_[end]) ? std::optional(date + "T00:00:00Z") : std::nullopt;
  }

  /// Returns a year, or a year and a month with a separator.
  std::optional<std::string> month() {
    const auto year = number(4, 1900, 2099);
    if (!year || is_digit_next()) return std::nullopt;
    const size_t end = at_;
    if (separator() != 0) {
      if (const auto month = number(2, 1, 12); month && !is_digit_next())
        return fmt::format("{:04}-{:02}-01T00:00:00Z", *year, *month);
    }
    at_ = end;
    return fmt::format("{:04}-01-01T00:00:00Z", *year);
  }

 private:
  bool is_digit_next() const { return at_ < text_.size() && is_digit(text_[at_]); }

  std::optional<int> number(size_t digits, int least, int most) {
    if (at_ + digits > text_.size()) return std::nullopt;
    int value = 0;
    for (size_t i = 0; i < digits; ++i) {
      const char c = text_[at_ + i];
      if (!is_digit(c)) return std::nullopt;
      value = 10 * value + (c - '0');
    }
    if (value < least || value > most) return std::nullopt;
    at_ += digits;
    return value;
  }

  /// Skips a separator of a date; 0 without one.
  char separator() {
    const bool there = at_ < text_.size() && std::string_view("-_.:/").find(text_[at_]) != std::string::npos;
    return there ? text_[at_++] : '\0';
  }

  std::optional<std::string> time_of_day() {
    if (at_ < text_.size() && std::string_view("T t_-").find(text_[at_]) != std::string::npos) ++at_;
    const auto hour = number(2, 0, 23);
    if (!hour) return std::nullopt;
    skip_colon();
    const auto minute = number(2, 0, 59);
    if (!minute) return std::nullopt;
    skip_colon();
    const auto second = number(2, 0, 59);
    if (is_digit_next()) return std::nullopt;
    return fmt::format("{:02}:{:02}:{:02}", *hour, *minute, second.value_or(0));
  }

  void skip_colon() {
    if (at_ < text_.size() && (text_[at_] == ':' || text_[at_] == '-')) ++at_;
  }

  std::string_view text_;
  size_t at_;
};

using Read = std::optional<std::string> (DateReader::*)();

std::optional<std::string> first_in(std::string_view text, Read read) {
  for (size_t i = 0; i + 4 <= text.size(); ++i) {
    if (i > 0 && is_digit(text[i - 1])) continue;
    DateReader reader(text, i);
    if (auto date = (reader.*read)()) return date;
  }
  return std::nullopt;
}

std::optional<std::string> time_in_tags(const std::string& raster) {
  const auto dataset = open_raster(raster);
  const auto time_of = [&](const char* tag, const char* domain) {
    const char* text = dataset->GetMetadataItem(tag, domain);
    return text == nullptr ? std::nullopt : time_in_text(text);
  };
  const auto acquired = time_of("ACQUISITIONDATETIME", "IMAGERY");
  return acquired ? acquired : time_of("TIFFTAG_DATETIME", nullptr);
}

}  // namespace

std::optional<std::string> time_in_text(std::string_view text) {
  const auto day = first_in(text, &DateReader::day);
  return day ? day : first_in(text, &DateReader::month);
}

std::string time_of_scene(std::string_view date, const std::string& raster) {
  if (const auto time = time_in_text(date)) return *time;
  if (const auto time = time_in_text(std::filesystem::path(raster).filename().string())) return *time;
  const QuietGdal quiet;
  return time_in_tags(raster).value_or("");
}

void expect_series(const MapOptions& options) {
  const auto& series = options.series;
  if (series.size() < 2) fail_expected({"--series", "two dates or more", std::to_string(series.size())});
  if (!options.heatmap.empty()) fail_expected({"--heatmap", "two dates, BEFORE AFTER", "a series"});
  std::set<std::string> names;
  const SceneDate* last = nullptr;
  for (const auto& date : series) {
    if (!names.insert(date.name).second)
      fail_expected({"--series", "a name for each date", fmt::format("{} twice", date.name)});
    if (date.time.empty()) continue;
    if (last != nullptr && date.time < last->time) {
      fail_expected({"--series", "dates in the order of time",
                     fmt::format("{} of {} after {} of {}", date.raster, date.time, last->raster, last->time),
                     "a list gives another order"});
    }
    last = &date;
  }
}

}  // namespace ccexpert::geo
