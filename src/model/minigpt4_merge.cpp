#include "model/shared/minigpt4_merge.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/io/checkpoint.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/json.h"
#include "io/shared/open_weights.h"
#include "model/config_checks.h"
#include "model/config_parts.h"
#include "model/minigpt4.h"
#include "model/minigpt4_weights.h"
#include "model/weight_fit.h"
#include "model/weight_names.h"
#include "runtime/torch_errors.h"

namespace ccexpert::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kInner = "model";           // key of the weights in files of BLIP-2 and MiniGPT-4
constexpr int64_t kEvaHead = 88, kBertHead = 64;  // widths of heads, which shapes do not tell
constexpr double kEvaNormEps = 1e-6;

std::string in_tower(const std::string& name) {
  return std::string(weight_names::kSiglip) + name;
}

std::string in_connector(const std::string& name) {
  return std::string(weight_names::kProjector) + name;
}

/// Returns the tensor, whose file must be `file`. Throws Error if there is none of `dimensions` dimensions.
at::Tensor needed(const RenamedTensors& tensors, const std::string& name, int64_t dimensions,
                  const fs::path& file) {
  const auto tensor = tensors.find_tensor(name);
  if (!tensor.defined()) {
    fail_expected({file.string(), fmt::format("weights of MiniGPT-4, {} among them", name), "none",
                   "docs/models.md names the files"});
  }
  if (tensor.dim() != dimensions) {
    fail_expected({fmt::format("{}: {}", file.string(), name), fmt::format("{} dimensions", dimensions),
                   std::to_string(tensor.dim())});
  }
  return tensor;
}

/// Returns the number of layers whose names begin with `prefix`.
int64_t count_layers(const RenamedTensors& tensors, const std::string& prefix, const std::string& part) {
  int64_t count = 0;
  while (tensors.find_tensor(fmt::format("{}{}.{}", prefix, count, part)).defined()) ++count;
  return count;
}

/// Returns part `key` of the config.json beside the weights in a folder; empty if there is none.
json stated_part(const fs::path& path, const char* key) {
  const auto file = path / "config.json";
  if (!is_folder(path) || !is_there(file)) return json::object();
  const json config = parse_json(read_file(file), file.string());
  const json part = config.is_object() ? config.value(key, json::object()) : json::object();
  return part.is_object() ? part : json::object();
}

/// Returns the number of heads: stated by a config, else from the width of one.
int64_t heads_of(const json& stated, int64_t width, int64_t head, const fs::path& file) {
  const auto heads = json_value(stated, "num_attention_heads", int64_t{0}, file.string());
  if (heads > 0) return heads;
  expect(width % head == 0, file.string(), fmt::format("a width of whole heads of {}", head),
         std::to_string(width));
  return width / head;
}

VisionConfig vision_config(const RenamedTensors& tensors, const MiniGpt4Files& files) {
  const auto patch = needed(tensors, in_tower("embeddings.patch_embedding.weight"), 4, files.vision);
  const auto positions = needed(tensors, in_tower("embeddings.position_embedding.weight"), 2, files.vision);
  const auto inner = needed(tensors, in_tower("encoder.layers.0.mlp.fc1.weight"), 2, files.vision);
  const int64_t patches = std::max<int64_t>(positions.size(0) - 1, 0);
  const int64_t grid = std::llround(std::sqrt(static_cast<double>(patches)));
  expect(patches > 0 && grid * grid == patches, fmt::format("{}: position embedding", files.vision.string()),
         "a class token and a square grid", fmt::format("{} positions", positions.size(0)));
  const json stated = stated_part(files.vision, "vision_config");
  VisionConfig vision;
  vision.hidden_size = patch.size(0);
  vision.intermediate_size = inner.size(0);
  // As in the authors' layout, layer numbers count on a tower with one block more than the features need.
  vision.num_hidden_layers =
      count_layers(tensors, std::string(weight_names::kSiglipBlocks), "mlp.fc1.weight") + 1;
  vision.num_attention_heads = heads_of(stated, vision.hidden_size, kEvaHead, files.vision);
  vision.patch_size = patch.size(2);
  vision.image_size =
      json_value(stated, "image_size", grid * vision.patch_size, (files.vision / "config.json").string());
  vision.layer_norm_eps = kEvaNormEps;
  vision.hidden_act = Activation::kGelu;
  vision.tower = TowerKind::kEva;
  return vision;
}

QFormerConfig qformer_config(const RenamedTensors& tensors, const MiniGpt4Files& files) {
  const auto layers = in_connector("Qformer.bert.encoder.layer.");
  const auto queries = needed(tensors, in_connector("query_tokens"), 3, files.qformer);
  const auto inner = needed(tensors, layers + "0.intermediate_query.dense.weight", 2, files.qformer);
  QFormerConfig qformer;
  qformer.num_query_tokens = queries.size(1);
  qformer.hidden_size = queries.size(2);
  qformer.intermediate_size = inner.size(0);
  qformer.num_hidden_layers = count_layers(tensors, layers, "intermediate_query.dense.weight");
  qformer.num_attention_heads =
      heads_of(stated_part(files.qformer, "qformer_config"), qformer.hidden_size, kBertHead, files.qformer);
  // The next layer after the first one that reads the image; the strict comparison of names checks the rest.
  for (int64_t i = 1; i < qformer.num_hidden_layers; ++i) {
    if (!tensors.find_tensor(fmt::format("{}{}.crossattention.self.key.weight", layers, i)).defined())
      continue;
    qformer.cross_attention_frequency = i;
    break;
  }
  return qformer;
}

