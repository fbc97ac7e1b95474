#include "generate/shared/caption_precision.h"

#include "kernels/engine.h"

namespace ccexpert::generate {

Precision caption_precision(Precision asked, at::DeviceType type, int64_t ranks) {
  if (asked != Precision::kAuto) return asked;
  return type == at::kCPU && ranks == 1 ? kernels::fastest_precision() : Precision::kStandard;
}

}  // namespace ccexpert::generate
