#include "train/shared/export.h"

#include <ATen/ATen.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/weight_layouts.h>
#include <ccexpert/model/weights.h>

#include "core/foreign_errors.h"
#include "generate/shared/checkpoint_texts.h"
#include "runtime/device.h"
#include "train/saved_texts.h"

namespace ccexpert::train {

void export_model(const ExportRequest& request) try {
  std::error_code code;
  if (std::filesystem::equivalent(request.from, request.to, code)) {
    fail_expected({"export", "a folder other than the checkpoint's", request.to.string()});
  }
  const auto checkpoint = model::open_model_checkpoint(request.from);
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
                                 io::read_companions(checkpoint.folder));
  io::write_checkpoint({.folder = request.to,
                        .config_json = texts.config_json,
                        .tensors = tensors,
                        .companions = texts.companions,
                        .layout = model::weight_layout(request.layout),
                        .shard_bytes = static_cast<int64_t>(request.shard_mb * 1e6)});
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::train
