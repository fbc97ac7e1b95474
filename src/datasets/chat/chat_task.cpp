#include "datasets/chat/chat_task.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "core/ascii.h"
#include "core/json.h"
#include "datasets/caption_text.h"
#include "datasets/words.h"
#include "page/thumbnails.h"

namespace ccexpert::datasets {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr size_t kMostWords = 80;

constexpr const char* kSystem =
    "You write captions for a data set of image change captioning. Every pair shows one scene at two times. "
    "A caption "
    "says in one plain English sentence what is different in the second image: what changed, how many, "
    "where, and how "
    "large. Say only what the images or the given texts support. Shadows, light, seasons and the camera's "
    "position are "
    "no change.";

std::string numbered(const char* title, const std::vector<std::string>& texts) {
  if (texts.empty()) return "";
  std::string text = title;
  for (size_t i = 0; i < texts.size(); ++i) text += fmt::format("\n{}. {}", i + 1, texts[i]);
  return text + "\n\n";
}

std::string known(const ChatPair& pair) {
  std::string text =
      numbered("Captions of the pair:", pair.pair.captions) + numbered("Known facts:", pair.facts);
  if (pair.pair.changed) {
    text += *pair.pair.changed ? "The pair is known to have changed.\n\n"
                               : "The pair is known not to have changed.\n\n";
  }
  return text;
}

std::string form(int64_t count) {
  return fmt::format("Answer with a JSON array of exactly {} different strings and nothing else.", count);
}

std::string request_of(AnnotateTask task, int64_t count) {
  switch (task) {
    case AnnotateTask::kMerge:
      return fmt::format(
          "Write {} captions, each of which says in one sentence all that the captions above say together. "
          "{}",
          count, form(count));
    case AnnotateTask::kRephrase:
      return fmt::format(
          "Write {} captions that say the same as those above in other words and other sentence forms. {}",
          count, form(count));
    case AnnotateTask::kEnrich:
      return fmt::format(
          "Rewrite and refine the captions above as {} captions: mend grammar and spelling, drop what is "
          "vague or "
          "repeated, and add what the known facts say of number, place and size. {}",
          count, form(count));
    case AnnotateTask::kDescribe:
      break;
  }
  return fmt::format("Now write {} captions of the change. {}", count, form(count));
}

ordered_json text_message(const char* role, const std::string& text) {
  return {{"role", role}, {"content", text}};
}

ordered_json image_part(const std::filesystem::path& file, int64_t side) {
  const auto image = image::decode_image(file);
  const auto small = page::thumbnail(image, std::min(side, std::max(image.height, image.width)));
  return {{"type", "image_url"}, {"image_url", {{"url", page::data_uri(small)}}}};
}

/// First of three turns: description of both images.
ordered_json images_message(const ChatPair& pair, int64_t side) {
  auto parts = ordered_json::array();
  parts.push_back({{"type", "text"}, {"text", "The first image:"}});
  parts.push_back(image_part(pair.pair.before, side));
  parts.push_back({{"type", "text"}, {"text", "The second image:"}});
  parts.push_back(image_part(pair.pair.after, side));
  parts.push_back(
      {{"type", "text"},
       {"text",
        "Describe in a few sentences what the first image shows, and then what the second one shows."}});
  return {{"role", "user"}, {"content", parts}};
}

/// Second turn: the differences, checked against the mask facts.
std::string differences_request(const ChatPair& pair) {
  return known(pair) +
         "List the differences between both images, and hold each against the known facts. Leave out what "
         "contradicts them.";
}

/// Returns the answer without the thoughts that some models put before it.
std::string_view without_thoughts(std::string_view answer) {
  constexpr std::string_view kEnd = "</think>";
  const auto end = answer.rfind(kEnd);
  if (end != std::string_view::npos) return answer.substr(end + kEnd.size());
  return answer.substr(0, answer.find("<think>"));
}

/// Returns the length of the array at the start of `text`, by its brackets; 0 if it does not end.
size_t array_length(std::string_view text) {
  size_t depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if ((c == ']' || c == '}') && --depth == 0) {
      return i + 1;
    }
  }
  return 0;
}

/// Returns the start of an array whose first element is a string; npos if there is none.
size_t find_array(std::string_view text) {
  auto start = text.find('[');
  while (start != std::string_view::npos) {
    const auto next = text.find_first_not_of(" \t\r\n", start + 1);
    if (next != std::string_view::npos && text[next] == '"') break;
    start = text.find('[', start + 1);
  }
  return start;
}

/// Returns the JSON arrays of an answer that start with a string, even if fenced or surrounded by prose.
std::vector<json> arrays_of(const std::string& answer) {
  constexpr int kMostTries = 16;
  std::vector<json> arrays;
  auto text = without_thoughts(answer);
  for (int tries = 0; tries < kMostTries; ++tries) {
    const auto start = find_array(text);
    if (start == std::string_view::npos) break;
    const auto size = array_length(text.substr(start));
    auto array = try_parse_json(text.substr(start, size));
    text.remove_prefix(start + (array ? size : 1));
    if (array) arrays.push_back(std::move(*array));
  }
  return arrays;
}

