// SPDX-License-Identifier: MIT
// The blocks that the encoders write, byte for byte as files have them (what they mean: kernels/formats, and the
// packing functions of blocks.cpp). Scales are f16.
#pragma once

#include <cstddef>
#include <cstdint>

namespace linnet::quantize {

struct BlockQ4_0 {  // w = d (q - 8); byte j holds weight j low, j + 16 high
    std::uint16_t d;
    std::uint8_t q[16];
};
struct BlockIQ4_NL {  // w = d kCodebook[q]; the rest as in Q4_0
    std::uint16_t d;
    std::uint8_t q[16];
};
struct BlockQ4_1 {  // w = d q + m
    std::uint16_t d;
    std::uint16_t m;
    std::uint8_t q[16];
};
struct BlockQ5_0 {  // w = d (q - 16); bit k of `high` is the fifth bit of weight k
    std::uint16_t d;
    std::uint8_t high[4];
    std::uint8_t q[16];
};
struct BlockQ5_1 {  // w = d q + m
    std::uint16_t d;
    std::uint16_t m;
    std::uint8_t high[4];
    std::uint8_t q[16];
};
struct BlockQ8_0 {  // w = d q
    std::uint16_t d;
    std::int8_t q[32];
};
struct BlockQ4_K {  // w = d scale q - dmin minimum; byte j of the i-th 32: sub-block 2 i low, 2 i + 1 high
    std::uint16_t d;
    std::uint16_t dmin;
    std::uint8_t scales[12];
    std::uint8_t q[128];
};
struct BlockQ5_K {  // bit i of byte j of `high` is the fifth bit of weight j of sub-block i
    std::uint16_t d;
    std::uint16_t dmin;
    std::uint8_t scales[12];
    std::uint8_t high[32];
    std::uint8_t q[128];
};
struct BlockQ6_K {  // w = d scale (q - 32), sub-blocks of 16
    std::uint8_t low[128];
    std::uint8_t high[64];
    std::int8_t scales[16];
    std::uint16_t d;
};
struct BlockIQ4_XS {  // w = d (scale - 32) kCodebook[q]; low nibbles and high pairs of bits of the 6-bit scales apart
    std::uint16_t d;
    std::uint16_t scales_high;
    std::uint8_t scales_low[4];
    std::uint8_t q[128];  // of each sub-block as in Q4_0
};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22 &&
              sizeof(BlockQ5_1) == 24 && sizeof(BlockQ8_0) == 34);
static_assert(sizeof(BlockQ4_K) == 144 && sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210 &&
              sizeof(BlockIQ4_XS) == 136);

// The values of IQ4_NL and IQ4_XS.
inline constexpr std::int8_t kCodebook[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

}  // namespace linnet::quantize
