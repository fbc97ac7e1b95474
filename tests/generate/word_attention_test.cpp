// Attention to patches compared with that of a pass over the whole sequence, and values of words.
#include "generate/word_attention.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <ccexpert/model/weights.h>

#include "core/files.h"
#include "core/json.h"
#include "support/golden.h"

namespace ccexpert::generate {
namespace {

using test::close;

constexpr int64_t kOutside = 1, kPatches = 4, kTokens = kOutside + kPatches + 1;  // one after the patches
constexpr int64_t kGrid = 3;

/// Rotates heads [M,T,d] by their positions: pairs (j, j + d/2) by the angle t * theta^(-2j/d).
at::Tensor rotated(const at::Tensor& x, double theta) {
  const int64_t half = x.size(2) / 2;
  const auto frequencies = at::pow(theta, -at::arange(half, at::kDouble) / static_cast<double>(half));
  const auto angles = at::outer(at::arange(x.size(1), at::kDouble), frequencies).to(at::kFloat);
  const auto first = x.narrow(2, 0, half), second = x.narrow(2, half, half);
  const auto cosine = angles.cos(), sine = angles.sin();
  return at::cat({first * cosine - second * sine, second * cosine + first * sine}, 2);
}

/// Decoder of the goldens with two prompts of unequal length, each with two images, and their captions.
class WordAttention : public ::testing::Test {
 protected:
  WordAttention() {
    const auto file = test::data_folder() / "qwen2" / "tied.config.json";
    model::DecoderConfig config;
    read_fields(parse_json(read_file(file), file.string()), config, file.string());
    decoder_ = std::make_shared<model::Decoder>(config, at::TensorOptions());
    load_weights(*decoder_,
                 *io::open_safetensors(test::data_folder() / "qwen2" / "tied.weights.safetensors"));
    auto generator = at::detail::createCPUGenerator(3);
    for (const auto& prompt : prompts_) sequences_.push_back(embedded(prompt, generator));
  }

  /// Returns the vectors [T,H] of a prompt with drawn images.
  at::Tensor embedded(const std::vector<int64_t>& prompt, const at::Generator& generator) const {
    std::vector<at::Tensor> parts;
    for (const int64_t id : prompt)
      parts.push_back(id < 0 ? at::randn({kTokens, decoder_->config().hidden_size}, generator)
                             : decoder_->embed(at::tensor({id}, at::kLong)));
    return at::cat(parts);
  }

  /// Returns a cache with the prompts and room for captions.
  model::KvCache cached_prompts() const {
    model::KvCache cache(decoder_->config().num_hidden_layers, 40);
    const int64_t longest = std::max(sequences_[0].size(0), sequences_[1].size(0));
    std::vector<at::Tensor> rows;
    for (const auto& row : sequences_)
      rows.push_back(at::constant_pad_nd(row, {0, 0, 0, longest - row.size(0)}));
    decoder_->forward(at::stack(rows), &cache, {sequences_[0].size(0), sequences_[1].size(0)});
    return cache;
  }

  /// Returns the attention [T,T] of a sequence [T,H], the mean over heads and blocks: softmax(q k / sqrt(d)).
  at::Tensor whole_attention(const at::Tensor& sequence) const {
    std::vector<at::Tensor> states;
    decoder_->forward(sequence.unsqueeze(0), nullptr, {}, &states);
    auto sum = at::zeros({sequence.size(0), sequence.size(0)});
    const int64_t blocks = decoder_->config().num_hidden_layers;
    for (int64_t block = 0; block < blocks; ++block)
      sum += block_attention(block, states[static_cast<size_t>(block)][0]);
    return sum / static_cast<double>(blocks);
  }

