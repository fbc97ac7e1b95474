#include "common/completion.h"

#include <filesystem>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/manual_page.h"
#include "core/files.h"
#include "support/temporary_folder.h"
#include "tools/process.h"

namespace ccexpert::tools {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// A command with a flag, choices, a folder, text with characters of shells, and a subcommand.
class Manuals : public ::testing::Test {
 protected:
  Manuals() {
    app_.add_flag("-q,--quiet", quiet_, "print nothing: not [even] 'errors'")->group("Output");
    app_.add_option("-s,--shade", shade_, "shade of a line\\area")
        ->check(CLI::IsMember({"dark", "light"}))
        ->type_name("NAME")
        ->group("Output");
    app_.add_option("-o,--out", out_, "folder to write")->type_name("DIR")->group("Output");
    app_.add_option("--rows", rows_, "rows")->type_name("N")->capture_default_str()->group("Input");
    auto* mix = app_.add_subcommand("mix", "mix lists");
    mix->add_option("list", list_, "list to read")->type_name("FILE");
    mix->add_option("--weights", weights_, "weights")->type_name("N");
    mix->footer("One list\nor more.");
    app_.footer(
        "Examples:\n  look --rows 2\n  look mix a.json\n\nA look\ncontinues.\n\n"
        "Exit codes: 0 done,\n1 failed.");
  }

  /// Returns what a shell prints for `code` after it has read the completion as `completion`.
  std::string shell(const std::string& program, Shell kind, const std::string& code) const {
    const auto path = (folder_ / "completion").string();
    write_file(path, completion_script(app_, kind));
    std::vector<std::string> command{"/usr/bin/" + program};
    if (kind == Shell::kFish) command.emplace_back("--no-config");
    command.insert(command.end(), {"-c", "source '" + path + "'\n" + code});
    const auto result = test::run_process(command);
    EXPECT_EQ(result.err, "");
    return result.out;
  }

  static bool is_installed(const std::string& program) {
    return std::filesystem::exists("/usr/bin/" + program);
  }

