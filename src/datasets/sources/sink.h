// Output of a conversion: cleans, checks, merges, counts and writes a source's entries.
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

#include "core/atomic_file.h"
#include "datasets/lists/entry.h"
#include "datasets/lists/known_pair.h"
#include "datasets/lists/list_writer.h"
#include "datasets/shared/convert.h"
#include "datasets/sources/earlier_conversion.h"
#include "datasets/sources/made_folders.h"

namespace ccexpert::datasets {

/// Thrown if a stop was requested, to leave a source from anywhere within it.
struct Stopped {};

/// 128-bit hash of a text; collisions within a data set are not expected.
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

  /// Adds the entry that `make` returns. If `make` or a check throws Error, leaves the entry out or rethrows
  /// with `where` before the text, as on_error says. Throws Stopped.
  void add(const std::string& where, const std::function<Entry()>& make);

  /// Leaves out an item that the source could not turn into an entry, or throws Error("where: problem").
  void refuse(const std::string& where, const std::string& problem);

  /// Counts an entry that is not used: of another task, or kept for another split.
  void pass_over();

  /// Writes all lists and made folders; nothing is visible before.
  ConvertSummary commit();

  /// Returns the temporary folder for images and maps, which `commit` moves into the output. Throws Error.
  const std::filesystem::path& made_folder();

  const ConvertOptions& options() const { return options_; }
  const std::filesystem::path& input() const { return options_.input; }

 private:
  /// List of one split.
  struct List {
    std::unique_ptr<ListWriter> writer;
    SplitCounts counts;
  };

  /// Cleans and checks an entry; throws Error.
  void examine(Entry& entry);
  void expect_new(const Entry& entry);
  /// Writes an entry; a failure is not the entry's fault and ends the conversion.
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
  std::string input_prefix_;  ///< prefix of written paths, with its slash
  std::string output_prefix_;
  std::map<std::string, List> lists_;
  std::unique_ptr<AtomicFile> left_out_;
  std::unique_ptr<EarlierConversion> earlier_;
  std::unique_ptr<MadeFolders> made_;
  std::unordered_map<TextKey, KnownPair, TextKeyHash> pairs_;
  std::unordered_set<TextKey, TextKeyHash> uids_;
  ConvertSummary summary_;
  int64_t pending_ = 0;  ///< entries not yet reported to done_
  std::string broken_;   ///< error after which nothing can be written
};

}  // namespace ccexpert::datasets
