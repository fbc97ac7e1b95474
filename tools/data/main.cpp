#include "common/standard_output.h"
#include "data/data_command.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  return with_standard_output("ccexpert-data", run_data_command(count, arguments));
}
