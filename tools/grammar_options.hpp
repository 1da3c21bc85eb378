// SPDX-License-Identifier: MIT
// What text may be generated, on the command line: a JSON schema, a grammar, a regular expression or choices.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "include/linnet.hpp"
#include "tools/command_line.hpp"

namespace tools {

struct GrammarOptions {
    std::string schema_file;
    std::string grammar_file;
    std::string regex;
    std::vector<std::string> choices;
    bool compact = false;
};

void add_grammar_options(const Command& command, GrammarOptions& options);

// None when none was asked for. Throws UsageError for a file that cannot be read.
std::optional<linnet::Grammar> make_grammar(const linnet::Model& model, const GrammarOptions& options);

}  // namespace tools
