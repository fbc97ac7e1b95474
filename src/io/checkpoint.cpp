#include <algorithm>
#include <cctype>

#include <ccexpert/core/error.h>
#include <ccexpert/io/checkpoint.h>

#include "core/files.h"
#include "core/folder_entries.h"
#include "core/foreign_errors.h"
#include "io/added_rows.h"
#include "io/folder_kind.h"
#include "io/image_processor.h"
#include "io/tensor_sets.h"
#include "io/weight_files.h"

namespace ccexpert::io {
namespace {

namespace fs = std::filesystem;

std::string read_if_there(const fs::path& path) {
  return is_there(path) ? read_file(path) : std::string();
}

std::string trimmed(std::string text) {
  text.erase(
      std::find_if_not(text.rbegin(), text.rend(), [](unsigned char c) { return std::isspace(c); }).base(),
      text.end());
  return text;
}

bool has_mark(const std::vector<std::unique_ptr<TensorSource>>& parts, std::string_view mark) {
  return std::any_of(parts.begin(), parts.end(), [&](const auto& part) {
    const auto& infos = part->tensors();
    return std::any_of(infos.begin(), infos.end(),
                       [&](const auto& info) { return info.name.find(mark) != std::string::npos; });
  });
}

/// Returns the layout whose mark the names have; null if there is none.
const WeightLayout* layout_of(const std::vector<std::unique_ptr<TensorSource>>& parts,
                              const std::vector<const WeightLayout*>& layouts) {
  const auto found = std::find_if(layouts.begin(), layouts.end(),
                                  [&](const auto* layout) { return has_mark(parts, layout->mark); });
  return found == layouts.end() ? nullptr : *found;
}

/// Returns the model's name, or `name` if it has no counterpart: the model's loader then lists it as
/// unexpected.
std::string renamed(const std::string& name, const WeightLayout* layout) {
  const auto known = layout == nullptr ? name : model_name(*layout, name);
  return known.empty() ? name : known;
}

/// Returns a folder with the text of its config.json only.
Checkpoint with_config(const fs::path& folder) {
  Checkpoint checkpoint;
  checkpoint.folder = resolve_folder(folder);
  checkpoint.config_json = read_file(checkpoint.folder / "config.json");
  return checkpoint;
}

/// Adds the other texts.
void read_settings(Checkpoint& checkpoint) {
  auto processor = read_image_processor(checkpoint.folder);
  checkpoint.preprocessor_json = std::move(processor.json);
  checkpoint.preprocessor_source = std::move(processor.source);
  checkpoint.generation_json = read_if_there(checkpoint.folder / "generation_config.json");
}

}  // namespace

fs::path resolve_folder(const fs::path& folder) {
  if (!is_folder(folder)) {
    fail_expected({folder.string(), "a checkpoint folder", is_there(folder) ? "a file" : "nothing there"});
  }
  if (is_there(folder / "config.json")) return folder;
  const fs::path snapshots = folder / "snapshots";
  if (is_folder(snapshots)) {
    const std::string revision = trimmed(read_if_there(folder / "refs" / "main"));
    // A revision is a hash; anything else could be a path that somebody injected.
    const bool plain =
        !revision.empty() && revision.find('/') == std::string::npos && revision.front() != '.';
    if (plain && is_there(snapshots / revision / "config.json")) return snapshots / revision;
    std::vector<fs::path> found;
    for (const auto& path : folder_entries(snapshots)) {
      if (is_there(path / "config.json")) found.push_back(path);
    }
    if (found.size() == 1) return found.front();
    fail_expected({folder.string(), "one snapshot with config.json", std::to_string(found.size()),
                   "name the snapshot's folder"});
  }
  fail_without_config(folder);
}

Checkpoint open_part(const fs::path& folder) try {
  auto checkpoint = with_config(folder);
  expect_part(checkpoint.folder, checkpoint.config_json);
  read_settings(checkpoint);
  checkpoint.weights = std::make_unique<TensorSet>(open_weight_files(checkpoint.folder),
                                                   [](const std::string& name) { return name; });
  return checkpoint;
} catch (...) {
  rethrow_as_error();
}

Checkpoint open_checkpoint(const fs::path& folder, const KnownModels& known) try {
  auto checkpoint = with_config(folder);
  expect_known_model(checkpoint.folder, checkpoint.config_json, known);
  read_settings(checkpoint);
  auto parts = open_weight_files(checkpoint.folder);
  const auto* layout = layout_of(parts, known.layouts);
  checkpoint.layout = layout;
  checkpoint.weights = std::make_unique<TensorSet>(
      std::move(parts), [layout](const std::string& name) { return renamed(name, layout); });
  if (layout != nullptr)
    checkpoint.weights = std::make_unique<WithoutAddedRows>(std::move(checkpoint.weights), *layout);
  return checkpoint;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::io
