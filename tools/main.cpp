// SPDX-License-Identifier: MIT
// The linnet program: subcommands and exit status. 0: done, 1: failed, 2: the command line was wrong. Results go to
// stdout; messages go to stderr and begin with "linnet: ".
#include <cstdio>
#include <exception>
#include <iostream>

#include "include/linnet.h"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"

namespace {

constexpr const char* kAbout =
    "Linnet runs small language models from GGUF files on the CPU.\n\n"
    "Start with `linnet run -p \"Once upon a time\"`: it needs nothing but the small model that comes with Linnet. "
    "Then look at a model of your own (`linnet inspect FILE`, `linnet plan FILE`) and run it (`linnet run -m FILE`).\n"
    "`linnet COMMAND --help` explains a command and shows an example.";

int run(int argc, char** argv) {
    tools::CommandLine line(kAbout, linnet_version());
    int status = 0;
    for (const auto add :
         {tools::add_run, tools::add_chat, tools::add_inspect, tools::add_plan, tools::add_tokenize,
          tools::add_detokenize, tools::add_render, tools::add_jinja, tools::add_embed, tools::add_logits,
          tools::add_verify, tools::add_imatrix, tools::add_perplexity, tools::add_bench, tools::add_synth,
          tools::add_quantize, tools::add_compare, tools::add_constrain}) {
        add(line, status);
    }
    try {
        line.run(argc, argv);
        return status;
    } catch (const tools::UsageError& error) {
        std::cerr << "linnet: " << error.what() << '\n';
        return tools::kExitUsage;
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const int status = run(argc, argv);
        // A full disk or a closed pipe shows only here.
        std::cout.flush();
        if (!std::cout || std::fflush(stdout) != 0) {
            std::cerr << "linnet: cannot write to the standard output\n";
            return tools::kExitFailure;
        }
        return status;
    } catch (const std::exception& error) {
        std::cout.flush();
        std::cerr << "linnet: " << error.what() << '\n';
        return tools::kExitFailure;
    }
}
