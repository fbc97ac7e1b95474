// Archives that torch.save wrote (tests/golden/io/make_archives.py).
#include "io/torch_archive.h"

#include <gmock/gmock.h>

#include "core/files.h"
#include "io/mapped_tensors.h"
#include "io/tensors.h"
#include "support/errors.h"
#include "support/golden.h"
#include "support/temporary_folder.h"

namespace ccexpert::io {
namespace {

using ccexpert::test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::filesystem::path archive(const std::string& name) {
  return ccexpert::test::data_folder() / "io" / name;
}

at::Tensor numbers() {
  return at::arange(6, at::kFloat).view({2, 3}) - 2.5;
}

TEST(TorchArchive, ReadsEveryDtype) {
  test::expect_same(*open_torch_archive(archive("plain.bin")), {{"f32", numbers()},
                                                                {"bf16", numbers().to(at::kBFloat16)},
                                                                {"f16", numbers().to(at::kHalf)},
                                                                {"i64", at::arange(3, at::kLong) - 1},
                                                                {"bool", at::arange(3, at::kLong).gt(0)},
                                                                {"scalar", at::full({}, 7.0F)},
                                                                {"empty", at::empty({0, 4})}});
}

TEST(TorchArchive, ReadsStateDictionariesAndParameters) {
  const std::vector<NamedTensor> expected{{"weight", numbers()}, {"bias", at::tensor({0.5F, -1.0F})}};
  test::expect_same(*open_torch_archive(archive("module.bin")), expected);
  test::expect_same(*open_torch_archive(archive("parameters.bin")), expected);
}

TEST(TorchArchive, ReadsViewsOfOneStorage) {
  const auto shared = at::arange(8, at::kFloat);
  test::expect_same(*open_torch_archive(archive("views.bin")), {{"all", shared},
                                                                {"part", shared.slice(0, 2, 6)},
                                                                {"column", shared.view({4, 2}).select(1, 1)},
                                                                {"turned", numbers().t()}});
}

TEST(TorchArchive, ReadsCompressedRecords) {
  const auto views = open_torch_archive(archive("views.bin"));
  std::vector<NamedTensor> expected;
  for (const auto& info : views->tensors()) expected.push_back({info.name, views->tensor(info.name)});
  test::expect_same(*open_torch_archive(archive("compressed.bin")), expected);
}

TEST(TorchArchive, ReadsArchivesWithoutChecksumsAndOfPickleProtocol4) {
  test::expect_same(*open_torch_archive(archive("no_checksums.bin")), {{"f32", numbers()}});
  test::expect_same(*open_torch_archive(archive("protocol4.bin")),
                    {{"f32", numbers()}, {"bf16", numbers().to(at::kBFloat16)}});
}

TEST(TorchArchive, RefusesWhatIsNoDictionaryOfTensors) {
  EXPECT_THAT(error_of([] { open_torch_archive(archive("list.bin")); }),
              AllOf(HasSubstr("list.bin"), HasSubstr("expected a dictionary of tensors")));
  EXPECT_THAT(error_of([] { open_torch_archive(archive("mixed.bin")); }),
              AllOf(HasSubstr("mixed.bin"), HasSubstr("epoch")));
}

TEST(TorchArchive, ReadsTheWeightsBesideTheStateOfATraining) {
  const auto saved = ccexpert::test::data_folder() / "minigpt4" / "minigpt4.pth";
  EXPECT_THAT(error_of([&] { open_torch_archive(saved); }), HasSubstr("model (a dictionary)"));
  const auto weights = open_torch_archive(saved, "model");
  ASSERT_EQ(weights->tensors().size(), 2U);
  EXPECT_EQ(weights->tensors()[1].name, "llama_proj.weight");
  EXPECT_EQ(weights->tensor("llama_proj.weight").sizes(), (std::vector<int64_t>{32, 64}));
  // Without such a dictionary, the whole is read.
  EXPECT_EQ(open_torch_archive(archive("no_checksums.bin"), "model")->tensors().size(), 1U);
}

TEST(TorchArchive, RefusesTheOldFormatWithAWayOut) {
  EXPECT_THAT(error_of([] { open_torch_archive(archive("legacy.bin")); }),
              AllOf(HasSubstr("legacy.bin"), HasSubstr("before 1.6")));
}

TEST(TorchArchive, ExecutesNothing) {
  const std::filesystem::path trace = "ccexpert-was-here";
  std::filesystem::remove(trace);
  const auto problem = error_of([] { open_torch_archive(archive("hostile.bin")); });
  EXPECT_THAT(problem, AllOf(HasSubstr("hostile.bin"), HasSubstr("got posix.system")));
  EXPECT_EQ(problem.find('\n'), std::string::npos) << problem;
  EXPECT_FALSE(std::filesystem::exists(trace));
}

TEST(TorchArchive, ReadsViewsThatAreNotAligned) {
  const ccexpert::test::TemporaryFolder folder;
  const auto values = at::arange(12, at::kFloat);
  std::string bytes("!");
  bytes.append(static_cast<const char*>(values.const_data_ptr()), values.nbytes());
  const auto file = folder.write("x", bytes);
  MappedTensors tensors(MappedFile::open(file));
  tensors.add({.name = "turned", .dtype = at::kFloat, .shape = {4, 3}, .file = "x"},
              {.offset = 1, .bytes = 48, .strides = {1, 4}});
  tensors.add({.name = "rows", .dtype = at::kFloat, .shape = {2, 2}, .file = "x"},
              {.offset = 1, .bytes = 40, .strides = {8, 1}});
  tensors.finish();
  EXPECT_TRUE(at::equal(tensors.tensor("turned"), values.view({3, 4}).t()));
  EXPECT_TRUE(at::equal(tensors.tensor("rows"), values.view({3, 4}).flatten().as_strided({2, 2}, {8, 1})));
}

TEST(TorchArchive, AFileThatBecomesShorterWhileItIsReadIsAnError) {
  const ccexpert::test::TemporaryFolder folder;
  const auto file = folder / "plain.bin";
  for (const std::string name : {"plain.bin", "no_checksums.bin", "compressed.bin"}) {
    std::filesystem::copy_file(archive(name), file, std::filesystem::copy_options::overwrite_existing);
    const auto source = open_torch_archive(file);
    std::filesystem::resize_file(file, 0);
    for (const auto& info : source->tensors()) {
      EXPECT_THAT(error_of([&] {
                    static_cast<void>(source->tensor(info.name).to(at::kFloat).sum().item<float>());
                    source->release(info.name);
                  }),
                  HasSubstr("plain.bin"))
          << name << ' ' << info.name;
    }
  }
}

TEST(TorchArchive, RefusesTruncatedFiles) {
  const ccexpert::test::TemporaryFolder folder;
  const auto whole = read_file(archive("plain.bin"));
  for (size_t length = 0; length < whole.size(); length += 37) {
    const auto file = folder.write("cut.bin", whole.substr(0, length));
    const auto problem = error_of([&] { open_torch_archive(file); });
    ASSERT_THAT(problem, HasSubstr("cut.bin")) << length;
    ASSERT_EQ(problem.find('\n'), std::string::npos) << problem;
  }
}

}  // namespace
}  // namespace ccexpert::io
