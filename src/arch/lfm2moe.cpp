// SPDX-License-Identifier: MIT
// LFM2 with experts: lfm2, but for the layers with experts, which are weighed by sigmoids and chosen by biases added to
// these.
#include "arch/hparams.hpp"
#include "arch/lfm2.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_short_convs(h, spec);
    read_experts(h, spec, Routing::sigmoid_chosen);
}

}  // namespace

extern const ArchSpec arch_lfm2moe;
constexpr ArchSpec arch_lfm2moe = {"lfm2moe", read, kLfm2Slots};

}  // namespace linnet::arch
