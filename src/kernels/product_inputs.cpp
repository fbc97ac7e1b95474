#include "kernels/product_inputs.h"

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::kernels {

void expect_inputs(const char* product, const at::Tensor& x, int64_t inputs) {
  if (x.dim() == 2 && x.size(1) == inputs) return;
  fail_expected({product, fmt::format("x [M,{}]", inputs), fmt::format("[{}]", fmt::join(x.sizes(), ","))});
}

}  // namespace ccexpert::kernels
