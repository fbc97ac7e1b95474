// Decoders of the goldens in qwen2/.
#pragma once

#include <memory>
#include <string>

#include <ccexpert/model/decoder.h>
#include <ccexpert/model/weights.h>

#include "core/files.h"
#include "core/json.h"
#include "support/golden.h"

namespace ccexpert::test {

inline std::filesystem::path golden_decoders() {
  return data_folder() / "qwen2";
}

/// Returns the decoder of NAME.config.json with the weights beside it.
inline std::shared_ptr<model::Decoder> golden_decoder(const std::string& name) {
  model::DecoderConfig config;
  const auto path = golden_decoders() / (name + ".config.json");
  read_fields(parse_json(read_file(path), path.string()), config, path.string());
  auto decoder = std::make_shared<model::Decoder>(config, at::TensorOptions());
  model::load_weights(*decoder, *io::open_safetensors(golden_decoders() / (name + ".weights.safetensors")));
  return decoder;
}

}  // namespace ccexpert::test
