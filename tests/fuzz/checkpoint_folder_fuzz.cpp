// The JSON files of a checkpoint folder, next to valid weights.
#include <array>

#include <ccexpert/io/checkpoint.h>
#include <ccexpert/io/weight_layout.h>

#include "fuzz/target.h"
#include "io/shared/fingerprint.h"

namespace {

// The only tensor is the vocabulary, and the model leaves out its last row.
constexpr std::array kToModel{ccexpert::io::RenamedPrefix{"a", "model.a"}};
constexpr std::array kToFiles{ccexpert::io::RenamedPrefix{"model.", ""}};
constexpr std::array<std::string_view, 1> kVocabulary{"model.a"};
constexpr ccexpert::io::WeightLayout kOther{.name = "other",
                                            .mark = "a",
                                            .outer = "",
                                            .to_model = kToModel,
                                            .to_files = kToFiles,
                                            .vocabulary = kVocabulary,
                                            .vocabulary_rows = [](int64_t rows) { return rows - 1; }};

constexpr std::array kFiles{"config.json",
                            "model.safetensors.index.json",
                            "processor_config.json",
                            "preprocessor_config.json",
                            "adapter_config.json",
                            "generation_config.json",
                            "pytorch_model.bin.index.json"};

const ccexpert::io::KnownModels kKnown{.class_names = {"LlavaQwenForCausalLM"},
                                       .types = {"llava_qwen", "llava_onevision"},
                                       .layouts = {&kOther}};

/// A safetensors file with one tensor "a" of two rows of one byte.
std::string small_weights() {
  const std::string header = R"({"a":{"dtype":"U8","shape":[2,1],"data_offsets":[0,2]}})";
  return std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') + header + "xy";
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
