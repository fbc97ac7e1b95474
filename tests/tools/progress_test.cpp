#include "common/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ccexpert::tools {
namespace {

using ::testing::HasSubstr;

TEST(DurationText, ThreeScales) {
  EXPECT_EQ(duration_text(3.21), "3.2 s");
  EXPECT_EQ(duration_text(245.0), "4 min 05 s");
  EXPECT_EQ(duration_text(7384.0), "2 h 03 min");
}

TEST(Progress, LinesTellTheEndOnce) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress(4, "pairs", ProgressStyle::kLines);
    progress.add(1);
    progress.add(3);
  }
  const auto text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, ::testing::StartsWith("4/4 pairs · "));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(Progress, BarMakesWayForNotes) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress(2, "pairs", ProgressStyle::kBar);
    progress.add(1);
    progress.note("b.png: damaged");
  }
  const auto text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("\r\x1b[Kb.png: damaged\n"));
  EXPECT_THAT(text, HasSubstr("████████████░░░░░░░░░░░░ 1/2 pairs · "));
  EXPECT_THAT(text, HasSubstr(" left"));
  EXPECT_THAT(text, ::testing::EndsWith("\r\x1b[K"));
}

TEST(Progress, NoneIsSilent) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress(2, "pairs", ProgressStyle::kNone);
    progress.add(2);
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace ccexpert::tools
