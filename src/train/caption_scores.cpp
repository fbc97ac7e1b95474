#include "train/caption_scores.h"

#include <algorithm>
#include <array>

#include <ccexpert/core/log.h>

#include "core/one_line.h"

namespace ccexpert::train {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 8> kNames{{{"bleu_1", "BLEU-1"},
                                                                     {"bleu_2", "BLEU-2"},
                                                                     {"bleu_3", "BLEU-3"},
                                                                     {"bleu_4", "BLEU-4"},
                                                                     {"meteor", "METEOR"},
                                                                     {"rouge_l", "ROUGE-L"},
                                                                     {"cider_d", "CIDEr-D"},
                                                                     {"s_star_m", "S*m"}}};

std::shared_ptr<const eval::MeteorData> meteor_for(Metric metric) {
  if (metric != Metric::kMeteor && metric != Metric::kSStarM) return nullptr;
  return eval::MeteorData::open(eval::MeteorData::default_folder(),
                                [] { log::info("building the index of METEOR's tables, once"); });
}

}  // namespace

CaptionScores::CaptionScores(Metric metric) : scorer_({.meteor = meteor_for(metric)}) {}

NamedScores CaptionScores::score(std::span<const eval::CaptionedPair> samples) {
  const auto table = scorer_.score(samples);
  NamedScores scores;
  for (const auto& [name, column] : kNames) {
    const auto& columns = table.names;
    if (std::find(columns.begin(), columns.end(), column) != columns.end())
      scores.emplace_back(name, table.value(column));
  }
  return scores;
}

// Captions of an untrained model may contain line breaks.
std::string one_line(std::string caption) {
  caption = on_one_line(std::move(caption));
  caption.erase(0, std::min(caption.find_first_not_of(' '), caption.size()));
  while (caption.ends_with(' ')) caption.pop_back();
  return caption;
}

}  // namespace ccexpert::train
