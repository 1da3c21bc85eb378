// SPDX-License-Identifier: MIT
// Matrix products: every instruction set against the scalar table, bit by bit, over shapes that reach each remainder;
// and the scalar table against a double-precision sum of the same operands with a bound derived below. Every buffer
// ends at a page that cannot be read, begins after canaries, and is NaN wherever nothing was put.
#include <array>
#include <bit>

#include "kernels/support.hpp"

using namespace kernel_test;
using linnet::kernels::MatmulArgs;

namespace {

struct Problem {
    FormatInfo f;
    std::size_t n_in;
    std::size_t n_rows;
    std::size_t n_tokens;
    std::vector<std::byte> rows;    // as in a file
    std::vector<std::byte> tiles;   // packed
    std::vector<std::byte> panels;  // packed

    std::size_t n_tiles() const { return (n_rows + kTileRows - 1) / kTileRows; }

    Problem(const FormatInfo& format, std::size_t in, std::size_t n, std::size_t tokens, std::vector<std::byte> bytes,
            std::span<const float> x)
        : f(format),
          n_in(in),
          n_rows(n),
          n_tokens(tokens),
          rows(std::move(bytes)),
          tiles(make_tiles(scalar(), f, rows, n_in, n_rows)),
          panels(make_panels(scalar(), f.activations, x, n_in, n_tokens)) {}

