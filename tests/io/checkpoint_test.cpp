// Tests of checkpoint folders in the forms that hubs, training programs and write_checkpoint write.
#include <gmock/gmock.h>

#include <ccexpert/io/checkpoint.h>

#include "core/files.h"
#include "io/other_layout.h"
#include "io/tensors.h"
#include "support/errors.h"
#include "support/golden.h"
#include "support/temporary_folder.h"

namespace ccexpert::io {
namespace {

namespace fs = std::filesystem;
using ccexpert::test::error_of;
using ccexpert::test::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

fs::path tiny() {
  return ccexpert::test::data_folder() / "checkpoint-tiny";
}

std::vector<NamedTensor> some() {
  return {{"a", at::arange(6, at::kFloat)}, {"b", at::ones({2, 2})}, {"c", at::zeros({8})}};
}

CheckpointToWrite to_write(const fs::path& folder) {
  CheckpointToWrite checkpoint;
  checkpoint.folder = folder;
  checkpoint.config_json = "{}\n";
  checkpoint.tensors = some();
  return checkpoint;
}

std::vector<std::string> files_of(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Checkpoint, OpensShardsWithTheirIndexAndTexts) {
  const auto checkpoint = open_checkpoint(tiny());
  EXPECT_NE(checkpoint.weights->find("model.embed_tokens.weight"), nullptr);
  EXPECT_THAT(checkpoint.config_json, HasSubstr("llava_qwen_cc"));
  EXPECT_THAT(checkpoint.preprocessor_json, HasSubstr("SiglipImageProcessor"));
  EXPECT_THAT(checkpoint.generation_json, HasSubstr("eos_token_id"));
}

TEST(WeightLayout, TheFirstMatchingPrefixIsReplaced) {
  EXPECT_EQ(model_name(test::kOtherLayout, "words.model.norm"), "model.norm");
  EXPECT_EQ(model_name(test::kOtherLayout, "outer.words.norm"), "head.norm");
  EXPECT_EQ(model_name(test::kOtherLayout, "unknown"), "");
  EXPECT_EQ(file_name(test::kOtherLayout, "model.projector.0"), "multi_modal_projector.0");
  EXPECT_EQ(file_name(test::kOtherLayout, "model.norm"), "words.model.norm");
  EXPECT_EQ(file_name(test::kOtherLayout, "model.own.norm"), "") << "the files have no such tensor";
}

TEST(Checkpoint, IsWrittenAndReadInAnotherLayout) {
  const TemporaryFolder folder;
  const auto rows = at::arange(8, at::kFloat).unsqueeze(1);
  auto checkpoint = to_write(folder / "other");
  checkpoint.tensors = {{"model.projector.0", rows}, {"model.table", rows}};
  checkpoint.layout = &test::kOtherLayout;
  write_checkpoint(checkpoint);
  const auto stored = open_checkpoint(checkpoint.folder);
  EXPECT_EQ(stored.layout, nullptr);
  EXPECT_NE(stored.weights->find("multi_modal_projector.0"), nullptr);
  EXPECT_NE(stored.weights->find("words.model.table"), nullptr);
  const auto read = open_checkpoint(checkpoint.folder, {.layouts = {&test::kOtherLayout}});
  EXPECT_EQ(read.layout, &test::kOtherLayout);
  EXPECT_TRUE(at::equal(read.weights->tensor("model.projector.0"), rows));
  EXPECT_EQ(read.weights->find("model.table")->shape, (std::vector<int64_t>{7, 1}));
  EXPECT_TRUE(at::equal(read.weights->tensor("model.table"), rows.narrow(0, 0, 7)));
}

TEST(Checkpoint, NamesThatALayoutDoesNotKnowStay) {
  const TemporaryFolder folder;
  auto checkpoint = to_write(folder.path());
  checkpoint.tensors = {{"multi_modal_projector.0", at::ones({1})}, {"unknown", at::ones({1})}};
  write_checkpoint(checkpoint);
  const auto weights = open_checkpoint(folder.path(), {.layouts = {&test::kOtherLayout}}).weights;
  EXPECT_NE(weights->find("model.projector.0"), nullptr);
  EXPECT_NE(weights->find("unknown"), nullptr);
}

TEST(Checkpoint, WithoutTheMarkOfALayoutHasTheModelsNames) {
  const auto checkpoint = open_checkpoint(tiny(), {.layouts = {&test::kOtherLayout}});
  EXPECT_EQ(checkpoint.layout, nullptr);
  EXPECT_NE(checkpoint.weights->find("model.embed_tokens.weight"), nullptr);
}

TEST(WriteCheckpoint, RefusesATensorThatTheLayoutLacks) {
  const TemporaryFolder folder;
  auto checkpoint = to_write(folder.path());
  checkpoint.tensors = {{"model.own.bias", at::ones({1})}};
  checkpoint.layout = &test::kOtherLayout;
  EXPECT_EQ(error_of([&] { write_checkpoint(checkpoint); }),
            folder.path().string() + ": expected tensors of the other layout, got model.own.bias");
}

TEST(Checkpoint, OpensAHubsCacheFolder) {
  const TemporaryFolder folder;
  const auto hub = folder / "models--lab--tiny";
  fs::create_directories(hub / "blobs");
  fs::create_directories(hub / "snapshots/abc");
  for (const auto& entry : fs::directory_iterator(tiny())) {
    const auto name = entry.path().filename();
    fs::copy_file(entry.path(), hub / "blobs" / name);
    fs::create_symlink(fs::path("../../blobs") / name, hub / "snapshots/abc" / name);
  }
  EXPECT_EQ(open_checkpoint(hub).folder, hub / "snapshots/abc");
  fs::create_directories(hub / "snapshots/def");
  fs::copy_file(tiny() / "config.json", hub / "snapshots/def/config.json");
  EXPECT_THAT(error_of([&] { open_checkpoint(hub); }),
              HasSubstr("expected one snapshot with config.json, got 2"));
  folder.write("models--lab--tiny/refs/main", "abc\n");
  EXPECT_EQ(open_checkpoint(hub).folder, hub / "snapshots/abc");
}

TEST(Checkpoint, OpensPyTorchShards) {
  const TemporaryFolder folder;
  const auto archives = ccexpert::test::data_folder() / "io";
  fs::copy_file(archives / "module.bin", folder / "pytorch_model-00001-of-00002.bin");
  fs::copy_file(archives / "views.bin", folder / "pytorch_model-00002-of-00002.bin");
  folder.write("config.json", "{}");
  folder.write("pytorch_model.bin.index.json", R"({"weight_map": {
      "weight": "pytorch_model-00001-of-00002.bin", "bias": "pytorch_model-00001-of-00002.bin",
      "all": "pytorch_model-00002-of-00002.bin", "part": "pytorch_model-00002-of-00002.bin",
      "column": "pytorch_model-00002-of-00002.bin", "turned": "pytorch_model-00002-of-00002.bin"}})");
  const auto checkpoint = open_checkpoint(folder.path());
  EXPECT_EQ(checkpoint.weights->tensors().size(), 6u);
  EXPECT_TRUE(at::equal(checkpoint.weights->tensor("bias"), at::tensor({0.5F, -1.0F})));
}

