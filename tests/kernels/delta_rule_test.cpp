// SPDX-License-Identifier: MIT
// The gated delta rule: every instruction set against the scalar table, bit by bit, over several tokens and sizes that
// are and are not whole vectors; and the scalar table against the formula in double.
#include "kernels/support.hpp"

using namespace kernel_test;

namespace {

struct Token {
    std::vector<float> q, k, v;
    float decay;
    float beta;
    bool corrects;
};

std::vector<Token> make_tokens(std::size_t n, std::size_t d_key, std::size_t d_value, Random& random) {
    std::vector<Token> tokens;
    for (std::size_t t = 0; t < n; ++t) {
        const auto gates = random.units(2);
        tokens.push_back({random.units(d_key, 0.3F), random.units(d_key, 0.3F), random.units(d_value, 2.0F),
                          std::abs(gates[0]), std::abs(gates[1]), t % 3 != 2});
    }
    return tokens;
}

void step(const Table& t, const Token& token, float* state, float* y) {
    t.delta_rule.fn({state, token.k.size(), token.v.size(), token.q.data(), token.k.data(), token.v.data(), token.decay,
                     token.beta, y, token.corrects});
}

}  // namespace

TEST_CASE("delta_rule: same bits over tokens, whatever the size of the memory") {
    Random random(31);
    for (const std::size_t d_key : Sizes{1, 5, 16, 33, 128}) {
        for (const std::size_t d_value : Sizes{1, 15, 16, 17, 63, 64, 80, 100, 128}) {
            CAPTURE(d_key);
            CAPTURE(d_value);
            const auto tokens = make_tokens(5, d_key, d_value, random);
            const auto start = random.units(d_key * d_value, 1.0F);
            const Guarded<float> expected(start);
            const Guarded<float> expected_y(d_value);
            std::vector<float> all;
            for (const Token& token : tokens) {
                step(scalar(), token, expected.data(), expected_y.data());
                all.insert(all.end(), expected_y.span().begin(), expected_y.span().end());
            }
            CHECK(expected.front_untouched());
            for (const Table& t : simd_tables()) {
                CAPTURE(std::string(t.isa));
                const Guarded<float> state(start);
                const Guarded<float> y(d_value);
                std::vector<float> got;
                for (const Token& token : tokens) {
                    step(t, token, state.data(), y.data());
                    got.insert(got.end(), y.span().begin(), y.span().end());
                }
                CHECK(same(got, all));
                CHECK(same(state.span(), expected.span()));
                CHECK(state.front_untouched());
                CHECK(y.front_untouched());
            }
        }
    }
}

TEST_CASE("delta_rule: the formula in double") {
    Random random(32);
    const std::size_t d_key = 48;
    const std::size_t d_value = 40;
    const auto tokens = make_tokens(20, d_key, d_value, random);
    std::vector<float> state(d_key * d_value);
    std::vector<double> exact(d_key * d_value);
    std::vector<float> y(d_value);
    for (const Token& token : tokens) {
        step(scalar(), token, state.data(), y.data());
        for (std::size_t j = 0; j < d_value; ++j) {
            double recalled = 0.0;
            for (std::size_t i = 0; token.corrects && i < d_key; ++i) {
                recalled += exact[i * d_value + j] * token.decay * token.k[i];
            }
            double read = 0.0;
            for (std::size_t i = 0; i < d_key; ++i) {
                double& s = exact[i * d_value + j];
                s = s * token.decay + token.k[i] * token.beta * (token.v[j] - recalled);
                read += s * token.q[i];
            }
            // Values stay below 4, sums have 48 terms of at most 1.2 each; errors of earlier tokens fade.
            CHECK(std::abs(y[j] - read) <= 1e-4);
        }
    }
    for (std::size_t i = 0; i < state.size(); ++i) CHECK(std::abs(state[i] - exact[i]) <= 1e-4);
}
