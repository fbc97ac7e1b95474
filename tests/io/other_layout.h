// A layout of files with other names than the model's.
#pragma once

#include <array>

#include <ccexpert/io/weight_layout.h>

namespace ccexpert::io::test {

inline constexpr std::array kToModel{RenamedPrefix{"words.model.", "model."},
                                     RenamedPrefix{"words.", "head."},
                                     RenamedPrefix{"multi_modal_projector.", "model.projector."}};
inline constexpr std::array kToFiles{RenamedPrefix{"model.projector.", "multi_modal_projector."},
                                     RenamedPrefix{"model.own.", ""},
                                     RenamedPrefix{"model.", "words.model."}};
inline constexpr std::array<std::string_view, 1> kVocabulary{"model.table"};

/// Names and vocabulary rows of another layout: the model leaves out the last of 8 rows.
inline constexpr WeightLayout kOtherLayout{
    .name = "other",
    .mark = "multi_modal_projector.",
    .outer = "outer.",
    .to_model = kToModel,
    .to_files = kToFiles,
    .vocabulary = kVocabulary,
    .vocabulary_rows = [](int64_t rows) { return rows == 8 ? int64_t{7} : rows; }};

}  // namespace ccexpert::io::test
