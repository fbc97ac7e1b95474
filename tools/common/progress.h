// Progress of a long run: a bar on a terminal, plain lines in a log.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace ccexpert::tools {

enum class ProgressStyle { kNone, kBar, kLines };

/// Returns kBar if standard error is a terminal, else kLines.
ProgressStyle progress_style_of_stderr();

/// Returns a duration as "3.2 s", "4 min 05 s" or "2 h 03 min".
std::string duration_text(double seconds);

class Progress {
 public:
  /// `unit` is the plural of the counted items, such as "pairs". A total of 0 means unknown.
  Progress(int64_t total, std::string unit, ProgressStyle style);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Adds `done` items; updates the display if enough has changed.
  void add(int64_t done);

  /// Prints the final state if the total was unknown.
  void finish();

  /// Prints a separate line on standard error, above the bar.
  void note(std::string_view message);

  /// Returns the state as text, such as "12/40 pairs · 3.1 pairs/s · 9.0 s left".
  std::string state() const;

 private:
  using Clock = std::chrono::steady_clock;

  void draw();
  void clear();
  double seconds() const;

  int64_t total_;
  int64_t done_ = 0;
  std::string unit_;
  ProgressStyle style_;
  Clock::time_point start_;
  Clock::time_point last_line_;
  bool drawn_ = false;
};

}  // namespace ccexpert::tools
