#include "generate/word_attention.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <ATen/ATen.h>

#include "runtime/staging.h"
#include "text/shared/stream_decoder.h"

namespace ccexpert::generate {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// Returns the pieces of text of the tokens. A character is in the piece of the token that completes it.
std::vector<std::string> pieces_of(const text::Tokenizer& tokenizer, std::span<const int64_t> ids) {
  text::StreamDecoder stream(tokenizer);
  std::vector<std::string> pieces;
  for (const int64_t id : ids) pieces.push_back(stream.push(id));
  if (!pieces.empty()) pieces.back() += stream.finish();
  return pieces;
}

/// Returns the attention [B,M,T,t] of a block, in float32.
at::Tensor probabilities(const model::AttentionRows& rows) {
  const auto q = rows.queries.to(at::kFloat), k = rows.keys.to(at::kFloat);
  const int64_t batch = q.size(0), kv_heads = k.size(1), width = q.size(3);
  const auto grouped = q.reshape({batch, kv_heads, -1, width});  // [B,K,M/K*T,d]
  auto scores = at::matmul(grouped, k.transpose(2, 3)).view({batch, q.size(1), q.size(2), k.size(2)});
  scores = scores / std::sqrt(static_cast<double>(width));
  const int64_t queries = q.size(2), keys = k.size(2);
  const auto visible = rows.mask.defined()
                           ? rows.mask
                           : at::ones({queries, keys}, q.options().dtype(at::kBool)).tril(keys - queries);
  scores = scores.masked_fill(visible.logical_not(), -1e30);
  return at::softmax(scores, -1);
}

/// Returns the positions [2n] of the patches' tokens of both images of a prompt.
at::Tensor patch_positions(const std::vector<int64_t>& prompt, const ImagePlaces& images) {
  std::vector<at::Tensor> positions;
  int64_t position = 0;
  for (const int64_t id : prompt) {
    if (id < 0)
      positions.push_back(at::arange(images.patches.size(1), at::kLong) + position + images.outside);
    position += id < 0 ? images.tokens : 1;
  }
  return at::cat(positions);
}

/// Returns the tokens whose queries choose those of the captions, [B,T]: the prompt's last one, then the
/// caption's without its last one.
at::Tensor choosing_tokens(const ProbedCaptions& probed, size_t longest) {
  std::vector<int64_t> ids;
  for (size_t row = 0; row < probed.prompts.size(); ++row) {
    const auto& caption = probed.captions[row];
    const size_t end = ids.size() + longest;
    ids.push_back(probed.prompts[row].back());
    if (!caption.empty()) ids.insert(ids.end(), caption.begin(), caption.end() - 1);
    ids.resize(end, ids.back());
  }
  return at::tensor(ids, at::kLong).view({std::ssize(probed.prompts), -1});
}

}  // namespace

std::vector<CaptionWord> caption_words(const text::Tokenizer& tokenizer, std::span<const int64_t> ids) {
  std::vector<CaptionWord> words;
  bool ended = true;
  const auto pieces = pieces_of(tokenizer, ids);
  std::vector<int64_t> waiting;  // tokens whose character is not complete
  for (size_t token = 0; token < pieces.size(); ++token) {
    waiting.push_back(static_cast<int64_t>(token));
    for (const char c : pieces[token]) {
      if (kBlanks.find(c) != std::string_view::npos) {
        ended = true;
        continue;
      }
      if (ended) words.emplace_back();
      ended = false;
      auto& word = words.back();
      word.text += c;
      word.tokens.insert(word.tokens.end(), waiting.begin(), waiting.end());
      waiting.clear();
      if (word.tokens.empty() || word.tokens.back() != static_cast<int64_t>(token))
        word.tokens.push_back(static_cast<int64_t>(token));
    }
    if (!pieces[token].empty()) waiting.clear();
  }
  return words;
}

at::Tensor caption_attention(const model::Decoder& decoder, model::KvCache prompts,
                             const ProbedCaptions& probed) {
  size_t longest = 1;
  for (const auto& caption : probed.captions) longest = std::max(longest, caption.size());
  auto lengths = prompts.lengths();
  for (auto& length : lengths) --length;  // the last token of a prompt is computed again: it has a query
  prompts.truncate(lengths);
  const auto& images = probed.images;
  const auto patches = images.patches.to(at::kCPU);
  const auto rows = std::ssize(probed.prompts), tokens = static_cast<int64_t>(longest);
  auto sums = at::zeros({rows, tokens, images.grid * images.grid}, at::kFloat);
  const auto add = [&](const model::AttentionRows& attended) {
    const auto mean = probabilities(attended).mean(1).to(at::kCPU);  // [B,T,t]
    for (int64_t row = 0; row < rows; ++row) {
      const auto at_patches =
          mean[row].index_select(1, patch_positions(probed.prompts[static_cast<size_t>(row)], images));
      const auto of_both = at_patches.view({tokens, 2, -1}).sum(1);  // [T,n]
      sums[row].index_add_(1, patches[row], of_both);
    }
  };
  const auto device = prompts.held(0).keys.device();
  const auto ids = runtime::staged(choosing_tokens(probed, longest), device);
  decoder.probe(decoder.embed(ids), prompts, add);
  return sums / static_cast<double>(decoder.blocks().size());
}

at::Tensor word_values(const at::Tensor& attention, const std::vector<CaptionWord>& words) {
  if (words.empty()) return at::zeros({0, attention.size(1)}, at::kFloat);
  const auto mean = attention.mean(0);
  // The only word of a caption has that mean itself.
  const auto usual = words.size() > 1 ? mean : at::zeros_like(mean);
  std::vector<at::Tensor> values;
  for (const auto& word : words) {
    const auto of_word = attention.index_select(0, at::tensor(word.tokens, at::kLong)).mean(0);
    values.push_back((of_word - usual).clamp_min(0.0));
  }
  const auto all = at::stack(values);
  return all / all.max().clamp_min(1e-12);
}

}  // namespace ccexpert::generate
