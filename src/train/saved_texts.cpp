#include "train/saved_texts.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "core/json.h"
#include "runtime/device.h"

namespace ccexpert::train {
namespace {

using nlohmann::json;

constexpr const char* kImageToken = "<image>";
constexpr const char* kVideoToken = "<video>";
constexpr const char* kPreprocessor = "preprocessor_config.json";
constexpr const char* kProcessor = "processor_config.json";
/// Files that only LlavaOnevisionProcessor reads.
constexpr std::array kLlavaHfFiles{kProcessor, "video_preprocessor_config.json"};

/// Companions by name.
class Files {
 public:
  explicit Files(std::vector<io::CompanionFile> files) : files_(std::move(files)) {}

  bool has(std::string_view name) const { return find(name) != files_.end(); }
  /// Returns a JSON file's value, or null if it is absent.
  json read(const std::string& name) const {
    const auto file = find(name);
    return file == files_.end() ? json() : parse_json(file->bytes, name);
  }
  void write(const std::string& name, const json& value) { write(name, value.dump(2) + "\n"); }
  void write(const std::string& name, std::string text) {
    remove(name);
    files_.push_back({name, std::move(text)});
  }
  void remove(std::string_view name) {
    std::erase_if(files_, [&](const auto& file) { return file.name == name; });
  }
  std::vector<io::CompanionFile> take() && { return std::move(files_); }

 private:
  std::vector<io::CompanionFile>::const_iterator find(std::string_view name) const {
    return std::find_if(files_.begin(), files_.end(), [&](const auto& file) { return file.name == name; });
  }

  std::vector<io::CompanionFile> files_;
};

/// Token ids by text, from all tokenizer files that map them.
class TokenIds {
 public:
  explicit TokenIds(const Files& files) {
    const json fast = files.read("tokenizer.json");
    if (fast.is_object()) {
      add_all(fast.value("model", json::object()).value("vocab", json::object()));
      for (const auto& token : fast.value("added_tokens", json::array()))
        add(token.at("content"), token.at("id"));
    }
    add_all(files.read("vocab.json"));
    add_all(files.read("added_tokens.json"));
  }

  /// Returns the id of `text`, or the next free one.
  int64_t id_of(const std::string& text) {
    const auto known = ids_.find(text);
    if (known != ids_.end()) return known->second;
    add(text, next_);
    return next_ - 1;
  }

 private:
  void add_all(const json& vocabulary) {
    for (const auto& [text, id] : vocabulary.items()) add(text, id.get<int64_t>());
  }
  void add(const std::string& text, int64_t id) {
    ids_.emplace(text, id);
    next_ = std::max(next_, id + 1);
  }

