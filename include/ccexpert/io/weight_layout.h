/// Layouts of checkpoint files that name a model's tensors in another way than the model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ccexpert::io {

/// Prefix of a tensor's name and its replacement.
struct RenamedPrefix {
  std::string_view from;  ///< in the file
  std::string_view to;    ///< empty: the other side has no such tensor
};

/// The texts and tables are constants of the program.
struct WeightLayout {
  std::string_view name;   ///< in configs and messages
  std::string_view mark;   ///< part of a tensor's name that only files of this layout contain
  std::string_view outer;  ///< prefix that some writers put before other names, and that is dropped
  std::span<const RenamedPrefix> to_model;       ///< from the files' names; the first match is used
  std::span<const RenamedPrefix> to_files;       ///< from the model's names; the first match is used
  std::span<const std::string_view> vocabulary;  ///< the model's names of matrices with a row for each token
  int64_t (*vocabulary_rows)(int64_t stored);    ///< rows that the model uses of those that a file stores
};

/// Returns the model's name of a tensor that files of `layout` name `name`; empty if it has none.
std::string model_name(const WeightLayout& layout, std::string_view name);

/// Returns the name in files of `layout` of the model's tensor `name`; empty if it has none.
std::string file_name(const WeightLayout& layout, std::string_view name);

}  // namespace ccexpert::io
