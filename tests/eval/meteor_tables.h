// METEOR's tables in small, and a cache for their index, both of which go with the test.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include <ccexpert/eval/meteor.h>

#include "support/temporary_folder.h"

namespace ccexpert::test {

/// Files of the real layout: gzip is optional, so paraphrases are plain text.
class MeteorTables {
 public:
  MeteorTables() {
    ::setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
    folder_.write("data/synonym/english.synsets",
                  "car\n02958343 02959942\nautomobile\n02958343 01935476\nhouse\n03544360\nbig\n01382086\n"
                  "large\n01382086\ngood\n01123148\n");
    folder_.write("data/synonym/english.exceptions", "good\nbetter best\n");
    folder_.write("data/function/english.words", "the\na\nare\nof\nis\n");
    folder_.write("data/nonbreaking/english.prefixes", "# names\nMr\nNo #NUMERIC_ONLY#\n");
    folder_.write(
        "data/paraphrase-en.gz",
        "0.1\na number of\nmany\n0.1\na number of\nseveral\n0.2\nclose to\nnear\n0.2\nnear\nclose to\n");
  }
  ~MeteorTables() { ::unsetenv("XDG_CACHE_HOME"); }
  MeteorTables(const MeteorTables&) = delete;
  MeteorTables& operator=(const MeteorTables&) = delete;

  const TemporaryFolder& folder() const { return folder_; }
  std::filesystem::path data() const { return folder_ / "data"; }
  std::shared_ptr<const eval::MeteorData> open() const { return eval::MeteorData::open(data()); }

 private:
  TemporaryFolder folder_;
};

}  // namespace ccexpert::test