  at::Tensor block_attention(int64_t block, const at::Tensor& x) const {
    const auto& config = decoder_->config();
    const auto named = decoder_->named_parameters();
    const auto weight = [&](const char* name) {
      return named[fmt::format("model.layers.{}.{}", block, name)];
    };
    const auto normed = x / (x.square().mean(-1, true) + config.rms_norm_eps).sqrt();
    const auto input = normed * weight("input_layernorm.weight");
    const auto heads = [&](const std::string& name, int64_t count) {
      const auto all =
          at::linear(input, weight((name + ".weight").c_str()), weight((name + ".bias").c_str()));
      return rotated(all.view({x.size(0), count, config.head_width()}).transpose(0, 1), config.rope_theta);
    };
    const int64_t groups = config.num_attention_heads / config.num_key_value_heads;
    const auto q = heads("self_attn.q_proj", config.num_attention_heads);
    const auto k = heads("self_attn.k_proj", config.num_key_value_heads).repeat_interleave(groups, 0);
    const auto scores =
        at::matmul(q, k.transpose(1, 2)) / std::sqrt(static_cast<double>(config.head_width()));
    const auto future = at::ones({x.size(0), x.size(0)}, at::kBool).triu(1);
    return at::softmax(scores.masked_fill(future, -INFINITY), -1).mean(0);
  }

  /// Returns the attention [G*G] of a row's query at `position` to the patches of both images.
  at::Tensor at_patches(size_t row, const at::Tensor& attention, int64_t position) const {
    auto map = at::zeros({kGrid * kGrid});
    int64_t token = 0;
    for (const int64_t id : prompts_[row]) {
      for (int64_t i = 0; id < 0 && i < kPatches; ++i) {
        const auto patch = images_.patches[static_cast<int64_t>(row)][i].item<int64_t>();
        map[patch] += attention[position][token + kOutside + i];
      }
      token += id < 0 ? kTokens : 1;
    }
    return map;
  }

  const std::vector<std::vector<int64_t>> prompts_{{3, -1, 17, -1, 40}, {5, 9, 2, -1, -1, 61, 8}};
  const std::vector<std::vector<int64_t>> captions_{{70, 8, 33, 12}, {19, 4}};
  const ImagePlaces images_{.tokens = kTokens,
                            .outside = kOutside,
                            .patches = at::tensor({7, 2, 0, 5, 1, 8, 3, 4}, at::kLong).view({2, kPatches}),
                            .grid = kGrid};
  std::shared_ptr<model::Decoder> decoder_;
  std::vector<at::Tensor> sequences_;
  at::NoGradGuard no_grad_;
};

TEST_F(WordAttention, OfEachPatchIsThatOfTheWholeSequence) {
  const auto found = caption_attention(*decoder_, cached_prompts(), {prompts_, captions_, images_});
  ASSERT_EQ(found.sizes(), at::IntArrayRef({2, 4, kGrid * kGrid}));
  for (size_t row = 0; row < 2; ++row) {
    const auto caption = decoder_->embed(at::tensor(captions_[row], at::kLong));
    const auto attention = whole_attention(at::cat({sequences_[row], caption}));
    for (int64_t token = 0; token < std::ssize(captions_[row]); ++token) {
      // The token before the chosen one has the query.
      const auto expected = at_patches(row, attention, sequences_[row].size(0) - 1 + token);
      EXPECT_GT((expected.max() - expected.min()).item<double>(), 0.05) << "patches differ";
      EXPECT_TRUE(close(found[static_cast<int64_t>(row)][token], expected)) << row << " " << token;
    }
  }
}

TEST(WordValues, AreMoreThanTheMeanOfTheCaption) {
  const auto attention = at::tensor({0.4, 0.1, 0.2, 0.3, 0.0, 0.2}, at::kFloat).view({2, 3});
  const auto values = word_values(attention, {{"a", {0}}, {"house", {1}}});
  EXPECT_TRUE(close(values, at::tensor({1.0, 1.0, 0.0, 0.0, 0.0, 0.0}, at::kFloat).view({2, 3})));
}

TEST(WordValues, OfTheOnlyWordAreItsAttention) {
  const auto attention = at::tensor({0.4, 0.1, 0.2, 0.2, 0.0, 0.1}, at::kFloat).view({2, 3});
  EXPECT_TRUE(close(word_values(attention.narrow(0, 0, 1), {{"house", {0}}})[0],
                    at::tensor({1.0, 0.25, 0.5}, at::kFloat)));
  EXPECT_TRUE(
      close(word_values(attention, {{"houses", {0, 1}}})[0], at::tensor({1.0, 1.0 / 6.0, 0.5}, at::kFloat)));
}

}  // namespace
}  // namespace ccexpert::generate
