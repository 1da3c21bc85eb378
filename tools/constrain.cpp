// SPDX-License-Identifier: MIT
// linnet constrain: compiles constraints and follows documents under them, token by token, as a generation would: each
// token has to be in the mask before it, and the end in the mask after the last. One JSON object a line in, one out.
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "constrain/matcher.hpp"
#include "gguf/file.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/json_lines.hpp"

namespace tools {

namespace {

using linnet::Token;
using linnet::constrain::Grammar;
using linnet::constrain::Matcher;
using linnet::constrain::TokenTrie;

struct Options {
    std::string model;
    bool jsonl = false;
};

// The processor's time: masks are made by one thread, and others share the machine.
double now_us() {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

double rounded(double us) { return static_cast<double>(static_cast<long long>(us * 100 + 0.5)) / 100; }

Grammar compile(const Json& line, linnet::Memory& memory) {
    const auto text = [&](const char* key) -> const std::string& { return line.at(key).get_ref<const std::string&>(); };
    if (line.contains("grammar")) return Grammar::from_gbnf(text("grammar"), memory);
    if (line.contains("regex")) return Grammar::from_regex(text("regex"), memory);
    if (line.contains("choices")) {
        std::vector<std::string_view> choices;
        for (const Json& choice : line.at("choices")) choices.emplace_back(choice.get_ref<const std::string&>());
        return Grammar::from_choices(choices, memory);
    }
    return Grammar::from_schema(line.at("schema").dump(), memory);
}

Json follow(Matcher& matcher, const linnet::Tokenizer& tokenizer, const Json& documents, Json& mask_us) {
    std::vector<std::uint64_t> mask(matcher.n_words());
    const auto allows = [&](Token token) {
        const auto id = static_cast<std::uint32_t>(token);
        return (mask[id / 64] >> id % 64 & 1U) != 0;
    };
    const auto fill = [&] {
        const double start = now_us();
        if (matcher.fill_mask(mask) != linnet::Status::ok) throw std::runtime_error(matcher.error_text());
        mask_us.push_back(rounded(now_us() - start));
    };
    Json accepted = Json::array();
    std::pmr::vector<Token> ids;
    for (const Json& document : documents) {
        matcher.reset();
        tokenizer.encode(document.get_ref<const std::string&>(), {.add_special = false, .parse_special = false}, ids);
        bool is_accepted = true;
        for (const Token id : ids) {
            fill();
            is_accepted = allows(id) && matcher.accept(id) == linnet::Status::ok;
            if (!is_accepted) break;
        }
        if (is_accepted) {
            fill();
            is_accepted = matcher.is_complete();
        }
        accepted.push_back(is_accepted);
        ids.clear();
    }
    return accepted;
}

void constrain(const Options& options, int& status) {
    linnet::Memory memory;
    const auto file = linnet::gguf::File::open(options.model, true, memory);
    const linnet::Tokenizer tokenizer(file, memory, linnet::Log{});
    const TokenTrie trie(tokenizer, memory);
    answer_lines(status, [&](const Json& request) -> Json {
        const double start = now_us();
        const Grammar grammar = compile(request, memory);
        Matcher matcher(grammar, trie, memory);
        const double compile_us = rounded(now_us() - start);
        Json mask_us = Json::array();
        Json accepted = follow(matcher, tokenizer, request.value("documents", Json::array()), mask_us);
        return {{"accepted", std::move(accepted)}, {"compile_us", compile_us}, {"mask_us", std::move(mask_us)}};
    });
}

}  // namespace

void add_constrain(CommandLine& line, int& status) {
    auto options = std::make_shared<Options>();
    const Command command = line.add(
        "constrain", "Check documents against a schema, grammar, regex or choices",
        "Reads objects {\"schema\", \"documents\"} from the standard input, one a line; instead of the JSON schema "
        "there may be a \"grammar\" (GBNF text), a \"regex\" or \"choices\" (a list of texts). Each document is "
        "turned into tokens, which have to be in the masks that a generation under the constraint would use. "
        "Writes {\"accepted\": [bool, ...], \"compile_us\", \"mask_us\": [of every token]} for each, times in "
        "microseconds of the processor, or {\"error\"}, and the exit status is then 1.",
        "echo '{\"schema\": {\"type\": \"integer\"}, \"documents\": [\"12\", \"x\"]}' | linnet constrain model.gguf "
        "--jsonl");
    command.add_option("VOCAB", &options->model, "GGUF file; a vocabulary without tensors will do", {.required = true});
    command.add_option("--jsonl", &options->jsonl, "Read and write one JSON object a line (the only form there is)");
    command.on_run([options, &status] { constrain(*options, status); });
}

}  // namespace tools
