#include "core/yaml_load.h"

#include <algorithm>
#include <new>
#include <set>
#include <sstream>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

#include <ccexpert/core/error.h>

#include "core/printable.h"
#include "core/utf8.h"

namespace ccexpert {
namespace {

constexpr size_t kDeepest = 32;
constexpr size_t kMostValues = 200'000;
constexpr size_t kMostBytes = size_t{4} << 20;

std::string place_of(const std::string& source, const YAML::Mark& mark) {
  return mark.is_null() || mark.line < 0 ? source : fmt::format("{}:{}", source, mark.line + 1);
}

/// Checks the events of a document before yaml-cpp builds nodes: nodes share the target of an alias, and a
/// traversal of nested aliases would not end.
class Guard : public YAML::EventHandler {
 public:
  explicit Guard(const std::string& source) : source_(source) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) fail_expected({place_of(source_, mark), "one YAML document", "a second one"});
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add_leaf(mark, anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& value) override {
    check_text(mark, value);
    if (is_key()) check_key(mark, value);
    add_leaf(mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end())
      fail_expected({place_of(source_, mark), "an alias of a finished value", "one inside its own value"});
    if (is_key()) refuse_key(mark);
    begin_value();
    count(mark, known->second.values, known->second.depth);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, anchor, false);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, anchor, true);
  }
  void OnMapEnd() override { close(); }

 private:
  /// Size of an anchor's value.
  struct Extent {
    size_t values;
    size_t depth;
  };
  struct Container {
    YAML::anchor_t anchor;
    size_t values_before;
    bool is_map;
    size_t depth = 1;       ///< levels of nesting, itself included
    bool at_value = false;  ///< in a map: true if the key of the next value was read
    std::set<std::string> keys = {};
  };

  bool is_key() const { return !open_.empty() && open_.back().is_map && !open_.back().at_value; }

  [[noreturn]] void refuse_key(const YAML::Mark& mark) {
    fail_expected({place_of(source_, mark), "keys that are strings", "another value as a key"});
  }

  /// yaml-cpp decodes these two escapes to single bytes, which are not UTF-8.
  void check_text(const YAML::Mark& mark, const std::string& text) {
    if (first_invalid_utf8(text) != std::string::npos)
      fail_expected({place_of(source_, mark), "texts without the escapes \\N and \\_", "one of them",
                     "write \\u0085 or \\u00a0"});
  }

  void check_key(const YAML::Mark& mark, const std::string& key) {
    if (!open_.back().keys.insert(key).second)
      fail(fmt::format("{}: {}", place_of(source_, mark), shortened(key, 200)), "is given twice");
  }

  /// Keys and values alternate in a map.
  void begin_value() {
    if (!open_.empty()) open_.back().at_value = !open_.back().at_value;
  }

  void count(const YAML::Mark& mark, size_t values, size_t depth) {
    values_ += values;
    if (values_ > kMostValues)
      fail_expected({place_of(source_, mark), fmt::format("at most {} values", kMostValues), "more",
                     "an alias counts as the values it refers to"});
    if (open_.size() + depth > kDeepest)
      fail_expected({place_of(source_, mark), fmt::format("at most {} nested sections or lists", kDeepest),
                     "values nested too deeply"});
    if (!open_.empty()) open_.back().depth = std::max(open_.back().depth, depth + 1);
  }

  void add_leaf(const YAML::Mark& mark, YAML::anchor_t anchor) {
    begin_value();
    count(mark, 1, 0);
    if (anchor != 0) anchors_[anchor] = {1, 0};
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, bool is_map) {
    if (is_key()) refuse_key(mark);
    begin_value();
    const size_t before = values_;
    count(mark, 1, 1);
    open_.push_back({.anchor = anchor, .values_before = before, .is_map = is_map});
  }

  void close() {
    const auto& closed = open_.back();
    const Extent extent{values_ - closed.values_before, closed.depth};
    if (closed.anchor != 0) anchors_[closed.anchor] = extent;
    open_.pop_back();
    if (!open_.empty()) open_.back().depth = std::max(open_.back().depth, extent.depth + 1);
  }

  const std::string& source_;
  size_t documents_ = 0;
  size_t values_ = 0;
  std::vector<Container> open_;
  std::unordered_map<YAML::anchor_t, Extent> anchors_;
};

void check(const std::string& text, const std::string& source) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Guard guard(source);
  while (parser.HandleNextDocument(guard)) {
  }
}

}  // namespace

YAML::Node load_yaml(const std::string& text, const std::string& source) {
  if (text.size() > kMostBytes)
    fail_expected(
        {source, fmt::format("YAML of at most {} bytes", kMostBytes), fmt::format("{} bytes", text.size())});
  try {
    check(text, source);
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    fail(place_of(source, error.mark), "is not valid YAML", error.msg);
  } catch (const std::bad_alloc&) {
    fail(source, "does not fit in free memory", "", ErrorKind::kResource);
  }
}

}  // namespace ccexpert
