// SPDX-License-Identifier: MIT
// Kernels on rows of activations: every instruction set against the scalar table, bit by bit, over all short lengths;
// and the scalar table against formulas in double with bounds derived beside them. u is 2^-24, half an ulp of 1.
#include <functional>

#include "kernels/support.hpp"

using namespace kernel_test;

namespace {

constexpr double kU = 0x1p-24;

std::vector<std::size_t> lengths() {
    std::vector<std::size_t> list;
    for (std::size_t n = 1; n <= 64; ++n) list.push_back(n);
    for (const std::size_t n : Sizes{100, 127, 257, 1000, 4096, 4097}) list.push_back(n);
    return list;
}

// Runs `call` (table, x, second operand, y; y starts as a copy of x) by every table over all lengths and values.
using Call = std::function<void(const Table& t, const float* x, const float* other, std::size_t n, float* y)>;
void check_same_bits(const Call& call) {
    Random random(11);
    for (const std::size_t n : lengths()) {
        CAPTURE(n);
        for (const Values kind : kAllValues) {
            CAPTURE(static_cast<int>(kind));
            const Guarded<float> x(make_values(kind, n, random));
            const Guarded<float> other(make_values(n % 3 == 0 ? kind : Values::mixed, n, random));
            const Guarded<float> expected(x.copy());
            call(scalar(), x.data(), other.data(), n, expected.data());
            CHECK(expected.front_untouched());
            for (const Table& t : simd_tables()) {
                CAPTURE(std::string(t.isa));
                const Guarded<float> y(x.copy());
                call(t, x.data(), other.data(), n, y.data());
                CHECK(same(y.span(), expected.span()));
                CHECK(y.front_untouched());
                const Guarded<float> in_place(x.copy());
                call(t, in_place.data(), other.data(), n, in_place.data());
                CHECK(same(in_place.span(), expected.span()));
            }
        }
    }
}

// Values that are no numbers, in any lane, must not crash nor touch anything else.
void check_survives(const Call& call) {
    constexpr float kInf = std::numeric_limits<float>::infinity();
    Random random(12);
    for (const std::size_t n : Sizes{1, 5, 16, 33, 64}) {
        for (const float bad : {kInf, -kInf, std::nanf("")}) {
            for (std::size_t at = 0; at < n; ++at) {
                auto values = random.units(n);
                values[at] = bad;
                std::vector<Table> tables = simd_tables();
                tables.push_back(scalar());
                for (const Table& t : tables) {
                    const Guarded<float> x(values);
                    const Guarded<float> other(values);
                    const Guarded<float> y(values);
                    call(t, x.data(), other.data(), n, y.data());
                    CHECK(y.front_untouched());
                }
            }
        }
    }
}

void check(const Call& call) {
    check_same_bits(call);
    check_survives(call);
}

// Compares the scalar result with `formula`(x, other) -> {value, tolerance}, element by element.
struct Expected {
    double value;
    double tolerance;
};
void check_formula(const Call& call, const std::function<Expected(double x, double other)>& formula) {
    Random random(13);
    for (const Values kind : {Values::normal, Values::zero, Values::tiny, Values::spike, Values::mixed}) {
        for (const float factor : {1.0F, 10.0F, 40.0F}) {
            auto x = make_values(kind, 500, random);
            for (float& v : x) v *= factor;
            const auto other = random.units(500, 3.0F);
            auto y = x;
            call(scalar(), x.data(), other.data(), x.size(), y.data());
            for (std::size_t i = 0; i < x.size(); ++i) {
                const Expected e = formula(x[i], other[i]);
                CAPTURE(x[i]);
                CAPTURE(other[i]);
                CHECK(std::abs(y[i] - e.value) <= e.tolerance);
            }
        }
    }
}

const Call kAdd = [](const Table& t, const float*, const float* other, std::size_t n, float* y) {
    t.add.fn(other, n, y);
};
const Call kScale = [](const Table& t, const float* x, const float*, std::size_t n, float* y) {
    t.scale.fn(x, 0.088388346F, n, y);
};
const Call kNorm = [](const Table& t, const float* x, const float* other, std::size_t n, float* y) {
    t.rms_norm.fn(x, other, n, 1e-6F, y);
};
const Call kLayerNorm = [](const Table& t, const float* x, const float* other, std::size_t n, float* y) {
    t.layer_norm.fn(x, other, nullptr, n, 1e-5F, y);
};
const Call kLayerNormBias = [](const Table& t, const float* x, const float* other, std::size_t n, float* y) {
    t.layer_norm.fn(x, other, other, n, 1e-5F, y);
};
const Call kSoftcap = [](const Table& t, const float* x, const float*, std::size_t n, float* y) {
    t.softcap.fn(x, 30.0F, n, y);
};
const Call kSilu = [](const Table& t, const float* x, const float* other, std::size_t n, float* y) {
    t.silu_mul.fn(x, other, n, y);
};
const Call kExactGelu = [](const Table& t, const float* x, const float* other, std::size_t n, float* y) {
    t.gelu_mul.fn(x, other, n, y);
};
const Call kNormPlain = [](const Table& t, const float* x, const float*, std::size_t n, float* y) {
    t.rms_norm.fn(x, nullptr, n, 1e-6F, y);
};
const Call kAddScaled = [](const Table& t, const float*, const float* other, std::size_t n, float* y) {
    t.add_scaled.fn(other, -0.7071F, n, y);
};
const Call kMulAdd = [](const Table& t, const float* x, const float* other, std::size_t n, float* y) {
    t.mul_add.fn(x, other, n, y);
};
const Call kSigmoid = [](const Table& t, const float* x, const float* other, std::size_t n, float* y) {
    t.sigmoid_mul.fn(x, other, n, y);
};
const Call kSparsify = [](const Table& t, const float* x, const float*, std::size_t n, float* y) {
    t.sparsify.fn(x, 0.5244F, n, y);
};
const Call kGelu = [](const Table& t, const float* x, const float* other, std::size_t n, float* y) {
    t.gelu_tanh_mul.fn(x, other, n, y);
};
const Call kSwigluClamped = [](const Table& t, const float* x, const float* other, std::size_t n, float* y) {
    t.swiglu_clamped.fn(x, other, n, y);
};

}  // namespace

