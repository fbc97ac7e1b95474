// Foreign exceptions leave the room as Errors.
#include <stdexcept>

#include <ccexpert/core/error.h>

#include "datasets/lists/list_fixture.h"
#include "datasets/shared/convert.h"
#include "datasets/shared/lists.h"
#include "datasets/shared/mix.h"
#include "datasets/shared/stats.h"
#include "datasets/shared/validate.h"
#include "support/scarce_memory.h"

namespace ccexpert::datasets {
namespace {

using test::expect_errors_without_memory;

TEST_F(Lists, AListThatDoesNotFitIsAnError) {
  const auto list = many("all.jsonl", 4);
  const auto recipe = folder_.write("r.yaml", "datasets:\n- json_path: all.jsonl\n");
  const ListOptions again{.overwrite = true};
  EXPECT_GT(expect_errors_without_memory([&] { merge_lists({list, list}, folder_ / "m.json", again); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { split_list(list, folder_ / "s", {.lists = again}); }), 0);
  EXPECT_GT(expect_errors_without_memory(
                [&] { sample_list(list, folder_ / "t.json", {.count = 2, .lists = again}); }),
            0);
  EXPECT_GT(expect_errors_without_memory([&] { mix(recipe, folder_ / "x.yaml", {.overwrite = true}); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { count_stats(list, {.images = false}); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { validate({list}, {.images = false}, {}); }), 0);
}

TEST_F(Lists, AFolderThatIsALinkToItselfIsAnErrorWithTheReason) {
  const auto list = many("all.jsonl", 2);
  const auto loop = folder_ / "loop";
  fs::create_symlink("loop", loop);
  const auto problem = loop.string() + ": cannot be accessed (Too many levels of symbolic links)";
  EXPECT_EQ(error_of([&] { merge_lists({list}, folder_ / "m.json", {.image_root = loop}); }), problem);
}

TEST_F(Lists, AnExceptionOfTheCallersCallbackIsAnErrorToo) {
  image("in/A/a.png", smooth(32, 1));
  image("in/B/a.png", smooth(32, 2));
  const ConvertOptions options{.source = "folders", .input = folder_ / "in", .output = folder_ / "out"};
  EXPECT_EQ(error_of([&] { convert(options, [](int64_t) { throw std::bad_alloc(); }); }),
            "memory: not enough is free");
}

}  // namespace
}  // namespace ccexpert::datasets
