#include "serve/chat_request.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "serve/base64.h"

namespace ccexpert::serve {
namespace {

using nlohmann::json;

constexpr const char* kSource = "request";
constexpr size_t kImages = 2;

/// Words and images of all messages so far.
class Messages {
 public:
  explicit Messages(const RequestLimits& limits) : limits_(limits) {}

  void add(const json& message, size_t number) {
    place_ = fmt::format("messages[{}]", number);
    if (!message.is_object()) fail_expected({place_, "an object", json_shown(message)});
    const auto role = json_value(message, "role", std::string(), place_);
    const auto text = text_of(message, role);
    if (role == "user") {
      add_question(text);
    } else if (role == "assistant") {
      add_answer(text);
    } else if (role != "system" && role != "developer") {
      fail_expected(
          {place_ + ": role", "user, assistant, system or developer", role.empty() ? "none" : role});
    } else if (!question_ && past_.empty()) {
      instructions_ += (instructions_.empty() || text.empty() ? "" : "\n") + text;
    } else {
      fail(place_, "a message of the system must precede all others");
    }
  }

  /// Returns the request of all messages.
  generate::CaptionRequest request() const {
    if (!question_) fail_expected({"messages", "a message of the user at the end", "none"});
    if (images_.size() != kImages) {
      fail_expected(
          {"messages", "two images as data URIs, the earlier one first", std::to_string(images_.size())});
    }
    generate::CaptionRequest request{.past = past_, .question = *question_};
    // The models were trained with one system turn, which is part of their prompt.
    auto& first = request.past.empty() ? request.question : request.past.front().question;
    if (!instructions_.empty()) first = first.empty() ? instructions_ : instructions_ + "\n" + first;
    return request;
  }

  /// Returns the images of a conversation that has a request.
  std::array<PairFile, kImages> files() {
    return {PairFile{.name = "first image", .decoded = std::move(images_[0])},
            PairFile{.name = "second image", .decoded = std::move(images_[1])}};
  }

 private:
  std::string text_of(const json& message, const std::string& role) {
    const auto content = message.find("content");
    if (content == message.end() || content->is_null()) return {};
    std::string text;
    if (content->is_string()) {
      text = content->get<std::string>();
    } else if (content->is_array()) {
      for (const auto& part : *content) add_part(part, role, text);
    } else {
      fail_expected({place_ + ": content", "a text or a list of parts", json_shown(*content)});
    }
    length_ += text.size();
    if (length_ > static_cast<size_t>(limits_.max_question)) {
      fail_expected({"messages", fmt::format("at most {} bytes of text", limits_.max_question),
                     std::to_string(length_)});
    }
    return text;
  }

  void add_part(const json& part, const std::string& role, std::string& text) {
    if (!part.is_object()) fail_expected({place_ + ": content", "parts", json_shown(part)});
    const auto type = json_value(part, "type", std::string(), place_);
    if (type == "text") {
      if (!text.empty()) text += '\n';
      text += json_value(part, "text", std::string(), place_);
    } else if (type == "image_url" && role == "user") {
      add_image(part);
    } else {
      fail_expected({place_ + ": content", role == "user" ? "parts of type text or image_url" : "text",
                     type.empty() ? "a part without type" : type});
    }
  }

  void add_image(const json& part) {
    const auto found = part.find("image_url");
    const auto* url = found == part.end() ? nullptr : &*found;
    if (url != nullptr && url->is_object()) {
      const auto inner = url->find("url");
      url = inner == url->end() ? nullptr : &*inner;
    }
    if (url == nullptr || !url->is_string()) fail_expected({place_ + ": image_url", "a data URI", "none"});
    if (images_.size() == kImages) fail_expected({"messages", "two images", "more"});
    if (!past_.empty()) fail(place_, "images must be in the first message of the user");
    images_.push_back(image_bytes(url->get_ref<const std::string&>(), place_ + ": image_url"));
  }

  void add_question(const std::string& text) {
    if (question_) {
      *question_ += (question_->empty() || text.empty() ? "" : "\n") + text;
    } else {
      question_ = text;
    }
  }

