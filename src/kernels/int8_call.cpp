#include "kernels/int8_call.h"

#include <algorithm>
#include <string>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::kernels {
namespace {

const uint16_t* bits_of(const at::Tensor& x) {
  return static_cast<const uint16_t*>(x.const_data_ptr());
}

std::string text_of(const at::Tensor& x) {
  return fmt::format("[{}] of {}", fmt::join(x.sizes(), ","), at::toString(x.scalar_type()));
}

}  // namespace

std::vector<float> floats_of(const at::Tensor& from) {
  std::vector<float> to(static_cast<size_t>(from.numel()));
  if (from.scalar_type() == at::kBFloat16 && from.is_contiguous()) {
    widen(bits_of(from), from.numel(), to.data());
  } else {
    const auto values = from.to(at::kFloat).contiguous();
    std::copy_n(values.const_data_ptr<float>(), to.size(), to.begin());
  }
  return to;
}

InputBlocks::InputBlocks(int64_t inputs, int64_t block)
    : inputs_(inputs),
      block_(block > 0 ? std::min(block, inputs) : inputs),
      count_(inputs > 0 ? (inputs + block_ - 1) / block_ : 1) {}

void expect_same_blocks(const InputBlocks& a, const InputBlocks& b) {
  if (a.size() == b.size()) return;
  fail_expected({"int8 product", fmt::format("matrices that round x in blocks of {}", a.size()),
                 fmt::format("one of {}", b.size())});
}

CallRows::CallRows(const Int8Call& call) : x_(call.x), eps_(static_cast<float>(call.norm.eps)) {
  const auto width = static_cast<size_t>(x_.size(1));
  if (call.norm.weight.defined()) {
    weight_ = floats_of(call.norm.weight);
    normed_.resize(width);
  }
  if (call.norm.bias.defined()) bias_ = floats_of(call.norm.bias);
  if (x_.scalar_type() != at::kFloat) wide_.resize(width);
}

const float* CallRows::row(int64_t m) {
  const int64_t count = x_.size(1);
  const float* row = wide_.data();
  if (wide_.empty()) {
    row = x_.const_data_ptr<float>() + m * count;
  } else {
    widen(bits_of(x_) + m * count, count, wide_.data());
  }
  if (weight_.empty()) return row;
  normalize_row(row, count, {weight_.data(), bias_.empty() ? nullptr : bias_.data(), eps_}, normed_.data());
  return normed_.data();
}

CallResults::CallResults(const Int8Call& call, const std::vector<int64_t>& outputs)
    : residual_(call.residual), wide_(call.x.scalar_type() == at::kFloat) {
  const auto results = call.gated ? size_t{1} : outputs.size();
  for (size_t i = 0; i < results; ++i) {
    results_.push_back(at::empty({call.x.size(0), outputs[i]}, call.x.options()));
    places_.push_back(results_.back().mutable_data_ptr());
  }
  if (!residual_.defined()) return;
  const auto& result = results_.front();
  const bool fits = residual_.sizes() == result.sizes() && residual_.is_contiguous() &&
                    residual_.scalar_type() == result.scalar_type();
  if (!fits) fail_expected({"int8 product", "a residual as " + text_of(result), text_of(residual_)});
}

void CallResults::store(size_t index, int64_t m, int64_t column, float* values, int64_t count) const {
  const int64_t place = m * results_[index].size(1) + column;
  if (wide_) {
    if (residual_.defined()) add_row(values, residual_.const_data_ptr<float>() + place, count);
    auto* to = static_cast<float*>(places_[index]) + place;
    if (to != values) std::copy_n(values, count, to);
  } else {
    if (residual_.defined()) add_row(values, bits_of(residual_) + place, count);
    narrow(values, count, static_cast<uint16_t*>(places_[index]) + place);
  }
}

}  // namespace ccexpert::kernels
