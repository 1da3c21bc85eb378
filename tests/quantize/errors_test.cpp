// SPDX-License-Identifier: MIT
// How much encoding loses: never more than what llama-quantize lost on the same weights (tests/fixtures/quantize, and
// its files in ../shared), no more than half a step where that can be said, and nothing where nothing need be lost.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "quantize/encode.hpp"
#include "quantize/importance.hpp"
#include "quantize/support.hpp"

using namespace quantize_test;
using linnet::Memory;
using linnet::quantize::Encoder;
using linnet::quantize::find_encoder;

namespace {

constexpr std::string_view kTypes[] = {"Q4_0", "Q4_1", "Q5_0", "Q5_1",   "Q8_0",
                                       "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"};

// Rows of weights.size() (all as one row without weights), encoded and decoded.
std::vector<float> there_and_back(std::string_view name, const std::vector<float>& x, std::span<const float> weights) {
    const auto& info = *linnet::gguf::find_type(name);
    const Encoder* encoder = find_encoder(info.type);
    REQUIRE(encoder != nullptr);
    const std::size_t n = weights.empty() ? x.size() : weights.size();
    Bytes blocks(x.size() / info.block_size * info.block_bytes);
    for (std::size_t k = 0; k < x.size(); k += n) {
        encoder->encode(x.data() + k, weights.empty() ? nullptr : weights.data(), n,
                        blocks.data() + k / info.block_size * info.block_bytes);
    }
    return decode(info.type, blocks.data(), x.size());
}

}  // namespace

TEST_CASE("no tensor loses more than it does in llama-quantize's files, plain or weighted") {
    Memory memory;
    const auto file = File::open((fixtures::models() / "tiny-tales-6m-Q8_0.gguf").string(), true, memory);
    const auto importance = linnet::quantize::Importance::read(
        linnet::Source::open_file((fixtures::local() / "quantize" / "importance.dat").string(), false), memory);
    std::size_t n = 0;
    for (auto& line : fixture_lines("errors.txt")) {
        std::string format;
        std::string tensor;
        double plain = 0;
        double made_weighted = 0;
        double weighted = 0;
        line >> format >> tensor >> plain >> made_weighted >> weighted;
        CAPTURE(format);
        CAPTURE(tensor);
        const auto x = tensor_floats(file, tensor);
        const auto weights = importance.find(tensor);
        REQUIRE(weights.size() == file.find_tensor(tensor)->shape[0]);
        const auto ours = there_and_back(format, x, {});
        const auto ours_weighted = there_and_back(format, x, weights);
        CHECK(squared_error(x, ours, {}) <= plain);
        CHECK(squared_error(x, ours_weighted, weights) <= weighted);
        // What counts is what is weighed.
        CHECK(squared_error(x, ours_weighted, weights) < squared_error(x, ours, weights));
        ++n;
    }
    CHECK(n == 27);
}

TEST_CASE("no tensor of the default model loses more than in its published files") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    Memory memory;
    const auto folder = *shared / "default-model";
    const auto original = File::open((folder / "tiny-tales-6m-bf16.gguf").string(), true, memory);
    for (const std::string name : {"Q4_0", "Q4_K_M", "Q8_0"}) {
        const auto peer = File::open((folder / ("tiny-tales-6m-" + name + ".gguf")).string(), true, memory);
        std::size_t n = 0;
        for (const auto& tensor : peer.tensors()) {
            if (tensor.type == original.find_tensor(tensor.name)->type) continue;
            if (tensor.n_elements > 100000 && n > 0) continue;  // one large one is enough
            CAPTURE(name);
            CAPTURE(std::string(tensor.name));
            const auto x = tensor_floats(original, tensor.name);
            const auto ours = there_and_back(linnet::gguf::find_type(tensor.type)->name, x, {});
            CHECK(squared_error(x, ours, {}) < squared_error(x, tensor_floats(peer, tensor.name), {}));
            ++n;
        }
        CHECK(n > 10);
    }
}

