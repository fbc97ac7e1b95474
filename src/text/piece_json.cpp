// tokenizer.json of the tokenizers library for a sentencepiece model of kind BPE.
#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "text/piece_files.h"
#include "text/tokenizer_json.h"

namespace ccexpert::text {
namespace {

using nlohmann::json;

constexpr const char* kSpace = "\xe2\x96\x81";  // ▁

std::string type_of(const json& part) {
  const auto found = part.is_object() ? part.find("type") : part.end();
  return part.is_object() && found != part.end() && found->is_string() ? found->get<std::string>() : "none";
}

json text_or_null(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : json();
}

bool replaces_spaces(const json& step) {
  return type_of(step) == "Replace" && text_or_null(step, "content") == kSpace &&
         text_or_null(text_or_null(step, "pattern"), "String") == " ";
}

/// Older files put "▁" before a text and in place of spaces by a normaliser.
std::optional<LeadingSpace> space_of_normalizer(const json& normalizer) {
  if (replaces_spaces(normalizer)) return LeadingSpace::kNone;
  const json steps = text_or_null(normalizer, "normalizers");
  const bool known = type_of(normalizer) == "Sequence" && steps.is_array() && steps.size() == 2 &&
                     type_of(steps[0]) == "Prepend" && text_or_null(steps[0], "prepend") == kSpace &&
                     replaces_spaces(steps[1]);
  return known ? std::optional(LeadingSpace::kAlways) : std::nullopt;
}

/// Newer files do so by a pre-tokenizer that does not split.
std::optional<LeadingSpace> space_of_metaspace(const json& step) {
  const bool known = type_of(step) == "Metaspace" && text_or_null(step, "replacement") == kSpace &&
                     text_or_null(step, "split") == false;
  if (!known) return std::nullopt;
  const json scheme = text_or_null(step, "prepend_scheme");
  if (scheme == "never") return LeadingSpace::kNone;
  if (scheme == "first") return LeadingSpace::kFirstOnly;
  return scheme == "always" ? std::optional(LeadingSpace::kUnlessThere) : std::nullopt;
}

LeadingSpace leading_space(const json& root, const std::string& source) {
  const json normalizer = text_or_null(root, "normalizer"), step = text_or_null(root, "pre_tokenizer");
  std::optional<LeadingSpace> space;
  if (step.is_null()) space = space_of_normalizer(normalizer);
  if (normalizer.is_null()) space = space_of_metaspace(step);
  if (!space)
    fail_expected({source, "a normalizer of Prepend and Replace, or a Metaspace that does not split",
                   fmt::format("normalizer {} and pre_tokenizer {}", type_of(normalizer), type_of(step))});
  return *space;
}

PieceKind kind_of(const std::string& text, const json& unknown) {
  if (unknown == text) return PieceKind::kUnknown;
  return byte_of(text) ? PieceKind::kByte : PieceKind::kNormal;
}

void expect_plain(const json& model, const std::string& source) {
  const auto set = [&](const char* key) {
    const json value = text_or_null(model, key);
    const bool empty = value.is_string() && value.get_ref<const std::string&>().empty();
    return !value.is_null() && !empty && value != false && value != 0;
  };
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"}) {
    if (set(key)) fail_expected({fmt::format("{}: {}", source, key), "none", json_shown(model[key])});
  }
}

}  // namespace

bool is_piece_json(std::string_view text) {
  // In a string of the vocabulary the quotes would be escaped, and a key of it has a number.
  constexpr std::string_view kKey = "\"byte_fallback\"", kBlanks = " \t\r\n";
  for (size_t at = text.find(kKey); at != std::string_view::npos; at = text.find(kKey, at + 1)) {
    auto rest = text.substr(at + kKey.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
    if (!rest.starts_with(':')) continue;
    rest.remove_prefix(1);
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
    if (rest.starts_with("true")) return true;
  }
  return false;
}

PieceFiles parse_piece_json(std::string_view text, const std::string& source) {
  const json root = parse_json(text, source);
  const auto& model = member(root, "model", source);
  expect_type(model, "BPE", "model", source);
  expect_plain(model, source);
  PieceFiles files{.source = source, .pieces = {}};
  files.leading = leading_space(root, source);
  const json unknown = text_or_null(model, "unk_token");
  for (const auto& [piece, id] : read_vocabulary(member(model, "vocab", source), source)) {
    const auto index = static_cast<size_t>(id);
    if (index >= files.pieces.size()) files.pieces.resize(index + 1);
    if (!files.pieces[index].text.empty())
      fail_expected({source, "each token id once", fmt::format("{} twice", id)});
    files.pieces[index] = {.text = piece, .kind = kind_of(piece, unknown)};
  }
  const auto& merges = member(model, "merges", source);
  if (!merges.is_array()) fail_expected({source, "an array of merges", json_shown(merges)});
  for (const auto& merge : merges) files.merges.push_back(parse_merge(merge, source));
  files.added = added_tokens_of(root, source);
  return files;
}

}  // namespace ccexpert::text