  void add_answer(const std::string& text) {
    if (!question_) fail(place_, "an answer must follow a message of the user");
    if (std::ssize(past_) + 1 >= limits_.max_turns)
      fail_expected({"messages", fmt::format("at most {} questions", limits_.max_turns), "more"});
    past_.push_back({std::move(*question_), text});
    question_.reset();
  }

  const RequestLimits& limits_;
  std::string place_;
  std::string instructions_;
  std::vector<generate::PastTurn> past_;
  std::optional<std::string> question_;
  std::vector<std::vector<uint8_t>> images_;
  size_t length_ = 0;
};

/// Refuses keys whose effect a client would miss.
void expect_possible(const json& object) {
  if (json_value(object, "n", int64_t{1}, kSource) != 1)
    fail_expected({"n", "1", std::to_string(object["n"].get<int64_t>())});
  for (const char* key : {"presence_penalty", "frequency_penalty"}) {
    const auto found = object.find(key);
    if (found != object.end() && !found->is_null() && *found != 0)
      fail_expected({key, "0", json_shown(*found), "repetition_penalty is there instead"});
  }
  for (const char* key : {"tools", "functions", "stop", "logit_bias", "audio"}) {
    const auto found = object.find(key);
    if (found != object.end() && !found->is_null() && !(found->is_structured() && found->empty()))
      fail_expected({key, "none", json_shown(*found), "the model cannot follow it"});
  }
  const auto format = object.find("response_format");
  if (format != object.end() && !format->is_null() &&
      !(format->is_object() && format->value("type", json()) == "text"))
    fail_expected({"response_format", "text", json_shown(*format)});
}

template <class Value>
void read(const json& object, const char* key, std::optional<Value>& value, const Limits& limits) {
  const auto found = object.find(key);
  if (found != object.end() && !found->is_null())
    value = json_value<Value>(object, key, Value{}, kSource, limits);
}

generate::GenerationOptions generation_of(const json& object, const RequestLimits& limits) {
  generate::GenerationOptions options;
  const auto tokens = in_range(1, limits.max_tokens);
  read(object, "max_tokens", options.max_new_tokens, tokens);
  read(object, "max_completion_tokens", options.max_new_tokens, tokens);
  read(object, "temperature", options.temperature, in_range(0, 1000));
  std::optional<double> top_p;
  std::optional<int64_t> top_k;
  read(object, "top_p", top_p, in_range(open(0), 1));
  read(object, "top_k", top_k, at_least(0));
  // Greedy decoding leaves nothing for these to choose.
  if (options.samples()) {
    options.top_p = top_p;
    options.top_k = top_k;
  }
  read(object, "repetition_penalty", options.repetition_penalty, in_range(open(0), 1000));
  std::optional<int64_t> seed;
  read(object, "seed", seed, {});
  if (seed) options.seed = *seed;
  return options;
}

}  // namespace

AskedChat asked_chat(const json& object, const RequestLimits& limits) {
  expect_possible(object);
  const auto found = object.find("messages");
  if (found == object.end() || !found->is_array())
    fail_expected({"messages", "a list of messages", found == object.end() ? "none" : json_shown(*found)});
  if (found->empty()) fail_expected({"messages", "a list of messages", "an empty one"});
  AskedChat chat;
  chat.asked.model = json_value(object, "model", std::string(), kSource);
  chat.asked.stream = json_value(object, "stream", false, kSource);
  chat.logprobs = json_value(object, "logprobs", false, kSource);
  if (const auto options = object.find("stream_options"); options != object.end() && !options->is_null()) {
    if (!options->is_object()) fail_expected({"stream_options", "an object", json_shown(*options)});
    chat.include_usage = json_value(*options, "include_usage", false, "stream_options");
  }
  const auto generation = generation_of(object, limits);
  Messages messages(limits);
  for (size_t i = 0; i < found->size(); ++i) messages.add((*found)[i], i);
  chat.asked.job.request = messages.request();
  chat.asked.files = messages.files();
  chat.asked.job.request.generation = generation;
  return chat;
}

}  // namespace ccexpert::serve
