#include "train/write_model.h"

#include <ATen/ATen.h>

#include <ccexpert/model/weight_layouts.h>
#include <ccexpert/model/weights.h>

#include "generate/shared/checkpoint_texts.h"
#include "runtime/device.h"
#include "train/saved_texts.h"

namespace ccexpert::train {

void write_model(ModelToWrite request) {
  const auto& checkpoint = request.checkpoint;
  const auto dtype = runtime::dtype_of(request.dtype, at::kCPU);
  const auto config =
      model::parse_model_config(checkpoint.config_json, (checkpoint.folder / "config.json").string());
  const auto model =
      model::build_model(config, *checkpoint.weights, {.tensor = at::TensorOptions().dtype(dtype)});
  auto tensors = model::tensors_for_others(*checkpoint.weights, dtype);
  for (const auto& item : model->named_parameters()) tensors.push_back({item.key(), item.value().detach()});
  const auto texts = saved_texts({.config = model->config(),
                                  .preprocess = generate::parse_preprocess_config(
                                      checkpoint.preprocessor_json, checkpoint.config_json, config.vision),
                                  .dtype = dtype,
                                  .original_json = checkpoint.config_json,
                                  .layout = request.layout},
                                 std::move(request.companions));
  io::write_checkpoint({.folder = request.to,
                        .config_json = texts.config_json,
                        .tensors = tensors,
                        .companions = texts.companions,
                        .layout = model::weight_layout(request.layout),
                        .shard_bytes = static_cast<int64_t>(request.shard_mb * 1e6)});
}

}  // namespace ccexpert::train
