#include "common/progress.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <unistd.h>

#include "common/standard_streams.h"

namespace ccexpert::tools {
namespace {

constexpr auto kLineInterval = std::chrono::seconds(30);
constexpr int64_t kBarWidth = 24;

std::string bar(int64_t done, int64_t total) {
  const int64_t filled = kBarWidth * done / std::max<int64_t>(total, 1);
  std::string text;
  for (int64_t i = 0; i < kBarWidth; ++i) text += i < filled ? "█" : "░";
  return text;
}

}  // namespace

ProgressStyle progress_style_of_stderr() {
  return ::isatty(STDERR_FILENO) == 1 ? ProgressStyle::kBar : ProgressStyle::kLines;
}

std::string duration_text(double seconds) {
  const int64_t whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{:.1f} s", seconds);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

Progress::Progress(int64_t total, std::string unit, ProgressStyle style)
    : total_(total), unit_(std::move(unit)), style_(style), start_(Clock::now()), last_line_(start_) {
  if (style_ == ProgressStyle::kBar) draw();
}

Progress::~Progress() {
  clear();
}

void Progress::add(int64_t done) {
  done_ += done;
  if (style_ == ProgressStyle::kBar) draw();
  const bool line_is_due = Clock::now() - last_line_ >= kLineInterval || (total_ > 0 && done_ == total_);
  if (style_ == ProgressStyle::kLines && line_is_due) {
    last_line_ = Clock::now();
    note(state());
  }
}

void Progress::finish() {
  if (total_ == 0 && style_ != ProgressStyle::kNone) {
    clear();
    print_note(state());
  }
  style_ = ProgressStyle::kNone;
}

void Progress::note(std::string_view message) {
  clear();
  print_note(message);
  if (style_ == ProgressStyle::kBar) draw();
}

std::string Progress::state() const {
  auto text = total_ > 0 ? fmt::format("{}/{} {}", done_, total_, unit_) : fmt::format("{} {}", done_, unit_);
  if (done_ == 0) return text;
  const double rate = static_cast<double>(done_) / std::max(seconds(), 1e-9);
  text += fmt::format(" · {:.{}f} {}/s", rate, rate < 10 ? 2 : 0, unit_);
  return text + (done_ < total_ ? " · " + duration_text(static_cast<double>(total_ - done_) / rate) + " left"
                                : " · " + duration_text(seconds()));
}

void Progress::draw() {
  // \x1b[K clears the rest of a longer text.
  if (total_ > 0) {
    print_text(fmt::format("\r{} {}\x1b[K", bar(done_, total_), state()));
  } else {
    print_text(fmt::format("\r{}\x1b[K", state()));
  }
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  print_text("\r\x1b[K");
  drawn_ = false;
}

double Progress::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

}  // namespace ccexpert::tools
