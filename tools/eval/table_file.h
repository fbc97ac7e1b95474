// File of a table: rows with captions of runs and with published scores.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/core/fields.h>

namespace ccexpert::tools {

/// Scores in per cent, as papers print them; the keys are names of columns.
struct PublishedScores {
  std::optional<double> bleu_1, bleu_2, bleu_3, bleu_4, meteor, rouge_l, cider_d, s_star_m;

  static constexpr auto fields() {
    using Self = PublishedScores;
    constexpr auto kScore = in_range(0, 1000);
    return std::tuple{
        field("BLEU-1", &Self::bleu_1, "", kScore),   field("BLEU-2", &Self::bleu_2, "", kScore),
        field("BLEU-3", &Self::bleu_3, "", kScore),   field("BLEU-4", &Self::bleu_4, "", kScore),
        field("METEOR", &Self::meteor, "", kScore),   field("ROUGE-L", &Self::rouge_l, "", kScore),
        field("CIDEr-D", &Self::cider_d, "", kScore), field("S*m", &Self::s_star_m, "", kScore)};
  }

  /// Returns the score of a column, or nothing.
  std::optional<double> of(const std::string& column) const;
};

struct PublishedRow {
  std::string row;
  std::string table;
  std::string source;
  PublishedScores scores;

  static constexpr auto fields() {
    using Self = PublishedRow;
    return std::tuple{field("row", &Self::row, "name that tables refer to"),
                      field("table", &Self::table, "where the source prints the scores, and on which data"),
                      field("source", &Self::source, "paper"), field("scores", &Self::scores, "")};
  }
};

struct Published {
  std::vector<PublishedRow> rows;

  static constexpr auto fields() { return std::tuple{field("rows", &Published::rows, "published scores")}; }
};

struct TableRow {
  std::string name;
  std::string published;
  std::vector<std::string> predictions;
  std::string sweep;
  std::string stage;

  static constexpr auto fields() {
    using Self = TableRow;
    return std::tuple{
        field("name", &Self::name, "name of the row"),
        field("published", &Self::published, "row of the published scores (empty: none)"),
        field("predictions", &Self::predictions, "files of captions, one for each seed"),
        field("sweep", &Self::sweep, "row of the sweep with the captions, in place of `predictions`"),
        field("stage", &Self::stage, "stage of that row, the last or an earlier one (empty: the last)")};
  }
};

struct TableFile {
  std::string title;
  std::string published;
  std::string references;
  std::string split = "test";
  std::string sweep;
  std::string baseline;
  std::vector<TableRow> rows;

  static constexpr auto fields() {
    using Self = TableFile;
    return std::tuple{
        field("title", &Self::title, "first line of the output"),
        field("published", &Self::published, "file of published scores, relative to the table's folder"),
        field("references", &Self::references, "references (empty: those in the files of captions)"),
        field("split", &Self::split, "split of the references (all: every split)"),
        field("sweep", &Self::sweep, "folder of a sweep, for rows of `sweep`"),
        field("baseline", &Self::baseline, "row that the others are compared with (empty: none)"),
        field("rows", &Self::rows, "rows of the table")};
  }
};

/// File of captions, and what distinguishes it within its row.
struct SeedFile {
  std::string seed;
  std::filesystem::path file;
};

/// Row with its files and published scores.
struct RowSource {
  std::string name;
  bool expected = false;  ///< the table asks for captions
  std::vector<SeedFile> files;
  std::optional<PublishedRow> published;
};

struct TableSource {
  TableFile table;
  std::vector<RowSource> rows;
};

/// Reads a table and its published scores, and finds the captions of its rows: of a sweep those that exist.
/// Throws Error with file, line and key.
TableSource read_table(const std::filesystem::path& file);

}  // namespace ccexpert::tools
