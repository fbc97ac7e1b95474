#include "datasets/shared/view.h"

#include <algorithm>

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "core/counter_random.h"
#include "core/foreign_errors.h"
#include "datasets/lists/universal.h"
#include "datasets/options.h"
#include "page/thumbnails.h"

namespace ccexpert::datasets {
namespace {

constexpr int kGap = 8;
constexpr int kLine = 15;
constexpr double kFontScale = 0.4;
constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;

std::vector<data::ChangeExample> pairs_of(const std::filesystem::path& list, const ViewOptions& options) {
  std::vector<data::ChangeExample> pairs;
  int64_t seen = 0;
  const CounterRandom random(RandomUse::kSample, options.seed, 1);
  visit_examples(list, options.image_root, [&](data::ChangeExample&& pair, const std::string& /*where*/) {
    if (!options.uid.empty()) {
      if (pair.uid == options.uid && pairs.empty()) pairs.push_back(std::move(pair));
      return;
    }
    ++seen;
    if (static_cast<int64_t>(pairs.size()) < options.pairs) return pairs.push_back(std::move(pair));
    const auto place = random.below(seen, static_cast<uint64_t>(seen));
    if (place < options.pairs) pairs[static_cast<size_t>(place)] = std::move(pair);
  });
  if (pairs.empty()) {
    fail_expected({list.string(),
                   options.uid.empty() ? "at least one pair" : fmt::format("a pair '{}'", options.uid),
                   "none"});
  }
  return pairs;
}

/// Replaces characters other than ASCII, which the font lacks, by a question mark.
std::string drawable(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;  // continuation byte
    result += byte < 0x80 ? c : '?';
  }
  return result;
}

/// Wraps text into lines that fit.
std::vector<std::string> wrapped(const std::string& text, int width) {
  std::vector<std::string> lines;
  std::string line;
  const auto flush = [&] {
    if (!line.empty()) lines.push_back(line);
    line.clear();
  };
  std::string rest = drawable(text);
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    const auto word = rest.substr(0, end);
    rest.erase(0, end + 1);
    const auto longer = line.empty() ? word : fmt::format("{} {}", line, word);
    int baseline = 0;
    if (cv::getTextSize(longer, kFont, kFontScale, 1, &baseline).width > width) flush();
    if (!line.empty()) line += ' ';
    line += word;
  }
  flush();
  return lines;
}

/// Images of one pair and the lines below them.
struct Card {
  std::vector<image::Image> images;
  std::vector<std::string> lines;
};

Card card_of(const data::ChangeExample& pair, const ViewOptions& options, int width) {
  Card card;
  card.images.push_back(page::thumbnail(image::decode_image(pair.before), options.side));
  card.images.push_back(page::thumbnail(image::decode_image(pair.after), options.side));
  if (!pair.mask.empty())
    card.images.push_back(page::thumbnail(image::decode_image(pair.mask), options.side, true));
  const char* flag = !pair.changed ? "" : *pair.changed ? " [changed]" : " [unchanged]";
  card.lines = wrapped(pair.uid + flag, width);
  const auto count = std::min(pair.captions.size(), static_cast<size_t>(options.captions));
  for (size_t i = 0; i < count; ++i) {
    for (auto& line : wrapped("- " + pair.captions[i], width)) card.lines.push_back(std::move(line));
  }
  if (count < pair.captions.size())
    card.lines.push_back(fmt::format("  and {} more", pair.captions.size() - count));
  return card;
}

void paste(cv::Mat& sheet, const image::Image& image, int x, int y) {
  const cv::Mat source(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3,
                       const_cast<uint8_t*>(image.pixels.data()));
  source.copyTo(sheet(cv::Rect(x, y, source.cols, source.rows)));
}

void draw(cv::Mat& sheet, const Card& card, int x, int y, int side) {
  for (size_t i = 0; i < card.images.size(); ++i)
    paste(sheet, card.images[i], x + static_cast<int>(i) * (side + kGap), y);
  int line_y = y + side + kLine;
  for (const auto& line : card.lines) {
    cv::putText(sheet, line, {x, line_y}, kFont, kFontScale, {20, 20, 20}, 1, cv::LINE_AA);
    line_y += kLine;
  }
}

/// Returns the top of each row of cards, then the sheet's height.
std::vector<int> tops_of(const std::vector<Card>& cards, size_t columns, int side) {
  std::vector<int> tops{kGap};
  for (size_t i = 0; i < cards.size(); i += columns) {
    size_t lines = 0;
    for (size_t j = i; j < std::min(i + columns, cards.size()); ++j)
      lines = std::max(lines, cards[j].lines.size());
    tops.push_back(tops.back() + side + kLine * static_cast<int>(lines) + 2 * kGap + kLine / 2);
  }
  return tops;
}

}  // namespace

void ViewOptions::validate() const {
  check_options(*this);
}

image::Image contact_sheet(const std::filesystem::path& list, const ViewOptions& options) try {
  options.validate();
  const auto pairs = pairs_of(list, options);
  const bool masks =
      std::any_of(pairs.begin(), pairs.end(), [](const auto& pair) { return !pair.mask.empty(); });
  const int side = static_cast<int>(options.side), width = (masks ? 3 : 2) * (side + kGap) - kGap;
  const auto columns = std::min<size_t>(static_cast<size_t>(options.columns), pairs.size());
  std::vector<Card> cards;
  for (const auto& pair : pairs) cards.push_back(card_of(pair, options, width));
  const auto tops = tops_of(cards, columns, side);
  cv::Mat sheet(tops.back(), static_cast<int>(columns) * (width + 2 * kGap) + kGap, CV_8UC3,
                cv::Scalar::all(255));
  for (size_t i = 0; i < cards.size(); ++i) {
    const int x = kGap + static_cast<int>(i % columns) * (width + 2 * kGap);
    draw(sheet, cards[i], x, tops[i / columns], side);
  }
  const auto* data = sheet.ptr<uint8_t>();
  return {sheet.rows, sheet.cols, std::vector<uint8_t>(data, data + 3 * sheet.total())};
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::datasets
