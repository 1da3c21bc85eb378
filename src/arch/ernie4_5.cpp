// SPDX-License-Identifier: MIT
// ERNIE 4.5 dense: the plain decoder with interleaved rotation.
#include "arch/ernie4_5.hpp"
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::interleaved));
}

}  // namespace

extern const ArchSpec arch_ernie4_5;
constexpr ArchSpec arch_ernie4_5 = {"ernie4_5", read, kErnie45Slots};

}  // namespace linnet::arch
