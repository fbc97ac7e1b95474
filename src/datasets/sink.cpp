#include "datasets/sink.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "datasets/caption_text.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::array<const char*, 3> kSplits{"train", "val", "test"};
constexpr const char* kLeftOut = "left-out.jsonl";
constexpr const char* kDescription = "conversion.json";

/// How often progress is told.
constexpr int64_t kEvery = 256;

std::string with_slash(const fs::path& path) {
  const auto text = path.string();
  if (text.empty() || text == ".") return "";
  return text.ends_with('/') ? text : text + '/';
}

bool is_file(const std::string& path) {
  std::error_code code;
  return fs::is_regular_file(path, code);
}

/// The sentence of an Error, with its place before it where it does not name it itself.
std::string placed(const std::string& where, const std::string& problem) {
  return problem.starts_with(where) ? problem : where + ": " + problem;
}

}  // namespace

TextKey text_key(std::string_view text) {
  const auto hash = XXH3_128bits(text.data(), text.size());
  return {hash.low64, hash.high64};
}

Sink::Sink(const ConvertOptions& options, std::string source, std::function<void(int64_t)> done,
           std::stop_token stop)
    : options_(options), done_(std::move(done)), stop_(std::move(stop)) {
  summary_.source = std::move(source);
  std::error_code code;
  fs::create_directories(options_.output, code);
  if (code) fail(options_.output.string(), "cannot be made", code.message());
  refuse_existing();
  const auto input = fs::weakly_canonical(options_.input), output = fs::weakly_canonical(options_.output);
  const bool relative = options_.paths == PathStyle::kRelative;
  input_prefix_ = with_slash(relative ? input.lexically_relative(output) : input);
  output_prefix_ = relative ? "" : with_slash(output);
}

void Sink::refuse_existing() const {
  if (options_.overwrite) return;
  for (const auto* split : kSplits) {
    for (const auto format : {ListFormat::kJson, ListFormat::kJsonLines}) {
      const auto file = options_.output / (std::string(split) + extension_of(format));
      if (fs::exists(file)) fail(file.string(), "exists already", "--overwrite replaces it");
    }
  }
}

void Sink::add(const std::string& where, const std::function<Entry()>& make) {
  count_entry();
  try {
    take(make());
  } catch (const Error& error) {
    refuse(where, error.what());
  }
}

void Sink::refuse(const std::string& where, const std::string& problem) {
  if (options_.on_error == OnError::kError) throw Error(placed(where, problem));
  leave_out(where, problem);
}

void Sink::pass_over() {
  count_entry();
  ++summary_.passed_over;
}

void Sink::count_entry() {
  if (stop_.stop_requested()) throw Stopped{};
  if (++pending_ < kEvery) return;
  if (done_) done_(pending_);
  pending_ = 0;
}

void Sink::leave_out(const std::string& where, const std::string& problem) {
  if (left_out_ == nullptr) left_out_ = std::make_unique<AtomicFile>(options_.output / kLeftOut);
  left_out_->write(json_line({{"where", where}, {"problem", placed(where, problem)}}) + "\n");
  ++summary_.left_out;
}

void Sink::take(Entry entry) {
  clean(entry);
  if (options_.check_images) check_images(entry);
  auto& list = list_of(entry.split);
  if (merge(entry, list)) return;
  if (!uids_.insert(text_key(entry.split + '\n' + entry.uid)).second) {
    fail({"uid", "one that no other pair has", fmt::format("'{}' again", entry.uid)});
  }
  const auto number = list.writer->write(to_json(entry));
  pairs_.emplace(text_key(entry.split + '\n' + entry.before + '\n' + entry.after), number);
  ++list.counts.pairs;
  list.counts.captions += static_cast<int64_t>(entry.captions.size());
  if (entry.changed) ++(*entry.changed ? list.counts.changed : list.counts.unchanged);
}

void Sink::clean(Entry& entry) {
  if (options_.cleaning == CaptionCleaning::kClean) {
    for (auto& caption : entry.captions) caption = clean_caption(caption);
  }
  const auto blank = [](const std::string& caption) {
    return caption.find_first_not_of(" \t\r\n") == std::string::npos;
  };
  const auto dropped = std::erase_if(entry.captions, blank);
  summary_.blank_captions += static_cast<int64_t>(dropped);
  if (entry.captions.empty() && !entry.may_lack_captions) {
    fail({"captions", "at least one with words", dropped == 0 ? "none" : fmt::format("{} blank", dropped)});
  }
}

