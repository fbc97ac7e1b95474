#include "datasets/lists/list_writer.h"

#include <fstream>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "core/json_list.h"
#include "datasets/caption_text.h"
#include "datasets/lists/entry.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr const char* kCaptions = "change_caption";
constexpr const char* kFlag = "change_flag";

fs::path merged_path(const fs::path& path) {
  return path.string() + ".merged";
}

void set_flag(ordered_json& entry, bool flag, Added& added) {
  const auto before = entry.contains(kFlag) ? flag_value(nlohmann::json(entry[kFlag])) : std::nullopt;
  if (before) --(*before ? added.changed : added.unchanged);
  ++(flag ? added.changed : added.unchanged);
  entry[kFlag] = flag ? 1 : 0;
}

/// Returns the captions of an entry, which may be missing or a single string.
std::vector<std::string> captions_in(const ordered_json& entry) {
  const auto found = entry.find(kCaptions);
  if (found == entry.end() || found->is_null()) return {};
  if (found->is_string()) return {found->get<std::string>()};
  return found->get<std::vector<std::string>>();
}

/// Returns a written line with its addition.
std::string with_addition(const std::string& line, const Addition& addition, Added& added) {
  const bool comma = line.ends_with(',');
  auto entry = parse_ordered_json(comma ? line.substr(0, line.size() - 1) : line, "entry");
  auto captions = captions_in(entry);
  const auto before = captions.size();
  add_new_captions(captions, addition.captions);
  added.captions += static_cast<int64_t>(captions.size() - before);
  if (captions.size() != before) entry[kCaptions] = captions;
  const auto flag = addition.flag || !addition.flag_by_captions ? addition.flag : changed_by(captions);
  if (flag) set_flag(entry, *flag, added);
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
  remove_leftovers(path_);
  remove_leftovers(merged_path(path_));
  if (format_ == ListFormat::kJson) put("[");
}

size_t ListWriter::write(const ordered_json& entry) {
  if (format_ == ListFormat::kJson) put(size_ == 0 ? "\n" : ",\n");
  put(json_line(entry));
  if (format_ == ListFormat::kJsonLines) put("\n");
  return size_++;
}

void ListWriter::add(size_t number, const Addition& addition) {
  auto& all = additions_[number];
  all.captions.insert(all.captions.end(), addition.captions.begin(), addition.captions.end());
  if (addition.flag) all.flag = addition.flag;
  all.flag_by_captions = all.flag_by_captions || addition.flag_by_captions;
}

Added ListWriter::finish() {
  if (format_ == ListFormat::kJson) put(size_ == 0 ? "]\n" : "\n]\n");
  flush();
  if (additions_.empty()) return {};
  merged_ = std::make_unique<AtomicFile>(merged_path(path_));
  return write_merged(*merged_);
}

Added ListWriter::write_merged(AtomicFile& merged) const {
  std::ifstream lines(file_.temporary(), std::ios::binary);
  Added added;
  std::string line;
  // The first line of an array is its bracket.
  auto number = format_ == ListFormat::kJson ? int64_t{-1} : int64_t{0};
  for (; std::getline(lines, line); ++number) {
    const auto found = number < 0 ? additions_.end() : additions_.find(static_cast<size_t>(number));
    if (found != additions_.end()) line = with_addition(line, found->second, added);
    merged.write(line + "\n");
  }
  return added;
}

void ListWriter::commit() {
  if (merged_ == nullptr) return file_.commit();
  merged_->commit();
  std::error_code code;
  fs::rename(merged_path(path_), path_, code);
  if (code) fail_system(path_.string(), "cannot be replaced", code.value());
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
