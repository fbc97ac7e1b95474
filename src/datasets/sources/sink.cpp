#include "datasets/sources/sink.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "datasets/sources/entry_checks.h"
#include "datasets/utf8.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::array<const char*, 3> kSplits{"train", "val", "test"};
constexpr const char* kLeftOut = "left-out.jsonl";

/// Entries per progress report.
constexpr int64_t kEvery = 256;

std::string with_slash(const fs::path& path) {
  const auto text = path.string();
  if (text.empty() || text == ".") return "";
  return text.ends_with('/') ? text : text + '/';
}

/// Returns all names that a list of a conversion may have.
std::vector<std::string> list_names() {
  std::vector<std::string> names;
  for (const auto* split : kSplits) {
    for (const auto format : {ListFormat::kJson, ListFormat::kJsonLines}) {
      names.push_back(std::string(split) + extension_of(format));
    }
  }
  return names;
}

fs::path whole_path(const fs::path& path) {
  std::error_code code;
  // weakly_canonical alone would keep the relative part of a path that does not exist yet.
  auto whole = fs::weakly_canonical(fs::absolute(path, code), code);
  if (code) fail_system(path.string(), "cannot be resolved", code.value());
  return whole.has_filename() ? whole : whole.parent_path();
}

TextKey pair_key(const Entry& entry) {
  return text_key(entry.split + '\n' + entry.before + '\n' + entry.after);
}

/// Returns the text of an Error, prefixed with its place unless it starts with it.
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
  set_prefixes();
  make_folder(options_.output);
  earlier_ = std::make_unique<EarlierConversion>(options_.output);
  refuse_existing();
  remove_leftovers_here();
}

void Sink::set_prefixes() {
  const auto input = whole_path(options_.input), output = whole_path(options_.output);
  // Lists of a source may have the same names as ours.
  if (input == output) {
    fail_expected({options_.output.string(), "a folder other than the source's", "the source's"});
  }
  const bool relative = options_.paths == PathStyle::kRelative;
  input_prefix_ = with_slash(relative ? input.lexically_relative(output) : input);
  output_prefix_ = relative ? "" : with_slash(output);
  expect_utf8("folder", input_prefix_ + output_prefix_);
}

void Sink::refuse_existing() const {
  for (const auto& name : list_names()) {
    const auto file = options_.output / name;
    earlier_->expect_own(name, "a list");
    if (!options_.overwrite && is_there(file))
      fail(file.string(), "exists already", "--overwrite replaces it");
  }
  earlier_->expect_own(kLeftOut, "a list");
}

void Sink::remove_leftovers_here() const {
  for (const auto& name : list_names()) {
    remove_leftovers(options_.output / name);
    remove_leftovers(options_.output / (name + ".merged"));
  }
  for (const auto* name : {kLeftOut, kDescription}) remove_leftovers(options_.output / name);
  remove_made_leftovers(options_.output);
}

const fs::path& Sink::made_folder() {
  if (made_ == nullptr) {
    for (const auto& name : made_folder_names()) earlier_->expect_own(name, "a folder");
    made_ = std::make_unique<MadeFolders>(options_.output);
  }
  return made_->folder();
}

void Sink::add(const std::string& where, const std::function<Entry()>& make) {
  count_entry();
  Entry entry;
  try {
    entry = make();
    examine(entry);
  } catch (const Fault&) {
    throw;
  } catch (const Error& error) {
    return refuse(where, error.what());
  }
  put(entry);
}

