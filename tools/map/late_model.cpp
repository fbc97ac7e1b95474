#include "map/late_model.h"

#include <span>
#include <vector>

#include "caption/run_identity.h"
#include "eval/shared/unchanged.h"

namespace ccexpert::tools {
namespace {

CaptionOptions options_of(const MapCommand& command, const std::stop_token& stop) {
  return {.generation = command.generation,
          .question = command.prompt,
          .stop = stop,
          .keep_tokens = command.keep_tokens,
          .words = command.map.words,
          .check_swap = command.map.check_swap};
}

}  // namespace

std::string settings_of(const MapCommand& command) {
  CaptionCommand caption;
  caption.model = command.model;
  caption.captioner = command.captioner;
  caption.prompt = command.prompt;
  caption.generation = command.generation;
  caption.keep_tokens = command.keep_tokens;
  // Scores and their calibration decide which tiles are captioned.
  caption.places.locate = true;
  caption.format = data::PredictionFormat::kJsonLines;
  return run_identity(caption);
}

LateModel::LateModel(const MapCommand& command, const std::stop_token& stop)
    : command_(command), options_(options_of(command, stop)) {}

geo::MapModel LateModel::functions() {
  return {
      .caption = [this](std::span<const ImagePair> pairs) { return captioner().caption(pairs, options_); },
      .locate = [this](std::span<const ImagePair> pairs) { return captioner().locate(pairs, options_.stop); },
      .changed_from =
          [this] {
            return captioner().calibrated() ? std::optional(captioner().change_threshold()) : std::nullopt;
          },
      .says_unchanged = [](const std::string& caption) { return eval::says_unchanged(caption); }};
}

const Captioner& LateModel::captioner() {
  if (!captioner_)
    captioner_ = std::make_unique<Captioner>(Captioner::load(command_.model, command_.captioner));
  return *captioner_;
}

}  // namespace ccexpert::tools