TEST(Checkpoint, ListsAllThatAnIndexAndItsShardsDisagreeOn) {
  const TemporaryFolder folder;
  auto checkpoint = to_write(folder.path());
  checkpoint.shard_bytes = 35;
  write_checkpoint(checkpoint);
  const auto index = folder / "model.safetensors.index.json";
  auto text = read_file(index);
  const std::string listed = "\"b\": \"model-00002-of-00003.safetensors\"";
  ASSERT_THAT(text, HasSubstr(listed));
  text.replace(text.find(listed), listed.size(), "\"d\": \"model-00001-of-00003.safetensors\"");
  folder.write("model.safetensors.index.json", text);
  EXPECT_THAT(error_of([&] { open_checkpoint(folder.path()); }),
              AllOf(HasSubstr("index.json"), HasSubstr("d is not in model-00001")));
  fs::remove(folder / "model-00001-of-00003.safetensors");
  fs::remove(folder / "model-00003-of-00003.safetensors");
  EXPECT_THAT(error_of([&] { open_checkpoint(folder.path()); }),
              AllOf(HasSubstr("model-00001-of-00003.safetensors is missing"),
                    HasSubstr("model-00003-of-00003.safetensors is missing")));
}

TEST(Checkpoint, AnIndexMayNotLeadOutOfItsFolder) {
  const TemporaryFolder folder;
  folder.write("config.json", "{}");
  folder.write("model.safetensors.index.json", R"({"weight_map": {"a": "../elsewhere.safetensors"}})");
  EXPECT_THAT(error_of([&] { open_checkpoint(folder.path()); }), HasSubstr("expected a file name for a"));
}

