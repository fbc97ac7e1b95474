#include "train/report.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "page/html.h"
#include "page/page.h"
#include "page/thumbnails.h"
#include "train/log_line.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Longer side of an image on the page.
constexpr int64_t kPictureSide = 256;

/// Returns a thumbnail as a data URL, or "" if the image no longer exists.
std::string picture(const fs::path& path) {
  try {
    const auto image = image::decode_image(path);
    const auto side = std::min(kPictureSide, std::max(image.height, image.width));
    return page::data_uri(page::thumbnail(image, side));
  } catch (const Error&) {
    return {};
  }
}

void add_pictures(json& samples) {
  for (auto& sample : samples) {
    if (!sample.is_object()) continue;
    for (const auto* side : {"before", "after"}) {
      const auto path = sample.value(side, json());
      if (path.is_string()) sample[std::string(side) + "_picture"] = picture(path.get<std::string>());
    }
  }
}

/// Renames the key of earlier versions, so that a continued run has one chart.
void rename_former(json& step) {
  const auto former = step.find("token_loss");
  if (former == step.end() || step.contains("image_token_loss")) return;
  step["image_token_loss"] = *former;
  step.erase("token_loss");
}

/// Returns all steps and evaluations, with the images of the last evaluation embedded.
json page_data(const std::string& log_lines) {
  json steps = json::array(), evaluations = json::array();
  for (size_t start = 0; start < log_lines.size();) {
    const size_t end = std::min(log_lines.find('\n', start), log_lines.size());
    auto line = parse_log_line(std::string_view(log_lines).substr(start, end - start));
    start = end + 1;
    if (!line) continue;
    if (line->event == LogEvent::kStep) {
      rename_former(line->object);
      steps.push_back(std::move(line->object));
    }
    if (line->event == LogEvent::kEvaluation) evaluations.push_back(std::move(line->object));
  }
  if (!evaluations.empty()) add_pictures(evaluations.back()["samples"]);
  return {{"steps", steps}, {"evaluations", evaluations}};
}

}  // namespace

std::string report_html(const std::string& title, const std::string& config_yaml,
                        const std::string& log_lines) {
  return page::to_html({.title = title,
                        .body = "<div id=\"charts\" class=\"charts\"></div><h2>Samples of the last "
                                "evaluation</h2><div id=\"samples\"></div>\n<h2>Configuration</h2><pre>" +
                                page::html_escaped(config_yaml) + "</pre>\n",
                        .script = "curves.js",
                        .data = page_data(log_lines).dump()});
}

}  // namespace ccexpert::train
