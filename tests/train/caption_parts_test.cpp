// Captions by ranks that share a decoder are those of one process.
#include <cstdlib>
#include <map>

#include <gtest/gtest.h>

#include <ccexpert/captioner.h>
#include <ccexpert/generate/conversation.h>
#include <ccexpert/model/weights.h>

#include "core/json.h"
#include "generate/shared/decoder_parts.h"
#include "generate/tiny_captioner.h"
#include "model/shared/decoder_part.h"
#include "support/errors.h"
#include "support/ranks.h"
#include "support/temporary_folder.h"

namespace ccexpert::generate {
namespace {

constexpr int64_t kEndCode = 7;

/// Writes a drawn model whose 12 heads 2, 3 and 4 ranks can share.
void write_model(const std::filesystem::path& folder) {
  auto json = parse_json(io::open_checkpoint(test::tiny_folder()).config_json, "config.json");
  json.update({{"hidden_size", 96},
               {"intermediate_size", 144},
               {"num_attention_heads", 12},
               {"num_key_value_heads", 12}});
  const auto config = model::parse_model_config(json.dump(), "config.json");
  model::CcexpertModel model(config);
  model::initialize_weights(model, {.seed = 3, .deviation = 0.2});
  std::vector<io::NamedTensor> tensors;
  for (const auto& item : model.named_parameters()) tensors.push_back({item.key(), item.value().detach()});
  io::write_checkpoint({.folder = folder,
                        .config_json = json.dump(),
                        .tensors = std::move(tensors),
                        .companions = io::read_companions(test::tiny_folder())});
}

PartLink link_of(distributed::Communicator& all) {
  return {.number = all.rank(),
          .parts = all.size(),
          .sum = [&](const at::Tensor& tensor) { all.all_reduce_sum(tensor); },
          .broadcast = [&](const at::Tensor& tensor) { all.broadcast(tensor, 0); },
          .gather = [&](const std::string& text) { return all.gather_text(text); }};
}

std::vector<CaptionOptions> all_searches() {
  std::vector<CaptionOptions> searches(6);
  for (auto& search : searches) search.generation.max_new_tokens = 10;
  searches[1].generation.beams = 3;
  searches[2].generation.temperature = 1.0;
  searches[2].generation.seed = 5;
  searches[3].generation.mbr = 3;
  searches[3].utility = [](const std::string& caption, const std::string& other) {
    return caption == other ? 1.0 : 0.001 * static_cast<double>(caption.size());
  };
  searches[4].draft_tokens = 3;
  searches[5].keep_tokens = 0.5;
  return searches;
}

void expect_same_captions(const Captioner& shared, const Captioner& whole) {
  const test::PaintedPairs pairs(3);
  for (const auto& search : all_searches()) {
    const auto expected = whole.caption(pairs.views(), search), got = shared.caption(pairs.views(), search);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].token_ids, expected[i].token_ids) << to_text(whole.decoding(search.generation));
      EXPECT_NEAR(got[i].logprob, expected[i].logprob, 1e-3);
    }
  }
}

/// Questions about one pair share a cache, which is cut and enlarged between them.
void expect_same_answers(const Captioner& shared, const Captioner& whole) {
  const test::PaintedPairs pairs(1);
  auto here = shared.converse(pairs.views()), there = whole.converse(pairs.views());
  for (const char* question : {"Is a house new?", "Is a road new?"}) {
    const CaptionOptions options{.generation = {.max_new_tokens = 8}, .question = question};
    EXPECT_EQ(here.ask(options).front().token_ids, there.ask(options).front().token_ids) << question;
  }
}

void caption_in_ranks(int count) {
  test::in_ranks(count, [](int rank) {
    const auto all = test::join_ranks();
    const auto folder = test::shared_folder() / "model";
    if (rank == 0) write_model(folder);
    all->barrier();
    const auto link = link_of(*all);
    const CaptionerConfig config{.device = "cpu", .dtype = Precision::kFloat32};
    if (rank > 0) {
      EXPECT_EQ(follow_first_part(folder, config, link), kEndCode);
      return;
    }
    const auto shared = load_first_part(folder, config, link), whole = Captioner::load(folder, config);
    expect_same_captions(shared, whole);
    expect_same_answers(shared, whole);
    end_parts(link, kEndCode);
  });
}

TEST(CaptionParts, TwoRanksCaptionAsOne) {
  caption_in_ranks(2);
}

TEST(CaptionParts, ThreeRanksCaptionAsOne) {
  caption_in_ranks(3);
}

