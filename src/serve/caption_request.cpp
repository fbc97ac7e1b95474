#include "serve/caption_request.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "serve/base64.h"
#include "serve/multipart.h"
#include "serve/replies.h"

namespace ccexpert::serve {
namespace {

using nlohmann::json;

constexpr const char* kSource = "request";
/// Values of a request: a map of chat messages is the deepest one.
constexpr JsonLimits kJsonLimits{.expected = "JSON", .depth = 16, .values = 100'000};
/// Longest field of a form in bytes, but for images and the question.
constexpr size_t kLongestField = 4096;

const std::vector<std::string>& known_keys() {
  static const auto known = [] {
    std::vector<std::string> keys{"before", "after", "question", "model",
                                  "locate", "words", "polygons", "stream"};
    for (auto& each : field_names<generate::GenerationOptions>()) {
      if (!each.starts_with("mbr")) keys.push_back(std::move(each));
    }
    return keys;
  }();
  return known;
}

void expect_known_key(const std::string& key) {
  const auto& known = known_keys();
  if (std::find(known.begin(), known.end(), key) != known.end()) return;
  const auto near = nearest_name(key, known);
  fail(key, "is not a key of this request", near.empty() ? "see /docs" : "did you mean " + near + "?");
}

template <class Value>
void read_option(const json& object, const char* name, Value& value, const Limits& limits) {
  if constexpr (requires { value.value(); }) {
    using Number = std::remove_cvref_t<Value>::value_type;
    const auto found = object.find(name);
    if (found != object.end() && !found->is_null())
      value = json_value<Number>(object, name, Number{}, kSource, limits);
  } else if constexpr (std::is_same_v<Value, std::vector<int64_t>>) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return;
    if (!found->is_array() || found->size() > 64)
      fail_expected({name, "a list of at most 64 token ids", json_shown(*found)});
    for (const auto& each : *found) {
      if (!each.is_number_integer()) fail_expected({name, "token ids", json_shown(each)});
      value.push_back(each.get<int64_t>());
    }
  } else if constexpr (!Named<Value>) {
    value = json_value(object, name, value, kSource, limits);
  }
}

/// Returns the range of a field, with the largest value that this server allows.
Limits range_of(std::string_view name, Limits range, const RequestLimits& limits) {
  if (name == "max_new_tokens" || name == "min_new_tokens") range.most = limits.max_tokens;
  if (name == "beams") range.most = limits.max_beams;
  return range;
}

generate::GenerationOptions generation_of(const json& object, const RequestLimits& limits) {
  generate::GenerationOptions options;
  for_each_field<generate::GenerationOptions>([&](const auto& each) {
    if (std::string_view(each.name).starts_with("mbr")) return;
    read_option(object, each.name, options.*each.member, range_of(each.name, each.limits, limits));
  });
  return options;
}

/// Reads everything but the images.
AskedCaption choices_of(const json& object, const RequestLimits& limits) {
  for (const auto& [key, value] : object.items()) expect_known_key(key);
  AskedCaption asked;
  asked.stream = json_value(object, "stream", false, kSource);
  asked.polygons = json_value(object, "polygons", false, kSource);
  asked.model = json_value(object, "model", std::string(), kSource);
  asked.job.request.question = json_value(object, "question", std::string(), kSource);
  asked.job.request.locate = json_value(object, "locate", false, kSource) || asked.polygons;
  asked.job.request.words = json_value(object, "words", false, kSource);
  asked.job.request.generation = generation_of(object, limits);
  expect_question(asked.job.request.question, limits);
  return asked;
}

void expect_bytes(const std::string& name, size_t bytes, size_t most) {
  if (bytes > most) fail_expected({name, fmt::format("at most {} bytes", most), std::to_string(bytes)});
}

void expect_short(const FormPart& part, const RequestLimits& limits) {
  if (part.name == "question") return expect_question(part.content, limits);
  expect_bytes(part.name, part.content.size(), kLongestField);
}

/// Returns a field of a form as JSON: a number, a list or true or false if the text is one.
json form_value(const FormPart& part) {
  std::string text(part.content);
  if (part.name == "question" || part.name == "model") return text;
  try {
    auto value = parse_json(text, part.name, kJsonLimits);
    if (value.is_number() || value.is_boolean() || value.is_array()) return value;
  } catch (const Error&) {
    return text;
  }
  return text;
}

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

AskedCaption asked_form(const Request& request, const RequestLimits& limits) {
  json object = json::object();
  std::array<PairFile, 2> files{PairFile{.name = "before"}, PairFile{.name = "after"}};
  std::set<std::string> names;
  for (const auto& part : parse_form(request.body, request.header("Content-Type"))) {
    if (!names.insert(part.name).second) fail_expected({part.name, "one field of this name", "another"});
    if (part.name == "before" || part.name == "after") {
      expect_no_file_name(
          part.content, part.name,
          fmt::format("send the image itself, not the name of its file: -F {}=@FILE", part.name));
      files[part.name == "after" ? 1 : 0].sent = bytes_of(part.content);
    } else {
      expect_known_key(part.name);
      expect_short(part, limits);
      object[part.name] = form_value(part);
    }
  }
  auto asked = choices_of(object, limits);
  asked.files = std::move(files);
  return asked;
}

/// Sets each value that is left to the model, and beyond the limit there, to the limit.
void cut_to_limits(generate::GenerationOptions& asked, const generate::DecodingConfig& resolved,
                   const RequestLimits& limits) {
  const auto cut = [](std::optional<int64_t>& value, int64_t of_model, int64_t most) {
    if (!value && of_model > most) value = most;
  };
  cut(asked.max_new_tokens, resolved.max_new_tokens, limits.max_tokens);
  cut(asked.min_new_tokens, resolved.min_new_tokens, limits.max_tokens);
  cut(asked.beams, resolved.beams, limits.max_beams);
}

}  // namespace

void expect_question(std::string_view question, const RequestLimits& limits) {
  expect_bytes("question", question.size(), static_cast<size_t>(limits.max_question));
}

json json_value_of(std::string_view body) {
  try {
    return parse_json(body, "body", kJsonLimits);
  } catch (const Error& error) {
    throw HttpError(400, error.what(), "bad_json");
  }
}

json json_object(std::string_view body) {
  auto object = json_value_of(body);
  if (!object.is_object())
    throw HttpError(400, fmt::format("body: expected a JSON object, got {}", json_shown(object)), "bad_json");
  return object;
}

AskedCaption asked_caption(const json& object, const RequestLimits& limits) {
  auto asked = choices_of(object, limits);
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const char* name = i == 0 ? "before" : "after";
    const auto found = object.find(name);
    if (found == object.end() || !found->is_string()) {
      fail_expected(
          {name, "an image in Base64 or as a data URI", found == object.end() ? "none" : json_shown(*found)});
    }
    asked.files[i] = {.name = name, .decoded = image_bytes(found->get_ref<const std::string&>(), name)};
  }
  return asked;
}

AskedCaption asked_caption(const Request& request, const RequestLimits& limits) {
  if (request.media_type() == "multipart/form-data") return asked_form(request, limits);
  return asked_caption(json_object(request.body), limits);
}

void complete_job(CaptionJob& job, const Request& request, const RequestLimits& limits,
                  const Captions& captions) {
  auto& generation = job.request.generation;
  generation.validate();
  cut_to_limits(generation, captions.decoding(generation), limits);
  job.request.client = request.key.empty() ? request.peer : request.key;
  job.request.deadline = request.started + duration_of(limits.timeout);
}

}  // namespace ccexpert::serve
