#include "text/tokenizer_json.h"

#include <filesystem>
#include <unordered_set>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::text {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Collector of added tokens; the first token of an id wins.
class AddedTokens {
 public:
  void add(int64_t id, const json& description, std::string_view source) {
    const auto text = json_value(description, "content", std::string(), source);
    if (text.empty())
      fail_expected({source, "a string for each added token", fmt::format("none for id {}", id)});
    const bool special = json_value(description, "special", false, source);
    if (!known_.insert(id).second) return;
    if (known_.size() > kMostAddedTokens)
      fail_expected({source, fmt::format("at most {} added tokens", kMostAddedTokens), "more"});
    tokens_.push_back({id, text, special});
  }

  std::vector<AddedToken> take() && { return std::move(tokens_); }

 private:
  std::vector<AddedToken> tokens_;
  std::unordered_set<int64_t> known_;
};

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

const json& member(const json& object, const char* key, std::string_view source) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end())
    fail_expected(
        {source, fmt::format("a member \"{}\"", key), object.is_object() ? "none" : json_shown(object)});
  return *found;
}

json optional_member(const json& object, const char* key, json empty, std::string_view source) {
  if (!object.is_object()) fail_expected({source, "a JSON object", json_shown(object)});
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return empty;
  if (found->type() != empty.type())
    fail_expected({fmt::format("{}: {}", source, key), empty.is_array() ? "an array" : "an object",
                   json_shown(*found)});
  return *found;
}

int64_t checked_id(const json& value, std::string_view source) {
  if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > kLargestId)
    fail_expected({source, fmt::format("token ids from 0 to {}", kLargestId), json_shown(value)});
  return value.get<int64_t>();
}

std::unordered_map<std::string, int64_t> read_vocabulary(const json& object, std::string_view source) {
  if (!object.is_object() || object.empty())
    fail_expected(
        {source, "a vocabulary of tokens and ids", object.is_object() ? "none" : json_shown(object)});
  std::unordered_map<std::string, int64_t> vocabulary;
  vocabulary.reserve(object.size());
  for (const auto& [token, id] : object.items()) vocabulary[token] = checked_id(id, source);
  return vocabulary;
}

std::pair<std::string, std::string> parse_merge(const json& value, std::string_view source) {
  if (value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string()) {
    return {value[0].get<std::string>(), value[1].get<std::string>()};
  }
  const std::string text = value.is_string() ? value.get<std::string>() : std::string();
  const auto blank = text.find(' ');
  if (blank == 0 || blank == std::string::npos || blank + 1 == text.size()) {
    fail_expected({source, "merges of two tokens", json_shown(value)});
  }
  return {text.substr(0, blank), text.substr(blank + 1)};
}

void expect_type(const json& part, const char* type, std::string_view what, std::string_view source) {
  const auto found = json_value(part, "type", std::string("none"), source);
  if (found != type) fail_expected({source, fmt::format("a {} of type {}", what, type), found});
}

std::vector<AddedToken> added_tokens_of(const json& root, const std::string& source) {
  AddedTokens added;
  for (const auto& token : optional_member(root, "added_tokens", json::array(), source))
    added.add(checked_id(member(token, "id", source), source), token, source);
  return std::move(added).take();
}

std::vector<AddedToken> parse_added_tokens(const TokenizerTexts& texts, const std::string& folder) {
  AddedTokens tokens;
  if (texts.config) {
    const auto source = (fs::path(folder) / "tokenizer_config.json").string();
    const auto described =
        optional_member(parse_json(*texts.config, source), "added_tokens_decoder", json::object(), source);
    for (const auto& [id, token] : described.items()) {
      if (!is_number(id)) fail_expected({source, "token ids in added_tokens_decoder", id});
      tokens.add(checked_id(json(std::stoll(id)), source), token, source);
    }
  }
  if (texts.added) {
    const auto source = (fs::path(folder) / "added_tokens.json").string();
    const json added = parse_json(*texts.added, source);
    if (!added.is_object()) fail_expected({source, "a JSON object of tokens and ids", json_shown(added)});
    for (const auto& [text, id] : added.items())
      tokens.add(checked_id(id, source), {{"content", text}, {"special", true}}, source);
  }
  return std::move(tokens).take();
}

}  // namespace ccexpert::text