TEST(CaptionParts, FourRanksCaptionAsOne) {
  caption_in_ranks(4);
}

/// Returns the error of loading the first part, with a link to nobody.
std::string refusal(CaptionerConfig config, int64_t parts) {
  config.device = "cpu";
  const PartLink link{.parts = parts, .sum = [](const at::Tensor&) {}, .broadcast = [](const at::Tensor&) {}};
  return test::error_of([&] { load_first_part(test::tiny_folder(), config, link); });
}

TEST(CaptionParts, RefuseWhatTheyCannotShare) {
  EXPECT_EQ(refusal({}, 3),
            "tensor parallelism: expected a number of ranks that divides 4 attention heads, got 3");
  EXPECT_EQ(refusal({.dtype = Precision::kInt8}, 2),
            "captions by several ranks: expected dtype float32, bfloat16 or float16, got int8");
}

/// Returns the problem that a second rank tells, which reads the small checkpoint in float32, if the first
/// sends these sizes; "nothing" if it tells nothing. The first then ends.
std::string answer_to(const std::vector<int64_t>& sizes) {
  std::vector<at::Tensor> messages{at::tensor({0, 0, 7}, at::kLong), at::tensor(sizes, at::kLong),
                                   at::tensor({8, 0, 1}, at::kLong), at::tensor({kEndCode}, at::kLong)};
  auto next = messages.begin();
  std::string told = "nothing";
  const PartLink link{.number = 1,
                      .parts = 2,
                      .sum = [](const at::Tensor&) {},
                      .broadcast = [&](const at::Tensor& tensor) { tensor.copy_(*next++); },
                      .gather =
                          [&](const std::string& own) {
                            told = own;
                            return std::vector<std::string>{"", own};
                          }};
  const CaptionerConfig config{.device = "cpu", .dtype = Precision::kFloat32};
  EXPECT_EQ(follow_first_part(test::tiny_folder(), config, link), kEndCode);
  return told;
}

TEST(CaptionParts, AnotherModelIsRefused) {
  const std::vector<int64_t> others{2, 64, 128, 4, 2, 32, 6};
  EXPECT_EQ(
      answer_to(others),
      "the decoder: expected the sizes and dtype of rank 0, got others (do all ranks read the same model?)");
}

TEST(CaptionParts, TheFirstThrowsTheErrorOfAnother) {
  const PartLink link{.parts = 2,
                      .sum = [](const at::Tensor&) {},
                      .broadcast = [](const at::Tensor&) {},
                      .gather =
                          [](const std::string& own) {
                            return std::vector{own, std::string("no disk")};
                          }};
  EXPECT_EQ(test::error_of([&] { load_first_part(test::tiny_folder(), {.device = "cpu"}, link); }),
            "rank 1: no disk");
}

TEST(CaptionParts, TellThatTheyAreInAPass) {
  std::vector<bool> told;
  const PartLink link{.parts = 2,
                      .sum = [&](const at::Tensor&) { EXPECT_TRUE(told.back()); },
                      .broadcast = [](const at::Tensor&) {},
                      .in_pass = [&](bool now) { told.push_back(now); }};
  const auto captioner = load_first_part(test::tiny_folder(), {.device = "cpu"}, link);
  EXPECT_TRUE(told.empty());
  const test::PaintedPairs pairs(1);
  captioner.caption(pairs.views(), {.generation = {.max_new_tokens = 1}});
  EXPECT_EQ(told, (std::vector<bool>{true, false}));
}

TEST(CaptionParts, APartHasNoOtherWeights) {
  const auto checkpoint = io::open_checkpoint(test::tiny_folder());
  const auto config = model::parse_model_config(checkpoint.config_json, "config.json");
  const auto whole = model::build_model(config, *checkpoint.weights, {});
  const auto part = model::build_decoder_part(config.decoder, *checkpoint.weights, {},
                                              {.number = 1, .parts = 2, .sum = {}});
  std::map<std::string, int64_t> sizes;
  for (const auto& item : part->named_parameters()) sizes[item.key()] = item.value().numel();
  int64_t blocks = 0;
  for (const auto& item : whole->named_parameters()) {
    if (item.key().starts_with("model.layers.")) blocks += item.value().numel();
  }
  EXPECT_EQ(sizes["model.embed_tokens.weight"], 0);
  EXPECT_FALSE(sizes.contains("lm_head.weight"));
  int64_t own = 0;
  for (const auto& [name, size] : sizes) own += size;
  EXPECT_LT(own, blocks * 11 / 20);  // norms are whole
}

}  // namespace
}  // namespace ccexpert::generate
