#include "text/tokenizer_files.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/files.h"
#include "core/json.h"
#include "text/pre_tokenizer.h"

namespace ccexpert::text {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Published vocabularies end below 300,000; a larger id is damage, and tables are as long as the largest id.
constexpr int64_t kLargestId = int64_t{1} << 24;

const json& member(const json& object, const char* key, std::string_view source) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end())
    fail({source, fmt::format("a member \"{}\"", key), "none"});
  return *found;
}

int64_t checked_id(const json& value, std::string_view source) {
  if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > kLargestId) {
    fail({source, fmt::format("token ids from 0 to {}", kLargestId), value.dump().substr(0, 40)});
  }
  return value.get<int64_t>();
}

void read_vocabulary(const json& object, TokenizerFiles& files) {
  if (!object.is_object() || object.empty())
    fail({files.source, "a vocabulary of tokens and ids", object.type_name()});
  files.vocabulary.reserve(object.size());
  for (const auto& [token, id] : object.items()) files.vocabulary[token] = checked_id(id, files.source);
}

void add_token(TokenizerFiles& files, int64_t id, const json& description, std::string_view source) {
  const auto text = json_value(description, "content", std::string(), source);
  if (text.empty()) fail({source, "a text for each added token", fmt::format("none for id {}", id)});
  const bool known =
      std::any_of(files.added.begin(), files.added.end(), [&](const auto& token) { return token.id == id; });
  if (!known) files.added.push_back({id, text, json_value(description, "special", false, source)});
}

/// A merge as one string with a blank between, or as a list of two strings.
std::pair<std::string, std::string> parse_merge(const json& value, std::string_view source) {
  if (value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string()) {
    return {value[0].get<std::string>(), value[1].get<std::string>()};
  }
  const std::string text = value.is_string() ? value.get<std::string>() : std::string();
  const auto blank = text.find(' ');
  if (blank == 0 || blank == std::string::npos || blank + 1 == text.size()) {
    fail({source, "merges of two tokens", value.dump().substr(0, 60)});
  }
  return {text.substr(0, blank), text.substr(blank + 1)};
}

void expect_type(const json& part, const char* type, std::string_view what, std::string_view source) {
  const auto found = json_value(part, "type", std::string("none"), source);
  if (found != type) fail({source, fmt::format("a {} of type {}", what, type), found});
}

/// The pattern of a Split before ByteLevel, the one kind of pre-tokenizer this implements.
std::string split_pattern(const json& root, std::string_view source) {
  const auto& pre = member(root, "pre_tokenizer", source);
  expect_type(pre, "Sequence", "pre-tokenizer", source);
  const auto& steps = member(pre, "pretokenizers", source);
  if (!steps.is_array() || steps.size() != 2)
    fail({source, "two pre-tokenizer steps", std::to_string(steps.size())});
  expect_type(steps[0], "Split", "first pre-tokenizer step", source);
  expect_type(steps[1], "ByteLevel", "second pre-tokenizer step", source);
  const bool plain = json_value(steps[0], "behavior", std::string(), source) == "Isolated" &&
                     !json_value(steps[0], "invert", false, source) &&
                     !json_value(steps[1], "add_prefix_space", false, source);
  if (!plain) fail({source, "a Split that isolates, and no prefix space", steps.dump().substr(0, 120)});
  return json_value(member(steps[0], "pattern", source), "Regex", std::string(kQwen2Pattern), source);
}

TokenizerFiles read_tokenizer_json(const fs::path& path) {
  TokenizerFiles files;
  files.source = files.merges_source = path.string();
  const json root = parse_json(read_file(path), files.source);
  const auto& model = member(root, "model", files.source);
  expect_type(model, "BPE", "model", files.source);
  const json normalizer = root.value("normalizer", json());
  expect_type(normalizer, "NFC", "normalizer", files.source);
  files.pattern = split_pattern(root, files.source);
  read_vocabulary(member(model, "vocab", files.source), files);
  for (const auto& merge : member(model, "merges", files.source)) {
    files.merges.push_back(parse_merge(merge, files.source));
  }
  for (const auto& token : root.value("added_tokens", json::array())) {
    add_token(files, checked_id(member(token, "id", files.source), files.source), token, files.source);
  }
  return files;
}

void read_merges_text(const fs::path& path, TokenizerFiles& files) {
  files.merges_source = path.string();
  const std::string text = read_file(path);
  size_t line_number = 0;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    std::string line = text.substr(start, end - start);
    start = end + 1;
    ++line_number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || (line_number == 1 && line.starts_with("#version"))) continue;
    if (files.first_merge_line == 0) files.first_merge_line = line_number;
    files.merges.push_back(parse_merge(json(line), fmt::format("{}:{}", path.string(), line_number)));
  }
}

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
}

void read_added_tokens(const fs::path& folder, TokenizerFiles& files) {
  const fs::path config = folder / "tokenizer_config.json";
  if (fs::exists(config)) {
    const json root = parse_json(read_file(config), config.string());
    const json described = root.value("added_tokens_decoder", json::object());
    for (const auto& [id, token] : described.items()) {
      if (!is_number(id)) fail({config.string(), "token ids in added_tokens_decoder", id});
      add_token(files, checked_id(json(std::stoll(id)), config.string()), token, config.string());
    }
  }
  const fs::path added = folder / "added_tokens.json";
  if (fs::exists(added)) {
    const json root = parse_json(read_file(added), added.string());
    for (const auto& [text, id] : root.items()) {
      add_token(files, checked_id(id, added.string()), {{"content", text}, {"special", true}},
                added.string());
    }
  }
}

}  // namespace

TokenizerFiles read_tokenizer_files(const fs::path& folder) {
  try {
    if (fs::exists(folder / "tokenizer.json")) return read_tokenizer_json(folder / "tokenizer.json");
    const fs::path vocabulary = folder / "vocab.json";
    if (!fs::exists(vocabulary) || !fs::exists(folder / "merges.txt")) {
      fail({folder.string(), "tokenizer.json, or vocab.json and merges.txt", "neither",
            "copy the tokenizer files of the base model into the checkpoint folder"});
    }
    TokenizerFiles files;
    files.source = vocabulary.string();
    files.pattern = kQwen2Pattern;
    read_vocabulary(parse_json(read_file(vocabulary), files.source), files);
    read_merges_text(folder / "merges.txt", files);
    read_added_tokens(folder, files);
    return files;
  } catch (const json::exception& error) {
    fail(folder.string(), "holds tokenizer files of another form", error.what());
  }
}

}  // namespace ccexpert::text
