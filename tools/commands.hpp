// SPDX-License-Identifier: MIT
// The subcommands of the linnet program. Each function adds one to the command line; when it is the chosen one, its
// callback runs it and stores the exit status (left alone when all went well). Failures are exceptions: UsageError ends
// the program with kExitUsage, any other with kExitFailure.
#pragma once

#include <stdexcept>
#include <string>

namespace tools {

class CommandLine;

inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void add_run(CommandLine& line, int& status);
void add_chat(CommandLine& line, int& status);
void add_inspect(CommandLine& line, int& status);
void add_plan(CommandLine& line, int& status);
void add_tokenize(CommandLine& line, int& status);
void add_detokenize(CommandLine& line, int& status);
void add_render(CommandLine& line, int& status);
void add_jinja(CommandLine& line, int& status);
void add_logits(CommandLine& line, int& status);
void add_embed(CommandLine& line, int& status);
void add_verify(CommandLine& line, int& status);
void add_imatrix(CommandLine& line, int& status);
void add_perplexity(CommandLine& line, int& status);
void add_bench(CommandLine& line, int& status);
void add_synth(CommandLine& line, int& status);
void add_quantize(CommandLine& line, int& status);
void add_compare(CommandLine& line, int& status);
void add_constrain(CommandLine& line, int& status);

}  // namespace tools
