#include "caption/caption_command.h"
#include "common/standard_output.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  return with_standard_output("ccexpert-caption", run_caption_command(count, arguments));
}
