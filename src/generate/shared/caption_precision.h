/// Precision that captions have after `auto` is resolved.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include <ccexpert/core/precision.h>

namespace ccexpert::generate {

/// Returns the precision of a checkpoint in floating point on a device of `type`. Several ranks have no int8:
/// `auto` is standard for them.
Precision caption_precision(Precision asked, at::DeviceType type, int64_t ranks);

}  // namespace ccexpert::generate
