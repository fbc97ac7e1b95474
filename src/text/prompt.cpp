#include <algorithm>
#include <ranges>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/text/prompt.h>

#include "core/printable.h"

namespace ccexpert::text {
namespace {

constexpr std::string_view kTurnStart = "<|im_start|>";
constexpr std::string_view kTurnEnd = "<|im_end|>";
constexpr std::string_view kTextEnd = "<|endoftext|>";
constexpr int64_t kNewlineId = 198;  // hard-coded in the released code for any vocabulary

/// Image mark in a question: `<image>` or `<imageN>`.
struct ImageMark {
  size_t begin;
  size_t size;
  std::string text;
};

std::vector<ImageMark> image_marks(std::string_view text) {
  constexpr std::string_view kOpen = "<image";
  std::vector<ImageMark> marks;
  for (size_t at = text.find(kOpen); at != std::string_view::npos; at = text.find(kOpen, at + 1)) {
    const size_t close = text.find_first_not_of("0123456789", at + kOpen.size());
    if (close == std::string_view::npos || text[close] != '>') continue;
    const size_t size = close + 1 - at;
    marks.push_back({at, size, std::string(text.substr(at, size))});
  }
  return marks;
}

/// Checks the marks: images enter the prompt in the order of their dates, whatever their marks are called.
void expect_both_images(const std::vector<ImageMark>& marks) {
  const auto are = [&](std::string_view first, std::string_view second) {
    return marks.size() == 2 && marks[0].text == first && marks[1].text == second;
  };
  if (marks.empty() || are(kImageTag, kImageTag) || are("<image1>", "<image2>")) return;
  std::vector<std::string> texts;
  for (const auto& mark : marks) texts.push_back(mark.text);
  fail_expected({"question", fmt::format("{} twice, <image1> and then <image2>, or no image mark", kImageTag),
                 first_few(texts, 4)});
}

void append_with_images(const Tokenizer& tokenizer, std::string_view text, std::vector<int64_t>& ids) {
  while (true) {
    const size_t image = text.find(kImageTag);
    const auto piece = tokenizer.encode(text.substr(0, image));
    ids.insert(ids.end(), piece.begin(), piece.end());
    if (image == std::string_view::npos) return;
    ids.push_back(kImagePlaceholder);
    text.remove_prefix(image + kImageTag.size());
  }
}

}  // namespace

std::string_view standard_question(std::string_view style) {
  if (style == "reference") return kReferenceQuestion;
  if (style == "paper") return kPaperQuestion;
  fail_expected({"prompt style", "reference or paper", style});
}

std::string chosen_question(std::string_view question, std::string_view style) {
  if (style.empty()) return std::string(question);
  const auto standard = standard_question(style);
  if (!question.empty() && complete_question(question) != standard) {
    fail("question", fmt::format("contradicts the prompt style {}", style),
         "give the question or the style, not both");
  }
  return std::string(standard);
}

std::string complete_question(std::string_view question) {
  for (const auto markup : {kTurnStart, kTurnEnd, kTextEnd}) {
    if (question.find(markup) != std::string_view::npos) {
      fail_expected({"question", "plain text", fmt::format("the chat markup {}", markup)});
    }
  }
  const auto marks = image_marks(question);
  expect_both_images(marks);
  if (marks.empty()) return fmt::format("{0}\n{0}\n{1}", kImageTag, question);
  std::string complete(question);
  // In reverse order, so that earlier positions stay valid.
  for (const auto& mark : std::views::reverse(marks)) complete.replace(mark.begin, mark.size, kImageTag);
  return complete;
}

std::string chat_prompt(std::string_view question) {
  return fmt::format("{0}system\nYou are a helpful assistant.{1}\n{0}user\n{2}{1}\n{0}assistant\n",
                     kTurnStart, kTurnEnd, complete_question(question));
}

std::vector<int64_t> encode_prompt(const Tokenizer& tokenizer, std::string_view question) {
  std::vector<int64_t> ids;
  append_with_images(tokenizer, chat_prompt(question), ids);
  return ids;
}

TrainingExample encode_training_example(const Tokenizer& tokenizer, std::string_view question,
                                        std::string_view caption, LabelStyle style) {
  TrainingExample example;
  example.ids = encode_prompt(tokenizer, question);
  const auto header = tokenizer.encode(fmt::format("{}assistant\n", kTurnStart));
  const size_t caption_start = example.ids.size();
  // The reference tokenises the turn as one text, so header and caption are encoded together and the header
  // is removed afterwards.
  const auto turn = tokenizer.encode(fmt::format("{}assistant\n{}{}\n", kTurnStart, caption, kTurnEnd));
  example.ids.insert(example.ids.end(), turn.begin() + static_cast<std::ptrdiff_t>(header.size()),
                     turn.end());
  example.labels.assign(example.ids.size(), kIgnoredLabel);
  const bool reference = style == LabelStyle::kReference;
  const size_t first = reference ? caption_start - header.size() : caption_start;
  // The newline after the end of the turn is also a target in the reference, but not part of the caption.
  const size_t last = reference ? example.ids.size() : example.ids.size() - 1;
  std::copy(example.ids.begin() + static_cast<std::ptrdiff_t>(first),
            example.ids.begin() + static_cast<std::ptrdiff_t>(last),
            example.labels.begin() + static_cast<std::ptrdiff_t>(first));
  if (!reference) return example;
  const auto start = tokenizer.token_id(kTurnStart), end = tokenizer.token_id(kTurnEnd);
  for (size_t i = 0; i < example.ids.size(); ++i) {
    const int64_t id = example.ids[i];
    if (id == kNewlineId || id == start || id == end) example.labels[i] = id;
  }
  return example;
}

std::vector<int64_t> stop_token_ids(const Tokenizer& tokenizer) {
  std::vector<int64_t> ids;
  for (const auto token : {kTurnEnd, kTextEnd}) {
    if (const auto id = tokenizer.token_id(token)) ids.push_back(*id);
  }
  if (ids.empty()) fail_expected({"tokenizer", "a token <|im_end|> or <|endoftext|>", "neither"});
  return ids;
}

}  // namespace ccexpert::text