TEST_CASE("add: same bits, and each sum rounded once") {
    check(kAdd);
    // Sums of two floats rounded to double and then to float are rounded as if once (53 >= 2 * 24 + 2 bits).
    check_formula(kAdd, [](double x, double other) { return Expected{static_cast<float>(x + other), 0.0}; });
}

TEST_CASE("scale: same bits, and each product rounded once") {
    check(kScale);
    check_formula(kScale, [](double x, double) { return Expected{static_cast<float>(x * 0.088388346F), 0.0}; });
}

TEST_CASE("rms_norm: same bits, and the formula in double") {
    check(kNorm);
    // The squares' sum has chains of n / 16 and a tree of 4: (n / 16 + 4) u relative, all terms being positive. With
    // the division by n and the addition of eps (2 u) and half of it from the root, then the root, its
    // inverse and two products (4 u): (n / 32 + 7) u to first order.
    Random random(14);
    for (const std::size_t n : lengths()) {
        for (const Values kind : {Values::normal, Values::zero, Values::spike, Values::mixed}) {
            const auto x = make_values(kind, n, random);
            const auto weight = random.units(n, 2.0F);
            for (const float eps : {1e-5F, 1e-6F}) {
                std::vector<float> y(n);
                scalar().rms_norm.fn(x.data(), weight.data(), n, eps, y.data());
                double sum = 0.0;
                for (const float v : x) sum += static_cast<double>(v) * v;
                const double factor = 1.0 / std::sqrt(sum / static_cast<double>(n) + static_cast<double>(eps));
                const double relative = (static_cast<double>(n) / 32 + 8) * kU;
                double worst = 0.0;
                for (std::size_t i = 0; i < n; ++i) {
                    const double expected = x[i] * factor * weight[i];
                    worst = std::max(worst, std::abs(y[i] - expected) - relative * std::abs(expected));
                }
                CHECK(worst <= 0x1p-148);
            }
        }
    }
}

