// SPDX-License-Identifier: MIT
// Ranges and defaults of sampler options.
#include "sampling/options.hpp"

#include <cmath>

#include "base/error.hpp"

namespace linnet {

namespace {

constexpr std::uint32_t kMaxDryWindow = 1U << 20;

void check(bool valid, const char* option, float value, const char* range) {
    if (!valid) throw Error(Status::invalid_argument, "{} is {}, must be {}", option, value, range);
}

void check_not_negative(const char* option, float value) {
    check(std::isfinite(value) && value >= 0.0F, option, value, "finite and not negative");
}

void check_share(const char* option, float value) {
    check(value >= 0.0F && value <= 1.0F, option, value, "between 0 and 1");
}

void check_biases(std::uint32_t n_vocab, std::span<const LogitBias> biases) {
    for (std::size_t i = 0; i < biases.size(); ++i) {
        const LogitBias& bias = biases[i];
        if (bias.token < 0 || static_cast<std::uint32_t>(bias.token) >= n_vocab) {
            throw Error(Status::invalid_argument, "biases[{}].token is {}, must be below {}", i, bias.token, n_vocab);
        }
        if (!(bias.bias < INFINITY)) {
            throw Error(Status::invalid_argument, "biases[{}].bias is {}, must be finite or -infinity", i, bias.bias);
        }
    }
}

void check_stages(std::span<const Stage> stages) {
    std::uint32_t seen = 0;
    for (std::size_t i = 0; i < stages.size(); ++i) {
        const auto stage = static_cast<std::int32_t>(stages[i]);
        if (stage < 1 || stage > kMaxStage) {
            throw Error(Status::invalid_argument, "stages[{}] is {}, no LINNET_STAGE_*", i, stage);
        }
        if ((seen >> stage & 1U) != 0)
            throw Error(Status::invalid_argument, "stages[{}], {}, is there twice", i, stage);
        seen |= 1U << stage;
    }
}

void default_to(float& value, float otherwise) noexcept {
    if (value == 0.0F) value = otherwise;
}

}  // namespace

SamplerOptions validated(std::uint32_t n_vocab, SamplerOptions options) {
    check_not_negative("temperature", options.temperature);
    check(options.top_p >= 0.0F, "top_p", options.top_p, "a number that is not negative");
    check_share("min_p", options.min_p);
    check_not_negative("repetition_penalty", options.repetition_penalty);
    check(std::isfinite(options.frequency_penalty), "frequency_penalty", options.frequency_penalty, "finite");
    check(std::isfinite(options.presence_penalty), "presence_penalty", options.presence_penalty, "finite");
    check(options.typical_p >= 0.0F, "typical_p", options.typical_p, "a number that is not negative");
    check_not_negative("top_n_sigma", options.top_n_sigma);
    check_share("xtc_probability", options.xtc_probability);
    check_share("xtc_threshold", options.xtc_threshold);
    check_not_negative("temperature_range", options.temperature_range);
    check_not_negative("temperature_exponent", options.temperature_exponent);
    check_not_negative("mirostat_tau", options.mirostat_tau);
    check_not_negative("mirostat_eta", options.mirostat_eta);
    check_not_negative("dry_multiplier", options.dry_multiplier);
    check(options.dry_base == 0.0F || (std::isfinite(options.dry_base) && options.dry_base >= 1.0F), "dry_base",
          options.dry_base, "finite and at least 1");
    if (options.dry_window > kMaxDryWindow) {
        throw Error(Status::invalid_argument, "dry_window is {}, more than {}", options.dry_window, kMaxDryWindow);
    }
    check_biases(n_vocab, options.biases);
    check_stages(options.stages);
    if (options.top_k >= n_vocab) options.top_k = 0;
    if (options.top_p >= 1.0F) options.top_p = 0.0F;
    if (options.typical_p >= 1.0F) options.typical_p = 0.0F;
    default_to(options.repetition_penalty, 1.0F);
    if (options.penalty_window == 0) options.penalty_window = 64;
    default_to(options.xtc_threshold, 0.1F);
    default_to(options.temperature_exponent, 1.0F);
    default_to(options.mirostat_eta, 0.1F);
    default_to(options.dry_base, 1.75F);
    if (options.dry_allowed_length == 0) options.dry_allowed_length = 2;
    if (options.dry_window == 0) options.dry_window = 1024;
    return options;
}

bool needs_chain(const SamplerOptions& options) noexcept {
    return options.typical_p > 0.0F || options.top_n_sigma > 0.0F || options.xtc_probability > 0.0F ||
           options.temperature_range > 0.0F || options.mirostat_tau > 0.0F || options.dry_multiplier > 0.0F ||
           !options.stages.empty();
}

}  // namespace linnet
