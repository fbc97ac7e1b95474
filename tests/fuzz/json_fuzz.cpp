// JSON: as values, as events, and as lists of entries.
#include <sstream>

#include "core/json.h"
#include "core/json_list.h"
#include "fuzz/target.h"

namespace ccexpert::fuzz {
namespace {

/// Ignores all events.
class Nothing : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }
};

void read_value(std::string_view text) {
  nlohmann::json value;
  const bool good = reads([&] { value = parse_json(text, "x.json"); });
  expect(try_parse_json(text).has_value() == good, "try_parse_json and parse_json agree");
  expect(reads([&] { parse_ordered_json(text, "x.json"); }) == good, "order of keys does not matter");
  if (!good) return;
  reads([&] { fail_expected({"x", "y", json_shown(value)}); });
  expect(parse_json(value.dump(), "again") == value, "a value that is written reads as it was");
}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto text = fuzz::text_of(data, size);
  fuzz::read_value(text);
  fuzz::reads([&] {
    std::istringstream stream{std::string(text)};
    fuzz::Nothing events;
    parse_json_events(stream, events, "x.json");
  });
  fuzz::reads([&] {
    visit_entries(text, "x.json", [](const nlohmann::json& entry, const std::string& where) {
      flag_value(entry);
      if (entry.is_object()) text_of(entry, "uid", where);
    });
  });
  return 0;
}
