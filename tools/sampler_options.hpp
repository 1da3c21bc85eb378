// SPDX-License-Identifier: MIT
// The samplers beyond temperature, top-k, top-p, min-p and penalties, and their order, on the command line.
#pragma once

#include <string>
#include <vector>

#include "include/linnet.hpp"
#include "tools/command_line.hpp"

namespace tools {

// What linnet_sampler_options points to.
struct ChainOptions {
    std::vector<std::string> banned;
    std::vector<std::string> order;
};

void add_chain_options(const Command& command, linnet::SamplerOptions& sampler, ChainOptions& chain);

linnet::Sampler make_sampler(const linnet::Model& model, linnet::SamplerOptions sampler, const ChainOptions& chain);

}  // namespace tools