TEST(Checkpoint, SaysWhatIsMissing) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { open_checkpoint(folder / "none"); }), HasSubstr("expected a checkpoint folder"));
  EXPECT_THAT(error_of([&] { open_checkpoint(folder.path()); }),
              HasSubstr("expected config.json in it, got an empty folder"));
  folder.write("config.json", "{}");
  EXPECT_THAT(error_of([&] { open_checkpoint(folder.path()); }), HasSubstr("safetensors"));
}

TEST(WriteCheckpoint, OneFileWithConfigAndTokenizer) {
  const TemporaryFolder folder;
  auto checkpoint = to_write(folder / "new");
  checkpoint.companions = read_companions(tiny());
  const auto written = write_checkpoint(checkpoint);
  test::expect_same(*open_checkpoint(folder / "new").weights, some());
  EXPECT_EQ(written.size(), files_of(folder / "new").size());
  EXPECT_EQ(read_file(folder / "new" / "tokenizer.json"), read_file(tiny() / "tokenizer.json"));
}

TEST(WriteCheckpoint, ShardsAreNoLargerThanAsked) {
  const TemporaryFolder folder;
  auto checkpoint = to_write(folder.path());
  checkpoint.shard_bytes = 35;
  write_checkpoint(checkpoint);
  EXPECT_THAT(
      files_of(folder.path()),
      ElementsAre("config.json", "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
                  "model-00003-of-00003.safetensors", "model.safetensors.index.json"));
  test::expect_same(*open_checkpoint(folder.path()).weights, some());
  EXPECT_THAT(read_file(folder / "model.safetensors.index.json"), HasSubstr("\"total_size\": 72"));
}

TEST(WriteCheckpoint, ReplacesShardsByOneFileAndBack) {
  const TemporaryFolder folder;
  auto checkpoint = to_write(folder.path());
  checkpoint.shard_bytes = 35;
  write_checkpoint(checkpoint);
  checkpoint.shard_bytes = 1000;
  checkpoint.tensors = {{"only", at::ones({3})}};
  write_checkpoint(checkpoint);
  test::expect_same(*open_checkpoint(folder.path()).weights, checkpoint.tensors);
}

TEST(WriteCheckpoint, SeveralProcessesShareTheFiles) {
  const TemporaryFolder folder;
  auto checkpoint = to_write(folder.path());
  checkpoint.shard_bytes = 35;
  checkpoint.parts = 2;
  checkpoint.part = 1;
  const auto second = write_checkpoint(checkpoint);
  EXPECT_THAT(second, ElementsAre(folder / "model-00002-of-00003.safetensors"));
  checkpoint.part = 0;
  write_checkpoint(checkpoint);
  test::expect_same(*open_checkpoint(folder.path()).weights, some());
}

TEST(Companions, AreRefusedWhereThereIsNoTokenizer) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { read_companions(folder / "gone"); }),
              HasSubstr("expected a folder with a tokenizer"));
  folder.write("preprocessor_config.json", "{}");
  EXPECT_THAT(error_of([&] { read_companions(folder.path()); }),
              HasSubstr("expected tokenizer.json, vocab.json or tokenizer.model, got none"));
}

TEST(Companions, ATokenizerModelAloneIsATokenizer) {
  const TemporaryFolder folder;
  folder.write("tokenizer.model", "pieces");
  const auto companions = read_companions(folder.path());
  ASSERT_EQ(companions.size(), 1U);
  EXPECT_EQ(companions[0].name, "tokenizer.model");
  EXPECT_EQ(companions[0].bytes, "pieces");
}

TEST(WriteCheckpoint, RefusesNoTensors) {
  const TemporaryFolder folder;
  auto checkpoint = to_write(folder.path());
  checkpoint.tensors.clear();
  EXPECT_THAT(error_of([&] { write_checkpoint(checkpoint); }),
              HasSubstr("expected tensors to write, got none"));
}

}  // namespace
}  // namespace ccexpert::io
