// SPDX-License-Identifier: MIT
// F32: weights as they are.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct f32 {
    static constexpr std::uint32_t kGgufType = 0;
    static constexpr std::size_t kBlock = 1;
    using Block = float;
    struct Tile {
        Block w[16];
    };
    static float decode(Block b) { return b; }
    template <class V>
    static typename V::Floats load(const Tile& t) {
        return V::load(t.w);
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
