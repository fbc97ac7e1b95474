#include "caption/run_identity.h"

#include <optional>
#include <vector>

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include "core/change_calibration.h"
#include "core/files.h"
#include "distributed/shared/rank.h"
#include "generate/shared/caption_precision.h"
#include "io/shared/fingerprint.h"
#include "model/shared/adapter.h"
#include "model/shared/int8_model.h"
#include "runtime/device.h"

namespace ccexpert::tools {
namespace {

template <class Value>
std::string text_of(const Value& value) {
  if constexpr (Named<Value>)
    return ccexpert::text_of(value);
  else
    return fmt::format("{}", value);
}

template <class Value>
std::string text_of(const std::optional<Value>& value) {
  return value ? text_of(*value) : std::string("unset");
}

/// True if the weights have 8 bits, or int8 rounds those of a checkpoint in floating point. Captions are then
/// others than up to the rounding of a floating-point type.
bool is_int8(const CaptionCommand& command, const io::Checkpoint& checkpoint) {
  if (model::is_int8(*checkpoint.weights)) return true;
  const auto& config = command.captioner;
  if (config.dtype != Precision::kAuto && config.dtype != Precision::kInt8) return false;
  const auto device = runtime::device_from_name(config.device);
  const auto precision =
      generate::caption_precision(config.dtype, device.type(), distributed::rank_from_environment().size);
  return precision == Precision::kInt8;
}

/// Returns a line for each option of places that lines depend on.
std::string places_identity(const CaptionCommand& command) {
  const auto& places = command.places;
  if (!places.need_lines()) return {};
  std::string text;
  const auto& adapter = command.captioner.adapter;
  const auto folder = adapter.empty() ? model::open_plain_checkpoint(command.model).folder : adapter;
  const auto file = folder / kChangeScoreFile;
  if (is_there(file)) text += fmt::format("calibration={}\n", read_file(file));
  if (places.locate) text += "locate\n";
  if (places.words) text += "words\n";
  if (places.check_swap) text += "check_swap\n";
  if (places.polygons)
    text += fmt::format("polygons={} {}\n", text_of(places.change_threshold), places.simplify);
  return text;
}

}  // namespace

std::string run_identity(const CaptionCommand& command) {
  // Lines of text do not hold it, and the model's files are read whole for it.
  if (command.format == data::PredictionFormat::kText) return {};
  auto text = fmt::format("{}\nquestion={}\n", io::fingerprint(command.model), command.prompt);
  const auto checkpoint = model::open_plain_checkpoint(command.model);
  if (const auto& tower = checkpoint.tower_folder; !tower.empty())
    text += fmt::format("tower={}\n", io::fingerprint(tower));
  if (const auto& adapter = command.captioner.adapter; !adapter.empty())
    text += fmt::format("adapter={}\n", io::adapter_fingerprint(adapter));
  // The words after the values tell these captions from those of earlier versions.
  if (is_int8(command, checkpoint)) text += "dtype=int8 with a prefix in float32\n";
  if (command.keep_tokens != 1.0)
    text += fmt::format("keep_tokens={} in their places\n", command.keep_tokens);
  text += places_identity(command);
  // There are files of all pairs, or of none.
  if (!command.places.overlay.empty()) text += "overlay\n";
  if (!command.places.maps.empty()) text += "maps\n";
  for_each_field<generate::GenerationOptions>([&](const auto& each) {
    // Captions of earlier versions, which lacked these options, keep their identity.
    if (std::string_view(each.name).starts_with("mbr") && command.generation.mbr == 0) return;
    text += fmt::format("{}={}\n", each.name, text_of(command.generation.*each.member));
  });
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

}  // namespace ccexpert::tools