TEST_CASE("rms_norm without weights is that with ones") {
    check(kNormPlain);
    Random random(17);
    for (const std::size_t n : lengths()) {
        const auto x = random.units(n, 3.0F);
        const std::vector<float> ones(n, 1.0F);
        std::vector<float> y(n);
        std::vector<float> expected(n);
        scalar().rms_norm.fn(x.data(), nullptr, n, 1e-6F, y.data());
        scalar().rms_norm.fn(x.data(), ones.data(), n, 1e-6F, expected.data());
        CHECK(same(y, expected));
    }
}

TEST_CASE("add_scaled, mul_add: same bits, and the formulas rounded once") {
    check(kAddScaled);
    // The product of two floats is exact in double, the sum rounds there and then to float: once and 2^-29 of a time.
    check_formula(kAddScaled, [](double y, double other) {
        const double sum = y + static_cast<double>(-0.7071F) * other;
        return Expected{sum, 1.001 * kU * std::abs(sum) + 0x1p-148};
    });
    // In place, x is what is added to as well; fewer operands that are apart would test less.
    Random random(18);
    for (const std::size_t n : lengths()) {
        const auto a = random.units(n, 3.0F);
        const auto b = random.units(n, 3.0F);
        const auto c = random.units(n, 3.0F);
        auto expected = c;
        scalar().mul_add.fn(a.data(), b.data(), n, expected.data());
        for (std::size_t i = 0; i < n; ++i) {
            const double sum = static_cast<double>(a[i]) * b[i] + c[i];
            CHECK(std::abs(expected[i] - sum) <= 1.001 * kU * std::abs(sum));
        }
        for (const Table& t : simd_tables()) {
            auto y = c;
            t.mul_add.fn(a.data(), b.data(), n, y.data());
            CHECK(same(y, expected));
        }
    }
    check(kMulAdd);
}

TEST_CASE("sigmoid_mul: same bits, and the formula in double") {
    check(kSigmoid);
    // As silu_mul without its last product.
    check_formula(kSigmoid, [](double x, double gate) {
        const double y = x / (1.0 + std::exp(-gate));
        return Expected{y, 7 * kU * std::abs(y) + 5e-39 * std::abs(x) + 0x1p-148};
    });
}

TEST_CASE("sparsify: same bits, and the formula in double") {
    check(kSparsify);
    // Errors of mean and deviation as in layer_norm; the rest are a product and two differences.
    Random random(19);
    for (const std::size_t n : lengths()) {
        for (const Values kind : {Values::normal, Values::zero, Values::spike, Values::mixed}) {
            const auto x = make_values(kind, n, random);
            double mean = 0.0;
            double magnitude = 0.0;
            for (const float v : x) {
                mean += v;
                magnitude += std::abs(v);
            }
            mean /= static_cast<double>(n);
            magnitude /= static_cast<double>(n);
            double squares = 0.0;
            double largest = 0.0;
            for (const float v : x) {
                squares += (v - mean) * (v - mean);
                largest = std::max(largest, std::abs(v - mean));
            }
            const double deviation = std::sqrt(squares / static_cast<double>(n));
            const double shift = (static_cast<double>(n) / 16 + 5) * kU * magnitude + kU * largest;
            const double bound = 2 * shift + (static_cast<double>(n) / 32 + 8) * kU * (deviation + largest);
            std::vector<float> y(n);
            scalar().sparsify.fn(x.data(), 0.5244F, n, y.data());
            double worst = 0.0;
            std::size_t n_zeros = 0;
            for (std::size_t i = 0; i < n; ++i) {
                const double expected = std::max(0.0, x[i] - mean - static_cast<double>(0.5244F) * deviation);
                worst = std::max(worst, std::abs(y[i] - expected) - bound);
                n_zeros += y[i] == 0.0F ? 1 : 0;
            }
            CHECK(worst <= 0x1p-148);
            // Of a normal distribution 70 % lie below mean + 0.5244 deviations.
            if (kind == Values::normal && n >= 1000) CHECK(n_zeros > n / 2);
        }
    }
}