    // y: [n_tokens][n_rows]. Checks that nothing but the results was written.
    std::vector<float> run(const Table& t, std::size_t slack) const {
        const Guarded<std::byte> w(tiles);
        const Guarded<std::byte> x(panels);
        const std::size_t stride = n_rows + slack;
        const Guarded<float> y((n_tokens - 1) * stride + n_rows);
        const Guarded<std::byte> scratch(linnet::kernels::kMatmulScratch);
        t.matmul[index(f)].fn(
            {w.data(), n_tiles(), n_rows, n_in, x.data(), n_tokens, y.data(), stride, scratch.data()});
        std::vector<float> result;
        std::size_t n_overwritten = 0;
        for (std::size_t i = 0; i < y.size(); ++i) {
            if (i % stride < n_rows) {
                result.push_back(y.data()[i]);
            } else if (std::bit_cast<std::uint32_t>(y.data()[i]) != ~0U) {
                ++n_overwritten;
            }
        }
        CHECK(n_overwritten == 0);
        CHECK(y.front_untouched());
        return result;
    }
};

// Row r has blocks of the r-th kind, token t activations of the t-th: all pairs meet.
Problem make_problem(const FormatInfo& f, const BlockMaker& maker, std::size_t n_in, std::size_t n_rows,
                     std::size_t n_tokens, Random& random) {
    std::vector<std::byte> rows;
    for (std::size_t r = 0; r < n_rows; ++r) {
        const auto row = maker.row(r % 3 == 1 ? kAllBlocks[r / 3 % 7] : Blocks::random, n_in / f.block_size, random);
        rows.insert(rows.end(), row.begin(), row.end());
    }
    std::vector<float> x;
    for (std::size_t t = 0; t < n_tokens; ++t) {
        const auto values = make_values(t % 3 == 2 ? kAllValues[t / 3 % 7] : Values::normal, n_in, random);
        x.insert(x.end(), values.begin(), values.end());
    }
    return {f, n_in, n_rows, n_tokens, std::move(rows), x};
}

// Activation k of token t as the panel has it, exact in double.
double activation(const Problem& p, std::size_t t, std::size_t k) {
    const std::size_t first = t / panel_tokens(p.f.activations) * panel_tokens(p.f.activations);
    const std::size_t width = std::min(panel_tokens(p.f.activations), p.n_tokens - first);
    const std::byte* panel = p.panels.data() + linnet::kernels::activation_bytes(p.f.activations, p.n_in, first);
    float value;
    if (p.f.activations == Activations::f32) {
        std::memcpy(&value, panel + (k * width + t - first) * 4, 4);
        return value;
    }
    const std::byte* block = panel + k / kQuantBlock * width * kQuantBlockBytes;
    std::int8_t q;
    std::memcpy(&value, block + (t - first) * 4, 4);
    std::memcpy(&q, block + width * 20 + (t - first) * kQuantBlock + k % kQuantBlock, 1);
    return static_cast<double>(value) * q;
}

// Weights of all rows in two parts whose sum is the weight: the one with the scale, the one with the minimum (formats
// without: zeros). Each part alone decodes exactly, which their sum does not.
struct Parts {
    std::vector<float> scaled;
    std::vector<float> minimum;
};
Parts split_weights(const Problem& p, const BlockMaker& maker) {
    Parts parts{std::vector<float>(p.n_rows * p.n_in), std::vector<float>(p.n_rows * p.n_in)};
    const auto decode = [&](std::size_t half, std::vector<float>& y) {
        std::vector<std::byte> rows = p.rows;
        for (std::size_t at = 0; at < rows.size(); at += p.f.block_bytes) {
            BlockMaker::put(std::span(rows).subspan(at, p.f.block_bytes), maker.scales()[half], 0);
        }
        scalar().decode[index(p.f)].fn(rows.data(), y.size(), y.data());
    };
    if (p.f.block_size > 1 && maker.scales().size() == 2) {
        decode(0, parts.minimum);
        decode(1, parts.scaled);
    } else {
        scalar().decode[index(p.f)].fn(p.rows.data(), parts.scaled.size(), parts.scaled.data());
    }
    return parts;
}

// The scalar result against the sum in double.
//
// Let u = 2^-24 and S = sum_k (|scaled_k| + |minimum_k|) |x_k|. Quantised formats compute, for each of B blocks of 32,
// fma(float(I), dw * dx, acc), where I is exact: float(I) and dw * dx round once each, the fma once; and where there
// is a minimum fma(-m, dx * sum q, acc): the product rounds once, the fma once. Each block's terms are at most its part
// of S in magnitude; every partial sum is at most S (1 + small). 2 B additions round by u S each at most, factors
// of terms by 2 u of the term, 2 u S in all: |error| <= (2 B + 2) u S to first order; one more for higher orders. Float
// formats: one fma for each of n_in terms, (n_in + 1) u S.
// Products may be subnormal, where rounding is by 2^-150 instead: for dw * dx (times |I| < 2^25), dx * sum q (times m
// < 2^23) and the results, in all below B 2^-123. The conversion of the double sum is far below u.
void check_against_double(const Problem& p, const BlockMaker& maker) {
    const Parts parts = split_weights(p, maker);
    const auto y = p.run(scalar(), 0);
    const bool quantised = p.f.activations == Activations::q8;
    const double n_terms = static_cast<double>(quantised ? 2 * (p.n_in / 32) + 3 : p.n_in + 2);
    const double absolute = n_terms * (quantised ? 0x1p-123 : 0x1p-149);
    for (std::size_t t = 0; t < p.n_tokens; ++t) {
        for (std::size_t r = 0; r < p.n_rows; ++r) {
            double sum = 0.0;
            double magnitude = 0.0;
            double inputs = 0.0;
            for (std::size_t k = 0; k < p.n_in; ++k) {
                const double x = activation(p, t, k);
                inputs += std::abs(x);
                const double scaled = parts.scaled[r * p.n_in + k] * x;
                const double minimum = parts.minimum[r * p.n_in + k] * x;
                sum += scaled + minimum;
                magnitude += std::abs(scaled) + std::abs(minimum);
            }
            if (magnitude > 1e37 || inputs > 1e37) continue;  // may overflow on the way; bits are compared elsewhere
            const double error = std::abs(y[t * p.n_rows + r] - sum);
            if (!(error <= n_terms * 0x1p-24 * magnitude + absolute)) {
                FAIL_CHECK("token " << t << " row " << r << ": " << y[t * p.n_rows + r] << " is not " << sum);
                return;
            }
        }
    }
}

void check_same_bits(const Problem& p, std::size_t slack) {
    const auto expected = p.run(scalar(), slack);
    for (const Table& t : simd_tables()) {
        CAPTURE(std::string(t.isa));
        CHECK(same(p.run(t, slack), expected));
    }
}

constexpr std::size_t kTokens[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 64};

}  // namespace

