/// The chat prompt that CCExpert was trained with (ChatML, system turn always present), and its labels.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/text/tokenizer.h>

namespace ccexpert::text {

/// Stands for an image in token ids; the model puts that image's N tokens in its place.
inline constexpr int64_t kImagePlaceholder = -200;
/// A label that the loss does not see.
inline constexpr int64_t kIgnoredLabel = -100;
/// Marks an image in a question.
inline constexpr std::string_view kImageTag = "<image>";

/// The question of the reference implementation.
inline constexpr std::string_view kReferenceQuestion =
    "This is the Image1 <image>. This is the second Image2 <image>.\n"
    "What difference happened from Image1 to Image2?";
/// The question as the paper words it.
inline constexpr std::string_view kPaperQuestion =
    "This is Image1 <image>. This is Image2 <image>. What difference happened from Image1 to Image2?";

/// The standard question of a style: "reference" or "paper". Throws Error for another name.
std::string_view standard_question(std::string_view style);

/// The question that a user chose: `question`, or the standard question of `style`; empty if both are empty.
/// Throws Error if both are given and differ.
std::string chosen_question(std::string_view question, std::string_view style);

/// The question with kImageTag where each image goes. `<image>` twice marks the images, or `<image1>` and
/// then
/// `<image2>` as the paper writes them; if no image is marked, both go before the question, each on a line of
/// its own. Throws Error for any other marks, and for chat markup, which would end the turn.
std::string complete_question(std::string_view question);

/// All text up to where the caption begins.
std::string chat_prompt(std::string_view question);

/// Token ids of `chat_prompt`, kImagePlaceholder where an image stands. Each piece of text between images is
/// tokenised by itself.
std::vector<int64_t> encode_prompt(const Tokenizer& tokenizer, std::string_view question);

/// Which tokens of a training example are targets.
enum class LabelStyle {
  kReference,    ///< the assistant's whole turn, and newline and turn marks wherever they stand (the released
                 ///< code)
  kCaptionOnly,  ///< the caption and the mark that ends it
};

struct TrainingExample {
  std::vector<int64_t> ids;     ///< prompt, caption, end of turn; kImagePlaceholder where an image stands
  std::vector<int64_t> labels;  ///< for each id itself or kIgnoredLabel; not shifted
};
TrainingExample encode_training_example(const Tokenizer& tokenizer, std::string_view question,
                                        std::string_view caption, LabelStyle style);

/// The ids that end a caption: <|im_end|> and <|endoftext|>. Throws Error where the tokenizer has neither.
std::vector<int64_t> stop_token_ids(const Tokenizer& tokenizer);

}  // namespace ccexpert::text
