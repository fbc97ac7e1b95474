#include "common/standard_streams.h"
#include "eval/eval_command.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  return run_program("ccexpert-eval", [&] { return run_eval_command(count, arguments); });
}
