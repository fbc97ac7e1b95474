#include "train/shared/export.h"

#include <ccexpert/core/error.h>
#include <ccexpert/model/weight_layouts.h>

#include "core/foreign_errors.h"
#include "model/shared/adapter.h"
#include "train/write_model.h"

namespace ccexpert::train {

void export_model(const ExportRequest& request) try {
  std::error_code code;
  if (std::filesystem::equivalent(request.from, request.to, code)) {
    fail_expected({"export", "a folder other than the checkpoint's", request.to.string()});
  }
  model::expect_no_adapter_in(request.to);
  const auto checkpoint = model::open_adapted_checkpoint(request.from, request.adapter);
  write_model({.checkpoint = checkpoint,
               .companions = io::read_companions(checkpoint.folder),
               .to = request.to,
               .dtype = request.dtype,
               .layout = request.layout,
               .shard_mb = request.shard_mb});
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::train
