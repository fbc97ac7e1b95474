/// Format of the conversations that a language model was trained with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ccexpert::text {

/// Texts around the content of a turn.
struct TurnMarks {
  std::string start;      ///< before the content; names the speaker
  std::string end;        ///< after the content
  std::string separator;  ///< between this turn and the next; not part of the turn
};

/// A prompt consists of the system turn, the user's turn with the question, and the start of the assistant's
/// turn. The caption and the end of the assistant's turn complete a training example.
struct ChatTemplate {
  std::string system_text;              ///< content of the system turn; empty: there is no system turn
  TurnMarks system = {};                ///< around the system's text
  TurnMarks user = {};                  ///< around the user's text
  TurnMarks assistant = {};             ///< around the answer
  std::string image_mark;               ///< text of an image in a prompt; not empty
  std::vector<std::string> stop_texts;  ///< tokens that end a caption, the usual one first
  std::vector<std::string> reserved_texts = {};  ///< markup that a question must not contain
  /// Tokens that are targets in every turn with LabelStyle::kReference: by text, and by id.
  std::vector<std::string> target_texts = {};
  std::vector<int64_t> target_ids = {};  ///< tokens of the answer's end that are learnt
  /// Text between the assistant's start and a caption in a training example; a model generates it itself.
  std::string caption_lead = {};
  std::string first_token = {};  ///< special token before the whole prompt; empty: none
  std::string image_start = {};  ///< text before an image
  std::string image_end = {};    ///< text after an image
  /// True if the caption and the end of its turn are tokenised as a text of their own, and only they are
  /// targets, with any LabelStyle.
  bool caption_apart = false;
};

/// Returns ChatML with the system turn of Qwen2, the format of CCExpert's training.
const ChatTemplate& qwen2_chat_template();

/// Returns ChatML as Qwen3 writes it with thinking switched off: no system turn, and an empty block of
/// thoughts at the start of the assistant's turn, in prompts and training examples alike.
const ChatTemplate& qwen3_chat_template();

/// Returns the format of Vicuna 1.1 ("v1"), with its system text: LLaVA-1.5's.
const ChatTemplate& vicuna_chat_template();

/// Returns the format of MiniGPT-4 with Vicuna v0: "###Human: ... ###Assistant: " without a system turn, as
/// in its training, and images between `<Img>` and `</Img>`. A caption ends at the first token of "###".
const ChatTemplate& minigpt4_chat_template();

}  // namespace ccexpert::text
