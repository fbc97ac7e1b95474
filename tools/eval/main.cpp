#include "common/standard_output.h"
#include "eval/eval_command.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  return with_standard_output("ccexpert-eval", run_eval_command(count, arguments));
}
