#include "core/json.h"

#include <limits>
#include <new>
#include <set>

#include <fmt/format.h>

#include "core/file_kind.h"
#include "core/printable.h"

namespace ccexpert {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

[[noreturn]] void refuse_repeated(std::string_view source, const std::string& key) {
  fail_expected({source, "each key of an object once", fmt::format("'{}' twice", shortened(key, 200))});
}

/// Checks depth and number of values before it forwards the events, and repeated keys if the receiver does
/// not.
class Guard : public nlohmann::json_sax<json> {
 public:
  Guard(nlohmann::json_sax<json>& events, std::string_view source, const JsonLimits& limits, bool checks_keys)
      : events_(events), source_(source), limits_(limits), checks_keys_(checks_keys) {}
  /// Sets the start of the text, from which the Error for invalid text recognises another kind of file.
  void set_head(std::string_view head) { head_ = head; }

  bool null() override { return count() && events_.null(); }
  bool boolean(bool value) override { return count() && events_.boolean(value); }
  bool number_integer(number_integer_t value) override { return count() && events_.number_integer(value); }
  bool number_unsigned(number_unsigned_t value) override { return count() && events_.number_unsigned(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    return count() && events_.number_float(value, text);
  }
  bool string(string_t& value) override { return count() && events_.string(value); }
  bool binary(binary_t& value) override { return count() && events_.binary(value); }

  bool start_object(size_t size) override {
    open();
    if (checks_keys_) keys_.emplace_back();
    return events_.start_object(size);
  }
  bool key(string_t& name) override {
    count();
    if (checks_keys_ && !keys_.back().insert(name).second) refuse_repeated(source_, name);
    return events_.key(name);
  }
  bool end_object() override {
    --depth_;
    if (checks_keys_) keys_.pop_back();
    return events_.end_object();
  }
  bool start_array(size_t size) override {
    open();
    return events_.start_array(size);
  }
  bool end_array() override {
    --depth_;
    return events_.end_array();
  }
  bool parse_error(size_t /*position*/, const std::string& /*token*/, const json::exception& error) override {
    if (!head_.empty()) refuse_other_kind(head_, source_, limits_.expected);
    fail_expected({source_, limits_.expected, json_reason(error)});
  }

 private:
  void open() {
    count();
    if (++depth_ > limits_.depth)
      fail_expected({source_, limits_.expected, "values nested too deeply",
                     fmt::format("at most {} levels", limits_.depth)});
  }
  bool count() {
    if (++values_ > limits_.values)
      fail_expected(
          {source_, fmt::format("{} of at most {} values", limits_.expected, limits_.values), "more"});
    return true;
  }

  nlohmann::json_sax<json>& events_;
  std::string_view source_;
  const JsonLimits& limits_;
  bool checks_keys_;
  std::string_view head_;
  size_t depth_ = 0;
  size_t values_ = 0;
  std::vector<std::set<std::string>> keys_;  ///< one set per open object
};

template <class Json>
constexpr bool kIsOrdered = std::is_same_v<Json, ordered_json>;

/// Builds the value that the events describe.
template <class Json>
class Builder : public nlohmann::json_sax<json> {
 public:
  explicit Builder(std::string_view source) : source_(source) {}

  bool null() override { return put(nullptr) != nullptr; }
  bool boolean(bool value) override { return put(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return put(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return put(value) != nullptr; }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return put(value) != nullptr; }
  bool string(string_t& value) override { return put(std::move(value)) != nullptr; }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(size_t /*size*/) override { return open(Json::object()); }
  bool start_array(size_t /*size*/) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool parse_error(size_t, const std::string&, const json::exception&) override { return false; }

  Json take() { return std::move(root_); }

 private:
  /// Returns the stored value's address: a container does not move before it is closed.
  Json* put(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    Json& parent = *open_.back();
    if (parent.is_array()) return &parent.emplace_back(std::move(value));
    auto& members = parent.template get_ref<typename Json::object_t&>();
    if constexpr (kIsOrdered<Json>) {
      // The guard has checked that the key is new; emplace would compare it with all others.
      return &members.emplace_back(std::move(key_), std::move(value)).second;
    } else {
      const auto [place, is_new] = members.try_emplace(std::move(key_), std::move(value));
      if (!is_new) refuse_repeated(source_, key_);
      return &place->second;
    }
  }
  bool open(Json empty) {
    open_.push_back(put(std::move(empty)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view source_;
  Json root_;
  std::string key_;
  std::vector<Json*> open_;
};

template <class Text>
void parse_guarded(Text&& text, Guard& guard, std::string_view source) {
  try {
    json::sax_parse(std::forward<Text>(text), static_cast<nlohmann::json_sax<json>*>(&guard));
  } catch (const std::bad_alloc&) {
    fail(source, "does not fit in free memory", "", ErrorKind::kResource);
  } catch (const std::length_error&) {
    fail(source, "does not fit in free memory", "", ErrorKind::kResource);
  }
}

template <class Json>
Json parsed(std::string_view text, std::string_view source, const JsonLimits& limits) {
  if (text.empty()) fail_expected({source, limits.expected, "nothing", "an empty file or text"});
  Builder<Json> builder(source);
  Guard guard(builder, source, limits, kIsOrdered<Json>);
  guard.set_head(text);
  parse_guarded(text, guard, source);
  return builder.take();
}

}  // namespace

json parse_json(std::string_view text, std::string_view source, const JsonLimits& limits) {
  return parsed<json>(text, source, limits);
}

ordered_json parse_ordered_json(std::string_view text, std::string_view source) {
  return parsed<ordered_json>(text, source, {});
}

std::optional<json> try_parse_json(std::string_view text) {
  try {
    return parse_json(text, "text");
  } catch (const Error&) {
    return std::nullopt;
  }
}

void parse_json_events(std::istream& text, nlohmann::json_sax<json>& events, std::string_view source) {
  const JsonLimits limits{.values = std::numeric_limits<size_t>::max()};
  Guard guard(events, source, limits, true);
  parse_guarded(text, guard, source);
}

std::string json_reason(const json::exception& error) {
  const std::string_view reason = error.what();
  const auto start = reason.find("] ");
  return std::string(reason.substr(start == std::string_view::npos ? 0 : start + 2));
}

std::string json_shown(const json& value) {
  if (value.is_array()) return "an array";
  if (value.is_object()) return "an object";
  if (value.is_string()) return fmt::format("\"{}\"", shortened(value.get_ref<const std::string&>(), 60));
  return value.dump();
}

}  // namespace ccexpert
