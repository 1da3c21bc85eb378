// SPDX-License-Identifier: MIT
// linnet logits: the logits after each of some tokens, and a greedy continuation, as a golden file.
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/golden.hpp"
#include "tools/pass.hpp"
#include "tools/vectors.hpp"

namespace tools {

namespace {

using linnet::Token;

struct Options : PassOptions {
    std::string tokens;
    std::string out;
    std::uint32_t n_greedy = 0;
};

std::vector<Token> read_tokens(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error(path + ": cannot be opened");
    std::vector<Token> tokens;
    std::string word;
    while (in >> word) {
        std::size_t used = 0;
        try {
            tokens.push_back(std::stoi(word, &used));
        } catch (const std::exception&) {
            used = 0;
        }
        if (used != word.size()) throw UsageError(fmt::format("{}: '{}' is not a token id", path, word));
    }
    if (tokens.empty()) throw UsageError(path + ": no token ids");
    return tokens;
}

void logits(const Options& options) {
    const std::vector<Token> tokens = read_tokens(options.tokens);
    const auto model = load_model(options);
    const std::uint32_t n_vocab = model->spec().n_vocab;
    check_tokens(tokens, n_vocab);
    if (makes_vectors(model->spec())) {
        if (options.n_greedy != 0) throw UsageError("a model that makes vectors continues nothing: without --greedy");
        write_vectors(*model, tokens, options.out);
        return;
    }
    const std::size_t n_needed = tokens.size() + options.n_greedy;
    const std::size_t n_ctx = options.n_ctx != 0 ? options.n_ctx : n_needed;
    if (n_ctx < n_needed) {
        throw UsageError(fmt::format("--ctx {} is too small for {} tokens and {} greedy ones", n_ctx, tokens.size(),
                                     options.n_greedy));
    }
    const std::uint32_t chunk = chunk_size(options, n_vocab);
    linnet::Forward forward(*model, pass_shape(options, n_ctx, chunk, chunk));

    std::ofstream out(options.out, std::ios::binary);
    if (!out) throw std::runtime_error(options.out + ": cannot be written");
    GoldenHeader header;
    header.n_tokens = header.n_rows = static_cast<std::int32_t>(tokens.size());
    header.n_cols = static_cast<std::int32_t>(n_vocab);
    header.n_greedy = static_cast<std::int32_t>(options.n_greedy);
    write_items(out, std::span<const GoldenHeader>(&header, 1));
    write_items(out, std::span<const Token>(tokens));
    Best next{};
    feed(forward, tokens, 0, tokens.size(), [&](std::size_t i, std::span<const float> row) {
        write_items(out, row);
        if (i + 1 == tokens.size()) next = best(row);
    });

    std::vector<Token> greedy;
    std::vector<float> margins;
    for (std::uint32_t i = 0; i < options.n_greedy; ++i) {
        greedy.push_back(next.token);
        margins.push_back(next.margin);
        if (i + 1 < options.n_greedy) {
            run_pass(forward, {&greedy.back(), 1}, static_cast<std::uint32_t>(tokens.size() + i), 1);
            next = best(forward.logits());
        }
    }
    write_items(out, std::span<const Token>(greedy));
    write_items(out, std::span<const float>(margins));
    if (!out.flush()) throw std::runtime_error(options.out + ": writing failed");
}

}  // namespace

void add_logits(CommandLine& line, int&) {
    auto options = std::make_shared<Options>();
    options->kv = "f32";
    const Command command = line.add(
        "logits", "Write the logits after each token to a file",
        "Computes the logits after each of the given tokens (ids separated by white space; nothing is added to them) "
        "and, with --greedy, continues with the most probable tokens. The file is a golden file as `linnet verify` "
        "reads it: \"GLDN\", then int32 version, kind, n_tokens, n_rows, n_cols, n_greedy, the tokens, the rows of "
        "float32 logits, the greedy tokens and their margins. The context is as long as the tokens unless -c says "
        "otherwise. Of a model that makes vectors of texts the file has the final states of the tokens and the pooled "
        "one (kind 1).",
        "linnet logits model.gguf --tokens ids.txt --out logits.bin --greedy 16 --kv f32");
    add_model_argument(command, *options);
    command.add_option("--tokens", &options->tokens, "File of token ids", {.required = true});
    command.add_option("--out", &options->out, "File to write", {.required = true});
    command.add_option("--greedy", &options->n_greedy, "Tokens to continue with", {.most = 1 << 20});
    add_session_options(command, *options);
    add_engine_options(command, *options);
    add_chunk_option(command, *options);
    add_mapped_option(command, *options);
    command.on_run([options] { logits(*options); });
}

}  // namespace tools
