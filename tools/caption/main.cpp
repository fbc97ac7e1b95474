#include "caption/caption_command.h"
#include "common/standard_streams.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  return run_program("ccexpert-caption", [&] { return run_caption_command(count, arguments); });
}
