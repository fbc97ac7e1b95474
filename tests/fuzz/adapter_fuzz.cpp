// A folder with a LoRA adapter in PEFT's format, for a model of one matrix.
#include <ATen/ATen.h>

#include "fuzz/target.h"
#include "model/shared/adapter.h"

namespace {

/// Sizes of the model's only matrix.
std::optional<std::vector<int64_t>> sizes_of(const std::string& name) {
  if (name == "model.layers.0.q_proj") return std::vector<int64_t>{3, 2};
  return std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto& folder = fuzz::Folder::shared();
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 2);
  folder.write_or_remove("adapter_config.json", parts[0]);
  folder.write_or_remove("adapter_model.safetensors", parts[1]);
  fuzz::reads([&] {
    const auto adapter = model::open_adapter(folder.path());
    for (const auto& layer : adapter.layers)
      fuzz::expect(layer.a.size(0) == layer.b.size(1), "A and B of a layer have one rank");
    for (const auto& layer : model::layers_for(adapter, sizes_of))
      fuzz::expect(sizes_of(layer.name).has_value(), "a layer that fits is the model's");
  });
  fuzz::reads([&] { model::adapter_beside(folder.path()); });
  return 0;
}
