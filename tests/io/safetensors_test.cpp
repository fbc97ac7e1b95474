#include <fstream>

#include <gmock/gmock.h>

#include "core/files.h"
#include "io/tensors.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::io {
namespace {

using ccexpert::test::error_of;
using ccexpert::test::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Safetensors, EveryDtypeAndShapeComesBack) {
  const TemporaryFolder folder;
  const auto tensors = test::every_kind();
  write_safetensors(folder / "a.safetensors", tensors);
  test::expect_same(*open_safetensors(folder / "a.safetensors"), tensors);
}

TEST(Safetensors, TensorsPointIntoTheFileAndOutliveTheSource) {
  const TemporaryFolder folder;
  const std::vector<NamedTensor> tensors{{"f32", test::every_kind()[1].tensor}};
  write_safetensors(folder / "a.safetensors", tensors);
  auto source = open_safetensors(folder / "a.safetensors");
  const auto first = source->tensor("f32");
  EXPECT_EQ(first.const_data_ptr(), source->tensor("f32").const_data_ptr());
  source->release("f32");
  source.reset();
  std::filesystem::remove(folder / "a.safetensors");
  EXPECT_EQ(first[1][2].item<float>(), 2.5F);
}

TEST(Safetensors, AFileThatBecomesShorterWhileItIsReadIsAnError) {
  const TemporaryFolder folder;
  const auto file = folder / "a.safetensors";
  const std::vector<NamedTensor> tensors{{"a", at::ones({100'000})}};
  write_safetensors(file, tensors);
  const auto source = open_safetensors(file);
  const auto tensor = source->tensor("a");
  std::filesystem::resize_file(file, 4096);
  static_cast<void>(tensor.sum().item<float>());
  EXPECT_THAT(error_of([&] { source->release("a"); }), HasSubstr("a.safetensors: became shorter"));
}

TEST(Safetensors, NamesAreSortedAndUnknownOnesRefused) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors", test::every_kind());
  const auto source = open_safetensors(folder / "a.safetensors");
  EXPECT_TRUE(std::is_sorted(source->tensors().begin(), source->tensors().end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
  EXPECT_EQ(source->find("nothing"), nullptr);
  EXPECT_THAT(error_of([&] { source->tensor("nothing"); }),
              AllOf(HasSubstr("a.safetensors"), HasSubstr("nothing")));
}

TEST(Safetensors, MetadataAndAlignedHeaderAreWritten) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors", test::every_kind(), {{"format", "pt"}, {"made_by", "a test"}});
  const auto bytes = read_file(folder / "a.safetensors");
  EXPECT_THAT(bytes, HasSubstr(R"("__metadata__":{"format":"pt","made_by":"a test"})"));
  EXPECT_EQ(static_cast<unsigned char>(bytes[0]) % 8, 0) << "data begins at a multiple of 8";
}

TEST(Safetensors, AnEmptyFileOfTensorsIsOne) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors", {});
  EXPECT_TRUE(open_safetensors(folder / "a.safetensors")->tensors().empty());
}

TEST(Safetensors, RefusesToWriteANameTwiceOrADtypeWithoutAPlace) {
  const TemporaryFolder folder;
  const std::vector<NamedTensor> twice{{"a", at::zeros({1})}, {"a", at::zeros({1})}};
  EXPECT_THAT(error_of([&] { write_safetensors(folder / "a.safetensors", twice); }), HasSubstr("a twice"));
  const std::vector<NamedTensor> complex{{"z", at::zeros({1}, at::kComplexFloat)}};
  EXPECT_THAT(error_of([&] { write_safetensors(folder / "a.safetensors", complex); }),
              AllOf(HasSubstr("tensor z"), HasSubstr("ComplexFloat")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Safetensors, AFailedWriteLeavesTheOldFileAndNothingElse) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors", test::every_kind());
  const auto before = read_file(folder / "a.safetensors");
  const std::vector<NamedTensor> bad{{"a", at::zeros({1})}, {"z", at::zeros({1}, at::kComplexFloat)}};
  EXPECT_THROW(write_safetensors(folder / "a.safetensors", bad), Error);
  EXPECT_EQ(read_file(folder / "a.safetensors"), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Safetensors, NamesAFileThatCannotBeOpenedOrWritten) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { open_safetensors(folder / "none.safetensors"); }),
              AllOf(HasSubstr("none.safetensors"), HasSubstr("cannot be opened")));
  EXPECT_THAT(error_of([&] { open_safetensors(folder.path()); }), HasSubstr("expected a regular file"));
  EXPECT_THAT(error_of([&] { write_safetensors(folder / "no" / "a.safetensors", test::every_kind()); }),
              AllOf(HasSubstr("a.safetensors"), HasSubstr("cannot be written")));
}

}  // namespace
}  // namespace ccexpert::io
