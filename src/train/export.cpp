#include <ATen/ATen.h>

#include <ccexpert/core/error.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/weights.h>
#include <ccexpert/train/export.h>

#include "generate/device.h"

namespace ccexpert::train {

void export_model(const ExportRequest& request) {
  std::error_code code;
  if (std::filesystem::equivalent(request.from, request.to, code)) {
    fail({"export", "a folder other than the checkpoint's", request.to.string()});
  }
  const auto checkpoint = io::open_checkpoint(request.from);
  const auto dtype = dtype_from_name(request.dtype, at::kCPU);
  const auto config =
      parse_model_config(checkpoint.config_json, (checkpoint.folder / "config.json").string());
  const auto model = build_model(config, *checkpoint.weights, {.tensor = at::TensorOptions().dtype(dtype)});
  std::vector<io::NamedTensor> tensors;
  for (const auto& item : model->named_parameters()) tensors.push_back({item.key(), item.value().detach()});
  io::write_checkpoint({.folder = request.to,
                        .config_json = model_config_json(model->config(), checkpoint.config_json),
                        .tensors = tensors,
                        .companions = io::read_companions(checkpoint.folder),
                        .shard_bytes = static_cast<int64_t>(request.shard_mb * 1e6)});
}

}  // namespace ccexpert::train
