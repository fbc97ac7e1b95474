#include "datasets/json_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/json.h"

namespace ccexpert::datasets {
namespace {

using nlohmann::json;

/// A file read in large pieces.
class Input {
 public:
  explicit Input(const std::filesystem::path& path) : buffer_(size_t{1} << 18) {
    stream_.rdbuf()->pubsetbuf(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    std::error_code code;
    if (std::filesystem::is_directory(path, code)) fail({path.string(), "a regular file", "a folder"});
    errno = 0;
    stream_.open(path, std::ios::binary);
    if (!stream_) fail(path.string(), "cannot be opened", std::strerror(errno));
  }

  std::ifstream& stream() { return stream_; }

  /// The first character that is no blank, not taken; 0 at the end.
  char first() {
    skip_byte_order_mark();
    stream_ >> std::ws;
    const int next = stream_.peek();
    stream_.clear();
    return next == std::ifstream::traits_type::eof() ? '\0' : static_cast<char>(next);
  }

 private:
  void skip_byte_order_mark() {
    char mark[3] = {};
    stream_.read(mark, 3);
    const bool found = stream_.gcount() == 3 && std::memcmp(mark, "\xEF\xBB\xBF", 3) == 0;
    stream_.clear();
    if (!found) stream_.seekg(0);
  }

  std::vector<char> buffer_;
  std::ifstream stream_;
};

/// Builds values from events, and gives out each one that stands where it is asked for.
class Elements {
 public:
  using Give = std::function<void(const std::string& key, json& value)>;

  /// Elements of the root (an array, or an object whose members are given), or of the array under `key`.
  Elements(JsonPlace place, Give give) : place_(std::move(place)), give_(std::move(give)) {}

  bool found() const { return found_; }

  // The interface of nlohmann::json_sax.
  bool null() { return take(nullptr); }
  bool boolean(bool value) { return take(value); }
  bool number_integer(json::number_integer_t value) { return take(value); }
  bool number_unsigned(json::number_unsigned_t value) { return take(value); }
  bool number_float(json::number_float_t value, const std::string& /*text*/) { return take(value); }
  bool string(std::string& value) { return take(std::move(value)); }
  bool binary(std::vector<uint8_t>& /*value*/) { return false; }
  bool start_object(size_t /*count*/) { return open(json::object(), true); }
  bool start_array(size_t /*count*/) { return open(json::array(), false); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    if (ignoring_ == 0) key_ = std::move(name);
    return true;
  }

  bool parse_error(size_t /*position*/, const std::string& /*token*/, const json::exception& error) {
    problem_ = error.what();
    return false;
  }
  const std::string& problem() const { return problem_; }

 private:
  /// How deep the container of the elements is: 1, or 2 below a key.
  size_t base() const { return place_.key.empty() ? 1 : 2; }
  bool within() const { return !stack_.empty(); }
  bool ignored() const {
    return std::find(place_.ignored.begin(), place_.ignored.end(), key_) != place_.ignored.end();
  }
  bool in_place() const { return depth_ == base() && (place_.key.empty() || inside_); }

  json* put(json value) {
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
  size_t depth_ = 0;     ///< containers around the elements that are open
  size_t ignoring_ = 0;  ///< containers that are open within a value that is passed over
  bool inside_ = false;
  bool found_ = false;
  std::string key_;
  std::string element_key_;
  json root_;
  std::vector<json*> stack_;
  std::string problem_;
};

void parse(Input& input, Elements& elements, const std::string& source) {
  if (json::sax_parse(input.stream(), &elements)) return;
  const auto start = elements.problem().find("] ");
  fail({source, "JSON", elements.problem().substr(start == std::string::npos ? 0 : start + 2)});
}

/// The line's value; nothing where `place` takes it as a bad one.
std::optional<json> parsed_line(const std::string& line, const std::string& where, const JsonPlace& place) {
  try {
    return parse_json(line, where);
  } catch (const Error& error) {
    if (!place.bad_line) throw;
    place.bad_line(where, error.what());
    return std::nullopt;
  }
}

void visit_lines(Input& input, const std::string& source, const JsonPlace& place, const VisitElement& visit) {
  std::string line;
  for (size_t number = 1; std::getline(input.stream(), line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto where = fmt::format("{}: line {}", source, number);
    if (auto element = parsed_line(line, where, place)) visit(*element, where);
  }
}

}  // namespace

void visit_elements(const std::filesystem::path& file, const JsonPlace& place, const VisitElement& visit) {
  Input input(file);
  const auto source = file.string();
  const char first = input.first();
  if (place.key.empty() && first == '{') return visit_lines(input, source, place, visit);
  const std::string expected = place.key.empty() ? "a JSON array or JSON Lines"
                                                 : fmt::format("an object with an array '{}'", place.key);
  if (first != (place.key.empty() ? '[' : '{'))
    fail({source, expected, first == 0 ? "nothing" : "other text"});
  size_t number = 0;
  Elements elements(place, [&](const std::string& /*key*/, json& element) {
    visit(element, fmt::format("{}: entry {}", source, ++number));
  });
  parse(input, elements, source);
  if (!elements.found()) fail({source, expected, "none"});
}

void visit_members(const std::filesystem::path& file, const VisitMember& visit) {
  Input input(file);
  const auto source = file.string();
  if (input.first() != '{') fail({source, "a JSON object", "other text"});
  Elements elements({}, visit);
  parse(input, elements, source);
}

}  // namespace ccexpert::datasets
