// Page of captioned pairs, or of places at several dates, that is written while the captions come.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/image/change_map.h>
#include <ccexpert/image/image.h>

#include "core/atomic_file.h"

namespace ccexpert::page {

/// Values of patches; G = 0: none.
using Heatmap = image::ChangeMap;

/// Returns the values in 8 bits each as Base64: 0 for 0 and less, 255 for 1 and more. Throws Error unless
/// there are G² of them.
std::string packed(const Heatmap& map);

/// Word of a caption and the place that it speaks of.
struct ReportWord {
  std::string text;
  Heatmap map;
};

/// Part of a pair in a series of dates.
enum class SeriesKind {
  kStep,    ///< consecutive dates
  kAround,  ///< dates on both sides of one that may only come and go
  kSpan,    ///< the first against the last date
};

struct SeriesEntry {
  std::string place, from, to;
  SeriesKind kind = SeriesKind::kStep;
  bool transient = false;  ///< the change comes and goes in one date
};

/// Pair of a report; all texts are plain.
struct ReportEntry {
  std::string uid;
  int64_t order = 0;                     ///< place in the input
  std::optional<int64_t> before, after;  ///< images of ReportWriter::add_image
  std::string caption;
  std::optional<double> logprob;  ///< sum over the tokens of the caption
  std::optional<double> score;    ///< of change, in [0,1]
  std::optional<bool> changed;
  bool unsure = false;
  Heatmap map = {};
  std::vector<ReportWord> words = {};  ///< in the order of the caption
  std::string error = {};              ///< in place of a caption
  std::string note = {};               ///< further text: files, warnings
  std::optional<SeriesEntry> series = {};
};

/// Title of a report and a line below it.
struct ReportHead {
  std::string title, lead;
};

/// Longer side of a thumbnail in pixels.
inline constexpr int64_t kReportSide = 256;

/// Thumbnail of a report.
struct ReportPicture {
  std::string address;  ///< "data:image/webp;base64,..."
  int64_t width = 0;
  int64_t height = 0;
};
ReportPicture report_picture(const image::Image& image);

/// Writes a self-contained page, an entry at a time; the page appears at `finish`, complete or not at all.
/// Memory does not grow with the number of entries. Throws Error naming `path` if the system refuses it.
class ReportWriter {
 public:
  ReportWriter(const std::filesystem::path& path, const ReportHead& head);

  /// Writes a thumbnail and returns its number for entries.
  int64_t add_image(const image::Image& image);
  int64_t add_image(const ReportPicture& picture);
  void add(const ReportEntry& entry);
  void finish();

 private:
  void write_script(std::string_view attributes, std::string_view text);

  AtomicFile file_;
  int64_t images_ = 0;
  int64_t entries_ = 0;
};

}  // namespace ccexpert::page
