#include <algorithm>
#include <ranges>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/text/prompt.h>

#include "core/foreign_errors.h"
#include "core/printable.h"

namespace ccexpert::text {
namespace {

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

/// Returns the marks of `images` images that a question may have.
std::string expected_marks(size_t images) {
  switch (images) {
    case 0:
      return "no image mark";
    case 1:
      return fmt::format("{}, <image1> or no image mark", kImageTag);
    case 2:
      return fmt::format("{} twice, <image1> and then <image2>, or no image mark", kImageTag);
    default:
      return fmt::format("{0} {1} times, <image1> to <image{1}> in order, or no image mark", kImageTag,
                         images);
  }
}

/// Checks the marks: images enter the prompt in their order, whatever their marks are called.
void expect_all_images(std::string_view what, const std::vector<ImageMark>& marks, size_t images) {
  const auto equal = [&](auto&& name) {
    for (size_t i = 0; i < marks.size(); ++i) {
      if (marks[i].text != name(i)) return false;
    }
    return marks.size() == images;
  };
  const auto tag = [](size_t) { return std::string(kImageTag); };
  const auto numbered = [](size_t i) { return fmt::format("<image{}>", i + 1); };
  if (marks.empty() || equal(tag) || equal(numbered)) return;
  std::vector<std::string> texts;
  for (const auto& mark : marks) texts.push_back(mark.text);
  fail_expected({what, expected_marks(images), first_few(texts, 4)});
}

void refuse_markup(std::string_view what, std::string_view text, const ChatTemplate& chat) {
  const auto refuse = [&](std::string_view markup) {
    if (text.find(markup) == std::string_view::npos) return;
    fail_expected({what, "plain text", fmt::format("the chat markup {}", markup)});
  };
  for (const auto& markup : chat.reserved_texts) refuse(markup);
  if (chat.image_mark != kImageTag) refuse(chat.image_mark);
}

/// Returns the text with the template's mark for each kImageTag, and the texts around an image.
std::string with_image_marks(std::string text, const ChatTemplate& chat) {
  const auto image = chat.image_start + chat.image_mark + chat.image_end;
  for (size_t at = text.find(kImageTag); at != std::string::npos;
       at = text.find(kImageTag, at + image.size()))
    text.replace(at, kImageTag.size(), image);
  return text;
}

/// Adds the template's token before a prompt. Throws Error if the tokenizer lacks it.
void append_first_token(const Tokenizer& tokenizer, const ChatTemplate& chat, std::vector<int64_t>& ids) {
  if (chat.first_token.empty()) return;
  const auto id = tokenizer.token_id(chat.first_token);
  if (!id) fail_expected({"tokenizer", fmt::format("a token {}", chat.first_token), "none"});
  ids.push_back(*id);
}

/// Adds caption and end of turn to the prompt in `ids`, tokenised by themselves.
TrainingExample with_caption_apart(const Tokenizer& tokenizer, std::vector<int64_t> ids,
                                   const std::string& caption) {
  TrainingExample example{.ids = std::move(ids), .labels = {}};
  example.labels.assign(example.ids.size(), kIgnoredLabel);
  const auto targets = tokenizer.encode(caption);
  for (auto* list : {&example.ids, &example.labels})
    list->insert(list->end(), targets.begin(), targets.end());
  return example;
}

std::string whole_turn(const TurnMarks& marks, std::string_view content) {
  return fmt::format("{}{}{}{}", marks.start, content, marks.end, marks.separator);
}

void append_with_images(const Tokenizer& tokenizer, std::string_view text, std::string_view mark,
                        std::vector<int64_t>& ids) {
  while (true) {
    const size_t image = text.find(mark);
    const auto piece = tokenizer.encode(text.substr(0, image));
    ids.insert(ids.end(), piece.begin(), piece.end());
    if (image == std::string_view::npos) return;
    ids.push_back(kImagePlaceholder);
    text.remove_prefix(image + mark.size());
  }
}

/// Returns a text of a turn after the first question.
std::string without_images(std::string_view what, std::string_view text, const ChatTemplate& chat) {
  refuse_markup(what, text, chat);
  expect_all_images(what, image_marks(text), 0);
  return std::string(text);
}

/// Returns the assistant's turn before another one of the user.
std::string past_answer(std::string_view answer, const ChatTemplate& chat) {
  auto marks = chat.assistant;
  // MiniGPT-4's turns begin with the mark that ends the one before.
  if (chat.user.start.starts_with(marks.end)) marks.end.clear();
  return whole_turn(marks, chat.caption_lead + without_images("answer", answer, chat));
}

/// Returns all text before the next answer.
std::string conversation_text(std::span<const PastTurn> past, std::string_view question,
                              const PromptFormat& format) {
  const auto& chat = format.chat;
  auto text = chat.system_text.empty() ? std::string() : whole_turn(chat.system, chat.system_text);
  auto ask = [&, first = true](std::string_view asked) mutable {
    text += whole_turn(chat.user, first ? with_image_marks(complete_question(asked, format), chat)
                                        : without_images("question", asked, chat));
    first = false;
  };
  for (const auto& turn : past) {
    ask(turn.question);
    text += past_answer(turn.answer, chat);
  }
  ask(question);
  return text + chat.assistant.start;
}

/// Makes the tokens that the template always learns targets, in every turn.
void add_common_targets(const Tokenizer& tokenizer, const ChatTemplate& chat, TrainingExample& example) {
  auto targets = chat.target_ids;
  for (const auto& text : chat.target_texts) {
    if (const auto id = tokenizer.token_id(text)) targets.push_back(*id);
  }
  for (size_t i = 0; i < example.ids.size(); ++i) {
    if (std::ranges::find(targets, example.ids[i]) != targets.end()) example.labels[i] = example.ids[i];
  }
}

}  // namespace

std::string_view standard_question(PromptStyle style) {
  switch (style) {
    case PromptStyle::kReference:
      return kReferenceQuestion;
    case PromptStyle::kPaper:
      return kPaperQuestion;
    case PromptStyle::kUnset:
      break;
  }
  return {};
}

std::string chosen_question(std::string_view question, PromptStyle style) {
  if (style == PromptStyle::kUnset) return std::string(question);
  const auto standard = standard_question(style);
  if (!question.empty() && complete_question(question) != standard) {
    fail("question", fmt::format("contradicts the prompt style {}", name_of(style)),
         "give the question or the style, not both");
  }
  return std::string(standard);
}

std::string complete_question(std::string_view question, const PromptFormat& format) {
  refuse_markup("question", question, format.chat);
  const auto marks = image_marks(question);
  expect_all_images("question", marks, format.images);
  std::string complete(question);
  if (marks.empty()) {
    for (size_t i = 0; i < format.images; ++i) complete = fmt::format("{}\n{}", kImageTag, complete);
  }
  // In reverse order, so that earlier positions stay valid.
  for (const auto& mark : std::views::reverse(marks)) complete.replace(mark.begin, mark.size, kImageTag);
  return complete;
}

std::string chat_prompt(std::string_view question, const PromptFormat& format) {
  return conversation_text({}, question, format);
}

std::vector<int64_t> encode_prompt(const Tokenizer& tokenizer, std::string_view question,
                                   const PromptFormat& format) {
  return encode_conversation(tokenizer, {}, question, format);
}

std::vector<int64_t> encode_conversation(const Tokenizer& tokenizer, std::span<const PastTurn> past,
                                         std::string_view question, const PromptFormat& format) try {
  std::vector<int64_t> ids;
  append_first_token(tokenizer, format.chat, ids);
  append_with_images(tokenizer, conversation_text(past, question, format), format.chat.image_mark, ids);
  return ids;
} catch (...) {
  rethrow_as_error();
}

int64_t spliced_length(const std::vector<int64_t>& ids, int64_t tokens_per_image) {
  const auto images = std::ranges::count(ids, kImagePlaceholder);
  return std::ssize(ids) + images * (tokens_per_image - 1);
}

TrainingExample encode_training_example(const Tokenizer& tokenizer, const QuestionAndCaption& texts,
                                        LabelStyle style, const PromptFormat& format) try {
  const auto& marks = format.chat.assistant;
  TrainingExample example;
  example.ids = encode_prompt(tokenizer, texts.question, format);
  if (format.chat.caption_apart) {
    return with_caption_apart(tokenizer, std::move(example.ids),
                              fmt::format("{}{}", texts.caption, marks.end));
  }
  const auto header = tokenizer.encode(marks.start);
  const size_t caption_start = example.ids.size();
  // The reference tokenises the turn as one text, so header and caption are encoded together and the header
  // is removed afterwards.
  const auto answer = fmt::format("{}{}", format.chat.caption_lead, texts.caption);
  const auto turn = tokenizer.encode(whole_turn(marks, answer));
  example.ids.insert(example.ids.end(), turn.begin() + std::ssize(header), turn.end());
  example.labels.assign(example.ids.size(), kIgnoredLabel);
  const bool reference = style == LabelStyle::kReference;
  const size_t first = reference ? caption_start - header.size() : caption_start;
  // The separator after the turn is also a target in the reference, but not part of the caption.
  const size_t left_out = reference ? 0 : tokenizer.encode(marks.separator).size();
  std::copy(example.ids.begin() + static_cast<std::ptrdiff_t>(first),
            example.ids.end() - static_cast<std::ptrdiff_t>(left_out),
            example.labels.begin() + static_cast<std::ptrdiff_t>(first));
  if (reference) add_common_targets(tokenizer, format.chat, example);
  return example;
} catch (...) {
  rethrow_as_error();
}

std::vector<int64_t> stop_token_ids(const Tokenizer& tokenizer, const ChatTemplate& chat) {
  std::vector<int64_t> ids;
  for (const auto& text : chat.stop_texts) {
    if (const auto id = tokenizer.token_id(text)) ids.push_back(*id);
  }
  if (ids.empty()) {
    fail_expected({"tokenizer", fmt::format("a token {}", fmt::join(chat.stop_texts, " or ")),
                   chat.stop_texts.size() == 2 ? "neither" : "none"});
  }
  return ids;
}

}  // namespace ccexpert::text
