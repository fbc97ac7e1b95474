// Where a source's entries go: cleaned, checked, merged, counted and written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <ccexpert/datasets/convert.h>

#include "core/atomic_file.h"
#include "datasets/earlier_conversion.h"
#include "datasets/entry.h"
#include "datasets/known_pair.h"
#include "datasets/list_writer.h"
#include "datasets/made_folders.h"

namespace ccexpert::datasets {

/// Thrown where a stop was requested, to leave a source from anywhere within it.
struct Stopped {};

/// 128 bits of a text: no two texts of one data set share them.
struct TextKey {
  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const TextKey&) const = default;
};
TextKey text_key(std::string_view text);

struct TextKeyHash {
  size_t operator()(const TextKey& key) const { return static_cast<size_t>(key.low); }
};

class Sink {
 public:
  Sink(const ConvertOptions& options, std::string source, std::function<void(int64_t)> done,
       std::stop_token stop);

  /// Takes what `make` gives. Where that, or a check of it, throws Error, the entry is left out or the Error
  /// goes on, with `where` before it. Throws Stopped.
  void add(const std::string& where, const std::function<Entry()>& make);

  /// Leaves out what a source could not even make an entry of, or throws Error("where: problem").
  void refuse(const std::string& where, const std::string& problem);

  /// Counts an entry that is no pair to caption: another task, or kept for another split.
  void pass_over();

  /// Writes all lists, and what was made for them; nothing is there before.
  ConvertSummary commit();

  /// Where images and maps are made, until `commit` moves them into the output. Throws Error.
  const std::filesystem::path& made_folder();

  const ConvertOptions& options() const { return options_; }
  const std::filesystem::path& input() const { return options_.input; }

 private:
  /// One split's list.
  struct List {
    std::unique_ptr<ListWriter> writer;
    SplitCounts counts;
  };

  /// What can be wrong with an entry, as Error.
  void examine(Entry& entry);
  void expect_new(const Entry& entry);
  void clean(Entry& entry);
  void check_images(const Entry& entry) const;
  void check_sizes(const Entry& entry) const;
  std::filesystem::path file_of(const std::string& path, bool made) const;
  /// Writes it; what fails then is no fault of the entry's, and ends the conversion.
  void put(const Entry& entry);
  void write(const Entry& entry);
  bool merge(const Entry& entry, List& list);
  List& list_of(const std::string& split);
  nlohmann::ordered_json to_json(const Entry& entry, std::optional<bool> flag) const;
  std::string written_path(const std::string& path, bool made) const;
  void leave_out(const std::string& where, const std::string& problem);
  void count_entry();
  void set_prefixes();
  void refuse_existing() const;
  void remove_leftovers_here() const;
  void remove_stale(const std::vector<std::string>& written) const;
  std::vector<std::string> written_names() const;
  void write_description(const std::vector<std::string>& files) const;

  ConvertOptions options_;
  std::function<void(int64_t)> done_;
  std::stop_token stop_;
  std::string input_prefix_;  ///< of written paths, with its slash
  std::string output_prefix_;
  std::map<std::string, List> lists_;
  std::unique_ptr<AtomicFile> left_out_;
  std::unique_ptr<EarlierConversion> earlier_;
  std::unique_ptr<MadeFolders> made_;
  std::unordered_map<TextKey, KnownPair, TextKeyHash> pairs_;
  std::unordered_set<TextKey, TextKeyHash> uids_;
  ConvertSummary summary_;
  int64_t pending_ = 0;  ///< entries not yet told to done_
  std::string broken_;   ///< why nothing can be written
};

}  // namespace ccexpert::datasets
