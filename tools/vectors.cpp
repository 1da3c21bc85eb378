// SPDX-License-Identifier: MIT
#include "tools/vectors.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <limits>

#include "base/error.hpp"
#include "session/embedder.hpp"

namespace tools {

namespace {

using linnet::arch::Pooling;

// Of a row; angle: 1 - cosine.
struct Distance {
    double max = 0;
    double angle = 0;
};

struct Tolerance {
    const char* kind;
    double max;
    double angle;
};

// 8-bit activations turn states by some thousandths.
Tolerance tolerance(const linnet::gguf::File& file) {
    const bool quantised = std::any_of(file.tensors().begin(), file.tensors().end(), [](const auto& tensor) {
        return linnet::gguf::find_type(tensor.type)->block_size > 1;
    });
    if (quantised) return {"8-bit activations", std::numeric_limits<double>::infinity(), 1e-2};
    return {"float32", 1e-5, 1e-6};
}

// NaN stays: it fails every comparison with a tolerance.
double worst(double a, double b) { return b > a || std::isnan(b) ? b : a; }

Distance distance(std::span<const float> expected, std::span<const float> actual) {
    Distance result;
    double product = 0;
    double squares_expected = 0;
    double squares_actual = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double a = actual[i];
        const double b = expected[i];
        result.max = worst(result.max, std::abs(a - b));
        product += a * b;
        squares_actual += a * a;
        squares_expected += b * b;
    }
    result.angle = 1 - product / std::sqrt(squares_actual * squares_expected);
    return result;
}

// The state that stands for the text: of rankers the one that is classified.
Pooling golden_pooling(const linnet::arch::ModelSpec& spec) {
    if (spec.pooling == Pooling::rank) return spec.bidirectional ? Pooling::cls : Pooling::last;
    return spec.pooling == Pooling::none ? Pooling::mean : spec.pooling;
}

// [tokens.size() + 1, d_model]
std::vector<float> vectors(const linnet::Model& model, std::span<const linnet::Token> tokens) {
    const std::uint32_t context = linnet::Embedder::context(model.spec(), 0);
    if (tokens.size() > context) {
        throw std::runtime_error(fmt::format("{} tokens are more than the context of {}", tokens.size(), context));
    }
    const auto n = static_cast<std::uint32_t>(tokens.size());
    const std::size_t d_model = model.spec().d_model;
    std::vector<float> rows((tokens.size() + 1) * d_model);
    linnet::Embedder states(model, context, n, Pooling::none);
    states.embed(tokens, rows.data());
    linnet::Embedder pooled(model, context, n, golden_pooling(model.spec()));
    pooled.embed(tokens, rows.data() + tokens.size() * d_model);
    return rows;
}

}  // namespace

bool makes_vectors(const linnet::arch::ModelSpec& spec) noexcept {
    return spec.bidirectional || spec.pooling != Pooling::none;
}

void write_vectors(const linnet::Model& model, std::span<const linnet::Token> tokens, const std::string& path) {
    const std::vector<float> rows = vectors(model, tokens);
    std::ofstream out(path, std::ios::binary);
    if (!out) throw std::runtime_error(path + ": cannot be written");
    GoldenHeader header;
    header.kind = kGoldenVectors;
    header.n_tokens = static_cast<std::int32_t>(tokens.size());
    header.n_rows = header.n_tokens + 1;
    header.n_cols = static_cast<std::int32_t>(model.spec().d_model);
    write_items(out, std::span<const GoldenHeader>(&header, 1));
    write_items(out, tokens);
    write_items(out, std::span<const float>(rows));
    if (!out.flush()) throw std::runtime_error(path + ": writing failed");
}

bool verify_vectors(const linnet::Model& model, const Golden& golden, const std::string& name) {
    if (golden.n_cols != model.spec().d_model) {
        throw std::runtime_error(
            fmt::format("{} has {} values a row, the model {}", name, golden.n_cols, model.spec().d_model));
    }
    const std::vector<float> rows = vectors(model, golden.tokens);
    const auto row = [&](std::size_t i) { return std::span(rows).subspan(i * golden.n_cols, golden.n_cols); };
    const std::size_t n = golden.tokens.size();
    Distance states;
    for (std::size_t i = 0; i < n; ++i) {
        const Distance d = distance(golden.row(i), row(i));
        states = {worst(states.max, d.max), worst(states.angle, d.angle)};
    }
    const Distance pooled = distance(golden.row(n), row(n));
    const Tolerance allowed = tolerance(model.file());
    const bool pass = states.max <= allowed.max && states.angle <= allowed.angle && pooled.max <= allowed.max &&
                      pooled.angle <= allowed.angle;
    std::cout << fmt::format(
        "states: max |difference| {:.3g} (allowed {:.3g}), 1 - cosine {:.3g} ({:.3g}); vector: {:.3g}, {:.3g}; {} "
        "tokens, {}: {}\n",
        states.max, allowed.max, states.angle, allowed.angle, pooled.max, pooled.angle, n, allowed.kind,
        pass ? "PASS" : "FAIL");
    return pass;
}

}  // namespace tools
