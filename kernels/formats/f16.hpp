// SPDX-License-Identifier: MIT
// F16: IEEE half precision.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct f16 {
    static constexpr std::uint32_t kGgufType = 1;
    static constexpr std::size_t kBlock = 1;
    using Block = std::uint16_t;
    struct Tile {
        Block w[16];
    };
    static float decode(Block b) { return half_to_float(b); }
    template <class V>
    static typename V::Floats load(const Tile& t) {
        return V::load_f16(t.w);
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
