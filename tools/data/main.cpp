#include "data/data_command.h"

int main(int count, char** arguments) {
  return ccexpert::tools::run_data_command(count, arguments);
}
