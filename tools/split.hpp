// SPDX-License-Identifier: MIT
// How the time of a step splits into parts, for `linnet bench --profile`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "model/profile.hpp"

namespace tools {

struct Split {
    double seconds = 0;  // of n_steps steps, measured around them
    linnet::Profile profile;
    double n_steps = 1;
};

// {"ms": of a step, "parts_ms": {name: ms}}. The parts add up to ms but for what is between passes.
nlohmann::ordered_json to_json(const Split& split);

// A line per part: name, milliseconds of a step, percent.
std::string table(const Split& split);

}  // namespace tools
