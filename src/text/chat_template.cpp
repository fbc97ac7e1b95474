#include <ccexpert/text/chat_template.h>

namespace ccexpert::text {

const ChatTemplate& qwen2_chat_template() {
  static const ChatTemplate chat{
      .system_text = "You are a helpful assistant.",
      .system = {"<|im_start|>system\n", "<|im_end|>", "\n"},
      .user = {"<|im_start|>user\n", "<|im_end|>", "\n"},
      .assistant = {"<|im_start|>assistant\n", "<|im_end|>", "\n"},
      .image_mark = "<image>",
      .stop_texts = {"<|im_end|>", "<|endoftext|>"},
      .reserved_texts = {"<|im_start|>", "<|im_end|>", "<|endoftext|>"},
      .target_texts = {"<|im_start|>", "<|im_end|>"},
      .target_ids = {198},  // newline; hard-coded in the released code for any vocabulary
  };
  return chat;
}

const ChatTemplate& qwen3_chat_template() {
  static const ChatTemplate chat = [] {
    auto made = qwen2_chat_template();
    made.system_text.clear();
    made.system = {};
    made.assistant.start += "<think>\n\n</think>\n\n";
    return made;
  }();
  return chat;
}

const ChatTemplate& vicuna_chat_template() {
  static const ChatTemplate chat{
      .system_text =
          "A chat between a curious user and an artificial intelligence assistant. The assistant "
          "gives helpful, detailed, and polite answers to the user's questions.",
      .system = {"<s>", "", " "},
      .user = {"USER: ", "", " "},
      .assistant = {"ASSISTANT:", "</s>", ""},
      .image_mark = "<image>",
      .stop_texts = {"</s>"},
      .reserved_texts = {"<s>", "</s>"},
      .caption_lead = " ",
  };
  return chat;
}

const ChatTemplate& minigpt4_chat_template() {
  static const ChatTemplate chat{
      .system_text = "",
      .user = {"###Human: ", " ", ""},
      .assistant = {"###Assistant: ", "###", ""},
      .image_mark = "<ImageHere>",
      // LLaMA's tokenizer cuts "###" into "##" and "#" after a word, and has one token of it after a blank.
      .stop_texts = {"##", "\u2581###", "</s>"},
      .reserved_texts = {"###", "<Img>", "</Img>", "<s>", "</s>"},
      .first_token = "<s>",
      .image_start = "<Img>",
      .image_end = "</Img>",
      .caption_apart = true,
  };
  return chat;
}

}  // namespace ccexpert::text
