// SPDX-License-Identifier: MIT
#include "tools/golden.hpp"

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/error.hpp"

namespace tools {

namespace {

template <class T>
std::vector<T> read_items(std::istream& in, std::size_t n) {
    std::vector<T> items(n);
    in.read(reinterpret_cast<char*>(items.data()), static_cast<std::streamsize>(n * sizeof(T)));
    return items;
}

void read_notes(const std::filesystem::path& path, Golden& golden) {
    std::ifstream in(path);
    if (!in) return;
    const auto notes = nlohmann::json::parse(in);
    golden.rounding_noise = notes.value("rounding_noise", 0.0);
    golden.n_ctx_min = notes.value("n_ctx_min", 0U);
    golden.n_ctx_max = notes.value("n_ctx_max", 0U);
}

}  // namespace

Golden read_golden(std::filesystem::path path) {
    if (std::filesystem::is_directory(path)) path /= "golden.bin";
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error(fmt::format("{}: cannot be opened", path.string()));
    GoldenHeader header;
    in.read(reinterpret_cast<char*>(&header), sizeof header);
    if (!in || std::memcmp(header.magic, GoldenHeader{}.magic, sizeof header.magic) != 0 || header.version != 1) {
        throw std::runtime_error(fmt::format("{}: not a golden file of version 1", path.string()));
    }
    if (header.kind != kGoldenLogits && header.kind != kGoldenVectors) {
        throw std::runtime_error(
            fmt::format("{}: kind {} is neither logits (0) nor vectors (1)", path.string(), header.kind));
    }
    // 64 bits hold any of these sums and products: each count is below 2^31 and two of them are multiplied once.
    const auto n_tokens = static_cast<std::uint64_t>(header.n_tokens);
    const auto n_cols = static_cast<std::uint64_t>(header.n_cols);
    const auto n_greedy = static_cast<std::uint64_t>(header.n_greedy);
    const std::uint64_t n_rows = n_tokens + (header.kind == kGoldenVectors ? 1 : 0);
    if (header.n_tokens < 1 || static_cast<std::uint64_t>(header.n_rows) != n_rows || header.n_cols < 1 ||
        header.n_greedy < 0 ||
        (std::filesystem::file_size(path) - sizeof header) / 4 != n_tokens + n_rows * n_cols + 2 * n_greedy) {
        throw std::runtime_error(fmt::format("{}: its size contradicts its header", path.string()));
    }
    Golden golden;
    golden.kind = header.kind;
    golden.n_cols = static_cast<std::uint32_t>(n_cols);
    golden.tokens = read_items<linnet::Token>(in, n_tokens);
    golden.rows = read_items<float>(in, n_rows * n_cols);
    golden.greedy = read_items<linnet::Token>(in, n_greedy);
    golden.margins = read_items<float>(in, n_greedy);
    if (!in) throw std::runtime_error(fmt::format("{}: reading failed", path.string()));
    read_notes(path.parent_path() / "golden.json", golden);
    return golden;
}

}  // namespace tools
