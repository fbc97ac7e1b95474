#include "generate/sequence_model.h"

#include <algorithm>
#include <numeric>

#include <ATen/ATen.h>

#include "runtime/staging.h"

namespace ccexpert::generate {
namespace {

bool is_identity(const std::vector<int64_t>& rows, size_t sequences) {
  if (rows.size() != sequences) return false;
  std::vector<int64_t> identity(sequences);
  std::iota(identity.begin(), identity.end(), int64_t{0});
  return rows == identity;
}

}  // namespace

DecoderSequences::DecoderSequences(const model::Decoder& decoder, const model::PaddedSequences& prompts,
                                   int64_t capacity)
    : DecoderSequences(
          decoder, model::KvCache(decoder.config().num_hidden_layers, prompts.embeddings.size(1) + capacity),
          prompts) {}

DecoderSequences::DecoderSequences(const model::Decoder& decoder, model::KvCache cache,
                                   const model::PaddedSequences& prompts)
    : decoder_(decoder), cache_(std::move(cache)) {
  const auto hidden = decoder_.forward(prompts.embeddings, &cache_, prompts.lengths);  // [B,T,H]
  const auto row = at::arange(hidden.size(0), hidden.options().dtype(at::kLong));
  const auto last = runtime::staged(at::tensor(prompts.lengths, at::kLong), hidden.device()) - 1;
  // Only the last token of a prompt needs the head: [B,V], not [B,T,V].
  logits_ = decoder_.logits(hidden.index({row, last}));
}

void DecoderSequences::select_rows(const std::vector<int64_t>& rows) {
  if (!is_identity(rows, cache_.lengths().size())) cache_.select_rows(rows);
}

at::Tensor DecoderSequences::extend(const std::vector<std::vector<int64_t>>& tokens) {
  size_t longest = 0;
  for (const auto& row : tokens) longest = std::max(longest, row.size());
  std::vector<int64_t> ids, lengths;  // padded on the right
  for (const auto& row : tokens) {
    ids.insert(ids.end(), row.begin(), row.end());
    ids.resize(ids.size() + longest - row.size(), row.front());
    lengths.push_back(std::ssize(row));
  }
  const auto padded = at::tensor(ids, at::kLong).view({std::ssize(tokens), -1});
  const auto token = runtime::staged(padded, logits_.device());  // [R,T]
  return decoder_.logits(decoder_.forward(decoder_.embed(token), &cache_, lengths));
}

DecoderSequences DecoderSequences::repeated(int64_t row, int64_t times) const {
  auto copies = *this;
  // Gives the copies new memory: until then they share that of this object.
  copies.cache_.select_rows(std::vector<int64_t>(static_cast<size_t>(times), row));
  copies.logits_ = logits_.narrow(0, row, 1).repeat({times, 1});
  return copies;
}

void DecoderSequences::grow(const std::vector<int64_t>& rows, const std::vector<int64_t>& ids) {
  select_rows(rows);
  const auto token = runtime::staged(at::tensor(ids, at::kLong), logits_.device()).unsqueeze(1);  // [R,1]
  const auto hidden = decoder_.forward(decoder_.embed(token), &cache_);                           // [R,1,H]
  logits_ = decoder_.logits(hidden.select(1, 0));
}

}  // namespace ccexpert::generate
