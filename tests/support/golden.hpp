// SPDX-License-Identifier: MIT
// Golden results of other implementations: reading golden.bin / golden.json and saying how far a result is from them.
// The format and the tolerances are those of goldens/README.md beside the fixtures. Every comparison is made in double
// and counts a NaN as infinitely far away.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/fixtures.hpp"

namespace golden {

enum class Kind : std::int32_t { logits = 0, embedding = 1 };

struct Golden {
    std::filesystem::path model;  // the GGUF file that these are the results of
    Kind kind = Kind::logits;
    std::vector<std::int32_t> tokens;
    std::size_t n_rows = 0;   // logits: one per token; embedding: one per token and the pooled vector
    std::size_t n_cols = 0;   // n_vocab or d_model
    std::vector<float> rows;  // [n_rows, n_cols]
    std::vector<std::int32_t> greedy;
    std::vector<float> margins;              // per greedy step: best minus second best logit
    double rounding_noise = 0;               // how far two correct float32 computations may be apart; 0: not measured
    std::optional<std::uint32_t> n_ctx_min;  // context to open the model with (longrope only)
    std::optional<std::uint32_t> n_ctx_max;

    std::span<const float> row(std::size_t i) const { return std::span(rows).subspan(i * n_cols, n_cols); }
};

// The folder of a named golden: in ../shared or else in the repository's own small set. Null when in neither.
inline std::optional<std::filesystem::path> find(std::string_view name) {
    if (const auto shared = fixtures::shared()) {
        if (auto path = *shared / "goldens" / name; std::filesystem::is_directory(path)) return path;
    }
    if (auto path = fixtures::local() / "goldens" / name; std::filesystem::is_directory(path)) return path;
    return std::nullopt;
}

// Reads the two files of a folder. The model lies beside them or, for the default model, two folders up.
// Throws std::runtime_error.
inline Golden load(const std::filesystem::path& folder) {
    const std::vector<std::byte> bytes = fixtures::read(folder / "golden.bin");
    std::size_t position = 0;
    const auto take = [&](void* target, std::size_t size) {
        if (size > bytes.size() - position) throw std::runtime_error(folder.string() + ": golden.bin is cut off");
        if (size != 0) std::memcpy(target, bytes.data() + position, size);
        position += size;
    };

    char magic[4];
    struct {
        std::int32_t version, kind, n_tokens, n_rows, n_cols, n_greedy;
    } head{};
    take(magic, sizeof magic);
    take(&head, sizeof head);
    if (std::memcmp(magic, "GLDN", 4) != 0 || head.version != 1 || head.kind < 0 || head.kind > 1 ||
        std::min({head.n_tokens, head.n_rows, head.n_cols, head.n_greedy}) < 0) {
        throw std::runtime_error(folder.string() + ": golden.bin is not of version 1");
    }

    Golden result;
    const auto take_vector = [&](auto& target, std::size_t n) {
        if (n > bytes.size()) throw std::runtime_error(folder.string() + ": golden.bin is cut off");
        target.resize(n);
        take(target.data(), n * sizeof target[0]);
    };
    result.kind = static_cast<Kind>(head.kind);
    result.n_rows = static_cast<std::size_t>(head.n_rows);
    result.n_cols = static_cast<std::size_t>(head.n_cols);
    take_vector(result.tokens, static_cast<std::size_t>(head.n_tokens));
    take_vector(result.rows, result.n_rows * result.n_cols);
    take_vector(result.greedy, static_cast<std::size_t>(head.n_greedy));
    take_vector(result.margins, static_cast<std::size_t>(head.n_greedy));
    if (position != bytes.size()) throw std::runtime_error(folder.string() + ": golden.bin goes on after its end");

    std::ifstream text(folder / "golden.json");
    const auto json = nlohmann::json::parse(text);
    const std::string file = json.at("file");
    result.model = std::filesystem::exists(folder / file) ? folder / file : folder.parent_path().parent_path() / file;
    result.rounding_noise = json.value("rounding_noise", 0.0);
    if (json.contains("n_ctx_min")) result.n_ctx_min = json.at("n_ctx_min").get<std::uint32_t>();
    if (json.contains("n_ctx_max")) result.n_ctx_max = json.at("n_ctx_max").get<std::uint32_t>();
    return result;
}

struct Difference {
    double max_abs = 0;
    double mean_abs = 0;
    double max_kl = 0;  // over positions: KL(softmax(golden) || softmax(ours)), in nats
};

// KL divergence of two distributions given as logits of the same length.
inline double kl(std::span<const float> golden, std::span<const float> ours) {
    const auto log_sum = [](std::span<const float> logits) {
        const double top = *std::max_element(logits.begin(), logits.end());
        double sum = 0;
        for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
        return top + std::log(sum);
    };
    const double golden_sum = log_sum(golden);
    const double our_sum = log_sum(ours);
    double result = 0;
    for (std::size_t i = 0; i < golden.size(); ++i) {
        const double p = static_cast<double>(golden[i]) - golden_sum;
        const double q = static_cast<double>(ours[i]) - our_sum;
        result += std::exp(p) * (p - q);
    }
    return result;
}

// `ours` holds rows of n_cols logits, the first for the golden's row `first`. Throws when it is not whole rows or too
// many, so that a result of the wrong size never compares as equal.
inline Difference compare(const Golden& golden, std::span<const float> ours, std::size_t first = 0) {
    const std::size_t n = golden.n_cols == 0 ? 0 : ours.size() / golden.n_cols;
    if (n == 0 || n * golden.n_cols != ours.size() || first + n > golden.n_rows) {
        throw std::runtime_error("compare: " + std::to_string(ours.size()) + " values from row " +
                                 std::to_string(first) + " of a golden with " + std::to_string(golden.n_rows) +
                                 " rows of " + std::to_string(golden.n_cols));
    }
    constexpr double kFar = std::numeric_limits<double>::infinity();
    const auto number = [](double x) { return std::isnan(x) ? kFar : x; };

    Difference result;
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const auto expected = golden.row(first + i);
        const auto got = ours.subspan(i * golden.n_cols, golden.n_cols);
        for (std::size_t j = 0; j < golden.n_cols; ++j) {
            const double d = number(std::abs(static_cast<double>(got[j]) - static_cast<double>(expected[j])));
            result.max_abs = std::max(result.max_abs, d);
            sum += d;
        }
        result.max_kl = std::max(result.max_kl, number(kl(expected, got)));
    }
    result.mean_abs = sum / static_cast<double>(ours.size());
    return result;
}

