#include "eval/figure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/image/decode.h>

#include "core/file_names.h"
#include "core/files.h"
#include "core/printable.h"
#include "eval/eval_format.h"
#include "eval/marked_words.h"
#include "eval/picture.h"
#include "image/shared/resize.h"

namespace ccexpert::tools {
namespace {

namespace fs = std::filesystem;

constexpr double kWidth = 960.0, kMargin = 20.0, kGap = 10.0, kThumbnail = 160.0;
constexpr double kTextLeft = kMargin + 2 * kThumbnail + 3 * kGap;
constexpr double kTextWidth = kWidth - kMargin - kTextLeft;
constexpr int64_t kThumbnailPixels = 2 * static_cast<int64_t>(kThumbnail);
constexpr uint32_t kGrey = 0x5a6878, kLightGrey = 0xeef1f5;
constexpr size_t kMostReferences = 5;

struct Caption {
  std::string model;
  std::vector<MarkedWord> words;
  double score;
};

struct FigurePair {
  std::string uid;
  fs::path before, after;
  std::vector<std::string> references;
  std::vector<Caption> captions;
};

std::vector<size_t> named_places(const std::vector<std::string>& uids, const Scored& scored) {
  std::vector<size_t> places;
  for (const auto& uid : uids) {
    const auto& samples = scored.set.samples;
    const auto found = std::find_if(samples.begin(), samples.end(),
                                    [&](const eval::CaptionedPair& each) { return each.uid == uid; });
    places.push_back(static_cast<size_t>(found - samples.begin()));
  }
  return places;
}

size_t column_of(const eval::ScoreTable& table, const std::string& name) {
  return static_cast<size_t>(std::find(table.names.begin(), table.names.end(), name) - table.names.begin());
}

/// Returns the best of the models' scores of a pair minus the worst; -1, the minimum, if a score is unknown.
double spread(const std::vector<const Scored*>& models, size_t place, size_t column) {
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const auto* model : models) {
    const double score = model->table().pairs[place][column];
    if (std::isnan(score)) return -1.0;
    least = std::min(least, score);
    most = std::max(most, score);
  }
  return most - least;
}

std::vector<size_t> places_of(const EvalCommand& command, const EvalResult& result) {
  if (!command.figure_uids.empty()) return named_places(command.figure_uids, result.scored);
  auto places = worst_first(result.scored.table(), text_of(command.worst_by));
  const auto models = all_models(result);
  const size_t column = column_of(result.scored.table(), text_of(command.worst_by));
  if (models.size() > 1)
    std::stable_sort(places.begin(), places.end(), [&](size_t a, size_t b) {
      return spread(models, a, column) > spread(models, b, column);
    });
  places.resize(std::min(places.size(), static_cast<size_t>(command.figure_pairs)));
  return places;
}

FigurePair pair_of(const EvalCommand& command, const EvalResult& result, size_t place, WordMarker& marker) {
  const auto& set = result.scored.set;
  FigurePair pair{.uid = set.samples[place].uid,
                  .before = set.before[place],
                  .after = set.after[place],
                  .references = set.samples[place].references,
                  .captions = {}};
  for (const auto* model : all_models(result)) {
    const size_t column = column_of(model->table(), text_of(command.worst_by));
    pair.captions.push_back({model->name, marker.mark(model->set.samples[place]).prediction,
                             model->table().pairs[place][column]});
  }
  return pair;
}

uint32_t background_of(std::string_view mark) {
  if (mark == "exact") return 0xcdeccf;
  return mark == "near" ? 0xcfe2fb : 0xfbd3d0;
}

std::optional<image::Image> thumbnail(const fs::path& path) {
  try {
    auto image = image::decode_image(path);
    const int64_t side = std::max(image.height, image.width);
    if (side <= kThumbnailPixels) return image;
    const auto scaled = [&](int64_t length) {
      return std::max<int64_t>(1, length * kThumbnailPixels / side);
    };
    return image::resize_bicubic(image.view(), scaled(image.height), scaled(image.width));
  } catch (const Error& error) {
    log::warning(error.what());
    return std::nullopt;
  }
}

void draw_thumbnail(Picture& picture, const fs::path& path, const Box& box) {
  picture.fill(box, kLightGrey);
  const auto image = path.empty() ? std::nullopt : thumbnail(path);
  if (image) {
    picture.image(image->view(), box);
    return;
  }
  const auto note =
      path.empty() ? std::string("no image path in the files") : "no image: " + path.filename().string();
  picture.text({{.text = printable(note), .colour = kGrey, .size = 10.0}}, box.x + kGap, box.y + kGap,
               box.width - 2 * kGap);
}

/// Draws one or more lines of the right column and moves `y` below them.
void draw_line(Picture& picture, const std::vector<TextRun>& runs, double& y) {
  y += picture.text(runs, kTextLeft, y, kTextWidth) + kGap / 2.0;
}

void draw_references(Picture& picture, const std::vector<std::string>& references, double& y) {
  for (size_t i = 0; i < std::min(references.size(), kMostReferences); ++i)
    draw_line(picture,
              {{.text = "reference  ", .colour = kGrey, .size = 10.0},
               {.text = printable(references[i]), .size = 11.0}},
              y);
  if (references.size() > kMostReferences)
    draw_line(picture,
              {{.text = fmt::format("and {} more", references.size() - kMostReferences),
                .colour = kGrey,
                .size = 10.0}},
              y);
}

void draw_caption(Picture& picture, const Caption& caption, const std::string& by, double& y) {
  std::vector<TextRun> runs{{.text = printable(caption.model) + "  ", .bold = true}};
  for (const auto& word : caption.words) {
    runs.push_back({.text = printable(word.text), .background = background_of(word.mark)});
    runs.push_back({.text = " "});
  }
  if (!std::isnan(caption.score))
    runs.push_back(
        {.text = fmt::format(" {} {:.1f}", by, 100.0 * caption.score), .colour = kGrey, .size = 10.0});
  draw_line(picture, runs, y);
}

/// Draws a pair and returns the top of the next one.
double draw_pair(Picture& picture, const FigurePair& pair, const std::string& by, double top) {
  draw_thumbnail(picture, pair.before, {kMargin, top, kThumbnail, kThumbnail});
  draw_thumbnail(picture, pair.after, {kMargin + kThumbnail + kGap, top, kThumbnail, kThumbnail});
  double y = top;
  draw_line(picture, {{.text = printable(pair.uid), .colour = kGrey, .size = 10.0, .bold = true}}, y);
  draw_references(picture, pair.references, y);
  for (const auto& caption : pair.captions) draw_caption(picture, caption, by, y);
  return std::max(y, top + kThumbnail) + 2 * kGap;
}

std::vector<TextRun> legend() {
  std::vector<TextRun> runs;
  for (const auto& [mark, text] : {std::pair("exact", "same word"),
                                   {"near", "stem, synonym or paraphrase"},
                                   {"missed", "not in the best-matching reference"}}) {
    runs.push_back({.text = fmt::format(" {} ", text), .background = background_of(mark), .size = 10.0});
    runs.push_back({.text = "   ", .size = 10.0});
  }
  return runs;
}

/// Draws all pairs and returns the total height.
double draw(Picture& picture, const std::vector<FigurePair>& pairs, const std::string& by) {
  double y = kMargin;
  for (const auto& pair : pairs) y = draw_pair(picture, pair, by, y);
  return y + picture.text(legend(), kMargin, y, kWidth - 2 * kMargin) + kMargin;
}

PictureFormat format_of(const fs::path& file) {
  if (lower_extension(file) == ".svg") return PictureFormat::kSvg;
  return lower_extension(file) == ".pdf" ? PictureFormat::kPdf : PictureFormat::kPng;
}

}  // namespace

void write_figure(const EvalCommand& command, const EvalResult& result,
                  const std::shared_ptr<const eval::MeteorData>& meteor) {
  WordMarker marker(meteor, result.scoring.tokenizer);
  std::vector<FigurePair> pairs;
  for (const size_t place : places_of(command, result))
    pairs.push_back(pair_of(command, result, place, marker));
  Picture measured(PictureFormat::kNone, kWidth, 1.0);
  const double height = draw(measured, pairs, text_of(command.worst_by));
  Picture picture(format_of(command.figure), kWidth, height);
  draw(picture, pairs, text_of(command.worst_by));
  write_file(command.figure, picture.finish());
}

}  // namespace ccexpert::tools
