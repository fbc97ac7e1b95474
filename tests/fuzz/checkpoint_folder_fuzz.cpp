// The JSON files of a checkpoint folder, next to valid weights.
#include <array>

#include <ccexpert/io/checkpoint.h>
#include <ccexpert/io/fingerprint.h>

#include "fuzz/target.h"

namespace {

constexpr std::array kFiles{"config.json",
                            "model.safetensors.index.json",
                            "processor_config.json",
                            "preprocessor_config.json",
                            "adapter_config.json",
                            "generation_config.json",
                            "pytorch_model.bin.index.json"};

const ccexpert::io::KnownModels kKnown{
    .class_names = {"LlavaQwenForCausalLM"}, .types = {"llava_qwen", "llava_onevision"}, .layouts = {}};

/// A safetensors file with one tensor "a" of one byte.
std::string small_weights() {
  const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  return std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') + header + "x";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto& folder = fuzz::Folder::shared();
  static const auto weights = folder.write("model-00001-of-00001.safetensors", small_weights());
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), kFiles.size());
  for (size_t i = 0; i < kFiles.size(); ++i) folder.write_or_remove(kFiles[i], parts[i]);
  fuzz::reads([&] {
    const auto checkpoint = io::open_checkpoint(folder.path(), kKnown);
    for (const auto& info : checkpoint.weights->tensors()) checkpoint.weights->tensor(info.name);
  });
  fuzz::reads([&] { io::fingerprint(folder.path()); });
  fuzz::reads([&] { io::read_companions(folder.path()); });
  return 0;
}
