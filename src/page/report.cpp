#include "page/report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"
#include "page/html.h"
#include "page/page.h"
#include "page/thumbnails.h"

namespace ccexpert::page {
namespace {

using nlohmann::ordered_json;

const char* name_of(SeriesKind kind) {
  if (kind == SeriesKind::kStep) return "step";
  return kind == SeriesKind::kAround ? "around" : "span";
}

template <class Value>
void set(ordered_json& object, const char* key, const std::optional<Value>& value) {
  if (value) object[key] = *value;
}

void set_text(ordered_json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

/// Returns what filters and the list of cards need. Heatmaps are apart: a browser parses them on demand.
ordered_json light_json(const ReportEntry& entry) {
  ordered_json json{{"uid", entry.uid}, {"order", entry.order}};
  set(json, "before", entry.before);
  set(json, "after", entry.after);
  set_text(json, "caption", entry.caption);
  set(json, "logprob", entry.logprob);
  set(json, "score", entry.score);
  set(json, "changed", entry.changed);
  if (entry.unsure) json["unsure"] = true;
  set_text(json, "error", entry.error);
  set_text(json, "note", entry.note);
  if (const auto& series = entry.series) {
    json.update({{"place", series->place}, {"from", series->from}, {"to", series->to}});
    json["kind"] = name_of(series->kind);
    if (series->transient) json["transient"] = true;
  }
  return json;
}

ordered_json maps_json(const ReportEntry& entry) {
  ordered_json json;
  if (entry.map.grid > 0) json["map"] = packed(entry.map);
  for (const auto& word : entry.words) json["words"].push_back({word.text, packed(word.map)});
  if (json.is_null()) return json;
  const auto& shape = entry.map.grid > 0 ? entry.map : entry.words.front().map;
  if (shape.covered != 1.0) json["covered"] = shape.covered;
  if (shape.padded) json["padded"] = true;
  return json;
}

/// Returns text for a script element. Bytes that are not UTF-8 become U+FFFD.
std::string script_text(const ordered_json& json) {
  return script_safe(json.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace

std::string packed(const Heatmap& map) {
  if (static_cast<int64_t>(map.values.size()) != map.grid * map.grid) {
    fail_expected({"heatmap", fmt::format("{} x {} values", map.grid, map.grid),
                   std::to_string(map.values.size()), "", ErrorKind::kInternal});
  }
  std::string bytes(map.values.size(), '\0');
  std::transform(map.values.begin(), map.values.end(), bytes.begin(), [](float value) {
    // The order of the comparison makes NaN 0.
    const float share = value > 0.0F ? std::min(value, 1.0F) : 0.0F;
    return static_cast<char>(static_cast<uint8_t>(std::lround(255.0F * share)));
  });
  return base64(bytes);
}

ReportPicture report_picture(const image::Image& image) {
  const auto small = thumbnail(image, kReportSide);
  return {webp_uri(small), small.width, small.height};
}

ReportWriter::ReportWriter(const std::filesystem::path& path, const ReportHead& head) try : file_(path) {
  file_.write(html_start(head.title, "report.css"));
  file_.write(fmt::format("<p class=\"lead\">{}</p>\n{}", html_escaped(head.lead), asset("report.html")));
} catch (...) {
  rethrow_as_error();
}

void ReportWriter::write_script(std::string_view attributes, std::string_view text) {
  file_.write(fmt::format("<script {}>{}</script>\n", attributes, text));
}

int64_t ReportWriter::add_image(const image::Image& image) try {
  return add_image(report_picture(image));
} catch (...) {
  rethrow_as_error();
}

int64_t ReportWriter::add_image(const ReportPicture& picture) try {
  write_script(fmt::format("type=\"text/plain\" id=\"image{}\" data-width=\"{}\" data-height=\"{}\"", images_,
                           picture.width, picture.height),
               picture.address);
  return images_++;
} catch (...) {
  rethrow_as_error();
}

void ReportWriter::add(const ReportEntry& entry) try {
  auto json = light_json(entry);
  if (const auto maps = maps_json(entry); !maps.is_null()) {
    const auto id = fmt::format("maps{}", entries_);
    json["maps"] = id;
    write_script(fmt::format("type=\"application/json\" id=\"{}\"", id), script_text(maps));
  }
  write_script("type=\"application/json\" class=\"entry\"", script_text(json));
  ++entries_;
} catch (...) {
  rethrow_as_error();
}

void ReportWriter::finish() try {
  file_.write(html_end("report.js"));
  file_.commit();
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::page