  std::map<std::string, int64_t> ids_;
  int64_t next_ = 0;
};

json added_token(const char* text) {
  return {{"content", text}, {"lstrip", false},      {"normalized", false},
          {"rstrip", false}, {"single_word", false}, {"special", true}};
}

/// Makes `text` a special token in each of the tokenizer's files.
void add_token(Files& files, const char* text, int64_t id) {
  if (json fast = files.read("tokenizer.json"); fast.is_object()) {
    auto& added = fast["added_tokens"];
    const bool there =
        std::any_of(added.begin(), added.end(), [&](const json& token) { return token.at("id") == id; });
    if (!there) {
      added.push_back(added_token(text));
      added.back()["id"] = id;
      files.write("tokenizer.json", fast);
    }
  }
  if (files.has("vocab.json")) {
    json added = files.read("added_tokens.json");
    added[text] = id;
    files.write("added_tokens.json", added);
  }
  if (json config = files.read("tokenizer_config.json"); config.is_object()) {
    config["added_tokens_decoder"][std::to_string(id)] = added_token(text);
    files.write("tokenizer_config.json", config);
  }
}

/// A model of sentencepiece does not list its tokens as text.
void expect_token_list(const Files& files) {
  if (files.has("tokenizer.json") || files.has("vocab.json")) return;
  fail_expected({"llava-hf layout", "tokenizer.json or vocab.json, which get <image> and <video>", "neither",
                 "save the tokenizer with save_pretrained() of transformers, which writes tokenizer.json"});
}

model::LlavaHfTokens add_image_tokens(Files& files, int64_t rows) {
  expect_token_list(files);
  TokenIds ids(files);
  const model::LlavaHfTokens tokens{.image = ids.id_of(kImageToken), .video = ids.id_of(kVideoToken)};
  if (std::max(tokens.image, tokens.video) >= rows) {
    fail_expected({"llava-hf layout", "embedding rows for <image> and <video> after the tokenizer's tokens",
                   fmt::format("{} rows", rows)});
  }
  add_token(files, kImageToken, tokens.image);
  add_token(files, kVideoToken, tokens.video);
  return tokens;
}

/// Returns the keys that every image processor of transformers reads.
json processor_of(const image::PreprocessConfig& preprocess) {
  return {{"do_convert_rgb", true},
          {"do_resize", true},
          {"do_rescale", true},
          {"do_normalize", true},
          {"size", {{"height", preprocess.size}, {"width", preprocess.size}}},
          {"resample", 3},  // bicubic
          {"rescale_factor", 1.0 / 255.0},
          {"image_mean", preprocess.mean},
          {"image_std", preprocess.deviation}};
}

void write_llava_hf_processor(Files& files, const SavedModel& model, const json& config) {
  auto images = processor_of(model.preprocess);
  auto videos = images;
  images.update({{"image_processor_type", "LlavaOnevisionImageProcessor"},
                 {"processor_class", "LlavaOnevisionProcessor"},
                 {"do_pad", true},
                 {"image_grid_pinpoints", config["image_grid_pinpoints"]}});
  videos.update({{"video_processor_type", "LlavaOnevisionVideoProcessor"},
                 {"processor_class", "LlavaOnevisionProcessor"}});
  files.write(kPreprocessor, images);
  files.write("video_preprocessor_config.json", videos);
  files.write(kProcessor, {{"processor_class", "LlavaOnevisionProcessor"},
                           {"image_token", kImageToken},
                           {"video_token", kVideoToken},
                           {"num_image_tokens", model.config.vision.patches()},
                           {"vision_aspect_ratio", config["vision_aspect_ratio"]},
                           {"vision_feature_select_strategy", "full"}});
}

/// Sets the config's dtype, which determines the precision in which transformers loads weights.
std::string with_dtype(const std::string& config_json, at::ScalarType dtype) {
  auto config = parse_json(config_json, "config.json");
  config.erase("dtype");
  config["torch_dtype"] = runtime::dtype_name(dtype);
  return config.dump(2) + "\n";
}

SavedTexts llava_hf_texts(const SavedModel& model, Files files) {
  model::expect_llava_hf(model.config);
  const auto tokens = add_image_tokens(files, model.config.decoder.vocab_size);
  auto config_json = model::llava_hf_config_json(model.config, tokens, model.original_json);
  write_llava_hf_processor(files, model, parse_json(config_json, "config.json"));
  return {std::move(config_json), std::move(files).take()};
}

SavedTexts lmms_texts(const SavedModel& model, Files files) {
  // Newer llava-hf folders have the processor's values only in processor_config.json.
  if (files.has(kProcessor) && !files.has(kPreprocessor))
    files.write(kPreprocessor, siglip_processor_json(model.preprocess));
  for (const char* name : kLlavaHfFiles) files.remove(name);
  return {model::model_config_json(model.config, model.original_json), std::move(files).take()};
}

}  // namespace

std::string siglip_processor_json(const image::PreprocessConfig& preprocess) {
  auto images = processor_of(preprocess);
  images["image_processor_type"] = "SiglipImageProcessor";
  return images.dump(2) + "\n";
}

SavedTexts saved_texts(const SavedModel& model, std::vector<io::CompanionFile> companions) {
  Files files(std::move(companions));
  const bool llava_hf = model.layout == io::CheckpointLayout::kLlavaHf;
  try {
    auto texts = llava_hf ? llava_hf_texts(model, std::move(files)) : lmms_texts(model, std::move(files));
    texts.config_json = with_dtype(texts.config_json, model.dtype);
    return texts;
  } catch (const json::exception&) {
    fail("tokenizer files", "have unexpected content", "a value has another type than expected");
  }
}

}  // namespace ccexpert::train
