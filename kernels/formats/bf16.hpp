// SPDX-License-Identifier: MIT
// BF16: the upper half of an f32.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct bf16 {
    static constexpr std::uint32_t kGgufType = 30;
    static constexpr std::size_t kBlock = 1;
    using Block = std::uint16_t;
    struct Tile {
        Block w[16];
    };
    static float decode(Block b) { return bits_to_float(static_cast<std::uint32_t>(b) << 16); }
    template <class V>
    static typename V::Floats load(const Tile& t) {
        return V::load_bf16(t.w);
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
