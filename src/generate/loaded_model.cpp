#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <ccexpert/generate/loaded_model.h>

#include "core/foreign_errors.h"
#include "generate/chat_formats.h"
#include "generate/shared/checkpoint_texts.h"
#include "generate/tokenizer_fit.h"

namespace ccexpert::generate {
namespace {

std::string question_of(const CheckpointTexts& texts, const std::string& config_source) {
  auto question = trained_question(texts.config_json, config_source);
  return question.empty() ? std::string(text::kReferenceQuestion) : question;
}

}  // namespace

CheckpointTexts texts_of(const io::Checkpoint& checkpoint) {
  return {.folder = checkpoint.folder,
          .config_json = checkpoint.config_json,
          .preprocessor_json = checkpoint.preprocessor_json,
          .preprocessor_source = checkpoint.preprocessor_source,
          .generation_json = checkpoint.generation_json};
}

DecodingConfig ModelSettings::decoding(const GenerationOptions& asked) const {
  return generation.decoding(asked, vocabulary);
}

int64_t ModelSettings::end_of_turn() const {
  return text::stop_token_ids(*tokenizer, prompt.chat).front();
}

ModelSettings read_model_settings(const CheckpointTexts& texts, const model::ModelConfig& config,
                                  std::string question) try {
  const auto source = [&](const char* file) { return (texts.folder / file).string(); };
  const text::PromptFormat prompt{.chat = chat_of(config)};
  auto tokenizer = text::Tokenizer::load(texts.folder);
  auto preprocess = parse_preprocess_config(texts.preprocessor_json, texts.config_json, config.vision,
                                            texts.preprocessor_source);
  CheckpointGeneration generation(texts.generation_json, source("generation_config.json"),
                                  text::stop_token_ids(*tokenizer, prompt.chat));
  if (question.empty()) question = question_of(texts, source("config.json"));
  expect_tokenizer_fits(*tokenizer, config.decoder, texts.folder.string());
  return {.vocabulary = config.decoder.vocab_size,
          .tokenizer = std::move(tokenizer),
          .prompt = prompt,
          .preprocess = preprocess,
          .generation = std::move(generation),
          .question = std::move(question)};
} catch (...) {
  rethrow_as_error();
}

at::Tensor load_pixels(int64_t images, int64_t side, const PixelWriter& write) {
  auto pixels = at::empty({images, 3, side, side}, at::kFloat);
  const auto plane = static_cast<size_t>(3 * side * side);
  float* data = pixels.mutable_data_ptr<float>();
  at::parallel_for(0, images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) write(i, {data + static_cast<size_t>(i) * plane, plane});
  });
  return pixels;
}

}  // namespace ccexpert::generate
