// SPDX-License-Identifier: MIT
// Qwen 3.5, dense text: three gated delta nets to one layer of gated attention, whose queries come with their gates and
// whose rotation is partial. As the models' own code describes them.
#include "arch/qwen35.hpp"
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
    read_delta_nets(h, spec);
}

}  // namespace

extern const ArchSpec arch_qwen35;
constexpr ArchSpec arch_qwen35 = {"qwen35", read, kQwen35Slots};

}  // namespace linnet::arch
