// The response of a chat server, and the journal of answers.
#include "datasets/chat/chat_journal.h"
#include "datasets/chat/chat_reply.h"
#include "datasets/chat/chat_task.h"
#include "fuzz/target.h"

namespace ccexpert::fuzz {
namespace {

void read_answer(std::string_view body) {
  datasets::refusal_of(body);
  const auto answer = datasets::answer_of(body);
  if (!answer) return;
  const datasets::ChatPair pair{
      .pair = {.uid = "a", .before = "a.png", .after = "b.png", .captions = {"a road"}, .changed = true}};
  std::vector<std::string> captions;
  for (const int64_t count : {1, 3}) datasets::problem_of(answer->text, pair, count, captions);
}

void read_journal(std::string_view bytes) {
  const auto file = Folder::shared().write("journal.jsonl", bytes);
  const bool added = reads([&] {
    datasets::ChatJournal journal(file);
    journal.add({1, 2}, {.text = std::string(bytes.substr(0, 100)), .finish = "stop"});
  });
  if (!added) return;
  reads([&] {
    expect(datasets::ChatJournal(file).find({1, 2}) != nullptr, "a journal keeps the answers that are added");
  });
}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = ccexpert::fuzz::text_of(data, size);
  ccexpert::fuzz::read_answer(bytes);
  ccexpert::fuzz::read_journal(bytes);
  return 0;
}
