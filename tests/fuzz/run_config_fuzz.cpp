// A run's YAML with overrides. The resolved config must read back the same.
#include <ccexpert/train/config.h>

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 3);
  const auto& folder = fuzz::Folder::shared();
  const auto file = folder.write("run.yaml", parts[0]);
  std::vector<std::string> overrides;
  for (const auto part : {parts[1], parts[2]}) {
    if (!part.empty()) overrides.emplace_back(part);
  }
  std::vector<train::TrainConfig> stages;
  if (!fuzz::reads([&] { stages = train::read_train_config(file, overrides); })) return 0;
  for (const auto& stage : stages) {
    const auto text = train::to_yaml_text(stage);
    const auto resolved = folder.write("resolved.yaml", text);
    std::vector<train::TrainConfig> again;
    fuzz::expect(fuzz::reads([&] { again = train::read_train_config(resolved, {}); }),
                 "what is written is read");
    fuzz::expect(again.size() == 1 && train::to_yaml_text(again.front()) == text,
                 "a config that is written reads as it was");
  }
  return 0;
}
