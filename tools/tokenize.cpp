// SPDX-License-Identifier: MIT
// linnet tokenize and linnet detokenize: one JSON object a line in, one out, in order and flushed line by line, so that
// another program can use them as a service. A line that cannot be answered gives {"error": ...} and exit status 1.
#include <memory>
#include <memory_resource>
#include <string>

#include "base/memory.hpp"
#include "gguf/file.hpp"
#include "tokenizer/tokenizer.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/json_lines.hpp"

namespace tools {

namespace {

using linnet::Token;
using linnet::Tokenizer;

struct Options {
    std::string model;
    bool jsonl = false;
};

Json tokenize(const Tokenizer& tokenizer, const Json& line) {
    const linnet::TokenizeOptions flags = {.add_special = line.value("add_special", true),
                                           .parse_special = line.value("parse_special", true)};
    std::pmr::vector<Token> ids;
    tokenizer.encode(line.at("text").get_ref<const std::string&>(), flags, ids);
    return {{"ids", ids}};
}

std::string hex(std::string_view bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += {kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
    return text;
}

Json detokenize(const Tokenizer& tokenizer, const Json& line) {
    const bool skip_special = line.value("skip_special", false);
    const auto ids = line.at("ids").get<std::vector<Token>>();
    Json pieces = Json::array();
    std::pmr::string bytes;
    for (const Token id : ids) {
        if (id < 0 || static_cast<std::uint32_t>(id) >= tokenizer.n_vocab()) {
            throw std::runtime_error(fmt::format("id {} is not in the vocabulary of {}", id, tokenizer.n_vocab()));
        }
        bytes.clear();
        tokenizer.piece(id, !skip_special, bytes);
        pieces.push_back(hex(bytes));
    }
    bytes.clear();
    tokenizer.decode(ids, skip_special, bytes);
    linnet::TextStream stream;  // replaces invalid UTF-8, which JSON cannot carry
    std::pmr::string text;
    stream.push(bytes, text);
    stream.finish(text);
    return {{"text", std::string(text)}, {"pieces_hex", std::move(pieces)}};
}

template <class Answer>
void answer_with(const Options& options, int& status, Answer answer) {
    linnet::Memory memory;
    const auto file = linnet::gguf::File::open(options.model, true, memory);
    const Tokenizer tokenizer(file, memory, linnet::Log{});
    answer_lines(status, [&](const Json& line) { return answer(tokenizer, line); });
}

Command add(CommandLine& line, const char* name, const char* summary, const char* about, const char* example,
            Options& options) {
    const Command command = line.add(name, summary, about, example);
    command.add_option("MODEL", &options.model, "GGUF file; a vocabulary without tensors will do", {.required = true});
    command.add_option("--jsonl", &options.jsonl, "Read and write one JSON object a line (the only form there is)");
    return command;
}

}  // namespace

void add_tokenize(CommandLine& line, int& status) {
    auto options = std::make_shared<Options>();
    add(line, "tokenize", "Turn text into token ids",
        "Reads objects {\"text\", \"add_special\", \"parse_special\"} from the standard input, one a line, and writes "
        "{\"ids\"} for each. add_special (default true) adds the begin and end tokens that the model asks for; "
        "parse_special (default true) lets control tokens written in the text become their ids. A line that cannot be "
        "answered gives {\"error\"}, and the exit status is then 1.",
        "echo '{\"text\": \"Hello\"}' | linnet tokenize model.gguf --jsonl", *options)
        .on_run([options, &status] { answer_with(*options, status, tokenize); });
}

void add_detokenize(CommandLine& line, int& status) {
    auto options = std::make_shared<Options>();
    add(line, "detokenize", "Turn token ids into text",
        "Reads objects {\"ids\", \"skip_special\"} from the standard input, one a line, and writes {\"text\", "
        "\"pieces_hex\"} for each: the whole text, with U+FFFD where it is not valid UTF-8, and the bytes of each "
        "token "
        "in hexadecimal. skip_special (default false) leaves control tokens out. A line that cannot be answered gives "
        "{\"error\"}, and the exit status is then 1.",
        "echo '{\"ids\": [72, 105]}' | linnet detokenize model.gguf --jsonl", *options)
        .on_run([options, &status] { answer_with(*options, status, detokenize); });
}

}  // namespace tools
