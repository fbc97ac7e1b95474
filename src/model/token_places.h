// Places of one token of each row in a cache.
#pragma once

#include <ATen/ATen.h>
#include <ATen/TensorIndexing.h>

namespace ccexpert::model {

/// Writes values [R,K,1,d] to places [R,K,capacity,d], at position `positions[r]` of row r. `rows` is 0, 1,
/// ...; both are on the device of the values.
inline void write_tokens(at::Tensor places, const at::Tensor& rows, const at::Tensor& positions,
                         const at::Tensor& values) {
  places.index_put_({rows, at::indexing::Slice(), positions}, values.squeeze(2));
}

}  // namespace ccexpert::model
