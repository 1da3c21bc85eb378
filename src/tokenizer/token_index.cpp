// SPDX-License-Identifier: MIT
// Linear probing; the hash reads eight bytes at a time, as most pieces are shorter than that.
#include "tokenizer/token_index.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.hpp"

namespace linnet {
namespace {

std::uint64_t mix(std::uint64_t x) {
    x *= 0x9E3779B97F4A7C15u;
    return x ^ x >> 29;
}

template <class T>
std::uint64_t load(const char* p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
}

std::uint64_t hash(std::string_view text) {
    const char* p = text.data();
    std::size_t n = text.size();
    std::uint64_t h = mix(n + 1);
    for (; n >= 8; p += 8, n -= 8) h = mix(h ^ load<std::uint64_t>(p));
    // The rest, possibly read twice in parts: the length is in the hash already.
    if (n >= 4) return mix(h ^ (load<std::uint32_t>(p) << 32 | load<std::uint32_t>(p + n - 4)));
    if (n >= 2) return mix(h ^ (load<std::uint16_t>(p) << 16 | load<std::uint16_t>(p + n - 2)));
    return n == 1 ? mix(h ^ load<std::uint8_t>(p)) : h;
}

}  // namespace

TokenIndex::TokenIndex(const Vocabulary& vocabulary, std::uint32_t kinds, Memory& memory)
    : vocabulary_(&vocabulary), slots_(&memory) {
    std::size_t n = 0;
    for (Token token = 0; vocabulary.has(token); ++token)
        n += kinds >> static_cast<unsigned>(vocabulary.kind(token)) & 1u;
    slots_.assign(std::bit_ceil(2 * n + 1), Slot{0, kNoToken});
    const std::size_t last = slots_.size() - 1;
    for (Token token = 0; vocabulary.has(token); ++token) {
        if ((kinds & bit(vocabulary.kind(token))) == 0) continue;
        const std::string_view piece = vocabulary.piece(token);
        const std::uint64_t h = hash(piece);
        const auto tag = static_cast<std::uint32_t>(h >> 32);
        std::size_t i = h & last, n_probes = 0;
        while (slots_[i].token != kNoToken && (slots_[i].hash != tag || vocabulary.piece(slots_[i].token) != piece)) {
            i = (i + 1) & last;
            if (++n_probes > kMaxProbes) throw Error(Status::bad_file, "tokenizer.ggml.tokens: the texts collide");
        }
        if (slots_[i].token == kNoToken) slots_[i] = {tag, token};
        max_size_ = std::max(max_size_, static_cast<std::uint32_t>(piece.size()));
    }
}

Token TokenIndex::find(std::string_view piece) const noexcept {
    if (piece.size() > max_size_) return kNoToken;
    const std::uint64_t h = hash(piece);
    const auto tag = static_cast<std::uint32_t>(h >> 32);
    const std::size_t last = slots_.size() - 1;
    for (std::size_t i = h & last; slots_[i].token != kNoToken; i = (i + 1) & last) {
        if (slots_[i].hash == tag && vocabulary_->piece(slots_[i].token) == piece) return slots_[i].token;
    }
    return kNoToken;
}

}  // namespace linnet
