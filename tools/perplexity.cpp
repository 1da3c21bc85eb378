// SPDX-License-Identifier: MIT
// linnet perplexity: how well a model predicts a text, by the rule of llama.cpp's llama-perplexity, so that figures can
// be compared. The text (without one final newline) is tokenised as a whole, control tokens as plain text; the tokens
// are cut into windows of n_ctx, a rest is dropped; each window starts from an empty cache with the begin token in the
// place of its first token, if the model adds one; of a window [0, n_ctx) the tokens n_ctx / 2 + 1 .. n_ctx - 1 count.
#include <CLI/CLI.hpp>

#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/commands.hpp"
#include "tools/help.hpp"
#include "tools/pass.hpp"
#include "tools/terminal.hpp"

namespace tools {

namespace {

using linnet::Token;

struct Options : PassOptions {
    std::string text;
    bool json = false;
};

std::string read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error(path + ": cannot be opened");
    std::string text((std::istreambuf_iterator<char>(in)), {});
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

void perplexity(const Options& options) {
    const std::string text = read_text(options.text);
    const auto model = load_model(options);
    std::pmr::vector<Token> tokens;
    model->tokenizer().encode(text, {.add_special = true, .parse_special = false}, tokens);
    const std::size_t n_ctx = options.n_ctx;
    const std::size_t n_windows = tokens.size() / n_ctx;
    if (n_ctx < 4 || n_windows < 2) {
        throw UsageError(fmt::format("{} tokens are too few for two windows of {}", tokens.size(), n_ctx));
    }
    check_tokens(tokens, model->spec().n_vocab);

    const std::uint32_t chunk = chunk_size(options, model->spec().n_vocab);
    linnet::Forward forward(*model, pass_shape(options, n_ctx, chunk, chunk));
    const std::size_t n_rows = n_ctx - 1 - n_ctx / 2;
    double sum = 0;
    double sum_of_squares = 0;
    Progress progress("perplexity");
    for (std::size_t w = 0; w < n_windows; ++w) {
        const std::span<Token> window(tokens.data() + w * n_ctx, n_ctx);
        if (model->tokenizer().add_bos()) window[0] = model->tokenizer().bos();
        // The last token is only predicted: nothing follows it.
        feed(forward, window.first(n_ctx - 1), 0, n_rows, [&](std::size_t i, std::span<const float> row) {
            const auto target = static_cast<std::size_t>(window[i + 1]);
            const double nll = log_sum_exp(row) - static_cast<double>(row[target]);
            sum += nll;
            sum_of_squares += nll * nll;
        });
        progress.update(w + 1, n_windows);
    }
    progress.clear();
    const auto n = static_cast<double>(n_windows * n_rows);
    const double mean = sum / n;
    const double variance = std::max(0.0, sum_of_squares / n - mean * mean);
    const double value = std::exp(mean);
    const double error = value * std::sqrt(variance / (n - 1));
    if (options.json) {
        const nlohmann::ordered_json out = {{"perplexity", value},
                                            {"error", error},
                                            {"n_tokens", tokens.size()},
                                            {"n_windows", n_windows},
                                            {"n_scored", n_windows * n_rows},
                                            {"n_ctx", n_ctx}};
        std::cout << out.dump() << '\n';
    } else {
        std::cout << fmt::format("perplexity {:.4f} +/- {:.5f} ({} tokens scored in {} windows of {})\n", value, error,
                                 n_windows * n_rows, n_windows, n_ctx);
    }
}

}  // namespace

void add_perplexity(CLI::App& app, int&) {
    auto options = std::make_shared<Options>();
    options->n_ctx = 512;
    CLI::App& command = *app.add_subcommand("perplexity", "Measure how well a model predicts a text");
    explain(
        command,

        "Computes the perplexity of a text file: the exponential of the mean negative log-probability of a token, over "
        "the second half of each window of -c tokens (default 512). The rule is llama-perplexity's, so that the "
        "figures compare; they do not compare between models with different vocabularies.",
        "linnet perplexity model.gguf -f text.txt -c 512");
    add_model_argument(command, *options);
    command.add_option("-f,--file", options->text, "Text file (UTF-8)")->required();
    add_session_options(command, *options);
    add_engine_options(command, *options);
    add_chunk_option(command, *options);
    add_mapped_option(command, *options);
    command.add_flag("--json", options->json, "Print a JSON object");
    command.callback([options] { perplexity(*options); });
}

}  // namespace tools
