// SPDX-License-Identifier: MIT
// What the kernel tests share: the tables of every instruction set, seeded numbers, adversarial weights and activations
// made without knowing a format's layout, and buffers whose end is the end of mapped memory, so that reading or writing
// one byte too far ends the program.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "kernels/api/table.hpp"

namespace kernel_test {

using linnet::kernels::Activations;
using linnet::kernels::Format;
using linnet::kernels::FormatInfo;
using linnet::kernels::kFormats;
using linnet::kernels::kQuantBlock;
using linnet::kernels::kQuantBlockBytes;
using linnet::kernels::kTileRows;
using linnet::kernels::panel_tokens;
using linnet::kernels::Table;
using Sizes = std::initializer_list<std::size_t>;

// What the build holds, whether or not this CPU can run it.
inline std::vector<std::string> compiled_isas() {
    return {
#define LINNET_ISA_TABLE(isa) #isa,
#include "linnet_isa_list.hpp"
#undef LINNET_ISA_TABLE
    };
}

inline Table table(std::string_view isa) {
    Table made;
    if (!linnet::kernels::make_table(isa, made)) throw std::runtime_error("no table " + std::string(isa));
    return made;
}

inline const Table& scalar() {
    static const Table made = table("scalar");
    return made;
}

// The tables to compare with the scalar one. table_test.cpp says which ones this CPU cannot run.
inline const std::vector<Table>& simd_tables() {
    static const std::vector<Table> made = [] {
        std::vector<Table> tables;
        const linnet::kernels::IsaList list = linnet::kernels::available_isas();
        for (std::size_t i = 0; i + 1 < list.n; ++i) tables.push_back(table(list.names[i]));
        return tables;
    }();
    return made;
}

inline std::vector<FormatInfo> formats() {
    std::vector<FormatInfo> list;
    for (std::size_t i = 0; i < kFormats; ++i) list.push_back(linnet::kernels::info(static_cast<Format>(i)));
    return list;
}
inline std::size_t index(const FormatInfo& f) { return static_cast<std::size_t>(f.format); }

// SplitMix64: the same numbers everywhere.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
    // In [-1, 1).
    float unit() { return static_cast<float>(static_cast<double>(next() >> 40) * 0x1p-23 - 1.0); }
    std::vector<float> units(std::size_t n, float scale = 1.0F) {
        std::vector<float> values(n);
        for (float& v : values) v = scale * unit();
        return values;
    }
    void bytes(std::span<std::byte> target) {
        for (std::byte& b : target) b = static_cast<std::byte>(next() >> 56);
    }

  private:
    std::uint64_t state_;
};

// n elements of T whose last byte lies before a page that cannot be touched; at least `kFront` bytes lie before them.
// All start as 0xff: NaN as a float or half float.
template <class T>
class Guarded {
  public:
    static constexpr std::size_t kFront = 256;

    explicit Guarded(std::size_t n) : n_(n) {
        mapped_ = (n * sizeof(T) + kFront + kPage - 1) / kPage * kPage + kPage;
        void* base = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (base == MAP_FAILED) throw std::runtime_error("mmap failed");
        base_ = static_cast<std::byte*>(base);
        std::memset(base_, 0xff, mapped_ - kPage);
        if (mprotect(base_ + mapped_ - kPage, kPage, PROT_NONE) != 0) throw std::runtime_error("mprotect failed");
    }
    Guarded(std::size_t n, const T* values) : Guarded(n) { std::memcpy(data(), values, n * sizeof(T)); }
    explicit Guarded(const std::vector<T>& values) : Guarded(values.size(), values.data()) {}
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    ~Guarded() { munmap(base_, mapped_); }

    T* data() const { return reinterpret_cast<T*>(base_ + mapped_ - kPage - n_ * sizeof(T)); }
    std::size_t size() const { return n_; }
    std::span<T> span() const { return {data(), n_}; }
    std::vector<T> copy() const { return {data(), data() + n_}; }
    // The bytes before the elements are as they were.
    bool front_untouched() const {
        const auto* front = reinterpret_cast<const unsigned char*>(data()) - kFront;
        return std::all_of(front, front + kFront, [](unsigned char b) { return b == 0xff; });
    }

