#include "model/minigpt4_weights.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/io/weight_layout.h>

#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

using io::RenamedPrefix;

constexpr std::string_view kEvaBlocks = "blocks.";
constexpr std::string_view kHfBlocks = "encoder.layers.";

/// Prefixes that programs put before a tower's names.
constexpr std::array<std::string_view, 4> kTowerPrefixes{"model.vision_model.", "vision_model.",
                                                         "visual_encoder.", ""};

/// Names after the tower's prefix and, in a block, after its number.
constexpr std::array kTowerParts{
    RenamedPrefix{"cls_token", "class_embedding"},
    RenamedPrefix{"pos_embed", "position_embedding.weight"},
    RenamedPrefix{"patch_embed.proj.", "patch_embedding."},
    RenamedPrefix{"embeddings.class_embedding", "class_embedding"},
    RenamedPrefix{"embeddings.position_embedding", "position_embedding.weight"},
    RenamedPrefix{"embeddings.patch_embedding.", "patch_embedding."},
};
constexpr std::array kBlockParts{
    RenamedPrefix{"norm1.", "layer_norm1."},
    RenamedPrefix{"layer_norm1.", "layer_norm1."},
    RenamedPrefix{"attn.proj.", "self_attn.out_proj."},
    RenamedPrefix{"self_attn.projection.", "self_attn.out_proj."},
    RenamedPrefix{"attn.q_bias", "self_attn.q_proj.bias"},
    RenamedPrefix{"attn.v_bias", "self_attn.v_proj.bias"},
    RenamedPrefix{"norm2.", "layer_norm2."},
    RenamedPrefix{"layer_norm2.", "layer_norm2."},
    RenamedPrefix{"mlp.", "mlp."},
};
constexpr std::array kConnectorParts{
    RenamedPrefix{"ln_vision.", "ln_vision."},
    RenamedPrefix{"vision_model.post_layernorm.", "ln_vision."},
    RenamedPrefix{"query_tokens", "query_tokens"},
    RenamedPrefix{"Qformer.bert.embeddings.LayerNorm.", "Qformer.bert.embeddings.LayerNorm."},
    RenamedPrefix{"qformer.layernorm.", "Qformer.bert.embeddings.LayerNorm."},
    RenamedPrefix{"Qformer.bert.encoder.layer.", "Qformer.bert.encoder.layer."},
    RenamedPrefix{"qformer.encoder.layer.", "Qformer.bert.encoder.layer."},
    RenamedPrefix{"llama_proj.", "llama_proj."},
};

/// Returns `name` with the first prefix of `table` that it has replaced; empty if it has none.
template <class Table>
std::string renamed(const Table& table, std::string_view name) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const auto& each) { return name.starts_with(each.from); });
  if (found == table.end()) return {};
  return fmt::format("{}{}", found->to, name.substr(found->from.size()));
}

/// Removes the number and its dot from the start of `name` and returns it; -1 if there is none.
int64_t take_number(std::string_view& name) {
  int64_t number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc()) return -1;
  name.remove_prefix(std::min(name.size(), static_cast<size_t>(end - name.data()) + 1));
  return number;
}

std::string_view tower_prefix(const io::TensorSource& source) {
  const auto found = std::find_if(kTowerPrefixes.begin(), kTowerPrefixes.end(), [&](auto prefix) {
    return source.find(fmt::format("{}pos_embed", prefix)) != nullptr ||
           source.find(fmt::format("{}embeddings.position_embedding", prefix)) != nullptr;
  });
  return found == kTowerPrefixes.end() ? "" : *found;
}

/// Drops the leading dimensions of 1 that files have for the batch.
at::Tensor without_batch(const at::Tensor& tensor) {
  return tensor.dim() == 3 && tensor.size(0) == 1 ? tensor.squeeze(0) : tensor;
}

/// Tensor of a block, with its name after the block's number.
struct BlockPart {
  std::string_view name;
  at::Tensor tensor;
  std::string_view file;
};