TEST_CASE("matmul: every instruction set gives the scalar table's bits for every shape") {
    constexpr std::size_t kRows[] = {1, 13, 16, 17, 31, 32, 33, 47, 48};
    for (const FormatInfo& f : formats()) {
        CAPTURE(std::string(f.name));
        const BlockMaker maker(f);
        Random random(3);
        std::size_t turn = 0;
        for (const std::size_t n_blocks : Sizes{1, 2, 3, 8, 9}) {
            for (const std::size_t n_tokens : kTokens) {
                for (std::size_t n_tiles = 1; n_tiles <= 3; ++n_tiles, ++turn) {
                    const std::size_t n_rows = kRows[(n_tiles - 1) * 3 + turn % 3];
                    CAPTURE(n_blocks);
                    CAPTURE(n_tokens);
                    CAPTURE(n_rows);
                    const auto p = make_problem(f, maker, n_blocks * f.block_size, n_rows, n_tokens, random);
                    check_same_bits(p, turn % 4 == 0 ? 0 : turn % 4 * 3);
                }
            }
        }
    }
}

TEST_CASE("matmul: a token's result does not depend on the tokens beside it") {
    for (const FormatInfo& f : formats()) {
        CAPTURE(std::string(f.name));
        const BlockMaker maker(f);
        Random random(4);
        const std::size_t n_in = std::max<std::size_t>(f.block_size, 64);
        const std::size_t n_rows = 20;
        std::vector<std::byte> rows;
        for (std::size_t r = 0; r < n_rows; ++r) {
            const auto row = maker.row(Blocks::random, n_in / f.block_size, random);
            rows.insert(rows.end(), row.begin(), row.end());
        }
        const auto x = random.units(37 * n_in);
        std::vector<Table> tables = simd_tables();
        tables.push_back(scalar());
        for (const Table& t : tables) {
            CAPTURE(std::string(t.isa));
            const auto together = Problem(f, n_in, n_rows, 37, rows, x).run(t, 0);
            for (const std::size_t i : Sizes{0, 15, 16, 31, 32, 35, 36}) {
                const auto alone = Problem(f, n_in, n_rows, 1, rows, std::span(x).subspan(i * n_in, n_in)).run(t, 0);
                CHECK(same(alone, std::span(together).subspan(i * n_rows, n_rows)));
            }
        }
    }
}

TEST_CASE("matmul: chunks of long rows and blocks of many tokens change no bit") {
    // More than one chunk along k (1024, floats 256), more than one block of tokens (240), an odd number of tiles.
    for (const Format format : {Format::q4_0, Format::q8_0, Format::q4_k, Format::q6_k, Format::q2_k, Format::nvfp4,
                                Format::iq2_xxs, Format::f16}) {
        const FormatInfo& f = linnet::kernels::info(format);
        CAPTURE(std::string(f.name));
        const BlockMaker maker(f);
        Random random(6);
        constexpr std::size_t n_in = 1280;
        constexpr std::size_t n_rows = 37;
        constexpr std::size_t n_tokens = 247;
        std::vector<std::byte> rows;
        for (std::size_t r = 0; r < n_rows; ++r) {
            const auto row = maker.row(Blocks::random, n_in / f.block_size, random);
            rows.insert(rows.end(), row.begin(), row.end());
        }
        const auto x = random.units(n_tokens * n_in);
        const auto expected = Problem(f, n_in, n_rows, n_tokens, rows, x).run(scalar(), 0);
        for (const std::size_t i : Sizes{0, 4, 5, 239, 240, 246}) {
            const auto alone = Problem(f, n_in, n_rows, 1, rows, std::span(x).subspan(i * n_in, n_in)).run(scalar(), 0);
            CHECK(same(alone, std::span(expected).subspan(i * n_rows, n_rows)));
        }
        for (const Table& t : simd_tables()) {
            CAPTURE(std::string(t.isa));
            CHECK(same(Problem(f, n_in, n_rows, n_tokens, rows, x).run(t, 3), expected));
        }
    }
}

