// Rasters of other kinds: alpha bands, internal masks, floats, and what GDAL's drivers read.
#include <cmath>
#include <string>
#include <vector>

#include <cpl_conv.h>
#include <cpl_vsi.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "geo/map_fixture.h"
#include "geo/scene_files.h"

namespace ccexpert::geo {
namespace {

using namespace test;
using ::testing::ElementsAre;

class Inputs : public Map {
 protected:
  /// Copies a raster by a driver.
  static std::string copied(const std::string& from, const std::filesystem::path& to, const char* driver) {
    const GDALDatasetUniquePtr source(GDALDataset::Open(from.c_str()));
    const GDALDatasetUniquePtr copy(GetGDALDriverManager()->GetDriverByName(driver)->CreateCopy(
        to.c_str(), source.get(), FALSE, nullptr, nullptr, nullptr));
    EXPECT_TRUE(copy) << to;
    return to.string();
  }
  static GDALDatasetUniquePtr for_update(const std::string& path) {
    return GDALDatasetUniquePtr(GDALDataset::Open(path.c_str(), GDAL_OF_RASTER | GDAL_OF_UPDATE));
  }
  std::vector<std::string> captions() {
    options_.overwrite = true;
    map();
    return captions_of(read_layer(options_.output));
  }
  auto without_the_first() const { return ElementsAre("from 100 to 20", "from 100 to 30", "from 100 to 40"); }
};

TEST_F(Inputs, PixelsThatAnAlphaBandHidesAreSkipped) {
  before_.bands = 4;
  before_.value = [](int x, int y, int band) { return band < 3 ? 100.0 : x < 32 && y < 32 ? 0.0 : 255.0; };
  write();
  for_update(options_.before)->GetRasterBand(4)->SetColorInterpretation(GCI_AlphaBand);
  EXPECT_THAT(captions(), without_the_first());
}

TEST_F(Inputs, PixelsThatAnInternalMaskHidesAreSkipped) {
  write();
  {
    const CPLConfigOptionSetter inside("GDAL_TIFF_INTERNAL_MASK", "YES", false);
    const auto file = for_update(options_.after);
    ASSERT_EQ(file->CreateMaskBand(GMF_PER_DATASET), CE_None);
    std::vector<uint8_t> mask(64 * 64, 255);
    for (size_t i = 0; i < mask.size(); ++i) mask[i] = i % 64 < 32 && i / 64 < 32 ? 0 : 255;
    ASSERT_EQ(file->GetRasterBand(1)->GetMaskBand()->RasterIO(GF_Write, 0, 0, 64, 64, mask.data(), 64, 64,
                                                              GDT_Byte, 0, 0, nullptr),
              CE_None);
  }
  EXPECT_FALSE(std::filesystem::exists(options_.after + ".msk"));
  EXPECT_THAT(captions(), without_the_first());
}

TEST_F(Inputs, FloatsAreStretchedAndNaNIsNoData) {
  before_.type = after_.type = GDT_Float32;
  before_.value = [](int x, int y, int) { return x < 32 && y < 32 ? std::nan("") : x % 2 == 0 ? 0.1 : 0.3; };
  after_.value = [](int x, int, int) { return x % 4 == 0 ? 0.1 : 0.3; };
  write();
  EXPECT_THAT(captions(), ElementsAre("from 128 to 191", "from 128 to 191", "from 128 to 191"));
}

TEST_F(Inputs, CloudOptimisedVirtualAndZippedRastersAreRead) {
  write();
  const auto expected = captions();
  const auto before = options_.before;
  const auto after = options_.after;
  options_.before = copied(before, folder_ / "before-cog.tif", "COG");
  options_.after = copied(after, folder_ / "after.vrt", "VRT");
  EXPECT_EQ(captions(), expected);
  const auto zipped = "/vsizip/" + (folder_ / "after.zip").string() + "/after.tif";
  ASSERT_EQ(CPLCopyFile(zipped.c_str(), after.c_str()), 0);
  options_.after = zipped;
  EXPECT_EQ(captions(), expected);
}

}  // namespace
}  // namespace ccexpert::geo
