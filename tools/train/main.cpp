#include "train/train_command.h"

int main(int count, char** arguments) {
  return ccexpert::tools::run_train_command(count, arguments);
}
