// SPDX-License-Identifier: MIT
// Names of stages, and options of those that have some.
#include "tools/sampler_options.hpp"

#include <algorithm>
#include <iterator>

namespace tools {

namespace {

// By LINNET_STAGE_*, from 1 on.
constexpr const char* kStages[] = {"penalties", "dry",   "top_n_sigma", "top_k",      "typical",
                                   "top_p",     "min_p", "xtc",         "temperature"};
static_assert(std::size(kStages) == LINNET_STAGE_TEMPERATURE);

}  // namespace

void add_chain_options(const Command& command, linnet::SamplerOptions& sampler, ChainOptions& chain) {
    command.add_option("--typical", &sampler.typical_p,
                       "Keep the tokens nearest to the entropy that reach this; 0: all");
    command.add_option("--top-n-sigma", &sampler.top_n_sigma,
                       "Drop logits this many deviations below the best; 0: none");
    command.add_option("--xtc", &sampler.xtc_probability, "How often all likely tokens but the last are dropped");
    command.add_option("--xtc-threshold", &sampler.xtc_threshold, "What is likely (default: 0.1)");
    command.add_option("--temp-range", &sampler.temperature_range, "Temperature -+ this by entropy; 0: fixed");
    command.add_option("--temp-exponent", &sampler.temperature_exponent, "Of the entropy's share (default: 1)");
    command.add_option("--mirostat", &sampler.mirostat_tau, "Mirostat 2: bits of surprise to keep to; 0: off");
    command.add_option("--mirostat-eta", &sampler.mirostat_eta, "Its rate of learning (default: 0.1)");
    command.add_option("--dry", &sampler.dry_multiplier,
                       "Penalty of tokens that would go on with a repetition; 0: off");
    command.add_option("--dry-base", &sampler.dry_base, "Its growth with each token repeated (default: 1.75)");
    command.add_option("--dry-length", &sampler.dry_allowed_length, "Repetitions below this are free (default: 2)");
    command.add_option("--dry-window", &sampler.dry_window, "Recent tokens that count (default: 1024)");
    command.add_option("--ban", &chain.banned, "Never write this text; may be given several times");
    command.add_option("--order", &chain.order, "Stages of sampling in this order, others off",
                       {.one_of = {std::begin(kStages), std::end(kStages)}, .separator = ','});
}

linnet::Sampler make_sampler(const linnet::Model& model, linnet::SamplerOptions sampler, const ChainOptions& chain) {
    std::vector<linnet_text> banned;
    for (const std::string& text : chain.banned) banned.push_back({text.data(), text.size()});
    std::vector<std::int32_t> stages;
    for (const std::string& name : chain.order) {
        const auto found = std::find(std::begin(kStages), std::end(kStages), name);
        stages.push_back(static_cast<std::int32_t>(found - std::begin(kStages)) + 1);
    }
    sampler.banned = banned.data();
    sampler.n_banned = banned.size();
    sampler.stages = stages.data();
    sampler.n_stages = stages.size();
    return linnet::Sampler(model, sampler);
}

}  // namespace tools
