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

void add_style(VectorFiles& files, std::string_view layer, std::string_view style) {
  files.execute(
      fmt::format("INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
                  "f_geometry_column, styleName, "
                  "styleQML, styleSLD, useAsDefault, description, owner) "
                  "VALUES ('', '', '{0}', 'geom', '{0}', {1}, '', 1, 'ccexpert-map', '')",
                  layer, quoted(style)));
}

/// Returns a style with settings of QGIS's temporal controller: a feature is shown between its fields begin
/// and end.
std::string with_time(std::string_view style) {
  std::string text(style);
  const std::string_view categories = "Symbology|MapTips", renderer = "<renderer-v2";
  text.replace(text.find(categories), categories.size(), "Symbology|MapTips|Temporal");
  text.insert(text.find(renderer),
              "<temporal enabled=\"1\" mode=\"2\" limitMode=\"0\" startField=\"begin\" endField=\"end\" "
              "startExpression=\"\" endExpression=\"\" durationField=\"\" durationUnit=\"min\" "
              "fixedDuration=\"0\" accumulate=\"0\">\n"
              "    <fixedRange><start></start><end></end></fixedRange>\n  </temporal>\n  ");
  return text;
}

}  // namespace

void add_qgis_styles(VectorFiles& files) {
  if (!files.is_geopackage()) return;
  files.execute(kTable);
  for (const auto& asset : assets()) add_style(files, asset.name.substr(0, asset.name.find('.')), asset.text);
}

void add_series_styles(VectorFiles& files, bool is_timed) {
  if (!files.is_geopackage()) return;
  files.execute(kTable);
  for (const auto& asset : assets()) {
    const auto layer = std::string(asset.name.substr(0, asset.name.find('.')));
    add_style(files, layer, is_timed ? with_time(asset.text) : std::string(asset.text));
    add_style(files, "span_" + layer, asset.text);
  }
}

}  // namespace ccexpert::geo
