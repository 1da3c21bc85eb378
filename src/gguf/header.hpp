// SPDX-License-Identifier: MIT
// The header of one GGUF source: parsed and validated on its own. File joins the headers of splits.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "base/memory.hpp"
#include "base/source.hpp"
#include "gguf/file.hpp"

namespace linnet::gguf {

struct Header {
    explicit Header(std::pmr::memory_resource& memory) : values(&memory), values_by_key(&memory), tensors(&memory) {}

    std::uint32_t version = 0;
    std::uint64_t alignment = kDefaultAlignment;
    Buffer bytes;  // what `values` and `tensors` point into when the source is not addressable, else empty
    std::pmr::vector<Value> values;
    std::pmr::vector<std::uint32_t> values_by_key;
    std::pmr::vector<TensorInfo> tensors;
};

// Throws Error(bad_file | unsupported | io | out_of_memory). After it keys are unique and not empty, and every tensor
// is of a known type, aligned, inside the source and apart from the others. Tensor names may still be equal.
// `index` becomes TensorInfo::source. Allocates at most the source's size and two tables of bounded length.
Header read_header(const Source& source, std::uint32_t index, Memory& memory);

}  // namespace linnet::gguf