  private:
    static constexpr std::size_t kPage = 4096;
    std::size_t n_;
    std::size_t mapped_;
    std::byte* base_;
};

// The same bits; two NaNs count as the same, as the order in which one of two is passed on is nobody's promise.
inline bool same(float a, float b) { return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0; }
inline bool same(std::span<const float> a, std::span<const float> b) {
    if (a.size() != b.size()) return false;
    if (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0) return true;
    return std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) { return same(x, y); });
}

// ---- Weights

enum class Blocks { random, zero, ones, largest, tiny, negative, same_sign };
inline constexpr Blocks kAllBlocks[] = {Blocks::random, Blocks::zero,     Blocks::ones,     Blocks::largest,
                                        Blocks::tiny,   Blocks::negative, Blocks::same_sign};

// Where a block keeps a scale, and as what.
struct ScalePlace {
    enum Kind {
        half,
        exponent,  // a byte, biased by 127
        nibbles,   // a half float in the top four bits of four words
    };
    std::size_t at;
    Kind kind;
};

// One kind of weights, without knowledge of layouts: where a block keeps half floats is found by writing infinity, a
// byte of exponent by writing the largest one. The one format that scatters its scale is known by name.
class BlockMaker {
  public:
    explicit BlockMaker(const FormatInfo& f) : f_(f) {
        if (f.block_size == 1) {
            // A float: its upper two bytes are a float of less precision.
            scales_ = {{f.block_bytes - 2U, ScalePlace::half}};
            largest_ = std::string_view(f.name) == "f16" ? 0x7bff : 0x7f7f;
            return;
        }
        if (std::string_view(f.name) == "iq1_m") scales_ = {{48, ScalePlace::nibbles}};
        const std::vector<std::byte> plain(f.block_bytes, std::byte{0x11});
        for (std::size_t at = 0; at + 2 <= f.block_bytes; at += 2) {
            std::vector<std::byte> block = plain;
            put(block, {at, ScalePlace::half}, 0x7c00);
            if (!finite(block)) scales_.push_back({at, ScalePlace::half});
        }
        const std::vector<std::byte> large(f.block_bytes, std::byte{0x77});
        for (std::size_t at = 0; at < f.block_bytes && scales_.empty(); ++at) {
            std::vector<std::byte> block = large;
            block[at] = std::byte{0xff};
            if (!finite(block)) scales_.push_back({at, ScalePlace::exponent});
        }
    }

    // The scales of a block in the order of their places.
    const std::vector<ScalePlace>& scales() const { return scales_; }

    std::vector<std::byte> make(Blocks kind, Random& random) const {
        std::vector<std::byte> block(f_.block_bytes);
        do {  // one of 32 random half floats is not finite
            random.bytes(block);
            // Weights of a size that occurs: half floats below 2, except where they are all that is random.
            if (f_.block_size > 1) {
                for (const ScalePlace& scale : scales_) put(block, scale, random.next() & 0xbfff);
            }
        } while (!finite(block));
        switch (kind) {
            case Blocks::random: break;
            case Blocks::zero: std::fill(block.begin(), block.end(), std::byte{}); break;
            case Blocks::ones:
                std::fill(block.begin(), block.end(), std::byte{0xff});
                set_scales(block, 0x3c00);
                break;
            case Blocks::largest: set_scales(block, static_cast<std::uint64_t>(largest_)); break;
            case Blocks::tiny: set_scales(block, 1 + random.below(0x3ff)); break;
            case Blocks::negative: set_scales(block, 0xb000 | random.below(0x400)); break;
            case Blocks::same_sign: set_scales(block, 0x3000 | random.below(0x400)); break;
        }
        return block;
    }

    // n blocks after each other.
    std::vector<std::byte> row(Blocks kind, std::size_t n, Random& random) const {
        std::vector<std::byte> bytes;
        for (std::size_t i = 0; i < n; ++i) {
            const auto block = make(kind, random);
            bytes.insert(bytes.end(), block.begin(), block.end());
        }
        return bytes;
    }

