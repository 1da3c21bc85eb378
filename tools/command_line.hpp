// SPDX-License-Identifier: MIT
// The command line as the commands describe it: options are data, and each stores into a variable. What parses is
// CLI11, known to command_line.cpp alone, as every file that includes it takes seconds to compile.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace CLI {
class App;
}

namespace tools {

// Where an option's value goes. A bool is a flag. A list takes one value each time its option is given, several of them
// where `Rule` has a separator, and all that follow where it is an argument without a name.
using Target = std::variant<bool*, std::string*, std::uint32_t*, std::uint64_t*, float*, std::vector<std::string>*>;

// What an option demands, and what its help shows.
struct Rule {
    bool required = false;
    bool show_default = false;               // the variable's value before parsing
    std::uint64_t least = 0;                 // with `most`: of a number
    std::uint64_t most = 0;                  // of a number, or of a list's values; 0: any
    std::vector<std::string> one_of = {};    // names; the variable gets one as it is spelt here
    bool any_case = false;                   // of what is given for `one_of`
    bool bytes = false;                      // a number with a unit: 500M, 2G (powers of 1024)
    char separator = 0;                      // between values of a list that are given at once
    std::vector<std::string> excludes = {};  // options, added before, that cannot be given together with this one
    std::string needs = {};                  // an option, added before, without which this one means nothing
};

// One command, such as `run`. A copy is the same command.
class Command {
  public:
    explicit Command(CLI::App& app) : app_(&app) {}

    // names: "-t,--threads", or "MODEL" for an argument by its place.
    void add_option(const char* names, Target target, const char* help, const Rule& rule = {}) const;

    // When the command is the chosen one.
    void on_run(std::function<void()> action) const;

    // While it runs: whether the option was given.
    bool given(const char* name) const;

  private:
    CLI::App* app_;
};

class CommandLine {
  public:
    CommandLine(const char* about, const char* version);
    ~CommandLine();
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

    // about: a paragraph for --help; example: to be copied.
    Command add(const char* name, const char* summary, const char* about, const char* example);

    // Runs the command that was chosen, or prints the help or version that was asked for. Throws UsageError for a
    // command line that does not fit, and what the command throws.
    void run(int argc, char** argv);

  private:
    std::unique_ptr<CLI::App> app_;
};

}  // namespace tools
