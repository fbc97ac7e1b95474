// SECOND: land-cover classes before and after for changed pixels; label images in colour or as numbers.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "datasets/sources/mask_source.h"
#include "datasets/sources/palette.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;

constexpr int kClasses = 6;  ///< besides 0, unchanged

struct ClassWords {
  const char* one;
  const char* many;
  const char* all;     ///< without a number
  bool built = false;  ///< built by people, so it can be rebuilt
};

constexpr std::array<ClassWords, kClasses> kWords{
    {{"an area of water", "areas of water", "water"},
     {"an area of bare ground", "areas of bare ground", "bare ground"},
     {"an area of low vegetation", "areas of low vegetation", "low vegetation"},
     {"a group of trees", "groups of trees", "trees"},
     {"a building", "buildings", "buildings", true},
     {"a playground", "playgrounds", "playgrounds", true}}};

/// Returns verbs for a changed area that keeps its class.
std::vector<Verb> verbs_of_same(const ClassWords& words) {
  if (words.built) {
    return {{"has been rebuilt", "have been rebuilt"},
            {"is replaced by a new one", "are replaced by new ones"},
            {"has been altered", "have been altered"}};
  }
  return {{"has been altered", "have been altered"},
          {"looks different", "look different"},
          {"has changed", "have changed"}};
}

std::vector<Verb> verbs_of_change(const ClassWords& to) {
  const auto verb = [&](const char* one, const char* many) {
    return Verb{fmt::format("{} {}", one, to.all), fmt::format("{} {}", many, to.all)};
  };
  return {verb("has become", "have become"), verb("is replaced by", "are replaced by"),
          verb("has turned into", "have turned into"), verb("has given way to", "have given way to")};
}

/// Returns the words of kind (from - 1) * 6 + to, with from and to in 1 to 6.
std::vector<KindWords> transition_words() {
  std::vector<KindWords> words;
  for (const auto& from : kWords) {
    for (const auto& to : kWords) {
      words.push_back({from.one, from.many, &from == &to ? verbs_of_same(from) : verbs_of_change(to)});
    }
  }
  return words;
}

/// True for a map of numbers, which has the same small number in all channels.
bool holds_numbers(const image::Image& label) {
  for (size_t i = 0; i < label.pixels.size(); i += 3) {
    const auto* pixel = label.pixels.data() + i;
    if (pixel[0] > kClasses || pixel[1] != pixel[0] || pixel[2] != pixel[0]) return false;
  }
  return true;
}

std::vector<uint8_t> class_numbers(const image::Image& label) {
  static const std::vector<Colour> palette{{255, 255, 255}, {0, 0, 255}, {128, 128, 128}, {0, 128, 0},
                                           {0, 255, 0},     {128, 0, 0}, {255, 0, 0}};
  if (!holds_numbers(label)) return palette_numbers(label, palette);
  std::vector<uint8_t> numbers(label.pixels.size() / 3);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = label.pixels[3 * i];
  return numbers;
}

image::Image number_image(const image::Image& like, const std::vector<uint8_t>& numbers) {
  image::Image image{like.height, like.width, {}};
  image.pixels.reserve(like.pixels.size());
  for (const auto number : numbers) image.pixels.insert(image.pixels.end(), 3, number);
  return image;
}

/// Expects every changed pixel to have a class before and a class after.
void expect_agreement(const std::vector<uint8_t>& before, const std::vector<uint8_t>& after, int64_t width) {
  size_t count = 0, first = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    if ((before[i] == 0) != (after[i] == 0) && count++ == 0) first = i;
  }
  if (count == 0) return;
  const auto columns = static_cast<size_t>(width);
  fail_expected(
      {"label1 and label2", "the same pixels marked as changed in both",
       fmt::format("{} pixels marked in only one, the first in row {}, column {} (classes {} and {})", count,
                   first / columns, first % columns, before[first], after[first])});
}

Labels read_labels(const std::vector<LabelImage>& labels) {
  const auto &first = labels[0].image, &second = labels[1].image;
  if (first.height != second.height || first.width != second.width) {
    fail_expected({"label1 and label2", "the same size", "two sizes"});
  }
  const auto before = class_numbers(first), after = class_numbers(second);
  expect_agreement(before, after, first.width);
  Labels read{{first.height, first.width, std::vector<uint8_t>(before.size())},
              ClassMaps{number_image(first, before), number_image(second, after)}};
  for (size_t i = 0; i < before.size(); ++i) {
    const bool changed = before[i] != 0 && after[i] != 0;
    read.change.kinds[i] = changed ? static_cast<uint8_t>((before[i] - 1) * kClasses + after[i]) : 0;
  }
  return read;
}

bool has_labels(const fs::path& split) {
  return has(split, "label1") || has(split, "label2");
}

std::vector<MaskedPair> pairs_in(const fs::path& input) {
  std::vector<MaskedPair> pairs;
  for (const auto* split : {"train", "val", "test"}) {
    const auto part = input / split;
    if (!has_labels(part)) continue;
    for (const auto& name : images_in_any({part / "label1", part / "label2", part / "im1", part / "im2"})) {
      const auto path = [&](const char* folder) { return fmt::format("{}/{}/{}", split, folder, name); };
      pairs.push_back(
          {split, uid_in_split(split, name), path("im1"), path("im2"), {path("label1"), path("label2")}});
    }
  }
  return pairs;
}

/// The labels of the test split are not public.
void pass_over_unlabelled(Sink& sink) {
  for (const auto* split : {"train", "val", "test"}) {
    const auto folder = sink.input() / split;
    if (has_labels(folder) || !has(folder, "im1")) continue;
    for (size_t i = images_in(folder / "im1").size(); i > 0; --i) sink.pass_over();
  }
}

}  // namespace

Source second_source() {
  return {"second", "SECOND", "{train,test}/{im1,im2,label1,label2}",
          [](const fs::path& folder) {
            return has_in_a_split(folder, "label1") && has_in_a_split(folder, "im1");
          },
          [](Sink& sink) {
            add_masked_pairs(sink, pairs_in(sink.input()), {transition_words(), 4, false, read_labels});
            pass_over_unlabelled(sink);
          }};
}

}  // namespace ccexpert::datasets
