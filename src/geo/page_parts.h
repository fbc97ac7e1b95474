// Parts of the pages of maps.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <ccexpert/image/image.h>

namespace ccexpert::geo {

/// Picture of a page with a line below it.
struct Figure {
  const image::Image& picture;
  std::string caption;
  int width = 340;      ///< pixels at most
  bool in_row = false;  ///< beside others
};
std::string to_html(const Figure& figure);

/// Returns a row of a table; its cells are plain text.
std::string table_row(const std::vector<std::string>& cells);
/// Returns a table; `rows` are those of table_row.
std::string table(const std::vector<std::string>& head, const std::string& rows);

/// Returns a table of the captions that occur most often, `most` at most.
std::string frequent_captions(const std::vector<std::string>& captions, size_t most);

/// Returns the score of a row.
std::string score_text(double score);

}  // namespace ccexpert::geo
