#include "io/folder_kind.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "core/files.h"
#include "core/folder_entries.h"
#include "core/json.h"
#include "core/printable.h"

namespace ccexpert::io {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kExpected = "a checkpoint folder of a supported model";
constexpr size_t kMostEntries = 1000;  // limit of checked entries, in a folder and in all below it
constexpr int kMostDepth = 3;          // run, stage, checkpoints

/// Meaning of a model_type with this prefix; the first match is used.
struct OtherModel {
  std::string_view type;
  std::string_view meaning;
};
constexpr std::string_view kModelList = "docs/models.md lists the supported models";
constexpr std::array kOtherModels{
    OtherModel{"qwen2_vl", "a Qwen2-VL model with another vision tower"},
    OtherModel{"qwen2_5_vl", "a Qwen2.5-VL model with another vision tower"},
    OtherModel{"qwen", "a plain Qwen language model without vision tower"},
    OtherModel{"clip", "a CLIP image encoder without language model"},
    OtherModel{"siglip", "a SigLIP image encoder without language model"},
    OtherModel{"llavaonevision1_5", "a LLaVA-OneVision 1.5 model, which has other parts"},
    OtherModel{"llava", "a LLaVA model with another language model or vision tower"},
    OtherModel{"llama", "a plain LLaMA language model without vision tower"},
    OtherModel{"mistral", "a plain Mistral language model without vision tower"},
    OtherModel{"gemma", "a plain Gemma language model without vision tower"},
    OtherModel{"phi", "a plain Phi language model without vision tower"}};

/// File or folder name that identifies another kind of folder.
struct Mark {
  const char* file;
  std::string_view meaning;
  std::string_view hint;
};
constexpr std::array kMarks{
    Mark{"model_index.json", "a diffusion model", ""},
    Mark{"params.json", "a model in Meta's own layout", "take the version for transformers"}};

bool contains(const fs::path& folder, const char* file) {
  return is_there(folder / file);
}

/// Search for folders with config.json below a folder.
class ModelSearch {
 public:
  explicit ModelSearch(const fs::path& folder) { look_into(folder, {}, kMostDepth); }
  const std::vector<std::string>& found() const { return found_; }
  /// Returns the reason why the first inaccessible folder or file could not be read; empty if all could.
  const std::string& problem() const { return problem_; }

 private:
  void look_into(const fs::path& folder, const fs::path& prefix, int depth) {
    for (const auto& entry : folder_entries(folder, kMostEntries)) {
      if (looked_at_++ > kMostEntries) return;
      try {
        look_at(entry, prefix / entry.filename(), depth);
      } catch (const Error& error) {
        if (problem_.empty()) problem_ = error.what();
      }
    }
  }

  void look_at(const fs::path& entry, const fs::path& name, int depth) {
    if (!is_folder(entry)) return;
    if (contains(entry, "config.json")) {
      found_.push_back(name.string());
    } else if (depth > 1) {
      look_into(entry, name, depth - 1);
    }
  }

