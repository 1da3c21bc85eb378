// SPDX-License-Identifier: MIT
// How the next token is chosen. Meanings, ranges, defaults and order as linnet_sampler_options in linnet.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "tokenizer/tokenizer.hpp"

namespace linnet {

namespace constrain {
class TokenTrie;
}

struct LogitBias {
    Token token;
    float bias;
};

enum class Stage : std::int32_t {
    penalties = 1,
    dry = 2,
    top_n_sigma = 3,
    top_k = 4,
    typical = 5,
    top_p = 6,
    min_p = 7,
    xtc = 8,
    temperature = 9,
};
inline constexpr std::int32_t kMaxStage = 9;

struct SamplerOptions {
    std::uint32_t top_k = 0;
    float temperature = 0.0F;
    float top_p = 0.0F;
    float min_p = 0.0F;
    float repetition_penalty = 0.0F;
    float frequency_penalty = 0.0F;
    float presence_penalty = 0.0F;
    std::uint32_t penalty_window = 0;  // 0: 64
    std::uint64_t seed = 0;
    std::span<const LogitBias> biases = {};
    float typical_p = 0.0F;
    float top_n_sigma = 0.0F;
    float xtc_probability = 0.0F;
    float xtc_threshold = 0.0F;  // 0: 0.1
    float temperature_range = 0.0F;
    float temperature_exponent = 0.0F;  // 0: 1
    float mirostat_tau = 0.0F;
    float mirostat_eta = 0.0F;  // 0: 0.1
    float dry_multiplier = 0.0F;
    float dry_base = 0.0F;                 // 0: 1.75
    std::uint32_t dry_allowed_length = 0;  // 0: 2
    std::uint32_t dry_window = 0;          // 0: 1024
    std::span<const std::string_view> dry_breakers = {};
    std::span<const std::string_view> banned = {};
    std::span<const Stage> stages = {};  // none: all in the order of their numbers
    // The vocabulary; needed for banned texts and DRY's breakers.
    std::shared_ptr<const constrain::TokenTrie> trie = {};
};

// The options with defaults in place of zeros and what changes nothing switched off. Throws Error(invalid_argument)
// naming the option that is out of range (NaN, negative ...).
SamplerOptions validated(std::uint32_t n_vocab, SamplerOptions options);

// Whether anything goes beyond biases, penalties, top_k, top_p, min_p, temperature in this order.
bool needs_chain(const SamplerOptions& options) noexcept;

}  // namespace linnet
