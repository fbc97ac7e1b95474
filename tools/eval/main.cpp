#include "eval/eval_command.h"

int main(int count, char** arguments) {
  return ccexpert::tools::run_eval_command(count, arguments);
}
