// SPDX-License-Identifier: MIT
// One tensor from its format to another, as a stream: a few megabytes at a time are decoded, encoded by all threads and
// handed on. The bytes depend on neither the number of threads nor the size of the pieces.
#pragma once

#include <functional>
#include <span>

#include "base/memory.hpp"
#include "base/workers.hpp"
#include "gguf/file.hpp"
#include "kernels/api/table.hpp"

namespace linnet::quantize {

struct Conversion {
    const gguf::File& file;
    const gguf::TensorInfo& tensor;
    gguf::TensorType type;              // whose blocks fit the tensor's rows
    std::span<const float> importance;  // [shape[2]][shape[0]], none negative; empty: all equal
};

// The tensor's new size in bytes.
std::uint64_t converted_size(const Conversion& conversion) noexcept;

// Hands all of the tensor's bytes to `sink`, in order; a tensor of the same type is copied. What `sink` throws passes
// through. Throws Error(unsupported) when the source's type cannot be read or the target's not be written,
// Error(bad_file) for a weight that is not finite or too large for the type's f16 scales; each names the tensor.
void convert(const Conversion& conversion, const kernels::Table& kernels, Workers& workers, Memory& memory,
             const std::function<void(std::span<const std::byte>)>& sink);

}  // namespace linnet::quantize