void Sink::refuse(const std::string& where, const std::string& problem) {
  if (!broken_.empty()) throw Error(broken_);
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

void Sink::examine(Entry& entry) {
  check_texts(entry);
  const auto blank = clean_captions(entry, options_.cleaning);
  summary_.blank_captions += blank;
  expect_captions(entry, blank);
  if (options_.check_images)
    check_images(entry, {.input = options_.input, .made = made_ == nullptr ? fs::path() : made_->folder()});
  expect_new(entry);
}

/// Throws Error if another pair has the uid or an earlier entry of this pair has a different flag.
void Sink::expect_new(const Entry& entry) {
  const auto known = pairs_.find(pair_key(entry));
  if (known != pairs_.end()) return known->second.expect_flag(entry.changed);
  if (!uids_.insert(text_key(entry.split + '\n' + entry.uid)).second) {
    fail_expected({"uid", "a uid that no other pair has", fmt::format("'{}' again", entry.uid)});
  }
}

void Sink::put(const Entry& entry) {
  try {
    write(entry);
  } catch (const Error& error) {
    broken_ = error.what();
    throw;
  }
}

void Sink::write(const Entry& entry) {
  auto& list = list_of(entry.split);
  if (merge(entry, list)) return;
  const auto flag = entry.changed ? entry.changed : changed_by(entry.captions);
  const auto number = list.writer->write(to_json(entry, flag));
  pairs_.emplace(pair_key(entry), KnownPair{number, entry.changed});
  ++list.counts.pairs;
  list.counts.captions += static_cast<int64_t>(entry.captions.size());
  if (flag) ++(*flag ? list.counts.changed : list.counts.unchanged);
}

bool Sink::merge(const Entry& entry, List& list) {
  const auto found = pairs_.find(pair_key(entry));
  if (found == pairs_.end()) return false;
  auto& known = found->second;
  if (!known.flag) known.flag = entry.changed;
  list.writer->add(known.number, {.captions = entry.captions, .flag = known.flag, .flag_by_captions = true});
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

ordered_json Sink::to_json(const Entry& entry, std::optional<bool> flag) const {
  ordered_json json{{"uid", entry.uid}};
  if (flag) json["change_flag"] = *flag ? 1 : 0;
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
    fail_expected(
        {options_.input.string(), "at least one pair",
         summary_.left_out == 0 ? "none" : fmt::format("none; {} were left out", summary_.left_out)});
  }
  for (auto& [split, list] : lists_) {
    const auto added = list.writer->finish();
    list.counts.captions += added.captions;
    list.counts.changed += added.changed;
    list.counts.unchanged += added.unchanged;
    summary_.splits[split] = list.counts;
  }
  // First list all files of this and the earlier conversion: if a step below fails, the next run may replace
  // all of them.
  const auto written = written_names();
  auto ours = earlier_->names();
  ours.insert(written.begin(), written.end());
  write_description({ours.begin(), ours.end()});
  if (made_ != nullptr) made_->install();
  for (auto& [split, list] : lists_) list.writer->commit();
  if (left_out_ != nullptr) left_out_->commit();
  if (made_ != nullptr) made_->keep();
  remove_stale(written);
  write_description(written);
  if (done_) done_(pending_);
  return summary_;
}

/// Removes files of an earlier conversion, which would be mistaken for this one's.
void Sink::remove_stale(const std::vector<std::string>& written) const {
  const auto remove = [&](const std::string& name) {
    if (std::find(written.begin(), written.end(), name) == written.end()) earlier_->remove(name);
  };
  for (const auto& name : list_names()) remove(name);
  for (const auto& name : made_folder_names()) remove(name);
  remove(kLeftOut);
}

std::vector<std::string> Sink::written_names() const {
  std::vector<std::string> names;
  for (const auto& [split, list] : lists_) names.push_back(split + extension_of(options_.format));
  if (left_out_ != nullptr) names.emplace_back(kLeftOut);
  if (made_ == nullptr) return names;
  const auto& made = made_->names();
  names.insert(names.end(), made.begin(), made.end());
  return names;
}

void Sink::write_description(const std::vector<std::string>& files) const {
  ordered_json splits = ordered_json::object();
  for (const auto& [name, counts] : summary_.splits) {
    splits[name] = {{"pairs", counts.pairs},
                    {"captions", counts.captions},
                    {"changed", counts.changed},
                    {"unchanged", counts.unchanged}};
  }
  const ordered_json description{{"made_by", kMadeBy},
                                 {"source", summary_.source},
                                 {"input", input_prefix_.empty() ? "." : input_prefix_},
                                 {"captions", options_.cleaning == CaptionCleaning::kClean ? "clean" : "raw"},
                                 {"seed", options_.seed},
                                 {"splits", splits},
                                 {"files", files},
                                 {"merged", summary_.merged},
                                 {"left_out", summary_.left_out},
                                 {"passed_over", summary_.passed_over},
                                 {"blank_captions", summary_.blank_captions}};
  write_file(options_.output / kDescription, description.dump(2) + "\n");
}

}  // namespace ccexpert::datasets
