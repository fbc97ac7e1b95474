// Averages of checkpoints against averages by hand, and refusals.
#include "train/shared/average.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "generate/shared/quantize.h"
#include "support/errors.h"
#include "train/tiny_run.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class AverageTest : public ::testing::Test {
 protected:
  using Tensors = std::vector<io::NamedTensor>;

  static Tensors tiny_tensors() {
    const auto tiny = io::open_checkpoint(test::tiny_folder());
    Tensors tensors;
    for (const auto& info : tiny.weights->tensors())
      tensors.push_back({info.name, tiny.weights->tensor(info.name).clone()});
    return tensors;
  }

  /// Writes the small checkpoint with other tensors.
  fs::path write(const std::string& name, Tensors tensors, int64_t shard_bytes = 5'000'000'000) const {
    const auto tiny = io::open_checkpoint(test::tiny_folder());
    io::write_checkpoint({.folder = folder_ / name,
                          .config_json = tiny.config_json,
                          .tensors = std::move(tensors),
                          .companions = io::read_companions(test::tiny_folder()),
                          .layout = nullptr,
                          .shard_bytes = shard_bytes});
    return folder_ / name;
  }

  /// Returns the small checkpoint's tensors times a factor.
  static Tensors scaled(double factor) {
    auto tensors = tiny_tensors();
    for (auto& item : tensors)
      item.tensor = (item.tensor.to(at::kFloat) * factor).to(item.tensor.scalar_type());
    return tensors;
  }

  std::string error(const std::vector<fs::path>& from, std::vector<double> weights = {}) const {
    return test::error_of(
        [&] { average_checkpoints({.from = from, .to = folder_ / "out", .weights = std::move(weights)}); });
  }

  io::Checkpoint averaged(const std::vector<fs::path>& from, std::vector<double> weights = {},
                          double shard_mb = 5000.0) const {
    average_checkpoints(
        {.from = from, .to = folder_ / "out", .weights = std::move(weights), .shard_mb = shard_mb});
    return io::open_checkpoint(folder_ / "out");
  }

  const test::TemporaryFolder folder_;
};

TEST_F(AverageTest, IsTheMeanInFloat32OfEachTensor) {
  const auto one = write("one", scaled(1.0)), other = write("other", scaled(3.0));
  const auto average = averaged({one, other});
  for (const auto& item : tiny_tensors()) {
    const auto values = average.weights->tensor(item.name);
    EXPECT_EQ(values.scalar_type(), item.tensor.scalar_type());
    EXPECT_TRUE(test::close(values, item.tensor * 2.0, {1e-7, 1e-6})) << item.name;
  }
  EXPECT_EQ(average.config_json, io::open_checkpoint(one).config_json);
  EXPECT_EQ(read_file(folder_ / "out/vocab.json"), read_file(one / "vocab.json"));
}

TEST_F(AverageTest, WeightsAreDividedByTheirSum) {
  const auto average = averaged({write("one", scaled(1.0)), write("other", scaled(5.0))}, {3.0, 1.0});
  for (const auto& item : tiny_tensors())
    EXPECT_TRUE(test::close(average.weights->tensor(item.name), item.tensor * 2.0, {1e-7, 1e-6}))
        << item.name;
}

TEST_F(AverageTest, OfOneOrOfEqualOnesIsTheCheckpoint) {
  const auto one = write("one", scaled(1.0)), same = write("same", scaled(1.0));
  const auto average = averaged({one, same});
  for (const auto& item : tiny_tensors())
    EXPECT_TRUE(at::equal(average.weights->tensor(item.name), item.tensor)) << item.name;
  fs::remove_all(folder_ / "out");
  averaged({one});
  EXPECT_TRUE(read_file(folder_ / "out/model.safetensors") == read_file(one / "model.safetensors"));
}

