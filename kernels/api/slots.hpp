// SPDX-License-Identifier: MIT
// All slots of tables by name, so that no list of them is written twice.
#pragma once

#include "kernels/api/table.hpp"

namespace linnet::kernels {

// Calls f(kernel, format, slot of each table) for all slots; format is empty where a kernel has none.
template <class F, class... Tables>
void for_each_slot(F f, Tables&... tables) {
    for (std::size_t i = 0; i < kFormats; ++i) {
        const char* format = info(static_cast<Format>(i)).name;
        f("matmul", format, tables.matmul[i]...);
        f("pack", format, tables.pack[i]...);
        f("read_row", format, tables.read_row[i]...);
        f("decode", format, tables.decode[i]...);
    }
    f("pack_q8", "", tables.pack_q8...);
    f("pack_f32", "", tables.pack_f32...);
    f("rms_norm", "", tables.rms_norm...);
    f("layer_norm", "", tables.layer_norm...);
    f("add", "", tables.add...);
    f("add_scaled", "", tables.add_scaled...);
    f("mul_add", "", tables.mul_add...);
    f("scale", "", tables.scale...);
    f("silu_mul", "", tables.silu_mul...);
    f("gelu_tanh_mul", "", tables.gelu_tanh_mul...);
    f("gelu_mul", "", tables.gelu_mul...);
    f("swiglu_clamped", "", tables.swiglu_clamped...);
    f("sigmoid_mul", "", tables.sigmoid_mul...);
    f("sparsify", "", tables.sparsify...);
    f("softcap", "", tables.softcap...);
    f("rope_neox", "", tables.rope_neox...);
    f("rope_interleaved", "", tables.rope_interleaved...);
    constexpr const char* kKvNames[] = {"f16", "f32", "q8"};  // in the order of KvFormat
    static_assert(sizeof kKvNames / sizeof kKvNames[0] == kKvFormats);
    for (std::size_t i = 0; i < kKvFormats; ++i) {
        f("store_kv", kKvNames[i], tables.store_kv[i]...);
        f("attention", kKvNames[i], tables.attention[i]...);
    }
    f("merge_attention", "", tables.merge_attention...);
    f("finish_attention", "", tables.finish_attention...);
    f("delta_rule", "", tables.delta_rule...);
}

}  // namespace linnet::kernels
