// SPDX-License-Identifier: MIT
// LFM2 of Liquid AI, dense: gated short convolutions (layers without KV heads) between layers of grouped-query
// attention with q/k norms. As the models' own code describes them.
#include "arch/lfm2.hpp"
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_short_convs(h, spec);
}

}  // namespace

extern const ArchSpec arch_lfm2;
constexpr ArchSpec arch_lfm2 = {"lfm2", read, kLfm2Slots};

}  // namespace linnet::arch
