/// Prompts and training examples in the format of a chat template.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/core/names.h>
#include <ccexpert/text/chat_template.h>
#include <ccexpert/text/tokenizer.h>

namespace ccexpert::text {

/// Placeholder for an image in token ids; the model replaces it with that image's N tokens.
inline constexpr int64_t kImagePlaceholder = -200;
/// Label that the loss ignores.
inline constexpr int64_t kIgnoredLabel = -100;
/// Tag of an image in a question.
inline constexpr std::string_view kImageTag = "<image>";

/// Question of the reference implementation.
inline constexpr std::string_view kReferenceQuestion =
    "This is the Image1 <image>. This is the second Image2 <image>.\n"
    "What difference happened from Image1 to Image2?";
/// Question in the paper's wording.
inline constexpr std::string_view kPaperQuestion =
    "This is Image1 <image>. This is Image2 <image>. What difference happened from Image1 to Image2?";

/// Wording of the standard question.
enum class PromptStyle {
  kUnset,
  kReference,  ///< kReferenceQuestion
  kPaper,      ///< kPaperQuestion
};
constexpr auto names_of(PromptStyle) {
  return std::to_array<Name<PromptStyle>>(
      {{PromptStyle::kUnset, ""}, {PromptStyle::kReference, "reference"}, {PromptStyle::kPaper, "paper"}});
}

/// Returns the standard question of a style; empty for kUnset.
std::string_view standard_question(PromptStyle style);

/// Returns the user's question: `question`, or the standard question of `style`; empty if neither is given.
/// Throws Error if both are given and differ.
std::string chosen_question(std::string_view question, PromptStyle style);

/// Format of a prompt. The default is CCExpert's: a pair of images, and Qwen2's template.
struct PromptFormat {
  ChatTemplate chat = qwen2_chat_template();  ///< format of turns
  size_t images = 2;                          ///< images of a prompt
};

/// Returns the question with kImageTag for each image. `<image>` for each image marks them, or `<image1>`,
/// `<image2>` and so on in order, as in the paper; if no image is marked, all precede the question, each on a
/// separate line. Throws Error for any other marks, and for chat markup, which would end the turn.
std::string complete_question(std::string_view question, const PromptFormat& format = {});

/// Returns all text before the caption.
std::string chat_prompt(std::string_view question, const PromptFormat& format);

/// Returns the token ids of `chat_prompt`, with kImagePlaceholder for each image. The pieces of text between
/// images are tokenised separately.
std::vector<int64_t> encode_prompt(const Tokenizer& tokenizer, std::string_view question,
                                   const PromptFormat& format);

/// Turn of a conversation that is over.
struct PastTurn {
  std::string question;  ///< the user's
  std::string answer;    ///< the model's
};

/// Returns the token ids of a conversation before its next answer, as `encode_prompt` without past turns. The
/// first question of all has the images, and no later text may mark one. Throws Error as `complete_question`.
std::vector<int64_t> encode_conversation(const Tokenizer& tokenizer, std::span<const PastTurn> past,
                                         std::string_view question, const PromptFormat& format);

/// Returns the number of tokens after each placeholder is replaced by the tokens of an image.
int64_t spliced_length(const std::vector<int64_t>& ids, int64_t tokens_per_image);

/// Choice of the target tokens in a training example.
enum class LabelStyle {
  kReference,    ///< the assistant's whole turn, and newline and turn marks anywhere (the released code)
  kCaptionOnly,  ///< the caption and its end mark
};
constexpr auto names_of(LabelStyle) {
  return std::to_array<Name<LabelStyle>>(
      {{LabelStyle::kReference, "reference"}, {LabelStyle::kCaptionOnly, "caption_only"}});
}

/// Texts of a training example.
struct QuestionAndCaption {
  std::string_view question;  ///< the user's turn
  std::string_view caption;   ///< the answer
};

struct TrainingExample {        ///< Tokens and labels of a sample
  std::vector<int64_t> ids;     ///< prompt, caption, end of turn; kImagePlaceholder for each image
  std::vector<int64_t> labels;  ///< per id: the id or kIgnoredLabel; not shifted
};
TrainingExample encode_training_example(const Tokenizer& tokenizer, const QuestionAndCaption& texts,
                                        LabelStyle style, const PromptFormat& format);  ///< of a sample

/// Returns the ids of the template's stop texts that the tokenizer has. Throws Error if it has none.
std::vector<int64_t> stop_token_ids(const Tokenizer& tokenizer, const ChatTemplate& chat);

}  // namespace ccexpert::text
