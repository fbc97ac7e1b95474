// config.json in every layout: sizes, image processor and question. Saved configs must read back.
#include <ccexpert/model/config.h>

#include "fuzz/target.h"
#include "generate/shared/checkpoint_texts.h"

namespace ccexpert::fuzz {
namespace {

/// Without a Diff Expert, only the last vision layer is used and saved.
bool is_same(const model::ModelConfig& one, const model::ModelConfig& other) {
  const bool same_layers = one.diff_expert ? one.vision_layers == other.vision_layers
                                           : one.vision_layers.back() == other.vision_layers.back();
  return same_layers && one.diff_expert.has_value() == other.diff_expert.has_value() &&
         one.image_newline == other.image_newline && one.image_tokens() == other.image_tokens() &&
         one.vision.tower == other.vision.tower && one.qformer.has_value() == other.qformer.has_value() &&
         one.vision.hidden_size == other.vision.hidden_size &&
         one.decoder.hidden_size == other.decoder.hidden_size &&
         one.decoder.tie_word_embeddings == other.decoder.tie_word_embeddings;
}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 2);
  model::ModelConfig config;
  fuzz::reads([&] { generate::trained_question(parts[0], "config.json"); });
  if (!fuzz::reads([&] { config = model::parse_model_config(parts[0], "config.json"); })) return 0;
  fuzz::reads([&] {
    generate::parse_preprocess_config(parts[1], parts[0], config.vision);
    generate::preprocessor_for(std::string(parts[1]), config.vision.image_size);
  });
  std::string saved;
  if (fuzz::reads([&] { saved = model::model_config_json(config, parts[0]); })) {
    model::ModelConfig again;
    fuzz::expect(fuzz::reads([&] { again = model::parse_model_config(saved, "saved"); }),
                 "what is saved is read");
    fuzz::expect(fuzz::is_same(again, config), "a config that is saved reads as it was");
    generate::with_trained_question(saved, "What changed?");
  }
  if (fuzz::reads([&] { saved = model::llava_hf_config_json(config, {}, parts[0]); }))
    fuzz::expect(fuzz::reads([&] { model::parse_model_config(saved, "saved"); }), "what is saved is read");
  return 0;
}