TEST_CASE("layer_norm: same bits, and the formula in double") {
    check(kLayerNorm);
    check(kLayerNormBias);
    // The mean has an error of (n / 16 + 5) u times the mean of |x|, which every difference x - mean takes over beside
    // a rounding of its own. Squares add up as in rms_norm: (n / 32 + 8) u relative with all that follows, and the
    // deviation moves by no more than the differences do.
    Random random(15);
    for (const std::size_t n : lengths()) {
        for (const Values kind : {Values::normal, Values::zero, Values::spike, Values::mixed}) {
            const auto x = make_values(kind, n, random);
            const auto weight = random.units(n, 2.0F);
            const auto bias = random.units(n, 2.0F);
            const double eps = static_cast<double>(1e-5F);
            double mean = 0.0;
            double magnitude = 0.0;
            for (const float v : x) {
                mean += v;
                magnitude += std::abs(v);
            }
            mean /= static_cast<double>(n);
            magnitude /= static_cast<double>(n);
            double squares = 0.0;
            double largest = 0.0;
            for (const float v : x) {
                squares += (v - mean) * (v - mean);
                largest = std::max(largest, std::abs(v - mean));
            }
            const double factor = 1.0 / std::sqrt(squares / static_cast<double>(n) + eps);
            const double shift = (static_cast<double>(n) / 16 + 5) * kU * magnitude + kU * largest;
            for (const bool with_bias : {false, true}) {
                std::vector<float> y(n);
                scalar().layer_norm.fn(x.data(), weight.data(), with_bias ? bias.data() : nullptr, n, 1e-5F, y.data());
                double worst = 0.0;
                for (std::size_t i = 0; i < n; ++i) {
                    const double scaled = (x[i] - mean) * factor * weight[i];
                    const double expected = scaled + (with_bias ? bias[i] : 0.0F);
                    // shift enters by the difference itself and through the deviation.
                    const double moved = shift * factor * std::abs(weight[i]) + std::abs(scaled) * shift * factor;
                    const double rounded =
                        ((static_cast<double>(n) / 32 + 8) * std::abs(scaled) + std::abs(expected)) * kU;
                    worst = std::max(worst, std::abs(y[i] - expected) - moved - rounded);
                }
                CHECK(worst <= 0x1p-148);
            }
        }
    }
}

TEST_CASE("softcap: same bits, and the formula in double") {
    check(kSoftcap);
    // u = x / cap rounds once, which moves tanh by at most as much relatively. Below 0.625 the polynomial's
    // coefficients and its roundings: 3 u. Above, 1 - 2 / (e + 1): the exponential's error of 4 u, of the doubled
    // argument 0, is damped by at most 1 / tanh(0.625) = 1.8; its last difference and the product with cap round once
    // each. 12 u in all.
    check_formula(kSoftcap, [](double x, double) {
        const double y = 30.0 * std::tanh(x / 30.0);
        return Expected{y, 12 * kU * std::abs(y) + 0x1p-140};
    });
    // Around where the two forms meet, and at the ends.
    std::vector<float> x;
    for (int i = -2000; i <= 2000; ++i) x.push_back(static_cast<float>(i) * 0.05F);
    for (const float end : {1e10F, -1e10F, 3e38F, -3e38F}) x.push_back(end);
    std::vector<float> y(x.size());
    scalar().softcap.fn(x.data(), 30.0F, x.size(), y.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double expected = 30.0 * std::tanh(x[i] / 30.0);
        CHECK(std::abs(y[i] - expected) <= 12 * kU * std::abs(expected));
        CHECK(std::abs(y[i]) <= 30.0F);
    }
}

