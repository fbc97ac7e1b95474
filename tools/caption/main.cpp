#include "caption/caption_command.h"

int main(int count, char** arguments) {
  return ccexpert::tools::run_caption_command(count, arguments);
}
