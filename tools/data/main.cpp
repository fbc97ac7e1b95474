#include "common/standard_streams.h"
#include "data/data_command.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  return run_program("ccexpert-data", [&] { return run_data_command(count, arguments); });
}
