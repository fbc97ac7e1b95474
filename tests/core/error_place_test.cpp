#include "core/error_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ccexpert {
namespace {

using ::testing::StrEq;

TEST(ErrorPlace, ReturnsTheResultOfTheWork) {
  int64_t number = 3;
  with_place("a", [&]() -> int64_t& { return number; }) = 4;
  EXPECT_EQ(number, 4);
}

TEST(ErrorPlace, ThePlaceComesFirstAndTheKindStays) {
  for (const auto kind :
       {ErrorKind::kInput, ErrorKind::kMissing, ErrorKind::kResource, ErrorKind::kInternal}) {
    try {
      with_place("list.json: entry 3", [&] { fail("images", "cannot be read", "permission denied", kind); });
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), StrEq("list.json: entry 3: images: cannot be read (permission denied)"));
      EXPECT_EQ(error.kind(), kind);
    }
  }
}

TEST(ErrorPlace, AFaultIsOfNoPlace) {
  try {
    with_place("list.json: entry 3", [] { throw Fault("memory: not enough is free", ErrorKind::kResource); });
    ADD_FAILURE() << "no error";
  } catch (const Fault& fault) {
    EXPECT_THAT(fault.what(), StrEq("memory: not enough is free"));
  }
}

}  // namespace
}  // namespace ccexpert
