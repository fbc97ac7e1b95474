// Start of ccexpert-caption. LibTorch needs a quarter of a second of processor time to load: this program
// links none of it, so that help, completion and errors of the command line are immediate, and becomes
// ccexpert-caption-run for everything else.
#include <ccexpert/core/error.h>

#include "caption/caption_options.h"
#include "common/exit_code.h"
#include "common/program_beside.h"
#include "common/standard_streams.h"

int main(int count, char** arguments) {
  using namespace ccexpert::tools;
  constexpr const char* kProgram = "ccexpert-caption-run";
  return run_program("ccexpert-caption", [&] {
    const auto parsed =
        parse_caption_command(count, arguments, [](const std::string&) { return std::string(); });
    // The versions are LibTorch's too: the other program tells them.
    const bool continues = !parsed.exit_code || (parsed.exit_code == kSuccess && parsed.text.empty());
    if (continues) become_program_beside(kProgram, arguments);
    return print_leave(parsed);
  });
}
