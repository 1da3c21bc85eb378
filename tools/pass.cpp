// SPDX-License-Identifier: MIT
#include "tools/pass.hpp"

#include <cmath>
#include <limits>

#include "tools/commands.hpp"

namespace tools {

std::unique_ptr<linnet::Model> load_model(const ModelOptions& options, linnet::ParallelFor parallel_for,
                                          void* parallel_user) {
    linnet::EngineOptions engine_options;
    engine_options.n_threads = options.n_threads;
    engine_options.isa = options.isa.empty() ? nullptr : options.isa.c_str();
    engine_options.parallel_for = parallel_for;
    engine_options.parallel_user = parallel_user;
    auto engine = std::make_shared<linnet::Engine>(engine_options);
    auto file = linnet::gguf::File::open(options.model, true, engine->memory);
    linnet::LoadOptions load_options;
    load_options.mapped = options.mapped;
    return std::make_unique<linnet::Model>(std::move(engine), std::move(file), load_options);
}

linnet::PassShape pass_shape(const SessionOptions& options, std::size_t n_ctx, std::size_t n_batch,
                             std::size_t n_logits) {
    linnet::PassShape shape;
    shape.n_ctx = static_cast<std::uint32_t>(n_ctx);
    shape.n_batch = static_cast<std::uint32_t>(std::min(n_batch, n_ctx));
    shape.n_logits = static_cast<std::uint32_t>(std::min(n_logits, n_ctx));
    shape.kv_type = kv_type(options.kv);
    return shape;
}

std::uint32_t chunk_size(const PassOptions& options, std::uint32_t n_vocab) {
    constexpr std::uint32_t kLogits = (64U << 20U) / sizeof(float);
    return options.chunk != 0 ? options.chunk : std::clamp(kLogits / n_vocab, 16U, 512U);
}

void check_tokens(std::span<const linnet::Token> tokens, std::uint32_t n_vocab) {
    for (const linnet::Token token : tokens) {
        if (token < 0 || static_cast<std::uint32_t>(token) >= n_vocab) {
            throw UsageError(fmt::format("token {} is not in the vocabulary of {}", token, n_vocab));
        }
    }
}

void run_pass(linnet::Forward& forward, std::span<const linnet::Token> tokens, std::uint32_t pos,
              std::uint32_t n_logits, linnet::Profile* profile) {
    forward.begin(tokens, pos, n_logits);
    if (forward.run(linnet::Stop{}, profile) != linnet::Forward::Outcome::done) {
        throw std::runtime_error("a pass without deadline did not end");
    }
}

Best best(std::span<const float> logits) {
    Best result = {0, 0.0F};
    float first = -std::numeric_limits<float>::infinity();
    float second = first;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] > first) {
            second = first;
            first = logits[i];
            result.token = static_cast<linnet::Token>(i);
        } else if (logits[i] > second) {
            second = logits[i];
        }
    }
    result.margin = first - second;
    return result;
}

double log_sum_exp(std::span<const float> logits) {
    const double greatest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - greatest);
    return greatest + std::log(sum);
}

}  // namespace tools