TEST_CASE("silu_mul: same bits, and the formula in double") {
    check(kSilu);
    // e^-g within 4 u relative, which the sigmoid damps; 1 + e, the quotient and the product round once each: 7 u, and
    // one for higher orders. Beyond |g| = 88.37 the exponential stays at 2.4e38: an absolute error below 5e-39 |g up|.
    check_formula(kSilu, [](double g, double up) {
        const double y = g / (1.0 + std::exp(-g)) * up;
        return Expected{y, 8 * kU * std::abs(y) + 5e-39 * std::abs(g * up) + 0x1p-148};
    });
}

TEST_CASE("swiglu_clamped: same bits, and the formula in double") {
    check(kSwigluClamped);
    // The constant, its product with g and the sum with 1 are rounded: 2 |1.702 g| u in the sigmoid, as silu_mul else,
    // and u of |up| + 1 in the second factor, of at most 8. The gate is at most 7, but as small as it likes.
    check_formula(kSwigluClamped, [](double gate, double up) {
        const double g = std::min(gate, 7.0);
        const double factor = std::clamp(up, -7.0, 7.0) + 1.0;
        const double activated = g / (1.0 + std::exp(-1.702 * g));
        const double y = activated * factor;
        const double relative = (2 * std::min(std::abs(1.702 * g), 90.0) + 9) * kU;
        return Expected{
            y, relative * std::abs(y) + kU * std::abs(activated) * 8 + 5e-39 * std::abs(g * factor) + 9 * 0x1p-149};
    });
    // Both limits.
    const float gates[] = {100.0F, 7.0F, 1.0F, 1.0F, 1.0F, 1.0F};
    const float ups[] = {1.0F, 1.0F, 100.0F, 7.0F, -100.0F, -7.0F};
    float y[6];
    scalar().swiglu_clamped.fn(gates, ups, 6, y);
    for (std::size_t i = 0; i < 6; i += 2) CHECK(y[i] == y[i + 1]);
}

TEST_CASE("gelu_tanh_mul: same bits, and the formula in double") {
    check(kGelu);
    // z = 2 u(g) has a relative error of 6 u (two products of the cube, the fma, the last product, two constants),
    // which changes the sigmoid by |z| times that at most; the rest as in silu_mul.
    check_formula(kGelu, [](double g, double up) {
        const double z = 2.0 * std::sqrt(2.0 / 3.14159265358979323846) * (g + 0.044715 * g * g * g);
        const double y = g / (1.0 + std::exp(-z)) * up;  // 0.5 g (1 + tanh(z / 2))
        const double relative = (6 * std::min(std::abs(z), 90.0) + 8) * kU;
        return Expected{y, relative * std::abs(y) + 5e-39 * std::abs(g * up) + 0x1p-148};
    });
    // The sigmoid form is the tanh form.
    std::vector<float> y(1);
    for (const float g : {-3.0F, -0.5F, 0.1F, 1.0F, 4.0F}) {
        const float one = 1.0F;
        scalar().gelu_tanh_mul.fn(&g, &one, 1, y.data());
        const double u = std::sqrt(2.0 / 3.14159265358979323846) * (g + 0.044715 * std::pow(g, 3));
        CHECK(y[0] == doctest::Approx(0.5 * g * (1.0 + std::tanh(u))).epsilon(1e-5));
    }
}

TEST_CASE("gelu_mul: same bits, and the formula in double") {
    check(kExactGelu);
    // g Phi(g) up, with Phi(g) = erfc(-g / sqrt 2) / 2. The tail Phi(-|g|) has the polynomial's error, 10 steps of it
    // and the exponential (together 12 u), and g^2 / 2 relative from the exponent's rounding (2 u); below e^-87 it is
    // zero.
    check_formula(kExactGelu, [](double g, double up) {
        const double tail = 0.5 * std::erfc(std::abs(g) / std::sqrt(2.0)) * std::abs(g * up);
        const double y = g * 0.5 * std::erfc(-g / std::sqrt(2.0)) * up;
        return Expected{y, (12 + 2 * std::min(g * g / 2, 90.0)) * kU * tail + 3 * kU * std::abs(y) + 1e-36};
    });
}