TEST_CASE("weights that a format can hold come back, as do zeros") {
    for (const std::string_view name : kTypes) {
        CAPTURE(std::string(name));
        const std::vector<float> zeros(512, 0.0F);
        CHECK(there_and_back(name, zeros, {}) == zeros);
        // The extremes of the grid make its step known: 1/8 of an f16 scale with few bits.
        const std::vector<float> first = there_and_back(name, random_floats(512, 3), {});
        const std::vector<float> again = there_and_back(name, first, {});
        CHECK(squared_error(first, again, {}) <= 2e-3 * squared_error(first, std::vector<float>(512, 0.0F), {}));
    }
    std::vector<float> steps(32);
    for (std::size_t k = 0; k < 32; ++k) steps[k] = 0.25F * (static_cast<float>(k % 16) - 8.0F);
    CHECK(there_and_back("Q4_0", steps, {}) == steps);
    CHECK(there_and_back("Q4_1", steps, {}) == steps);
}

TEST_CASE("weights of any size within the limit give finite blocks") {
    for (const std::string_view name : kTypes) {
        for (const float size : {65504.0F, 1e-3F, 1e-7F, 1e-20F, 1e-38F, std::numeric_limits<float>::denorm_min()}) {
            CAPTURE(std::string(name));
            CAPTURE(size);
            std::vector<float> x = random_floats(512, 5);
            const float greatest = std::abs(
                *std::max_element(x.begin(), x.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
            for (float& value : x) value = value / greatest * size;
            for (const float value : there_and_back(name, x, {})) {
                CHECK(std::isfinite(value));
                if (!(std::abs(value) <= 1.3F * std::max(size, 1e-6F))) FAIL_CHECK(value);
            }
        }
    }
}

TEST_CASE("an outlier, one sign only, and equal weights are encoded within a step") {
    const auto check = [](const std::vector<float>& x) {
        for (const std::string_view name : kTypes) {
            CAPTURE(std::string(name));
            const auto [low, high] = std::minmax_element(x.begin(), x.end());
            const float greatest = std::max(std::abs(*low), std::abs(*high));
            const auto y = there_and_back(name, x, {});
            for (std::size_t k = 0; k < x.size(); ++k) {
                // The widest gap of a grid of 16 is 1/7 of its longer end (the codebook's: 24/113); half of it each
                // way, and as much again for what clipping may gain elsewhere.
                if (!(std::abs(x[k] - y[k]) <= 0.22F * greatest)) FAIL_CHECK(k << ": " << x[k] << " became " << y[k]);
            }
        }
    };
    check(std::vector<float>(256, 0.7F));
    check(std::vector<float>(256, -0.7F));
    std::vector<float> x = random_floats(256, 9);
    for (float& value : x) value = std::abs(value) + 0.1F;
    check(x);
    for (float& value : x) value = -value;
    check(x);
    x = std::vector<float>(256, 0.0F);
    x[100] = -3.0F;
    check(x);
    x[130] = 2.5F;
    check(x);
}

TEST_CASE("floats are rounded to the nearest, ties to even") {
    const std::vector<float> x = {1.0F,     1.0F + 0x1p-11F, 1.0F + 0x3p-11F, 65504.0F,
                                  0x1p-24F, 0x1p-26F,        -0x1.8p-24F,     0.0F};
    CHECK(there_and_back("F16", x, {}) ==
          std::vector<float>{1.0F, 1.0F, 1.0F + 0x1p-9F, 65504.0F, 0x1p-24F, 0.0F, -0x1p-23F, 0.0F});
    const std::vector<float> b = {1.0F + 0x1p-8F, 1.0F + 0x3p-8F, 1.0F + 0x1.1p-8F, -3e38F};
    const auto back = there_and_back("BF16", b, {});
    CHECK(back[0] == 1.0F);
    CHECK(back[1] == 1.0F + 0x1p-6F);
    CHECK(back[2] == 1.0F + 0x1p-7F);
    CHECK(std::abs(back[3] / b[3] - 1) < 0x1p-8F);
}
