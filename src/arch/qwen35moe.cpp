// SPDX-License-Identifier: MIT
// Qwen 3.5 with experts: layers as those of qwen35, experts with a shared one behind a sigmoid as those of qwen3next.
#include "arch/hparams.hpp"
#include "arch/qwen35.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    read_experts(h, spec, Routing::softmax_chosen);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
    read_delta_nets(h, spec);
}

}  // namespace

extern const ArchSpec arch_qwen35moe;
constexpr ArchSpec arch_qwen35moe = {"qwen35moe", read, kQwen35Slots};

}  // namespace linnet::arch
