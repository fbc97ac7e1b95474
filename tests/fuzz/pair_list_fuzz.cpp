// Lists of pairs in every format, and annotations to train on.
#include <ccexpert/data/change_dataset.h>
#include <ccexpert/data/pairs.h>

#include "data/shared/csv.h"
#include "fuzz/target.h"

namespace ccexpert::fuzz {
namespace {

void read_csv(std::string_view text) {
  reads([&] {
    const auto rows = data::parse_csv(text, "x.csv");
    std::string written;
    for (const auto& row : rows) written += data::csv_line(row);
    expect(data::parse_csv(written, "again") == rows, "rows that are written read as they were");
  });
}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto text = fuzz::text_of(data, size);
  const auto list = fuzz::Folder::shared().write("list", text);
  fuzz::read_csv(text);
  fuzz::reads([&] { data::visit_csv_file(list, [](data::CsvRow&&, size_t) {}); });
  fuzz::reads([&] { data::read_pair_list(list); });
  fuzz::reads([&] { data::read_change_dataset(list, "/root"); });
  return 0;
}
