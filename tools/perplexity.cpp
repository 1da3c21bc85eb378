// SPDX-License-Identifier: MIT
// linnet perplexity: how well a model predicts a text, by the rule of llama.cpp's llama-perplexity, so that figures can
// be compared. The text (without one final newline) is tokenised as a whole, control tokens as plain text; the tokens
// are cut into windows of n_ctx, a rest is dropped; each window starts from an empty cache with the begin token in the
// place of its first token, if the model adds one; of a window [0, n_ctx) the tokens n_ctx / 2 + 1 .. n_ctx - 1 count.
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/baseline.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/output_files.hpp"
#include "tools/pass.hpp"
#include "tools/terminal.hpp"
#include "tools/windows.hpp"

namespace tools {

namespace {

using linnet::Token;

struct Options : PassOptions {
    std::string text;
    std::string save;
    std::string kl;
    bool json = false;
};

void perplexity(const Options& options) {
    const auto model = load_model(options);
    const std::size_t n_ctx = options.n_ctx;
    const Windows windows = read_windows(*model, options.text, n_ctx, 2);
    const std::size_t n_windows = windows.n;

    const std::uint32_t chunk = chunk_size(options, model->spec().n_vocab);
    linnet::Forward forward(*model, pass_shape(options, n_ctx, chunk, chunk));
    const std::size_t n_rows = n_ctx - 1 - n_ctx / 2;
    BaselineHeader header;
    header.n_vocab = static_cast<std::int32_t>(model->spec().n_vocab);
    header.n_ctx = static_cast<std::int32_t>(n_ctx);
    header.n_windows = static_cast<std::int32_t>(n_windows);
    header.n_rows = static_cast<std::int32_t>(n_rows);
    std::optional<BaselineReader> baseline;
    if (!options.kl.empty()) baseline.emplace(options.kl, header);
    std::vector<std::string> names;
    if (!options.save.empty()) names.push_back(options.save);
    OutputFiles output(names);
    std::optional<BaselineWriter> saved;
    if (!names.empty()) saved.emplace(output.partial(0), header);
    double sum = 0;
    double sum_of_squares = 0;
    Progress progress("perplexity");
    for (std::size_t w = 0; w < n_windows; ++w) {
        const std::span<const Token> window = windows.window(w);
        if (baseline) baseline->begin_window(window);
        if (saved) saved->begin_window(window);
        output.check_interrupted();
        // The last token is only predicted: nothing follows it.
        feed(forward, window.first(n_ctx - 1), 0, n_rows, [&](std::size_t i, std::span<const float> row) {
            const auto target = static_cast<std::size_t>(window[i + 1]);
            const double nll = log_sum_exp(row) - static_cast<double>(row[target]);
            sum += nll;
            sum_of_squares += nll * nll;
            if (baseline) baseline->compare_row(row);
            if (saved) saved->add_row(row);
        });
        progress.update(w + 1, n_windows);
    }
    progress.clear();
    if (saved) {
        saved->finish();
        output.finish();
    }
    const auto n = static_cast<double>(n_windows * n_rows);
    const double mean = sum / n;
    const double variance = std::max(0.0, sum_of_squares / n - mean * mean);
    const double value = std::exp(mean);
    const double error = value * std::sqrt(variance / (n - 1));
    if (options.json) {
        nlohmann::ordered_json out = {{"perplexity", value},
                                      {"error", error},
                                      {"n_tokens", windows.n_tokens},
                                      {"n_windows", n_windows},
                                      {"n_scored", n_windows * n_rows},
                                      {"n_ctx", n_ctx}};
        if (baseline) {
            const Divergence& d = baseline->divergence();
            out["kl_mean"] = d.sum / n;
            out["kl_max"] = d.max;
            out["same_top"] = static_cast<double>(d.n_same_top) / n;
        }
        std::cout << out.dump() << '\n';
    } else {
        std::cout << fmt::format("perplexity {:.4f} +/- {:.5f} ({} tokens scored in {} windows of {})\n", value, error,
                                 n_windows * n_rows, n_windows, n_ctx);
        if (baseline) {
            const Divergence& d = baseline->divergence();
            const double kl = d.sum / n;
            const double deviation = std::sqrt(std::max(0.0, d.sum_of_squares / n - kl * kl) / (n - 1));
            std::cout << fmt::format("KL divergence mean {:.6f} +/- {:.6f}, max {:.4f}; same top token {:.3f} %\n", kl,
                                     deviation, d.max, 100.0 * static_cast<double>(d.n_same_top) / n);
        }
    }
}

}  // namespace

void add_perplexity(CommandLine& line, int&) {
    auto options = std::make_shared<Options>();
    options->n_ctx = 512;
    const Command command = line.add(
        "perplexity", "Measure how well a model predicts a text",
        "Computes the perplexity of a text file: the exponential of the mean negative log-probability of a token, over "
        "the second half of each window of -c tokens (default 512). The rule is llama-perplexity's, so that the "
        "figures compare; they do not compare between models with different vocabularies. --save keeps the logits (4 "
        "bytes for each token of the vocabulary and each position scored); --kl tells how far another model, such as a "
        "quantised copy, is from them: mean and greatest Kullback-Leibler divergence, and how often the most probable "
        "token is the same.",
        "linnet perplexity model.gguf -f text.txt -c 512");
    add_model_argument(command, *options);
    command.add_option("-f,--file", &options->text, "Text file (UTF-8)", {.required = true});
    add_session_options(command, *options);
    add_engine_options(command, *options);
    add_chunk_option(command, *options);
    add_mapped_option(command, *options);
    command.add_option("--save", &options->save, "Write all logits scored to a file, a baseline for --kl");
    command.add_option("--kl", &options->kl, "Compare with the logits of a baseline that --save wrote");
    command.add_option("--json", &options->json, "Print a JSON object");
    command.on_run([options] { perplexity(*options); });
}

}  // namespace tools
