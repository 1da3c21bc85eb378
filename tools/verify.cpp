// SPDX-License-Identifier: MIT
// linnet verify: this library's logits against those of another implementation.
#include <cmath>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/golden.hpp"
#include "tools/pass.hpp"
#include "tools/vectors.hpp"

namespace tools {

namespace {

struct Options : PassOptions {
    std::string golden;
};

// What two correct computations may differ by.
struct Tolerance {
    std::string_view kind;
    double max;   // of a logit
    double mean;  // over all logits
    double kl;    // of a position
};

// Weights of block formats are multiplied with activations rounded to 8 bits, whatever the cache's type; so
// are queries and keys with an 8-bit cache.
Tolerance tolerance(const linnet::gguf::File& file, const Golden& golden, const std::string& kv) {
    const bool quantised = std::any_of(file.tensors().begin(), file.tensors().end(), [](const auto& tensor) {
        return linnet::gguf::find_type(tensor.type)->block_size > 1;
    });
    if (quantised || kv == "q8_0") return {"8-bit activations", 0.6, 0.1, 5e-2};
    if (kv == "f16") return {"f16 cache", 5e-2, 5e-2, 3e-3};
    const double max = 2e-4 + 10 * golden.rounding_noise;
    return {"float32", max, max, 1e-6};
}

struct Difference {
    double max = 0;
    double sum = 0;
    double max_kl = 0;

    void add(std::span<const float> expected, std::span<const float> actual) {
        const double expected_norm = log_sum_exp(expected);
        const double actual_norm = log_sum_exp(actual);
        double kl = 0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const double difference = std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i]));
            sum += difference;
            max = worst(max, difference);
            const double log_p = static_cast<double>(expected[i]) - expected_norm;
            kl += std::exp(log_p) * (log_p - (static_cast<double>(actual[i]) - actual_norm));
        }
        max_kl = worst(max_kl, kl);
    }

    // NaN stays: it fails every comparison with a tolerance.
    static double worst(double a, double b) { return b > a || std::isnan(b) ? b : a; }
};

struct Greedy {
    std::size_t n_equal = 0;
    bool accepted = true;
};

// Decodes step by step on the cache. Differences of up to max per logit may turn a step whose margin is below 2 max;
// what follows a different token cannot be compared.
Greedy compare_greedy(linnet::Forward& forward, const Golden& golden, linnet::Token next, double max) {
    Greedy result;
    for (std::size_t i = 0; i < golden.greedy.size(); ++i, ++result.n_equal) {
        if (next != golden.greedy[i]) {
            result.accepted = static_cast<double>(golden.margins[i]) <= 2 * max;
            break;
        }
        if (i + 1 == golden.greedy.size()) continue;
        run_pass(forward, {&next, 1}, static_cast<std::uint32_t>(golden.tokens.size() + i), 1);
        next = best(forward.logits()).token;
    }
    return result;
}

std::size_t context(const Options& options, const Golden& golden) {
    const std::size_t n_needed = golden.tokens.size() + golden.greedy.size();
    if (options.n_ctx == 0) return std::max<std::size_t>(n_needed, golden.n_ctx_min);
    if (options.n_ctx >= n_needed) return options.n_ctx;
    throw UsageError(fmt::format("--ctx {} is too small for {} tokens", options.n_ctx, n_needed));
}

bool verify(const Options& options) {
    const Golden golden = read_golden(options.golden);
    const auto model = load_model(options);
    const std::uint32_t n_vocab = model->spec().n_vocab;
    check_tokens(golden.tokens, n_vocab);
    if (golden.kind == kGoldenVectors) return verify_vectors(*model, golden, options.golden);
    if (golden.n_cols != n_vocab) {
        throw std::runtime_error(
            fmt::format("{} has {} logits a row, the model {}", options.golden, golden.n_cols, n_vocab));
    }
    const std::size_t n_ctx = context(options, golden);
    if (golden.n_ctx_max != 0 && n_ctx > golden.n_ctx_max) {
        throw UsageError(fmt::format("{} wants a context of at most {}", options.golden, golden.n_ctx_max));
    }
    const std::uint32_t chunk = chunk_size(options, n_vocab);
    linnet::Forward forward(*model, pass_shape(options, n_ctx, chunk, chunk));

    Difference difference;
    linnet::Token next = 0;
    feed(forward, golden.tokens, 0, golden.tokens.size(), [&](std::size_t i, std::span<const float> row) {
        difference.add(golden.row(i), row);
        next = best(row).token;
    });
    const double mean = difference.sum / static_cast<double>(golden.rows.size());
    const Tolerance allowed = tolerance(model->file(), golden, options.kv);
    const Greedy greedy = compare_greedy(forward, golden, next, allowed.max);

    const bool pass =
        difference.max <= allowed.max && mean <= allowed.mean && difference.max_kl <= allowed.kl && greedy.accepted;
    std::cout << fmt::format(
        "max |difference| {:.3g} (allowed {:.3g}), mean {:.3g} ({:.3g}), KL max {:.3g} ({:.3g}), greedy {} of {}, "
        "{} tokens, {}: {}\n",
        difference.max, allowed.max, mean, allowed.mean, difference.max_kl, allowed.kl, greedy.n_equal,
        golden.greedy.size(), golden.tokens.size(), allowed.kind, pass ? "PASS" : "FAIL");
    return pass;
}

}  // namespace

void add_verify(CommandLine& line, int& status) {
    auto options = std::make_shared<Options>();
    options->kv = "f32";
    const Command command = line.add(
        "verify", "Compare logits or vectors with a golden file",
        "Runs the tokens of a golden file (see `linnet logits --help`) and prints how far the logits are from the "
        "file's: greatest and mean difference, greatest Kullback-Leibler divergence of a position, and how many greedy "
        "tokens agree when they are decoded one by one. The allowed differences depend on the weights' format and the "
        "cache's type; rounding_noise, n_ctx_min and n_ctx_max of a golden.json beside the file are honoured. Of a "
        "golden of vectors (kind 1) the states of all tokens and the pooled one are compared. The exit status is 0 for "
        "PASS and 1 for FAIL.",
        "linnet verify model-f32.gguf golden.bin --kv f32");
    add_model_argument(command, *options);
    command.add_option("GOLDEN", &options->golden, "golden.bin or the folder that holds it", {.required = true});
    add_session_options(command, *options);
    add_engine_options(command, *options);
    add_chunk_option(command, *options);
    add_mapped_option(command, *options);
    command.on_run([options, &status] {
        if (!verify(*options)) status = kExitFailure;
    });
}

}  // namespace tools
