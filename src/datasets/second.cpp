// SECOND: what the ground was and what it became, where it changed; label images in colour or as numbers.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "datasets/mask_source.h"
#include "datasets/palette.h"
#include "datasets/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;

constexpr int kClasses = 6;  ///< beside 0, unchanged

struct ClassWords {
  const char* one;
  const char* many;
  const char* all;  ///< without a number
};

constexpr std::array<ClassWords, kClasses> kWords{
    {{"an area of water", "areas of water", "water"},
     {"an area of bare ground", "areas of bare ground", "bare ground"},
     {"an area of low vegetation", "areas of low vegetation", "low vegetation"},
     {"a group of trees", "groups of trees", "trees"},
     {"a building", "buildings", "buildings"},
     {"a playground", "playgrounds", "playgrounds"}}};

/// Kind (from - 1) * 6 + to, from and to of 1 to 6.
std::vector<KindWords> transition_words() {
  std::vector<KindWords> words;
  for (const auto& from : kWords) {
    for (const auto& to : kWords) {
      const auto verb = [&](const char* one, const char* many) {
        return Verb{fmt::format("{} {}", one, to.all), fmt::format("{} {}", many, to.all)};
      };
      words.push_back(
          {from.one,
           from.many,
           {verb("has become", "have become"), verb("is replaced by", "are replaced by"),
            verb("has turned into", "have turned into"), verb("has given way to", "have given way to")}});
    }
  }
  return words;
}

/// Maps of numbers have the same small number in all channels.
bool holds_numbers(const Image& label) {
  for (size_t i = 0; i < label.pixels.size(); i += 3) {
    const auto* pixel = label.pixels.data() + i;
    if (pixel[0] > kClasses || pixel[1] != pixel[0] || pixel[2] != pixel[0]) return false;
  }
  return true;
}

std::vector<uint8_t> class_numbers(const Image& label) {
  static const std::vector<Colour> palette{{255, 255, 255}, {0, 0, 255}, {128, 128, 128}, {0, 128, 0},
                                           {0, 255, 0},     {128, 0, 0}, {255, 0, 0}};
  if (!holds_numbers(label)) return palette_numbers(label, palette);
  std::vector<uint8_t> numbers(label.pixels.size() / 3);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = label.pixels[3 * i];
  return numbers;
}

Image number_image(const Image& like, const std::vector<uint8_t>& numbers) {
  Image image{like.height, like.width, {}};
  image.pixels.reserve(like.pixels.size());
  for (const auto number : numbers) image.pixels.insert(image.pixels.end(), 3, number);
  return image;
}

Labels read_labels(const std::vector<Image>& labels) {
  const auto &first = labels[0], &second = labels[1];
  if (first.height != second.height || first.width != second.width) {
    fail({"label1 and label2", "one size", "two"});
  }
  const auto before = class_numbers(first), after = class_numbers(second);
  Labels read{{first.height, first.width, std::vector<uint8_t>(before.size())},
              ClassMaps{number_image(first, before), number_image(second, after)}};
  for (size_t i = 0; i < before.size(); ++i) {
    const bool changed = before[i] != 0 && after[i] != 0;
    read.change.kinds[i] = changed ? static_cast<uint8_t>((before[i] - 1) * kClasses + after[i]) : 0;
  }
  return read;
}

std::vector<MaskedPair> pairs_in(const fs::path& input) {
  std::vector<MaskedPair> pairs;
  for (const auto* split : {"train", "val", "test"}) {
    if (!has(input / split, "label1")) continue;
    for (const auto& name : images_in(input / split / "label1")) {
      const auto path = [&](const char* folder) { return fmt::format("{}/{}/{}", split, folder, name); };
      pairs.push_back(
          {split, uid_in_split(split, name), path("im1"), path("im2"), {path("label1"), path("label2")}});
    }
  }
  return pairs;
}

}  // namespace

Source second_source() {
  return {"second", "SECOND", "{train,test}/{im1,im2,label1,label2}",
          [](const fs::path& folder) {
            return has_in_a_split(folder, "label1") && has_in_a_split(folder, "im1");
          },
          [](Sink& sink) {
            add_masked_pairs(sink, pairs_in(sink.input()), {transition_words(), 4, false, read_labels});
          }};
}

}  // namespace ccexpert::datasets