struct Tolerance {
    double max_abs;
    double mean_abs;
    double max_kl;
};

inline bool within(const Difference& difference, const Tolerance& tolerance) {
    return difference.max_abs <= tolerance.max_abs && difference.mean_abs <= tolerance.mean_abs &&
           difference.max_kl <= tolerance.max_kl;
}

// float32 arithmetic and KV cache, weights dequantised exactly.
inline Tolerance float32_tolerance(const Golden& golden) {
    const double max_abs = 2e-4 + 10 * golden.rounding_noise;
    return {max_abs, max_abs, 1e-6};
}

// float32 arithmetic with an F16 KV cache.
inline constexpr Tolerance kKvF16Tolerance{5e-2, 5e-2, 3e-3};
// How much more a model moves than others when keys and values are rounded: goldens/README.md gives for gemma4 four
// times the tolerance of an F16 cache, for deepseek2_lite ten times; gemma3n, whose scores are not scaled down either,
// has more rounding noise still. The divergence grows with the square.
inline double cache_sensitivity(std::string_view name) {
    if (name == "deepseek2_lite") return 10;
    return name.substr(0, 6) == "gemma4" || name == "gemma3n" ? 4 : 1;
}
inline Tolerance scaled(const Tolerance& t, double factor) {
    return {t.max_abs * factor, t.mean_abs * factor, t.max_kl * factor * factor};
}
// Quantised weights with 8-bit activations.
inline constexpr Tolerance kQ8Tolerance{0.6, 0.1, 5e-2};
// BF16 weights with activations rounded to BF16.
inline constexpr Tolerance kBf16Tolerance{0.2, 0.2, 2e-3};

}  // namespace golden
