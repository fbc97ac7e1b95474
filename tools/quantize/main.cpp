#include "common/standard_streams.h"
#include "quantize/quantize_command.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  return run_program("ccexpert-quantize", [&] { return run_quantize_command(count, arguments); });
}
