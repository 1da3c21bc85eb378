// SPDX-License-Identifier: MIT
// What the tests of quantising share: blocks back to floats (by the kernels' definition of a format, and for the
// codebook formats by their published layout), small files in memory, and tensors of a file as floats.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/file.hpp"
#include "gguf/writer.hpp"
#include "kernels/api/table.hpp"
#include "support/fixtures.hpp"

namespace quantize_test {

using linnet::gguf::File;
using linnet::gguf::TensorInfo;
using linnet::gguf::TensorType;
using Bytes = std::vector<std::byte>;

inline TensorType type(std::string_view name) { return linnet::gguf::find_type(name)->type; }

inline const linnet::kernels::Table& scalar_table() {
    static const linnet::kernels::Table table = [] {
        linnet::kernels::Table t;
        if (!linnet::kernels::make_table("scalar", t)) throw std::runtime_error("no scalar kernels");
        return t;
    }();
    return table;
}

// The 32 weights of IQ4_NL's nibbles: byte j holds weight j low and j + 16 high.
inline void decode_codebook(const std::byte* nibbles, float scale, float* y) {
    constexpr int kValues[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    for (std::size_t k = 0; k < 32; ++k) {
        const auto byte = static_cast<unsigned>(nibbles[k % 16]);
        y[k] = scale * static_cast<float>(kValues[k < 16 ? byte & 15U : byte >> 4U]);
    }
}

inline float decode_half(const std::byte* data) {
    float value = 0;
    const auto* f16 = linnet::kernels::find_format(static_cast<std::uint32_t>(type("F16")));
    scalar_table().decode[static_cast<std::size_t>(f16->format)].fn(data, 1, &value);
    return value;
}

inline std::vector<float> decode(TensorType from, const std::byte* blocks, std::size_t n) {
    std::vector<float> y(n);
    const std::string_view name = linnet::gguf::find_type(from)->name;
    if (name == "IQ4_NL") {
        for (std::size_t k = 0; k < n; k += 32, blocks += 18) decode_codebook(blocks + 2, decode_half(blocks), &y[k]);
    } else if (name == "IQ4_XS") {
        for (std::size_t k = 0; k < n; k += 256, blocks += 136) {
            std::uint16_t high = 0;
            std::memcpy(&high, blocks + 2, 2);
            for (std::size_t s = 0; s < 8; ++s) {
                const unsigned low = static_cast<unsigned>(blocks[4 + s / 2]) >> (s % 2 * 4) & 15U;
                const int scale = static_cast<int>(low | (high >> 2 * s & 3U) << 4U) - 32;
                decode_codebook(blocks + 8 + 16 * s, decode_half(blocks) * static_cast<float>(scale), &y[k + 32 * s]);
            }
        }
    } else {
        const auto* format = linnet::kernels::find_format(static_cast<std::uint32_t>(from));
        if (format == nullptr) throw std::runtime_error("no decoder for " + std::string(name));
        scalar_table().decode[static_cast<std::size_t>(format->format)].fn(blocks, n, y.data());
    }
    return y;
}

inline std::vector<float> tensor_floats(const File& file, std::string_view name) {
    const TensorInfo* tensor = file.find_tensor(name);
    if (tensor == nullptr) throw std::runtime_error("no tensor " + std::string(name));
    return decode(tensor->type, file.tensor_data(*tensor), static_cast<std::size_t>(tensor->n_elements));
}

// Sum of squares of the differences, each times the weight of its column; no weights: all 1.
inline double squared_error(const std::vector<float>& x, const std::vector<float>& y, std::span<const float> weights) {
    double sum = 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
        const double difference = static_cast<double>(x[k]) - static_cast<double>(y[k]);
        sum += difference * difference * (weights.empty() ? 1.0 : static_cast<double>(weights[k % weights.size()]));
    }
    return sum;
}

// Finite numbers of about unit deviation with a few outliers, the same everywhere.
inline std::vector<float> random_floats(std::size_t n, std::uint64_t seed) {
    std::vector<float> x(n);
    for (float& value : x) {
        float sum = 0;
        for (int i = 0; i < 4; ++i) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            sum += static_cast<float>(seed >> 40U) * 0x1p-24F - 0.5F;
        }
        value = sum * ((seed >> 33U) % 61 == 0 ? 6.0F : 1.7F);
    }
    return x;
}

// Lines of a fixture without its comments, each as a stream of words.
inline std::vector<std::istringstream> fixture_lines(const std::string& name) {
    std::ifstream file(fixtures::local() / "quantize" / name);
    if (!file) throw std::runtime_error("no fixture " + name);
    std::vector<std::istringstream> lines;
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with('#')) lines.emplace_back(line);
    }
    return lines;
}

inline File open(const Bytes& bytes, linnet::Memory& memory) {
    std::vector<linnet::Source> sources;
    sources.push_back(linnet::Source::from_memory(bytes));
    return File::open(std::move(sources), memory);
}

}  // namespace quantize_test
