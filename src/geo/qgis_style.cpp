#include "geo/qgis_style.h"

#include <string>

#include <fmt/format.h>

#include "geo/assets.h"

namespace ccexpert::geo {
namespace {

constexpr const char* kTable =
    "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), "
    "f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), "
    "styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
    "update_time DATETIME)";

/// Returns a text as a literal of SQL.
std::string quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

}  // namespace

void add_qgis_styles(VectorFiles& files) {
  if (!files.is_geopackage()) return;
  files.execute(kTable);
  for (const auto& asset : assets()) {
    const auto layer = asset.name.substr(0, asset.name.find('.'));
    files.execute(
        fmt::format("INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
                    "f_geometry_column, styleName, "
                    "styleQML, styleSLD, useAsDefault, description, owner) "
                    "VALUES ('', '', '{0}', 'geom', '{0}', {1}, '', 1, 'ccexpert-map', '')",
                    layer, quoted(asset.text)));
  }
}

}  // namespace ccexpert::geo
