// SPDX-License-Identifier: MIT
// Encoding: rows of floats to the blocks of a tensor format, with the least (weighted) squared error that a search of
// bounded effort finds. Pure functions of their input: the same bytes on every platform and for any number of threads.
#pragma once

#include <cstddef>

#include "gguf/types.hpp"

namespace linnet::quantize {

// Turns n weights (a multiple of the block size; finite, magnitude at most `limit`) into blocks. importance [n]:
// weights of the squared errors, none negative; null for equal ones.
struct Encoder {
    std::string_view type;  // GGUF's spelling
    float limit;            // values beyond do not fit: the scales are f16
    void (*encode)(const float* x, const float* importance, std::size_t n, std::byte* blocks) noexcept;
};

// Null when Linnet does not write the type.
const Encoder* find_encoder(gguf::TensorType type) noexcept;

}  // namespace linnet::quantize
