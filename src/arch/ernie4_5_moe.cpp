// SPDX-License-Identifier: MIT
// ERNIE 4.5 with experts: ernie4_5, but for the layers with experts, which are chosen by biases added to their softmax,
// and shared ones beside them.
#include "arch/ernie4_5.hpp"
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    read_experts(h, spec, Routing::softmax_chosen);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::interleaved));
}

}  // namespace

extern const ArchSpec arch_ernie4_5_moe;
constexpr ArchSpec arch_ernie4_5_moe = {"ernie4_5-moe", read, kErnie45Slots};

}  // namespace linnet::arch