TEST_F(AverageTest, HalfPrecisionIsRoundedOnce) {
  const auto value = [](double number) {
    return Tensors{{"w", at::full({1}, number, at::kBFloat16)}, {"n", at::full({2}, 7, at::kLong)}};
  };
  // 1 + 1.0078125 + 1.0078125 sums exactly in float32; in bfloat16 the sum would lose the fractions.
  const auto average =
      averaged({write("a", value(1.0)), write("b", value(1.0078125)), write("c", value(1.0078125))});
  EXPECT_EQ(average.weights->tensor("w").item<float>(),
            at::scalar_tensor((1.0 + 2 * 1.0078125) / 3.0).to(at::kBFloat16).item<float>());
  EXPECT_EQ(average.weights->tensor("n").sum().item<int64_t>(), 14);
}

TEST_F(AverageTest, ReadsAndWritesShards) {
  const auto one = write("one", scaled(1.0), 400'000), other = write("other", scaled(3.0));
  ASSERT_TRUE(is_there(one / "model.safetensors.index.json"));
  const auto average = averaged({one, other}, {}, 0.4);
  EXPECT_TRUE(is_there(folder_ / "out/model.safetensors.index.json"));
  for (const auto& item : tiny_tensors())
    EXPECT_TRUE(test::close(average.weights->tensor(item.name), item.tensor * 2.0, {1e-7, 1e-6}))
        << item.name;
}

TEST_F(AverageTest, RefusesOtherTensors) {
  const auto one = write("one", scaled(1.0));
  auto fewer = scaled(1.0);
  const auto lost = fewer.back().name;
  fewer.pop_back();
  EXPECT_THAT(error({one, write("fewer", fewer)}), HasSubstr("got none named " + lost));
  EXPECT_THAT(error({write("fewer2", fewer), one}), HasSubstr("got also " + lost));
  auto reshaped = scaled(1.0);
  reshaped[0].tensor = reshaped[0].tensor.flatten();
  EXPECT_THAT(error({one, write("reshaped", reshaped)}),
              HasSubstr("tensor " + reshaped[0].name + ": expected"));
  auto half = scaled(1.0);
  half[0].tensor = half[0].tensor.to(at::kHalf);
  EXPECT_THAT(error({one, write("half", half)}), HasSubstr("got Half ["));
  const Tensors seven{{"n", at::full({2}, 7, at::kLong)}}, eight{{"n", at::full({2}, 8, at::kLong)}};
  EXPECT_THAT(error({write("seven", seven), write("eight", eight)}),
              HasSubstr("whole numbers have no average"));
  EXPECT_FALSE(is_there(folder_ / "out"));
  EXPECT_FALSE(is_there(folder_ / "out.unfinished"));
}

TEST_F(AverageTest, RefusesOtherTexts) {
  const auto one = write("one", scaled(1.0)), other = write("other", scaled(1.0));
  write_file(other / "vocab.json", read_file(other / "vocab.json") + "\n");
  EXPECT_THAT(error({one, other}), HasSubstr("other/vocab.json: expected the content that it has in"));
  const auto third = write("third", scaled(1.0));
  auto config = nlohmann::json::parse(read_file(third / "config.json"));
  config["ccexpert_question"] = "Another one?";
  write_file(third / "config.json", config.dump());
  EXPECT_THAT(error({one, third}), HasSubstr("third/config.json: expected"));
}

TEST_F(AverageTest, RefusesWeightsAndFoldersThatCannotBe) {
  const auto one = write("one", scaled(1.0));
  EXPECT_EQ(error({}), "average: expected at least one checkpoint, got none");
  EXPECT_EQ(error({one, one}, {1.0}), "weights: expected one for each of 2 checkpoints, got 1");
  EXPECT_EQ(error({one, one}, {1.0, -1.0}), "weights: expected numbers of at least 0, got -1");
  EXPECT_EQ(error({one, one}, {0.0, 0.0}), "weights: expected one above 0, got 0, 0");
  EXPECT_THAT(error({one, folder_ / "none"}), HasSubstr("none"));
  const auto bytes = folder_ / "int8";
  generate::quantize_checkpoint({.from = test::tiny_folder(), .to = bytes});
  EXPECT_THAT(
      error({bytes}),
      HasSubstr("expected weights in floating point, got those of ccexpert-quantize (quantise the average)"));
  folder_.write("out/file", "");
  EXPECT_THAT(error({one}), HasSubstr("out: expected a folder that is empty or does not exist yet"));
}

}  // namespace
}  // namespace ccexpert::train
