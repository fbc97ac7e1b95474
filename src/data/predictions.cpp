#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ccexpert/core/error.h>
#include <ccexpert/data/predictions.h>

#include "core/files.h"
#include "data/prediction_lines.h"

namespace ccexpert::data {
namespace {

namespace fs = std::filesystem;

/// An open file with an exclusive lock that goes with it.
class LockedFile {
 public:
  LockedFile(int descriptor, bool owned, std::string name)
      : descriptor_(descriptor), owned_(owned), name_(std::move(name)) {}
  ~LockedFile() {
    if (owned_) ::close(descriptor_);
  }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  static std::unique_ptr<LockedFile> open(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor < 0) fail(path.string(), "cannot be written", std::strerror(errno));
    auto file = std::make_unique<LockedFile>(descriptor, true, path.string());
    // Pipes and devices know no lock, and need none.
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      fail(path.string(), "another process is writing it");
    }
    return file;
  }

  void truncate() {
    if (::ftruncate(descriptor_, 0) != 0 && errno != EINVAL)
      fail(name_, "cannot be emptied", std::strerror(errno));
  }

  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(descriptor_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail(name_, "cannot be written", std::strerror(errno));
      text.remove_prefix(static_cast<size_t>(written));
    }
  }

 private:
  int descriptor_;
  bool owned_;
  std::string name_;
};

/// Puts `text` in the place of the file, whole or not at all.
void replace_file(const fs::path& path, std::string_view text) {
  const fs::path beside = path.string() + ".resume" + std::to_string(::getpid());
  {
    const auto file = LockedFile::open(beside);
    file->write(text);
  }
  std::error_code error;
  fs::rename(beside, path, error);
  if (error) fail(path.string(), "cannot be replaced", error.message());
}

}  // namespace

class PredictionWriter::Impl {
 public:
  explicit Impl(PredictionFormat format)
      : format_(format), file_(std::make_unique<LockedFile>(STDOUT_FILENO, false, "standard output")) {}

  Impl(const fs::path& path, PredictionFormat format, ExistingOutput existing) : format_(format) {
    std::error_code ignored;
    const bool has_content = fs::is_regular_file(path, ignored) && fs::file_size(path, ignored) > 0;
    if (has_content && existing == ExistingOutput::kRefuse) {
      fail(path.string(), "exists already", "--resume goes on with it, --overwrite starts it anew");
    }
    if (existing == ExistingOutput::kResume && format == PredictionFormat::kText) {
      fail({"resume", "format jsonl or csv", "text", "lines of text do not say which images they are of"});
    }
    file_ = LockedFile::open(path);
    starts_anew_ = has_content && existing == ExistingOutput::kOverwrite;
    if (has_content && existing == ExistingOutput::kResume) resume(path);
  }

  void write(std::span<const Prediction> predictions) {
    // What is overwritten goes only once there is something to put in its place.
    if (starts_anew_) file_->truncate();
    starts_anew_ = false;
    std::string lines = header_is_due_ ? header_line(format_) : "";
    header_is_due_ = false;
    for (const auto& prediction : predictions) lines += prediction_line(prediction, format_);
    file_->write(lines);
  }

  const std::unordered_set<std::string>& done() const { return done_; }

 private:
  void resume(const fs::path& path) {
    constexpr size_t kLimit = size_t{8} << 30;
    const std::string text = read_file(path, kLimit);
    std::string kept = header_line(format_);
    for (const auto& line : parse_lines(text, format_, path.string())) {
      if (line.failed) continue;
      done_.insert(line.uid);
      kept += line.line;
    }
    header_is_due_ = false;
    if (kept == text) return;
    replace_file(path, kept);
    file_ = LockedFile::open(path);
  }

  PredictionFormat format_;
  std::unique_ptr<LockedFile> file_;
  std::unordered_set<std::string> done_;
  bool header_is_due_ = true;
  bool starts_anew_ = false;
};

PredictionFormat prediction_format(std::string_view name) {
  if (name == "text") return PredictionFormat::kText;
  if (name == "jsonl") return PredictionFormat::kJsonLines;
  if (name == "csv") return PredictionFormat::kCsv;
  fail({"format", "text, jsonl or csv", name});
}

PredictionWriter::PredictionWriter(PredictionFormat format) : impl_(std::make_unique<Impl>(format)) {}
PredictionWriter::PredictionWriter(const fs::path& path, PredictionFormat format, ExistingOutput existing)
    : impl_(std::make_unique<Impl>(path, format, existing)) {}
PredictionWriter::PredictionWriter(PredictionWriter&&) noexcept = default;
PredictionWriter& PredictionWriter::operator=(PredictionWriter&&) noexcept = default;
PredictionWriter::~PredictionWriter() = default;

const std::unordered_set<std::string>& PredictionWriter::done() const {
  return impl_->done();
}
void PredictionWriter::write(std::span<const Prediction> predictions) {
  impl_->write(predictions);
}

}  // namespace ccexpert::data
