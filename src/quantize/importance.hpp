// SPDX-License-Identifier: MIT
// Importance of a model's weights: for each matrix the mean square of each of its inputs over some text, as
// llama-imatrix collects it. Both of its formats are read: GGUF, and the binary one before it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.hpp"
#include "base/source.hpp"

namespace linnet::quantize {

class Importance {
  public:
    // Throws Error(bad_file) naming the entry when a value is negative or not finite, or when the source is neither
    // format.
    static Importance read(Source source, Memory& memory);

    // One value per input, for each matrix of the tensor; empty when nothing is known of it. Gates and ups of experts
    // have the same inputs, and so one importance, whether they are one tensor or two.
    std::span<const float> find(std::string_view tensor) const;
    std::size_t n_tensors() const noexcept { return entries_.size(); }
    const std::string& dataset() const noexcept { return dataset_; }  // empty when not known
    std::uint32_t n_chunks() const noexcept { return n_chunks_; }     // 0 when not known

  private:
    void read_gguf(Source source, Memory& memory);
    void read_binary(std::span<const std::byte> bytes);
    void add(std::string_view tensor, std::vector<float> values);

    std::map<std::string, std::vector<float>, std::less<>> entries_;
    std::string dataset_;
    std::uint32_t n_chunks_ = 0;
};

}  // namespace linnet::quantize
