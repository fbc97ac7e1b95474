// Entries of the universal format with all their keys.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <ccexpert/data/change_dataset.h>

#include "datasets/shared/lists.h"

namespace ccexpert::datasets {

/// Base folders of an entry's relative paths: as read, and as written.
struct PathMove {
  std::filesystem::path from;
  std::filesystem::path to;
  PathStyle style = PathStyle::kRelative;
};

/// Returns an entry with the format's keys first, in their usual order, and with moved paths.
nlohmann::ordered_json moved_entry(const nlohmann::json& entry, const PathMove& move);

/// Returns the move from a list to a written file.
PathMove move_between(const std::filesystem::path& list, const std::filesystem::path& output,
                      const ListOptions& options);

/// Throws Error if the file exists and `overwrite` is false.
void expect_new(const std::filesystem::path& file, bool overwrite);

/// True if the file is a data list (YAML) by its name.
bool is_data_list(const std::filesystem::path& file);

/// Returns train.json, val.json and test.json (or .jsonl) of a folder, or the file itself. Throws Error for a
/// folder without any.
std::vector<std::filesystem::path> lists_of(const std::filesystem::path& path);

/// Reads an entry as training does, but allows missing captions.
data::ChangeExample example_of(const nlohmann::json& entry, const std::string& where,
                               const std::filesystem::path& root);

using VisitExample = std::function<void(data::ChangeExample&& example, const std::string& where)>;

/// Reads a list, whose pairs may lack captions, or a data list. Calls `visit(example, where)`.
void visit_examples(const std::filesystem::path& list, const std::filesystem::path& image_root,
                    const VisitExample& visit);

/// Does the same, but passes entries that training would refuse for reasons other than missing captions to
/// `on_error`.
void visit_training_examples(const std::filesystem::path& list, const std::filesystem::path& image_root,
                             const VisitExample& visit,
                             const std::function<void(const std::string& problem)>& on_error);

}  // namespace ccexpert::datasets
