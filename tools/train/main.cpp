#include "common/standard_streams.h"
#include "train/train_command.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  return run_program("ccexpert-train", [&] { return run_train_command(count, arguments); });
}
