// Entries of the universal format with all their keys.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/datasets/lists.h>

namespace ccexpert::datasets {

/// Where an entry's relative paths start, and where those that are written shall.
struct PathMove {
  std::filesystem::path from;
  std::filesystem::path to;
  PathStyle style = PathStyle::kRelative;
};

/// An entry with the keys of the format first, in their usual order; paths start anew.
nlohmann::ordered_json moved_entry(const nlohmann::json& entry, const PathMove& move);

/// The move from a list to a written file.
PathMove move_between(const std::filesystem::path& list, const std::filesystem::path& output,
                      const ListOptions& options);

/// The uid, or the before path where there is none; what the readers file an entry under.
std::string uid_of(const nlohmann::json& entry);

/// Both paths as the entry has them.
std::string images_of(const nlohmann::json& entry);

/// The captions that are there; none for a pair without.
std::vector<std::string> captions_of(const nlohmann::json& entry);

/// Error where the file exists and options do not say to replace it.
void expect_new(const std::filesystem::path& file, bool overwrite);

/// Whether the file is a data list (YAML) by its name.
bool is_data_list(const std::filesystem::path& file);

/// train.json, val.json and test.json (or .jsonl) of a folder; a file is itself. Error for a folder without
/// any.
std::vector<std::filesystem::path> lists_of(const std::filesystem::path& path);

/// An entry as training reads it, but for captions, which it may lack.
data::ChangeExample example_of_any(const nlohmann::json& entry, const std::string& where,
                                   const std::filesystem::path& root);

using VisitExample = std::function<void(data::ChangeExample&& example, const std::string& where)>;

/// Reads a list, the pairs of which may lack captions, or a data list. `visit(example, where)`.
void visit_examples(const std::filesystem::path& list, const std::filesystem::path& image_root,
                    const VisitExample& visit);

/// The same, but entries that training would refuse, unless for want of captions, go to `on_error`.
void visit_training_examples(const std::filesystem::path& list, const std::filesystem::path& image_root,
                             const VisitExample& visit,
                             const std::function<void(const std::string& problem)>& on_error);

}  // namespace ccexpert::datasets