bool speaks_of_itself(const std::string& caption) {
  constexpr std::array<std::string_view, 6> kPhrases{"as an ai",  "i cannot",       "i can't",
                                                     "i'm sorry", "language model", "i am unable"};
  const auto lower = ascii_lower_case(caption);
  return std::any_of(kPhrases.begin(), kPhrases.end(),
                     [&](std::string_view phrase) { return lower.find(phrase) != std::string::npos; });
}

std::string problem_of_caption(const std::string& caption) {
  const auto words = words_of(caption).size();
  if (caption.empty()) return "a caption is blank";
  if (words < 2) return fmt::format("'{}' is no sentence", caption);
  if (words > kMostWords) return fmt::format("a caption has {} words; at most {} will do", words, kMostWords);
  if (speaks_of_itself(caption)) return "a caption speaks of you and not of the images";
  return "";
}

std::string problem_of_flag(const std::vector<std::string>& captions, const std::optional<bool>& changed) {
  if (!changed) return "";
  const auto unchanged = std::count_if(captions.begin(), captions.end(), says_no_change);
  if (*changed && unchanged > 0)
    return "a caption says that nothing changed, but the pair is known to have changed";
  const bool all = unchanged == static_cast<std::ptrdiff_t>(captions.size());
  if (!*changed && !all)
    return "a caption speaks of a change, but the pair is known not to have changed: say that nothing "
           "changed";
  return "";
}

/// Returns the problem of an array as a list of captions, or "".
std::string problem_of_array(const json& array, const ChatPair& pair, int64_t count,
                             std::vector<std::string>& captions) {
  if (static_cast<int64_t>(array.size()) != count)
    return fmt::format("the array has {} elements, not {}", array.size(), count);
  captions.clear();
  for (const auto& each : array) {
    if (!each.is_string()) return "an element of the array is no string";
    captions.push_back(clean_caption(each.get<std::string>()));
    if (auto problem = problem_of_caption(captions.back()); !problem.empty()) return problem;
  }
  for (auto each = captions.begin(); each != captions.end(); ++each) {
    if (std::find(captions.begin(), each, *each) != each) return fmt::format("'{}' stands twice", *each);
  }
  return problem_of_flag(captions, pair.pair.changed);
}

/// Asks until the answer is usable.
std::vector<std::string> captions_from(ordered_json messages, const ChatPair& pair,
                                       const AnnotateOptions& options, const Ask& ask) {
  std::string problem;
  for (int64_t attempt = 0; attempt < options.attempts; ++attempt) {
    const auto answer = ask(messages);
    std::vector<std::string> captions;
    problem = problem_of(answer, pair, options.captions, captions);
    if (problem.empty()) return captions;
    messages.push_back(text_message("assistant", answer));
    messages.push_back(
        text_message("user", fmt::format("That will not do: {}. {}", problem, form(options.captions))));
  }
  fail("answer", fmt::format("none of {} was usable; problem of the last: {}", options.attempts, problem));
}

}  // namespace

int64_t turns_of(AnnotateTask task) {
  return task == AnnotateTask::kDescribe ? 3 : 1;
}

ordered_json first_messages(const ChatPair& pair, const AnnotateOptions& options) {
  auto messages = ordered_json::array({text_message("system", kSystem)});
  if (options.task == AnnotateTask::kDescribe) {
    messages.push_back(images_message(pair, options.image_side));
  } else {
    messages.push_back(text_message("user", known(pair) + request_of(options.task, options.captions)));
  }
  return messages;
}

std::vector<std::string> converse(const ChatPair& pair, const AnnotateOptions& options, const Ask& ask) {
  const bool from_images = options.task == AnnotateTask::kDescribe;
  if (!from_images && pair.pair.captions.empty()) {
    fail_expected({"captions", "at least one", "none", "the task describe writes them from the images"});
  }
  auto messages = first_messages(pair, options);
  if (from_images) {
    messages.push_back(text_message("assistant", ask(messages)));
    messages.push_back(text_message("user", differences_request(pair)));
    messages.push_back(text_message("assistant", ask(messages)));
    messages.push_back(text_message("user", request_of(options.task, options.captions)));
  }
  return captions_from(std::move(messages), pair, options, ask);
}

std::string problem_of(const std::string& answer, const ChatPair& pair, int64_t count,
                       std::vector<std::string>& captions) {
  std::string problem = "there is no JSON array of strings in it";
  for (const auto& array : arrays_of(answer)) {
    problem = problem_of_array(array, pair, count, captions);
    if (problem.empty()) break;
  }
  return problem;
}

}  // namespace ccexpert::datasets
