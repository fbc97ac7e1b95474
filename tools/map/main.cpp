#include "common/standard_streams.h"
#include "map/map_command.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  return run_program("ccexpert-map", [&] { return run_map_command(count, arguments); });
}