/// Returns the decoder's config.json, with the values that old LLaMA folders leave to transformers.
json llama_config(const fs::path& folder) {
  const auto source = (folder / "config.json").string();
  json config = parse_json(read_file(folder / "config.json"), source);
  expect(config.is_object(), source, "a JSON object", config.type_name());
  const auto type = json_value(config, "model_type", std::string(), source);
  expect(type == "llama", source + ": model_type", "llama, as of Vicuna", type.empty() ? "none" : type);
  const auto fill = [&](const char* key, const json& value) {
    if (!states(config, key)) config[key] = value;
  };
  fill("num_key_value_heads", config.value("num_attention_heads", json()));
  if (!states(config, "rope_parameters")) fill("rope_theta", 10000.0);
  fill("tie_word_embeddings", false);
  for (const char* key : {"_name_or_path", "architectures", "transformers_version"}) config.erase(key);
  return config;
}

/// Returns config.json of the merged model.
std::string merged_config(const RenamedTensors& tensors, const MiniGpt4Files& files) {
  const auto decoder = llama_config(files.decoder);
  ModelConfig config;
  config.architecture = "minigpt4";
  config.vision = vision_config(tensors, files);
  config.vision_layers = {config.vision.num_hidden_layers - 1};
  config.diff_expert.reset();
  config.qformer = qformer_config(tensors, files);
  // The decoder's sizes are read back from its own config, so that one parser decides.
  json text = parse_json(model_config_json(config), "config.json");
  text["text_config"] = decoder;
  for (const char* key : {"torch_dtype", "dtype"}) {
    if (states(decoder, key)) text["torch_dtype"] = decoder[key];
  }
  return text.dump(2) + "\n";
}

std::string processor_json(int64_t side) {
  const json processor{{"image_processor_type", "BlipImageProcessor"},
                       {"do_convert_rgb", true},
                       {"do_resize", true},
                       {"do_rescale", true},
                       {"do_normalize", true},
                       {"size", {{"height", side}, {"width", side}}},
                       {"resample", 3},  // bicubic
                       {"rescale_factor", 1.0 / 255.0},
                       {"image_mean", {0.48145466, 0.4578275, 0.40821073}},
                       {"image_std", {0.26862954, 0.26130258, 0.27577711}}};
  return processor.dump(2) + "\n";
}

/// Returns the decoder's tokenizer with BLIP-2's image processor. The decoder's own generation settings end
/// texts at other tokens than MiniGPT-4's turns.
std::vector<io::CompanionFile> companions_of(const fs::path& decoder, int64_t side) {
  auto companions = io::read_companions(decoder);
  std::erase_if(companions, [](const auto& file) {
    return file.name == "generation_config.json" || file.name == "preprocessor_config.json";
  });
  companions.push_back({"preprocessor_config.json", processor_json(side)});
  return companions;
}

/// Sources of the tensors; they stay mapped while the tensors are written.
struct OpenFiles {
  std::unique_ptr<io::TensorSource> vision, qformer, projection, decoder;
};

OpenFiles open_files(const MiniGpt4Files& files) {
  return {.vision = io::open_weights(files.vision, kInner),
          .qformer = io::open_weights(files.qformer, kInner),
          .projection = io::open_weights(files.projection, kInner),
          .decoder = io::open_weights(files.decoder)};
}

void expect_new_folder(const fs::path& out) {
  if (is_there(out / "config.json"))
    fail_expected({out.string(), "a new folder", "a checkpoint", "name another folder or remove it"});
}

int64_t parameters_of(const std::vector<io::NamedTensor>& tensors) {
  int64_t count = 0;
  for (const auto& each : tensors) count += each.tensor.numel();
  return count;
}

}  // namespace

MergedMiniGpt4 merge_minigpt4(const MiniGpt4Files& files) {
  return runtime::with_one_error_type("merging maps its files and needs little memory", [&] {
    expect_new_folder(files.out);
    const auto open = open_files(files);
    RenamedTensors tensors;
    add_eva(*open.vision, files.blocks, tensors);
    add_connector(*open.vision, tensors);  // the norm, in transformers' names
    add_connector(*open.qformer, tensors);
    add_connector(*open.projection, tensors);
    add_decoder(*open.decoder, tensors);
    needed(tensors, in_connector("llama_proj.weight"), 2, files.projection);
    const auto text = merged_config(tensors, files);
    const auto config = parse_model_config(text, "config.json");
    CcexpertModel shapes(config, at::TensorOptions().device(at::kMeta));
    expect_fit(weight_contract(shapes), tensors);
    const auto companions = companions_of(files.decoder, config.vision.image_size);
    const auto named = std::move(tensors).take();
    io::write_checkpoint(
        {.folder = files.out, .config_json = text, .tensors = named, .companions = companions});
    return MergedMiniGpt4{.tensors = std::ssize(named),
                          .parameters = parameters_of(named),
                          .image_size = config.vision.image_size,
                          .image_tokens = config.image_tokens()};
  });
}

}  // namespace ccexpert::model
