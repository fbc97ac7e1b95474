#include "common/standard_output.h"
#include "train/train_command.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  return with_standard_output("ccexpert-train", run_train_command(count, arguments));
}