    void set_scales(std::span<std::byte> block, std::uint64_t bits) const {
        for (const ScalePlace& scale : scales_) put(block, scale, bits);
    }
    // bits: a half float. An exponent takes that of it, 0 where it is subnormal.
    static void put(std::span<std::byte> block, const ScalePlace& scale, std::uint64_t bits) {
        const auto byte = [&](std::size_t i) -> std::byte& { return block[scale.at + i]; };
        switch (scale.kind) {
            case ScalePlace::half:
                byte(0) = static_cast<std::byte>(bits & 0xff);
                byte(1) = static_cast<std::byte>(bits >> 8 & 0xff);
                break;
            case ScalePlace::exponent: {
                const std::uint64_t exponent = bits >> 10 & 31;
                byte(0) = static_cast<std::byte>(exponent == 0 ? bits & 1 : exponent + 112);
                break;
            }
            case ScalePlace::nibbles:
                for (std::size_t i = 0; i < 4; ++i) {
                    byte(2 * i + 1) =
                        (byte(2 * i + 1) & std::byte{15}) | static_cast<std::byte>((bits >> 4 * i & 15) << 4);
                }
                break;
        }
    }

  private:
    bool finite(std::span<const std::byte> block) const {
        std::vector<float> y(f_.block_size);
        scalar().decode[index(f_)].fn(block.data(), f_.block_size, y.data());
        return std::all_of(y.begin(), y.end(), [](float v) { return std::isfinite(v); });
    }

    FormatInfo f_;
    std::vector<ScalePlace> scales_;
    int largest_ = 0x7bff;
};

// ---- Activations

enum class Values { normal, zero, largest, tiny, spike, mixed, constant };
inline constexpr Values kAllValues[] = {Values::normal, Values::zero,  Values::largest, Values::tiny,
                                        Values::spike,  Values::mixed, Values::constant};

inline std::vector<float> make_values(Values kind, std::size_t n, Random& random) {
    std::vector<float> x = random.units(n);
    constexpr float kMax = std::numeric_limits<float>::max();
    for (std::size_t i = 0; i < n; ++i) {
        switch (kind) {
            case Values::normal: x[i] *= 3.0F; break;
            case Values::zero: x[i] = x[i] < 0.0F ? -0.0F : 0.0F; break;
            case Values::largest: x[i] = x[i] < 0.0F ? -kMax : kMax; break;
            case Values::tiny: x[i] *= 1e-39F; break;  // subnormal
            case Values::spike: x[i] = i % 61 == 7 ? 1e5F : x[i] * 1e-3F; break;
            case Values::mixed: x[i] *= std::ldexp(1.0F, static_cast<int>(random.below(60)) - 30); break;
            case Values::constant: x[i] = random.next() % 2 == 0 ? 1.0F : -1.0F; break;
        }
    }
    return x;
}

// x: [n_tokens][n_in] -> panels, by `t`.
inline std::vector<std::byte> make_panels(const Table& t, Activations kind, std::span<const float> x, std::size_t n_in,
                                          std::size_t n_tokens) {
    std::vector<std::byte> panels(linnet::kernels::activation_bytes(kind, n_in, n_tokens));
    const auto& pack = kind == Activations::q8 ? t.pack_q8 : t.pack_f32;
    for (std::size_t i = 0; i < n_tokens; ++i) {
        const std::size_t first = i / panel_tokens(kind) * panel_tokens(kind);
        std::byte* panel = panels.data() + linnet::kernels::activation_bytes(kind, n_in, first);
        pack.fn(x.data() + i * n_in, n_in, panel, std::min(panel_tokens(kind), n_tokens - first), i - first);
    }
    return panels;
}

// rows of row_bytes() each -> tiles, by `t`.
inline std::vector<std::byte> make_tiles(const Table& t, const FormatInfo& f, std::span<const std::byte> rows,
                                         std::size_t n_in, std::size_t n_rows) {
    const std::size_t row = linnet::kernels::row_bytes(f, n_in);
    const std::size_t tile = linnet::kernels::tile_bytes(f, n_in);
    const std::size_t n_tiles = (n_rows + kTileRows - 1) / kTileRows;
    std::vector<std::byte> tiles(n_tiles * tile);
    for (std::size_t i = 0; i < n_tiles; ++i) {
        t.pack[index(f)].fn({rows.data() + i * kTileRows * row, std::min(kTileRows, n_rows - i * kTileRows), n_in,
                             tiles.data() + i * tile});
    }
    return tiles;
}

}  // namespace kernel_test
