// Sample captions as JSON, for the log and between ranks.
#pragma once

#include <nlohmann/json.hpp>

#include "train/run_log.h"

namespace ccexpert::train {

inline nlohmann::ordered_json to_json(const SampleCaption& sample) {
  return {{"uid", sample.uid},
          {"before", sample.before.string()},
          {"after", sample.after.string()},
          {"caption", sample.caption},
          {"references", sample.references}};
}

inline SampleCaption to_sample(const nlohmann::json& object) {
  return {object["uid"], object["before"].get<std::string>(), object["after"].get<std::string>(),
          object["caption"], object["references"]};
}

}  // namespace ccexpert::train
