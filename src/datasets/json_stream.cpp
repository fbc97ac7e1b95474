#include "datasets/json_stream.h"

#include <algorithm>
#include <istream>
#include <optional>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "core/text_file.h"

namespace ccexpert::datasets {
namespace {

using nlohmann::json;

/// Peeks at the first character that is not a blank; 0 at the end.
char first_of(std::istream& text) {
  text >> std::ws;
  const int next = text.peek();
  text.clear();
  return next == std::istream::traits_type::eof() ? '\0' : static_cast<char>(next);
}

/// Maximum values of an element, which is held in memory as a whole.
constexpr size_t kMostValues = size_t{1} << 24;

/// Builds values from SAX events and passes on each element at the requested place.
class Elements : public nlohmann::json_sax<json> {
 public:
  using Give = std::function<void(const std::string& key, json& value)>;

  /// Visits elements of the root (an array, or the members of an object), or of the array under `key`.
  Elements(JsonPlace place, Give give) : place_(std::move(place)), give_(std::move(give)) {}

  bool found() const { return found_; }

  bool null() override { return take(nullptr); }
  bool boolean(bool value) override { return take(value); }
  bool number_integer(number_integer_t value) override { return take(value); }
  bool number_unsigned(number_unsigned_t value) override { return take(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return take(value); }
  bool string(string_t& value) override { return take(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(size_t /*count*/) override { return open(json::object(), true); }
  bool start_array(size_t /*count*/) override { return open(json::array(), false); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (ignoring_ == 0) key_ = std::move(name);
    return true;
  }
  bool parse_error(size_t /*position*/, const std::string& /*token*/, const json::exception&) override {
    return false;
  }

 private:
  /// Depth of the elements' container: 1, or 2 below a key.
  size_t base() const { return place_.key.empty() ? 1 : 2; }
  bool within() const { return !stack_.empty(); }
  bool ignored() const {
    return std::find(place_.ignored.begin(), place_.ignored.end(), key_) != place_.ignored.end();
  }
  bool in_place() const { return depth_ == base() && (place_.key.empty() || inside_); }

  json* put(json value) {
    if (++values_ > kMostValues)
      fail(fmt::format("element of more than {} values", kMostValues), "is too large");
    auto& parent = *stack_.back();
    if (parent.is_array()) return &parent.emplace_back(std::move(value));
    return &(parent[key_] = std::move(value));
  }

  template <class Value>
  bool take(Value&& value) {
    if (ignoring_ > 0) return true;
    if (within()) {
      if (!(stack_.back()->is_object() && ignored())) put(json(std::forward<Value>(value)));
    } else if (in_place()) {
      json element(std::forward<Value>(value));
      give_(key_, element);
    }
    return true;
  }

  bool open(json empty, bool is_object) {
    if (ignoring_ > 0 || (within() && stack_.back()->is_object() && ignored())) {
      ++ignoring_;
    } else if (within()) {
      stack_.push_back(put(std::move(empty)));
    } else if (in_place()) {
      root_ = std::move(empty);
      values_ = 0;
      element_key_ = key_;
      stack_.push_back(&root_);
    } else {
      enter(is_object);
    }
    return true;
  }

  void enter(bool is_object) {
    ++depth_;
    const bool root_is_meant = place_.key.empty() && depth_ == 1;
    const bool array_is_meant = depth_ == 2 && !is_object && key_ == place_.key;
    if (root_is_meant || array_is_meant) inside_ = found_ = true;
  }

  bool close() {
    if (ignoring_ > 0) {
      --ignoring_;
    } else if (within()) {
      stack_.pop_back();
      if (!within()) give_(element_key_, root_);
    } else {
      if (depth_ == base()) inside_ = false;
      --depth_;
    }
    return true;
  }

  JsonPlace place_;
  Give give_;
  size_t depth_ = 0;     ///< open containers around the elements
  size_t ignoring_ = 0;  ///< open containers within a skipped value
  bool inside_ = false;
  bool found_ = false;
  std::string key_;
  std::string element_key_;
  json root_;
  std::vector<json*> stack_;
  size_t values_ = 0;  ///< values of the open element
};

/// Returns the line's value; nothing if `place` takes it as a bad line.
std::optional<json> parsed_line(const std::string& line, const std::string& where, const JsonPlace& place) {
  try {
    return parse_json(line, where);
  } catch (const Error& error) {
    if (!place.bad_line) throw;
    place.bad_line(where, error.what());
    return std::nullopt;
  }
}

void visit_lines(std::istream& text, const std::string& source, const JsonPlace& place,
                 const VisitElement& visit) {
  std::string line;
  for (size_t number = 1; std::getline(text, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto where = fmt::format("{}: line {}", source, number);
    if (auto element = parsed_line(line, where, place)) visit(*element, where);
  }
}

void visit_text(std::istream& text, const std::string& source, const JsonPlace& place,
                const VisitElement& visit) {
  const char first = first_of(text);
  if (place.key.empty() && first == '{') return visit_lines(text, source, place, visit);
  const std::string expected = place.key.empty() ? "a JSON array or JSON Lines"
                                                 : fmt::format("an object with an array '{}'", place.key);
  if (first != (place.key.empty() ? '[' : '{'))
    fail_expected({source, expected, first == 0 ? "nothing" : "other text"});
  size_t number = 0;
  Elements elements(place, [&](const std::string& /*key*/, json& element) {
    visit(element, fmt::format("{}: entry {}", source, ++number));
  });
  parse_json_events(text, elements, source);
  if (!elements.found()) fail_expected({source, expected, "none"});
}

constexpr size_t kMostPipeBytes = size_t{8} << 30;

bool is_pipe(const std::filesystem::path& file) {
  std::error_code code;
  const auto status = std::filesystem::status(file, code);
  return std::filesystem::is_fifo(status) || std::filesystem::is_character_file(status);
}

}  // namespace

void visit_elements(const std::filesystem::path& file, const JsonPlace& place, const VisitElement& visit) {
  TextStream text(file);
  visit_text(text, file.string(), place, visit);
}

ElementList::ElementList(std::filesystem::path file) : file_(std::move(file)) {
  if (is_pipe(file_)) held_ = std::make_unique<std::istringstream>(read_text_file(file_, kMostPipeBytes));
}

void ElementList::visit(const JsonPlace& place, const VisitElement& visit) {
  if (held_ == nullptr) return visit_elements(file_, place, visit);
  held_->clear();
  held_->seekg(0);
  visit_text(*held_, file_.string(), place, visit);
}

void visit_members(const std::filesystem::path& file, const VisitMember& visit) {
  TextStream text(file);
  const auto source = file.string();
  if (first_of(text) != '{') fail_expected({source, "a JSON object", "other text"});
  Elements elements({}, visit);
  parse_json_events(text, elements, source);
}

}  // namespace ccexpert::datasets
