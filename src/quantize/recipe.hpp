// SPDX-License-Identifier: MIT
// Which tensor of a model gets which format. A recipe is data: a base format and the tensors that get another one.
// Names, file types and choices are those of llama.cpp's llama-quantize, so that a file is what its name says.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/file.hpp"

namespace linnet::quantize {

enum class Layers : std::uint8_t {
    all,
    first_four,
    first_eighth,
    more_bits,  // the first and the last eighth, and every third between
};

enum class When : std::uint8_t {
    always,
    plain,          // no importance was given
    weighted,       // importance was given
    grouped,        // at least 4 heads share one KV head
    eight_experts,  // the model has exactly 8 experts
};

// Kinds of matrices that recipes treat in their own way.
enum class Kind : std::uint8_t {
    values,  // attn_v, and the fused attn_qkv and attn_kv_b
    keys,
    attention_output,
    down,  // ffn_down, of experts as well
    other,
};

struct Rule {
    Kind kind;
    Layers layers;
    When when;
    std::string_view type;
};

struct Recipe {
    std::string_view name;
    std::uint32_t file_type;  // general.file_type
    std::string_view base;
    std::span<const Rule> rules;  // the first one that holds decides
};

std::span<const Recipe> recipes() noexcept;

// PATTERN=FORMAT: tensors whose whole name the pattern matches ('*': any text, '?': any character).
struct Override {
    std::string pattern;
    std::string type;  // GGUF's spelling
    bool matches(std::string_view name) const noexcept;
};

// Matrices of weights; norms, routers, position tables and other small or delicate tensors stay as they are.
bool is_quantisable(const gguf::TensorInfo& tensor) noexcept;

// The type of each of the file's tensors. Overrides come before the recipe, the first one that matches decides; a type
// whose blocks do not fit a tensor's rows is replaced by the nearest one that fits.
// Throws Error(invalid_argument) for an override that matches no quantisable tensor.
std::vector<gguf::TensorType> choose_types(const gguf::File& file, const Recipe& recipe,
                                           std::span<const Override> overrides, bool has_importance, Memory& memory);

}  // namespace linnet::quantize
