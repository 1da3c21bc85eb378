// SPDX-License-Identifier: MIT
// Which instruction set runs, why, and which kernels come from another one: what `linnet bench` says of them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "gguf/file.hpp"
#include "kernels/api/table.hpp"

namespace tools {

struct IsaReport {
    std::string isa;
    std::string reason;
    std::string cpu;                             // as far as it has a name
    std::vector<std::string> available;          // the one that would be chosen first
    std::map<std::string, std::string> kernels;  // of the file's formats: name -> instruction set that provides it
};

// forced: the instruction set was asked for by name.
IsaReport describe_isa(const linnet::kernels::Table& table, const linnet::gguf::File& file, bool forced);

nlohmann::ordered_json to_json(const IsaReport& report);

// Two lines.
std::string text(const IsaReport& report);

}  // namespace tools
