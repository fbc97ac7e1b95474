#include "caption/run_identity.h"

#include <optional>
#include <vector>

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include "io/shared/fingerprint.h"
#include "model/shared/adapter.h"

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

}  // namespace

std::string run_identity(const CaptionCommand& command) {
  // Lines of text do not hold it, and the model's files are read whole for it.
  if (command.format == data::PredictionFormat::kText) return {};
  auto text = fmt::format("{}\nquestion={}\n", io::fingerprint(command.model), command.prompt);
  if (const auto tower = model::open_plain_checkpoint(command.model).tower_folder; !tower.empty())
    text += fmt::format("tower={}\n", io::fingerprint(tower));
  if (const auto& adapter = command.captioner.adapter; !adapter.empty())
    text += fmt::format("adapter={}\n", io::adapter_fingerprint(adapter));
  if (command.keep_tokens != 1.0) text += fmt::format("keep_tokens={}\n", command.keep_tokens);
  for_each_field<generate::GenerationOptions>([&](const auto& each) {
    // Captions of earlier versions, which lacked these options, keep their identity.
    if (std::string_view(each.name).starts_with("mbr") && command.generation.mbr == 0) return;
    text += fmt::format("{}={}\n", each.name, text_of(command.generation.*each.member));
  });
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

}  // namespace ccexpert::tools
