// SPDX-License-Identifier: MIT
#include "tools/split.hpp"

#include <fmt/core.h>

namespace tools {

namespace {

// In the order of linnet::Part.
constexpr const char* kNames[] = {"embedding", "norms and quantising", "q, k, v", "rotate and store",
                                  "attention", "attention output",     "router",  "gate, up, activation",
                                  "down",      "output matrix",        "choice"};
constexpr const char* kKeys[] = {"embedding", "norms",   "qkv",  "store",  "attention", "attention_output",
                                 "router",    "gate_up", "down", "output", "choice"};
static_assert(std::size(kNames) == linnet::kParts && std::size(kKeys) == linnet::kParts);

double milliseconds(const Split& split, std::size_t part) {
    return split.profile.seconds(static_cast<linnet::Part>(part)) * 1e3 / split.n_steps;
}

}  // namespace

// Parts that a model does not have are left out.
nlohmann::ordered_json to_json(const Split& split) {
    nlohmann::ordered_json parts;
    for (std::size_t i = 0; i < linnet::kParts; ++i) {
        if (milliseconds(split, i) > 0) parts[kKeys[i]] = milliseconds(split, i);
    }
    return {{"ms", split.seconds * 1e3 / split.n_steps}, {"parts_ms", std::move(parts)}};
}

std::string table(const Split& split) {
    const double total = split.seconds * 1e3 / split.n_steps;
    double other = total;
    std::string text;
    const auto add = [&](const char* name, double ms) {
        text += fmt::format("  {:<22} {:>9.3f} ms {:>6.1f} %\n", name, ms, 100 * ms / total);
    };
    for (std::size_t i = 0; i < linnet::kParts; ++i) {
        if (milliseconds(split, i) > 0) add(kNames[i], milliseconds(split, i));
        other -= milliseconds(split, i);
    }
    add("between passes", other);
    return text;
}

}  // namespace tools
