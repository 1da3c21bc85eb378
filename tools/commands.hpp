// SPDX-License-Identifier: MIT
// The subcommands of the linnet program. Each function adds one to the command line; when it is the chosen one, its
// callback runs it and stores the exit status (left alone when all went well). Failures are exceptions: UsageError ends
// the program with kExitUsage, any other with kExitFailure.
#pragma once

#include <stdexcept>
#include <string>

namespace CLI {
class App;
}

namespace tools {

inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void add_run(CLI::App& app, int& status);
void add_chat(CLI::App& app, int& status);
void add_inspect(CLI::App& app, int& status);
void add_plan(CLI::App& app, int& status);
void add_tokenize(CLI::App& app, int& status);
void add_detokenize(CLI::App& app, int& status);
void add_render(CLI::App& app, int& status);
void add_jinja(CLI::App& app, int& status);
void add_logits(CLI::App& app, int& status);
void add_embed(CLI::App& app, int& status);
void add_verify(CLI::App& app, int& status);
void add_imatrix(CLI::App& app, int& status);
void add_perplexity(CLI::App& app, int& status);
void add_bench(CLI::App& app, int& status);
void add_synth(CLI::App& app, int& status);
void add_quantize(CLI::App& app, int& status);
void add_compare(CLI::App& app, int& status);
void add_constrain(CLI::App& app, int& status);

}  // namespace tools