TEST_CASE("matmul: the scalar table is the sum of the same operands in double, within rounding") {
    for (const FormatInfo& f : formats()) {
        CAPTURE(std::string(f.name));
        const BlockMaker maker(f);
        Random random(5);
        for (const std::size_t n_blocks : Sizes{1, 2, 9}) {
            for (const std::size_t n_tokens : Sizes{1, 17, 23}) {
                check_against_double(make_problem(f, maker, n_blocks * f.block_size, 21, n_tokens, random), maker);
            }
        }
        if (f.block_size == 1) check_against_double(make_problem(f, maker, 1000, 21, 5, random), maker);
    }
}

TEST_CASE("matmul: integer sums are exact where all quants and activations are extreme") {
    // Every quant byte the same, scales 1: reaches the largest quants of each format with the largest activations
    // of either sign, where pairs of products would saturate 16 bits. Q6_K's own scales are made extreme as well.
    for (const FormatInfo& f : formats()) {
        if (f.activations != Activations::q8) continue;
        CAPTURE(std::string(f.name));
        const BlockMaker maker(f);
        const std::size_t n_in = 2 * std::max<std::size_t>(f.block_size, 64);
        const std::size_t n_blocks = n_in / f.block_size;
        constexpr int kFills[] = {0xff, 0x00, 0x7f, 0x80, 0xf0, 0x0f, 0x81};
        const std::size_t n_rows = std::size(kFills) * 2;
        std::vector<std::byte> rows;
        for (std::size_t r = 0; r < n_rows; ++r) {
            std::vector<std::byte> block(f.block_bytes, static_cast<std::byte>(kFills[r / 2]));
            if (std::string_view(f.name) == "q6_k") {
                std::fill_n(block.begin() + 192, 16, static_cast<std::byte>(r % 2 == 0 ? 0x7f : 0x80));
            }
            maker.set_scales(block, r % 2 == 0 ? 0x3c00 : 0xbc00);  // 1, -1
            for (std::size_t b = 0; b < n_blocks; ++b) rows.insert(rows.end(), block.begin(), block.end());
        }
        // All 127, all -127, alternating by one, two and four.
        constexpr std::size_t n_tokens = 5;
        std::vector<float> x;
        for (std::size_t t = 0; t < n_tokens; ++t) {
            for (std::size_t k = 0; k < n_in; ++k) {
                const bool minus = t == 1 || (t > 1 && (k >> (t - 2)) % 2 == 1);
                x.push_back(minus ? -127.0F : 127.0F);
            }
        }
        const Problem p(f, n_in, n_rows, n_tokens, rows, x);
        check_same_bits(p, 0);
        // d = 1 and scales of 1 leave integers, which float has exactly below 2^24 (a bound that Q6_K's 16 values of
        // 63 * 128 * 127 pass; its sums are multiples of 2^7 or of 127).
        const Parts parts = split_weights(p, maker);
        const auto y = p.run(scalar(), 0);
        for (std::size_t t = 0; t < n_tokens; ++t) {
            for (std::size_t r = 0; r < n_rows; ++r) {
                double sum = 0.0;
                for (std::size_t k = 0; k < n_in; ++k) {
                    sum += (static_cast<double>(parts.scaled[r * n_in + k]) + parts.minimum[r * n_in + k]) *
                           activation(p, t, k);
                }
                CAPTURE(r);
                CAPTURE(t);
                if (std::abs(sum) < 0x1p24) CHECK(y[t * n_rows + r] == sum);
            }
        }
        check_against_double(p, maker);
    }
}
