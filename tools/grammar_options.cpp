// SPDX-License-Identifier: MIT
// Options of a constraint, of which a command line has one at most.
#include "tools/grammar_options.hpp"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/read_file.hpp"

namespace tools {

namespace {

std::string read_text(const std::string& path) {
    std::string text;
    if (!read_file(path, text)) throw UsageError("cannot read " + path);
    return text;
}

}  // namespace

void add_grammar_options(const Command& command, GrammarOptions& options) {
    command.add_option("--json-schema", &options.schema_file,
                       "File of a JSON schema: the text is a document that satisfies it");
    command.add_option("--grammar", &options.grammar_file, "File of a GBNF grammar: the text is its root",
                       {.excludes = {"--json-schema"}});
    command.add_option("--regex", &options.regex, "Regular expression that the whole text matches",
                       {.excludes = {"--json-schema", "--grammar"}});
    command.add_option("--choices", &options.choices, "The text is one of these, separated by commas",
                       {.separator = ',', .excludes = {"--json-schema", "--grammar", "--regex"}});
    command.add_option("--compact", &options.compact, "With --json-schema: no white space between JSON's tokens",
                       {.needs = "--json-schema"});
}

std::optional<linnet::Grammar> make_grammar(const linnet::Model& model, const GrammarOptions& options) {
    if (!options.schema_file.empty()) {
        const std::int32_t kind = options.compact ? LINNET_GRAMMAR_JSON_SCHEMA_COMPACT : LINNET_GRAMMAR_JSON_SCHEMA;
        return linnet::Grammar(model, kind, read_text(options.schema_file));
    }
    if (!options.grammar_file.empty()) {
        return linnet::Grammar(model, LINNET_GRAMMAR_GBNF, read_text(options.grammar_file));
    }
    if (!options.regex.empty()) return linnet::Grammar(model, LINNET_GRAMMAR_REGEX, options.regex);
    if (!options.choices.empty()) {
        return linnet::Grammar(model, LINNET_GRAMMAR_CHOICES, nlohmann::json(options.choices).dump());
    }
    return std::nullopt;
}

}  // namespace tools