/// Adds a part of the block whose names begin with `block` in the model.
void add_block_part(const BlockPart& part, const std::string& block, RenamedTensors& model) {
  const bool joint_weight = part.name == "attn.qkv.weight" || part.name == "self_attn.qkv.weight";
  const bool joint_bias = part.name == "self_attn.qkv.bias";
  if ((joint_weight || joint_bias) && part.tensor.dim() > 0 && part.tensor.size(0) % 3 == 0) {
    const auto parts = part.tensor.chunk(3);
    const auto add = [&](const char* name, size_t which) {
      model.set(fmt::format("{}self_attn.{}_proj.{}", block, name, joint_weight ? "weight" : "bias"),
                parts[which], part.file);
    };
    add("q", 0);
    if (joint_weight) add("k", 1);
    add("v", 2);
    return;
  }
  const auto name = renamed(kBlockParts, part.name);
  if (!name.empty()) model.set(block + name, part.tensor, part.file);
}

/// True for names of the Q-Former's path of text, which MiniGPT-4 does not use.
bool is_of_text(std::string_view name) {
  const auto has = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  return (has(".intermediate.") || has(".output.")) && !has("attention.");
}

}  // namespace

void RenamedTensors::set(const std::string& name, at::Tensor tensor, std::string_view file) {
  io::TensorInfo info{name, tensor.scalar_type(), tensor.sizes().vec(), std::string(file)};
  const auto place =
      std::lower_bound(infos_.begin(), infos_.end(), name,
                       [](const auto& each, const auto& wanted) { return each.name < wanted; });
  if (place != infos_.end() && place->name == name) {
    *place = std::move(info);
  } else {
    infos_.insert(place, std::move(info));
  }
  tensors_[name] = std::move(tensor);
}

at::Tensor RenamedTensors::find_tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? at::Tensor() : found->second;
}

std::vector<io::NamedTensor> RenamedTensors::take() && {
  std::vector<io::NamedTensor> named;
  for (auto& [name, tensor] : tensors_) named.push_back({name, std::move(tensor)});
  return named;
}

void add_eva(const io::TensorSource& source, int64_t blocks, RenamedTensors& model) {
  const auto prefix = tower_prefix(source);
  for (const auto& info : source.tensors()) {
    std::string_view name = info.name;
    if (!name.starts_with(prefix)) continue;
    name.remove_prefix(prefix.size());
    const auto marker = name.starts_with(kEvaBlocks) ? kEvaBlocks : kHfBlocks;
    if (name.starts_with(marker)) {
      name.remove_prefix(marker.size());
      const int64_t block = take_number(name);
      const auto place = fmt::format("{}{}.", weight_names::kSiglipBlocks, block);
      if (block >= 0 && block < blocks)
        add_block_part({name, source.tensor(info.name), info.file}, place, model);
      continue;
    }
    const auto own = renamed(kTowerParts, name);
    if (own.empty()) continue;
    model.set(fmt::format("{}embeddings.{}", weight_names::kSiglip, own),
              without_batch(source.tensor(info.name)), info.file);
  }
}

void add_connector(const io::TensorSource& source, RenamedTensors& model) {
  for (const auto& info : source.tensors()) {
    std::string_view name = info.name;
    if (name.starts_with(weight_names::kTrunk)) name.remove_prefix(weight_names::kTrunk.size());
    auto own = renamed(kConnectorParts, name);
    if (own.empty() || is_of_text(own)) continue;
    // transformers names the inner attention as the outer one.
    constexpr std::string_view kHfInner = "attention.attention.", kInner = "attention.self.";
    if (const auto at = own.find(kHfInner); at != std::string::npos) own.replace(at, kHfInner.size(), kInner);
    model.set(fmt::format("{}{}", weight_names::kProjector, own), source.tensor(info.name), info.file);
  }
}

void add_decoder(const io::TensorSource& source, RenamedTensors& model) {
  constexpr std::string_view kRotary = ".rotary_emb.inv_freq";  // computed from the config
  for (const auto& info : source.tensors()) {
    if (!info.name.ends_with(kRotary)) model.set(info.name, source.tensor(info.name), info.file);
  }
}

}  // namespace ccexpert::model
