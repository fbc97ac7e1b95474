#include "common/standard_streams.h"
#include "watch/watch_command.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  return run_program("ccexpert-watch", [&] { return run_watch_command(count, arguments); });
}
