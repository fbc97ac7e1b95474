// Choices of ccexpert-eval, with their names on the command line.
#pragma once

#include <ccexpert/core/names.h>

namespace ccexpert::tools {

enum class TableFormat {
  kTable,
  kJson,
  kCsv,
  kMarkdown,
  kLatex,  ///< a row with its header as a comment
};
constexpr auto names_of(TableFormat) {
  return std::to_array<Name<TableFormat>>({{TableFormat::kTable, "table"},
                                           {TableFormat::kJson, "json"},
                                           {TableFormat::kCsv, "csv"},
                                           {TableFormat::kMarkdown, "markdown"},
                                           {TableFormat::kLatex, "latex"}});
}

/// Score that ranks pairs; a name is that of its column.
enum class Ranking { kUnset, kSStarM, kMeteor, kBleu1, kBleu4, kRougeL, kCiderD, kCider };
constexpr auto names_of(Ranking) {
  return std::to_array<Name<Ranking>>({{Ranking::kUnset, ""},
                                       {Ranking::kSStarM, "S*m"},
                                       {Ranking::kMeteor, "METEOR"},
                                       {Ranking::kBleu1, "BLEU-1"},
                                       {Ranking::kBleu4, "BLEU-4"},
                                       {Ranking::kRougeL, "ROUGE-L"},
                                       {Ranking::kCiderD, "CIDEr-D"},
                                       {Ranking::kCider, "CIDEr"}});
}

}  // namespace ccexpert::tools
