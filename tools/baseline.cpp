// SPDX-License-Identifier: MIT
#include "tools/baseline.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "base/error.hpp"
#include "tools/golden.hpp"
#include "tools/pass.hpp"

namespace tools {

BaselineWriter::BaselineWriter(const std::string& path, const BaselineHeader& header)
    : path_(path), out_(path, std::ios::binary) {
    if (!out_) throw std::runtime_error(path + ": cannot be written");
    write_items(out_, std::span<const BaselineHeader>(&header, 1));
}

void BaselineWriter::begin_window(std::span<const linnet::Token> tokens) { write_items(out_, tokens); }
void BaselineWriter::add_row(std::span<const float> logits) { write_items(out_, logits); }

void BaselineWriter::finish() {
    if (!out_.flush()) throw std::runtime_error(path_ + ": writing failed");
}

BaselineReader::BaselineReader(const std::string& path, const BaselineHeader& expected)
    : path_(path), in_(path, std::ios::binary), row_(static_cast<std::size_t>(expected.n_vocab)) {
    if (!in_) throw std::runtime_error(path + ": cannot be opened");
    BaselineHeader header;
    in_.read(reinterpret_cast<char*>(&header), sizeof header);
    if (!in_ || std::memcmp(header.magic, expected.magic, sizeof header.magic) != 0 || header.version != 1) {
        throw std::runtime_error(path + ": not a baseline of version 1");
    }
    if (!(header == expected)) {
        throw std::runtime_error(fmt::format(
            "{}: is of {} windows of {} tokens with {} logits, here are {} windows of {} with {}", path,
            header.n_windows, header.n_ctx, header.n_vocab, expected.n_windows, expected.n_ctx, expected.n_vocab));
    }
    const auto n_windows = static_cast<std::uint64_t>(header.n_windows);
    const std::uint64_t window =
        (static_cast<std::uint64_t>(header.n_rows) * static_cast<std::uint64_t>(header.n_vocab) +
         static_cast<std::uint64_t>(header.n_ctx)) *
        4;
    if (std::filesystem::file_size(path) != sizeof header + n_windows * window) {
        throw std::runtime_error(path + ": its size contradicts its header");
    }
}

void BaselineReader::read(void* target, std::size_t size) {
    in_.read(static_cast<char*>(target), static_cast<std::streamsize>(size));
    if (!in_) throw std::runtime_error(path_ + ": reading failed");
}

void BaselineReader::begin_window(std::span<const linnet::Token> tokens) {
    std::vector<linnet::Token> expected(tokens.size());
    read(expected.data(), tokens.size_bytes());
    if (!std::equal(tokens.begin(), tokens.end(), expected.begin())) {
        throw std::runtime_error(path_ + ": is of another text, or of another vocabulary");
    }
}

void BaselineReader::compare_row(std::span<const float> logits) {
    read(row_.data(), row_.size() * sizeof(float));
    const double norm_base = log_sum_exp(row_);
    const double norm_model = log_sum_exp(logits);
    double kl = 0;
    for (std::size_t i = 0; i < row_.size(); ++i) {
        const double log_p = static_cast<double>(row_[i]) - norm_base;
        kl += std::exp(log_p) * (log_p - (static_cast<double>(logits[i]) - norm_model));
    }
    kl = std::max(kl, 0.0);  // below zero it is rounding
    divergence_.sum += kl;
    divergence_.sum_of_squares += kl * kl;
    divergence_.max = std::max(divergence_.max, kl);
    divergence_.n_same_top += best(row_).token == best(logits).token ? 1 : 0;
    ++divergence_.n;
}

}  // namespace tools