void Sink::check_images(const Entry& entry) const {
  const auto expect = [&](const char* field, const std::string& path, bool made) {
    if (path.empty()) return;
    const auto file = (made ? options_.output : options_.input) / path;
    if (!is_file(file.string()))
      fail({field, "an image file", fmt::format("{}, which is not there", file.string())});
  };
  expect("before", entry.before, entry.made);
  expect("after", entry.after, entry.made);
  expect("mask", entry.mask, entry.made || entry.made_maps);
}

bool Sink::merge(const Entry& entry, List& list) {
  const auto known = pairs_.find(text_key(entry.split + '\n' + entry.before + '\n' + entry.after));
  if (known == pairs_.end()) return false;
  list.writer->add_captions(known->second, entry.captions);
  ++summary_.merged;
  return true;
}

Sink::List& Sink::list_of(const std::string& split) {
  auto& list = lists_[split];
  if (list.writer == nullptr) {
    const auto file = options_.output / (split + extension_of(options_.format));
    list.writer = std::make_unique<ListWriter>(file, options_.format);
  }
  return list;
}

std::string Sink::written_path(const std::string& path, bool made) const {
  return fs::path(path).is_absolute() ? path : (made ? output_prefix_ : input_prefix_) + path;
}

ordered_json Sink::to_json(const Entry& entry) const {
  ordered_json json{{"uid", entry.uid}};
  if (entry.changed) json["change_flag"] = *entry.changed ? 1 : 0;
  json["img1_path"] = written_path(entry.before, entry.made);
  json["img2_path"] = written_path(entry.after, entry.made);
  const bool maps = entry.made || entry.made_maps;
  if (!entry.mask.empty()) json["mask_path"] = written_path(entry.mask, maps);
  if (!entry.classes_before.empty()) json["classes1_path"] = written_path(entry.classes_before, maps);
  if (!entry.classes_after.empty()) json["classes2_path"] = written_path(entry.classes_after, maps);
  json["change_caption"] = entry.captions;
  json["caption_source"] = entry.captions_by;
  if (!entry.facts.empty()) json["facts"] = entry.facts;
  json["source"] = summary_.source;
  return json;
}

ConvertSummary Sink::commit() {
  if (lists_.empty()) {
    fail(
        {options_.input.string(), "at least one pair",
         summary_.left_out == 0 ? "none" : fmt::format("none but {} that were left out", summary_.left_out)});
  }
  for (auto& [split, list] : lists_) list.counts.captions += list.writer->finish();
  for (auto& [split, list] : lists_) summary_.splits[split] = list.counts;
  for (auto& [split, list] : lists_) list.writer->commit();
  if (left_out_ != nullptr) left_out_->commit();
  remove_stale();
  write_description(summary_);
  if (done_) done_(pending_);
  return summary_;
}

/// What an earlier conversion left would be taken for this one's.
void Sink::remove_stale() const {
  std::error_code ignored;
  for (const auto* split : kSplits) {
    for (const auto format : {ListFormat::kJson, ListFormat::kJsonLines}) {
      const bool ours = format == options_.format && lists_.contains(split);
      if (!ours) fs::remove(options_.output / (std::string(split) + extension_of(format)), ignored);
    }
  }
  if (left_out_ == nullptr) fs::remove(options_.output / kLeftOut, ignored);
}

void Sink::write_description(const ConvertSummary& summary) const {
  ordered_json splits = ordered_json::object();
  for (const auto& [name, counts] : summary.splits) {
    splits[name] = {{"pairs", counts.pairs},
                    {"captions", counts.captions},
                    {"changed", counts.changed},
                    {"unchanged", counts.unchanged}};
  }
  const ordered_json description{{"made_by", "ccexpert-data convert"},
                                 {"source", summary.source},
                                 {"input", input_prefix_.empty() ? "." : input_prefix_},
                                 {"captions", options_.cleaning == CaptionCleaning::kClean ? "clean" : "raw"},
                                 {"seed", options_.seed},
                                 {"splits", splits},
                                 {"merged", summary.merged},
                                 {"left_out", summary.left_out},
                                 {"passed_over", summary.passed_over},
                                 {"blank_captions", summary.blank_captions}};
  write_file(options_.output / kDescription, description.dump(2) + "\n");
}

}  // namespace ccexpert::datasets
