#include "datasets/list_writer.h"

#include <fstream>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "datasets/caption_text.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr const char* kCaptions = "change_caption";

fs::path merged_path(const fs::path& path) {
  return path.string() + ".merged";
}

/// A written line with more captions; counts those that were new.
std::string with_captions(const std::string& line, const std::vector<std::string>& more, int64_t& added) {
  const bool comma = line.ends_with(',');
  auto entry = ordered_json::parse(comma ? line.substr(0, line.size() - 1) : line);
  auto captions = entry[kCaptions].get<std::vector<std::string>>();
  const auto before = captions.size();
  add_new_captions(captions, more);
  added += static_cast<int64_t>(captions.size() - before);
  entry[kCaptions] = captions;
  return json_line(entry) + (comma ? "," : "");
}

}  // namespace

const char* extension_of(ListFormat format) {
  return format == ListFormat::kJson ? ".json" : ".jsonl";
}

ListFormat format_of(const fs::path& file) {
  const auto extension = file.extension();
  return extension == ".jsonl" || extension == ".ndjson" ? ListFormat::kJsonLines : ListFormat::kJson;
}

std::string json_line(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ListWriter::ListWriter(fs::path path, ListFormat format)
    : path_(std::move(path)), format_(format), file_(path_) {
  if (format_ == ListFormat::kJson) put("[");
}

size_t ListWriter::write(const ordered_json& entry) {
  if (format_ == ListFormat::kJson) put(size_ == 0 ? "\n" : ",\n");
  put(json_line(entry));
  if (format_ == ListFormat::kJsonLines) put("\n");
  return size_++;
}

void ListWriter::add_captions(size_t number, const std::vector<std::string>& captions) {
  auto& more = more_captions_[number];
  more.insert(more.end(), captions.begin(), captions.end());
}

int64_t ListWriter::finish() {
  if (format_ == ListFormat::kJson) put(size_ == 0 ? "]\n" : "\n]\n");
  flush();
  if (more_captions_.empty()) return 0;
  merged_ = std::make_unique<AtomicFile>(merged_path(path_));
  return write_merged(*merged_);
}

int64_t ListWriter::write_merged(AtomicFile& merged) const {
  std::ifstream lines(file_.temporary(), std::ios::binary);
  int64_t added = 0;
  std::string line;
  // The array's first line is its bracket.
  auto number = format_ == ListFormat::kJson ? int64_t{-1} : int64_t{0};
  for (; std::getline(lines, line); ++number) {
    const auto found = number < 0 ? more_captions_.end() : more_captions_.find(static_cast<size_t>(number));
    if (found != more_captions_.end()) line = with_captions(line, found->second, added);
    merged.write(line + "\n");
  }
  return added;
}

void ListWriter::commit() {
  if (merged_ == nullptr) return file_.commit();
  merged_->commit();
  std::error_code code;
  fs::rename(merged_path(path_), path_, code);
  if (code) fail(path_.string(), "cannot be replaced", code.message());
}

void ListWriter::put(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) flush();
}

void ListWriter::flush() {
  file_.write(buffer_);
  buffer_.clear();
}

}  // namespace ccexpert::datasets