  bool quiet_ = false;
  int rows_ = 1;
  std::string shade_, out_, list_;
  std::vector<int> weights_;
  CLI::App app_{"Looks at lists.", "look"};
  test::TemporaryFolder folder_;
};

TEST_F(Manuals, FishCompletesOptionsChoicesAndSubcommands) {
  if (!is_installed("fish")) GTEST_SKIP() << "fish is not installed";
  const auto completed = [&](const std::string& words) {
    return shell("fish", Shell::kFish, "complete -C'" + words + "'");
  };
  EXPECT_EQ(completed("look --qu"), "--quiet\tprint nothing: not [even] 'errors'\n");
  EXPECT_EQ(completed("look --shade d"), "dark\tshade of a line\\area\n");
  EXPECT_EQ(completed("look m"), "mix\tmix lists\n");
  EXPECT_EQ(completed("look mix --"), "--help\tPrint this help message and exit\n--weights\tweights\n");
}

TEST_F(Manuals, ZshGetsSpecificationsOfArguments) {
  if (!is_installed("zsh")) GTEST_SKIP() << "zsh is not installed";
  // Stands in for zsh's function, which works only at a prompt.
  const std::string code =
      "compdef() { :; }\n_arguments() { print -rl -- \"$@\"; state=$wanted; line=(mix); }\n"
      "_describe() { print -rl -- \"${(P)2}\"; print -rl -- \"${commands[@]}\"; }\n";
  const auto path = (folder_ / "zsh").string();
  write_file(path, code + completion_script(app_, Shell::kZsh) + "wanted=$1 _look\n");
  const auto top = test::run_process({"/usr/bin/zsh", "-f", path, "command"});
  EXPECT_EQ(top.err, "");
  EXPECT_THAT(top.out, AllOf(HasSubstr("(-q --quiet)--quiet[print nothing\\: not \\[even\\] 'errors']\n"),
                             HasSubstr("(-s --shade)--shade[shade of a line\\\\area]:NAME:(dark light)\n"),
                             HasSubstr("(-o --out)-o[folder to write]:DIR:_files -/\n"),
                             HasSubstr("(--rows)--rows[rows]:N: \n"), HasSubstr("\nmix:mix lists\n"),
                             Not(HasSubstr("--weights"))));
  const auto mix = test::run_process({"/usr/bin/zsh", "-f", path, "argument"});
  EXPECT_THAT(mix.out, AllOf(HasSubstr("*--weights[weights]:N: \n"), HasSubstr("*:FILE:_files\n")));
}

TEST_F(Manuals, ZshLoadsACompletionByItsFile) {
  if (!is_installed("zsh")) GTEST_SKIP() << "zsh is not installed";
  app_.name("my-look");
  write_file((folder_ / "_my-look").string(), completion_script(app_, Shell::kZsh));
  const auto code =
      "fpath=('" + (folder_ / "").string() +
      "'); _arguments() { print -r -- \"$1\" }; compdef() { print no }; autoload -U _my-look; _my-look";
  EXPECT_EQ(test::run_process({"/usr/bin/zsh", "-f", "-c", code}).out, "-C\n");
}

TEST_F(Manuals, BashOffersChoicesOfAnOption) {
  const std::string code =
      "COMP_WORDS=(look --shade ''); COMP_CWORD=2; _look; echo \"${COMPREPLY[@]}\"\n"
      "COMP_WORDS=(look -s l); COMP_CWORD=2; _look; echo \"${COMPREPLY[@]}\"\n"
      "COMP_WORDS=(look mix --); COMP_CWORD=2; _look; echo \"${COMPREPLY[@]}\"";
  write_file((folder_ / "completion").string(), completion_script(app_, Shell::kBash));
  const auto result =
      test::run_process({"/bin/bash", "-c", "source '" + (folder_ / "completion").string() + "'\n" + code});
  EXPECT_EQ(result.out, "dark light\nlight\n--help --weights\n");
}

TEST_F(Manuals, AManualPageHasEveryOptionOnce) {
  const auto page = manual_page(app_, "look 1.2");
  EXPECT_THAT(page,
              HasSubstr(".TH LOOK 1 \"\" \"look 1.2\" \"ccexpert\"\n.SH NAME\nlook \\- looks at lists\n"));
  EXPECT_THAT(page, HasSubstr(".SS Output\n.TP\n\\fB\\-q\\fR, \\fB\\-\\-quiet\\fR\n"
                              "print nothing: not [even] \\(aqerrors\\(aq\n"));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fB\\-s\\fR, \\fB\\-\\-shade\\fR \\fINAME\\fR\nshade of a line\\earea "
                              "(one of dark, light)\n"));
  EXPECT_THAT(page, HasSubstr("rows [default: 1]\n"));
  EXPECT_THAT(page, HasSubstr(".SH look mix\nmix lists\n.PP\n.nf\nlook mix [OPTIONS] [list]\n.fi\n"));
  EXPECT_THAT(page, HasSubstr(".SH EXAMPLES\n.nf\nlook \\-\\-rows 2\nlook mix a.json\n.fi\n"));
  EXPECT_THAT(page, HasSubstr(".SH NOTES\nA look continues.\n.SH EXIT STATUS\n0 done, 1 failed.\n"));
  EXPECT_THAT(page, HasSubstr(".PP\nOne list or more.\n"));
}

TEST_F(Manuals, GroffReadsAManualPageWithoutAWarning) {
  if (!is_installed("groff")) GTEST_SKIP() << "groff is not installed";
  const auto path = (folder_ / "look.1").string();
  write_file(path, manual_page(app_, "look 1.2"));
  const auto result = test::run_process({"/usr/bin/groff", "-man", "-ww", "-Tascii", "-P-cbou", path});
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, HasSubstr("-q, --quiet"));
}

}  // namespace
}  // namespace ccexpert::tools