TEST_CASE("rope: same bits, pairs as documented, and only the first n_rot") {
    Random random(15);
    for (std::size_t n_rot = 2; n_rot <= 256; n_rot += n_rot < 70 ? 2 : 62) {
        CAPTURE(n_rot);
        const std::size_t half = n_rot / 2;
        const std::size_t head_dim = n_rot + random.below(3) * 16;
        std::vector<float> cosines(half);
        std::vector<float> sines(half);
        for (std::size_t i = 0; i < half; ++i) {
            cosines[i] = static_cast<float>(std::cos(static_cast<double>(i) * 0.7 + 0.3));
            sines[i] = static_cast<float>(std::sin(static_cast<double>(i) * 0.7 + 0.3));
        }
        const Guarded<float> c(cosines);
        const Guarded<float> s(sines);
        for (const Values kind : kAllValues) {
            const auto x = make_values(kind, head_dim, random);
            for (const bool neox : {true, false}) {
                CAPTURE(neox);
                const auto rotate = [&](const Table& t) {
                    const Guarded<float> y(x);
                    (neox ? t.rope_neox : t.rope_interleaved).fn(c.data(), s.data(), n_rot, y.data());
                    CHECK(y.front_untouched());
                    return y.copy();
                };
                const auto y = rotate(scalar());
                for (const Table& t : simd_tables()) {
                    CAPTURE(std::string(t.isa));
                    CHECK(same(rotate(t), y));
                }
                CHECK(std::equal(x.begin() + static_cast<std::ptrdiff_t>(n_rot), x.end(),
                                 y.begin() + static_cast<std::ptrdiff_t>(n_rot)));
                if (kind == Values::largest) continue;
                // One product and one fma: 2 u of the two terms.
                for (std::size_t i = 0; i < half; ++i) {
                    const std::size_t first = neox ? i : 2 * i;
                    const std::size_t second = neox ? i + half : 2 * i + 1;
                    const double a = x[first];
                    const double b = x[second];
                    const double bound = 2 * kU * (std::abs(a) + std::abs(b)) + 0x1p-148;
                    CHECK(std::abs(y[first] - (a * cosines[i] - b * sines[i])) <= bound);
                    CHECK(std::abs(y[second] - (a * sines[i] + b * cosines[i])) <= bound);
                }
            }
        }
    }
}

namespace {

// Fields of slot `slot` of block `b` of a panel of `width`, by the layout that kernels/api/table.hpp describes.
struct Q8Block {
    float d;
    float ds;
    std::int32_t ns;
    std::int32_t ns_low;
    std::int32_t ns_high;
    std::int8_t q[32];

    Q8Block(const std::byte* panel, std::size_t b, std::size_t width, std::size_t slot) {
        const std::byte* block = panel + b * width * 52;
        std::memcpy(&d, block + 4 * slot, 4);
        std::memcpy(&ds, block + 4 * (width + slot), 4);
        std::memcpy(&ns, block + 4 * (2 * width + slot), 4);
        std::memcpy(&ns_low, block + 4 * (3 * width + slot), 4);
        std::memcpy(&ns_high, block + 4 * (4 * width + slot), 4);
        std::memcpy(q, block + 20 * width + 32 * slot, 32);
    }
};

}  // namespace

