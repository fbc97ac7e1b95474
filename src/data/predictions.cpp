#include "data/shared/predictions.h"

#include <cerrno>
#include <unordered_map>
#include <unordered_set>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "data/prediction_lines.h"

namespace ccexpert::data {
namespace {

namespace fs = std::filesystem;

/// Limit of a file that is read again, in bytes.
constexpr size_t kLargestOutput = size_t{8} << 30;

/// Open file with an exclusive lock.
class LockedFile {
 public:
  /// Standard output, which stays open and is not locked.
  LockedFile() = default;
  ~LockedFile() {
    if (!owned_) return;
    // Unlink while the lock is held: no other process can have started to write.
    if (is_new_ && !has_content_) ::unlink(name_.c_str());
    ::close(descriptor_);
  }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  static std::unique_ptr<LockedFile> open(const fs::path& path) {
    constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    int descriptor = ::open(path.c_str(), kFlags | O_EXCL, 0666);
    const bool is_new = descriptor >= 0;
    if (!is_new) descriptor = ::open(path.c_str(), kFlags, 0666);
    if (descriptor < 0) fail_system(path.string(), "cannot be written", errno);
    auto file = std::make_unique<LockedFile>();
    file->descriptor_ = descriptor;
    file->owned_ = true;
    file->name_ = path.string();
    // Pipes and devices do not support locks and do not need them.
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      fail(path.string(), "another process is writing it");
    }
    file->is_new_ = is_new;
    return file;
  }

  void truncate() {
    if (::ftruncate(descriptor_, 0) != 0 && errno != EINVAL) fail_system(name_, "cannot be emptied", errno);
  }

  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(descriptor_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_system(name_, "cannot be written", errno);
      has_content_ = true;
      text.remove_prefix(static_cast<size_t>(written));
    }
  }

 private:
  int descriptor_ = STDOUT_FILENO;
  bool owned_ = false;
  std::string name_ = "standard output";
  bool is_new_ = false;
  bool has_content_ = false;
};

}  // namespace

class PredictionWriter::Impl {
 public:
  Impl(PredictionFormat format, std::string run)
      : format_(format), run_(std::move(run)), file_(std::make_unique<LockedFile>()) {}

  Impl(const fs::path& path, PredictionFormat format, ExistingOutput existing, std::string run)
      : format_(format), run_(std::move(run)) {
    std::error_code ignored;
    const bool has_content = is_file(path) && fs::file_size(path, ignored) > 0;
    if (has_content && existing == ExistingOutput::kRefuse) {
      fail(path.string(), "exists already", "--resume continues it, --overwrite replaces it");
    }
    if (existing == ExistingOutput::kResume && format == PredictionFormat::kText) {
      fail_expected({"resume", "format jsonl or csv", "text", "text lines do not name their images"});
    }
    file_ = LockedFile::open(path);
    starts_anew_ = has_content && existing == ExistingOutput::kOverwrite;
    if (has_content && existing == ExistingOutput::kResume) resume(path);
  }

  void write(std::span<const Prediction> predictions) {
    // Truncate only when there is new content to write.
    if (starts_anew_) file_->truncate();
    starts_anew_ = false;
    std::string lines = header_is_due_ ? header_line(format_) : "";
    header_is_due_ = false;
    for (const auto& prediction : predictions) lines += prediction_line(prediction, format_, run_);
    file_->write(lines);
  }

  bool has_caption_of(const std::string& uid) const { return done_.contains(written_uid(uid, format_)); }
  int64_t captions_without_run() const { return without_run_; }

 private:
  void resume(const fs::path& path) {
    const std::string text = read_file(path, kLargestOutput);
    std::string kept = header_line(format_);
    for (const auto& line : parse_lines(text, format_, path.string())) {
      if (line.failed) continue;
      without_run_ += static_cast<int64_t>(line.run.empty());
      if (!line.run.empty() && line.run != run_) {
        fail_expected({fmt::format("{}: caption of {}", path.string(), line.uid),
                       "one of this model, question and options", "one of another run",
                       "resume with the settings of that run, or replace the file with --overwrite"});
      }
      done_.insert(line.uid);
      kept += line.line;
    }
    header_is_due_ = false;
    if (kept == text) return;
    write_file(path, kept);
    file_ = LockedFile::open(path);
  }

  PredictionFormat format_;
  std::string run_;
  std::unique_ptr<LockedFile> file_;
  std::unordered_set<std::string> done_;
  int64_t without_run_ = 0;
  bool header_is_due_ = true;
  bool starts_anew_ = false;
};

PredictionWriter::PredictionWriter(PredictionFormat format, std::string run)
    : impl_(std::make_unique<Impl>(format, std::move(run))) {}
PredictionWriter::PredictionWriter(const fs::path& path, PredictionFormat format, ExistingOutput existing,
                                   std::string run) try
    : impl_(std::make_unique<Impl>(path, format, existing, std::move(run))) {
} catch (...) {
  rethrow_as_error();
}
PredictionWriter::PredictionWriter(PredictionWriter&&) noexcept = default;
PredictionWriter& PredictionWriter::operator=(PredictionWriter&&) noexcept = default;
PredictionWriter::~PredictionWriter() = default;

bool PredictionWriter::has_caption_of(const std::string& uid) const {
  return impl_->has_caption_of(uid);
}
int64_t PredictionWriter::captions_without_run() const {
  return impl_->captions_without_run();
}
void PredictionWriter::write(std::span<const Prediction> predictions) try {
  impl_->write(predictions);
} catch (...) {
  rethrow_as_error();
}

void visit_captions(const fs::path& path, PredictionFormat format, std::span<const PairFiles> pairs,
                    const std::function<void(const Prediction&)>& visit) try {
  std::unordered_map<std::string, const PairFiles*> known;
  for (const auto& pair : pairs) known.emplace(written_uid(pair.uid, format), &pair);
  for (const auto& line : parse_lines(read_file(path, kLargestOutput), format, path.string())) {
    const auto pair = known.find(line.uid);
    if (line.failed || pair == known.end()) continue;
    auto prediction = parse_caption(line, format, path.string());
    prediction.pair = *pair->second;
    visit(prediction);
  }
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::data