  size_t looked_at_ = 0;
  std::vector<std::string> found_;
  std::string problem_;
};

bool any_with_extension(const std::vector<fs::path>& entries,
                        std::initializer_list<std::string_view> wanted) {
  return std::any_of(entries.begin(), entries.end(), [&](const fs::path& entry) {
    return std::find(wanted.begin(), wanted.end(), entry.extension().string()) != wanted.end();
  });
}

/// Returns a string of an arbitrary JSON value; empty if it has none.
std::string text_in(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<std::string> texts_in(const json& object, const char* key) {
  std::vector<std::string> texts;
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (found == object.end() || !found->is_array()) return texts;
  for (const auto& each : *found) {
    if (each.is_string()) texts.push_back(each.get<std::string>());
  }
  return texts;
}

template <class Names>
bool is_one_of(std::string_view name, const Names& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// Names of a model in config.json.
struct ModelName {
  std::string type;
  std::vector<std::string> architectures;

  bool is_in(const KnownModels& known) const {
    // In lmms-lab's bases model_type is llava: the architecture decides.
    if (architectures.empty()) return type.empty() || is_one_of(type, known.types);
    return std::any_of(architectures.begin(), architectures.end(),
                       [&](const auto& each) { return is_one_of(each, known.class_names); }) ||
           is_one_of(type, known.types);
  }
  std::string_view meaning() const {
    const auto key = lower(type.empty() ? architectures.front() : type);
    for (const auto& other : kOtherModels) {
      if (key.starts_with(other.type)) return other.meaning;
    }
    return "another model";
  }
  std::string text() const {
    return fmt::format("{} (model_type {}, architectures [{}])", meaning(), type.empty() ? "none" : type,
                       first_few(architectures));
  }
};

/// Throws Error if a name has another JSON type; an absent or null one is not a name.
void expect_name_types(const json& config, const std::string& source) {
  const auto type = config.value("model_type", json());
  if (!type.is_null() && !type.is_string())
    fail_expected({source + ": model_type", "a string", json_shown(type)});
  const auto architectures = config.value("architectures", json());
  if (architectures.is_null()) return;
  if (!architectures.is_array())
    fail_expected({source + ": architectures", "a list of strings", json_shown(architectures)});
  for (const auto& each : architectures) {
    if (!each.is_string()) fail_expected({source + ": architectures", "a list of strings", json_shown(each)});
  }
}

void expect_name(const json& config, const std::string& source, const KnownModels& known) {
  expect_name_types(config, source);
  const ModelName name{text_in(config, "model_type"), texts_in(config, "architectures")};
  if (known.types.empty() || name.is_in(known)) return;
  const bool own_code = config.contains("auto_map");
  fail_expected({source, "a supported model", name.text(),
                 own_code ? "the Python code that auto_map names is not run" : kModelList});
}

void expect_not_quantised(const json& config, const std::string& source) {
  if (config.contains("quantization_config") && !config["quantization_config"].is_null())
    fail_expected({fmt::format("{}: quantization_config", source), "weights of floating-point numbers",
                   "a quantised checkpoint", "take the one that was not quantised"});
}

bool has_whole_weights(const fs::path& folder) {
  constexpr std::array kFiles{"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                              "pytorch_model.bin.index.json"};
  return std::any_of(kFiles.begin(), kFiles.end(), [&](const char* file) { return contains(folder, file); });
}

/// Returns the parsed config.json. Throws Error if it is not an object, or if the folder contains only an
/// adapter.
json config_of(const fs::path& folder, std::string_view config_json) {
  const auto source = (folder / "config.json").string();
  json config = parse_json(config_json, source);
  if (!config.is_object()) fail_expected({source, "a JSON object", config.type_name()});
  if (contains(folder, "adapter_config.json") && !has_whole_weights(folder)) fail_for_adapter(folder);
  return config;
}

/// Returns the base that an adapter names; empty if it names none.
std::string base_of_adapter(const fs::path& folder) {
  if (!contains(folder, "adapter_config.json")) return {};
  const auto config = try_parse_json(read_file(folder / "adapter_config.json"));
  return config ? text_in(*config, "base_model_name_or_path") : std::string();
}

}  // namespace

void fail_for_adapter(const fs::path& folder) {
  const auto base = base_of_adapter(folder);
  fail_expected(
      {folder.string(), kExpected,
       fmt::format("an adapter (LoRA) of {}", base.empty() ? "a base that it does not name" : base),
       contains(folder, "non_lora_trainables.bin")
           ? "merge it into that base with the scripts/merge_lora_weights.py of LLaVA, and name the result"
           : "name that base as the model and this folder as its --adapter, or merge both with "
             "ccexpert-train --export BASE --adapter ADAPTER --to DIR"});
}

void fail_without_config(const fs::path& folder) {
  const auto name = folder.string();
  if (contains(folder, "adapter_config.json")) fail_for_adapter(folder);
  for (const auto& mark : kMarks) {
    if (contains(folder, mark.file)) fail_expected({name, kExpected, mark.meaning, mark.hint});
  }
  const auto entries = folder_entries(folder, kMostEntries);
  if (any_with_extension(entries, {".gguf"}))
    fail_expected({name, kExpected, "a GGUF model of llama.cpp", "take the model's safetensors files"});
  const ModelSearch search(folder);
  auto models = search.found();
  // The best checkpoint of a training run or of its stages comes first: most users want it.
  std::stable_partition(models.begin(), models.end(),
                        [](const auto& model) { return fs::path(model).filename() == "best"; });
  if (!models.empty())
    fail_expected({name, kExpected, "a folder of other checkpoints",
                   fmt::format("name one of them: {}", first_few(models))});
  if (any_with_extension(entries, {".safetensors", ".bin", ".pt", ".pth"}))
    fail_expected(
        {name, "config.json in it", "only weights", "copy config.json and the tokenizer of the model there"});
  if (contains(folder, "tokenizer.json") || contains(folder, "vocab.json") ||
      contains(folder, "tokenizer.model"))
    fail_expected({name, kExpected, "only a tokenizer"});
  if (!search.problem().empty()) throw Error(search.problem());
  fail_expected({name, "config.json in it", entries.empty() ? "an empty folder" : "none",
                 "a checkpoint folder contains config.json, weights and a tokenizer"});
}

void expect_part(const fs::path& folder, std::string_view config_json) {
  expect_not_quantised(config_of(folder, config_json), (folder / "config.json").string());
}

void expect_known_model(const fs::path& folder, std::string_view config_json, const KnownModels& known) {
  const auto source = (folder / "config.json").string();
  const json config = config_of(folder, config_json);
  expect_name(config, source, known);
  if (!known.types.empty()) expect_not_quantised(config, source);
}

}  // namespace ccexpert::io