TEST_CASE("pack_q8: d = amax / 127, q = rint(x * (127 / amax)), sums") {
    Random random(16);
    for (const std::size_t width : Sizes{1, 3, 16}) {
        for (const std::size_t n_blocks : Sizes{1, 2, 7}) {
            for (const Values kind : kAllValues) {
                CAPTURE(static_cast<int>(kind));
                const std::size_t n_in = 32 * n_blocks;
                const std::size_t slot = random.below(width);
                const Guarded<float> x(make_values(kind, n_in, random));
                const Guarded<std::byte> panel(n_blocks * width * 52);
                scalar().pack_q8.fn(x.data(), n_in, panel.data(), width, slot);
                for (const Table& t : simd_tables()) {
                    CAPTURE(std::string(t.isa));
                    const Guarded<std::byte> other(panel.size());
                    t.pack_q8.fn(x.data(), n_in, other.data(), width, slot);
                    CHECK(other.copy() == panel.copy());  // the other slots, untouched, as well
                    CHECK(other.front_untouched());
                }
                for (std::size_t b = 0; b < n_blocks; ++b) {
                    const Q8Block block(panel.data(), b, width, slot);
                    float amax = 0.0F;
                    for (std::size_t i = 0; i < 32; ++i) amax = std::max(amax, std::abs(x.data()[32 * b + i]));
                    const bool zero = amax < 1e-30F;  // documented: what could overflow 127 / amax becomes zeros
                    CHECK(block.d == (zero ? 0.0F : amax / 127.0F));
                    int sum[2] = {};
                    for (std::size_t i = 0; i < 32; ++i) {
                        const float scaled = zero ? 0.0F : x.data()[32 * b + i] * (127.0F / amax);
                        CHECK(block.q[i] == std::clamp(static_cast<int>(std::nearbyint(scaled)), -127, 127));
                        sum[i / 16] += block.q[i];
                    }
                    CHECK(block.ns == -(sum[0] + sum[1]));
                    CHECK(block.ns_low == -sum[0]);
                    CHECK(block.ns_high == -sum[1]);
                    CHECK(block.ds == block.d * static_cast<float>(sum[0] + sum[1]));
                }
            }
        }
    }
}

TEST_CASE("pack_q8: ties go to even, and what is no number stays in -127..127") {
    std::vector<float> x(32, 0.0F);
    x[0] = 127.0F;
    for (std::size_t i = 1; i < 32; ++i) x[i] = static_cast<float>(i) - 16.5F;
    std::vector<Table> tables = simd_tables();
    tables.push_back(scalar());
    for (const Table& t : tables) {
        CAPTURE(std::string(t.isa));
        std::vector<std::byte> panel(52);
        t.pack_q8.fn(x.data(), 32, panel.data(), 1, 0);
        const Q8Block ties(panel.data(), 0, 1, 0);
        CHECK(ties.d == 1.0F);
        for (std::size_t i = 1; i < 32; ++i) {
            CHECK(ties.q[i] % 2 == 0);
            CHECK(std::abs(ties.q[i] - x[i]) == 0.5F);
        }
        for (const float bad :
             {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), std::nanf("")}) {
            for (std::size_t at = 0; at < 32; ++at) {
                auto broken = x;
                broken[at] = bad;
                t.pack_q8.fn(broken.data(), 32, panel.data(), 1, 0);
                const Q8Block block(panel.data(), 0, 1, 0);
                // -128 would be outside of what the dot products are exact for.
                CHECK(*std::min_element(block.q, block.q + 32) >= -127);
            }
        }
    }
}

TEST_CASE("pack_f32: a column of a panel") {
    Random random(17);
    for (const std::size_t width : Sizes{1, 5, 16}) {
        for (const std::size_t n : Sizes{1, 2, 15, 16, 17, 100}) {
            const std::size_t slot = random.below(width);
            const Guarded<float> x(random.units(n));
            std::vector<Table> tables = simd_tables();
            tables.push_back(scalar());
            for (const Table& t : tables) {
                CAPTURE(std::string(t.isa));
                const Guarded<float> panel(n * width);
                t.pack_f32.fn(x.data(), n, reinterpret_cast<std::byte*>(panel.data()), width, slot);
                std::size_t n_wrong = 0;
                for (std::size_t i = 0; i < panel.size(); ++i) {
                    const bool ours = i % width == slot;
                    if (ours ? panel.data()[i] != x.data()[i / width] : !std::isnan(panel.data()[i])) ++n_wrong;
                }
                CHECK(n_wrong == 0);
                CHECK(panel.front_untouched());
            }
        }
    }
}
