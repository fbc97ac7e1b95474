#include "common/standard_streams.h"
#include "serve/serve_command.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  return run_program("ccexpert-serve", [&] { return run_serve_command(count, arguments); });
}
