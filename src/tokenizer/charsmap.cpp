// SPDX-License-Identifier: MIT
// A unit of the double array has the byte that leads to it in bits 0 to 7, whether bytes end there in bit 8, and in
// bits 10 to 30, shifted by 8 more where bit 9 is set, what its index is combined with (exclusive or) to get to its
// children: the child for byte c is c further (exclusive or). Where bytes end, the child for byte 0 has the
// replacement's offset in bits 0 to 30 and bit 31 set.
#include "tokenizer/charsmap.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace linnet {
namespace {

constexpr std::string_view kKey = "tokenizer.ggml.precompiled_charsmap";
constexpr std::uint32_t kValue = 1U << 31;

constexpr std::uint32_t step(std::uint32_t unit) noexcept { return unit >> 10 << ((unit & 1U << 9) >> 6); }
constexpr std::uint32_t label(std::uint32_t unit) noexcept { return unit & (kValue | 0xFF); }
constexpr bool ends_here(std::uint32_t unit) noexcept { return (unit & 1U << 8) != 0; }

}  // namespace

Charsmap::Charsmap(const gguf::File& file, Memory& memory) : units_(&memory), replacements_(&memory) {
    const auto values = file.i32s(kKey, memory);  // bytes, signed in some files
    if (!values || values->empty()) return;
    const auto byte = [&](std::size_t i) {
        const std::int32_t value = (*values)[i];
        if (value < -128 || value > 255) throw Error(Status::bad_file, "{}[{}]: {} is no byte", kKey, i, value);
        return static_cast<std::uint8_t>(value);
    };
    std::size_t at = 0;
    const auto number = [&] {
        std::uint32_t result = 0;
        for (unsigned shift = 0; shift < 32; shift += 8) result |= std::uint32_t{byte(at++)} << shift;
        return result;
    };
    if (values->size() < 4) throw Error(Status::bad_file, "{}: {} bytes are no charsmap", kKey, values->size());
    const std::uint32_t size = number();
    if (size == 0 || size % 4 != 0 || size > values->size() - at) {
        throw Error(Status::bad_file, "{}: a trie of {} bytes in {}", kKey, size, values->size());
    }
    units_.reserve(size / 4);
    while (at < 4 + std::size_t{size}) units_.push_back(number());
    replacements_.reserve(values->size() - at);
    while (at < values->size()) replacements_.push_back(static_cast<char>(byte(at++)));
    check_units();
}

void Charsmap::check_units() const {
    const std::size_t n = units_.size();
    if ((units_[0] & kValue) != 0) throw Error(Status::bad_file, "{}: unit 0 is a replacement, no root", kKey);
    for (std::uint32_t i = 0; i < n; ++i) {
        if ((units_[i] & kValue) != 0) continue;
        const std::uint32_t children = i ^ step(units_[i]);
        if ((children | 0xFF) >= n) {
            throw Error(Status::bad_file, "{}: unit {} leads to {}, outside of {} units", kKey, i, children, n);
        }
        if (!ends_here(units_[i])) continue;
        const std::uint32_t offset = units_[children] & ~kValue;
        if ((units_[children] & kValue) == 0 || offset >= replacements_.size()) {
            throw Error(Status::bad_file, "{}: unit {} has no replacement", kKey, i);
        }
    }
    std::size_t run = 0;
    for (const char c : replacements_) {
        run = c == '\0' ? 0 : run + 1;
        if (run > kMaxSize) throw Error(Status::bad_file, "{}: a replacement is longer than {} bytes", kKey, kMaxSize);
    }
    if (run != 0) throw Error(Status::bad_file, "{}: the last replacement has no end", kKey);
}

Charsmap::Match Charsmap::find(std::string_view text) const noexcept {
    Match match{0, {}};
    if (units_.empty()) return match;
    std::uint32_t node = step(units_[0]);
    const std::size_t n = std::min(text.size(), kMaxSize);
    for (std::size_t i = 0; i < n; ++i) {
        const auto c = static_cast<std::uint8_t>(text[i]);
        const std::uint32_t unit = units_[node ^ c];
        if (c == 0 || label(unit) != c) break;
        node ^= c ^ step(unit);
        if (!ends_here(unit)) continue;
        const std::string_view rest = std::string_view(replacements_).substr(units_[node] & ~kValue);
        match = {i + 1, rest.substr(0, rest.find('\0'))};
    }
    return match;
}

}  // namespace linnet
