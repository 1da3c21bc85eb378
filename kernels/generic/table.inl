// SPDX-License-Identifier: MIT
// One instruction set's table from its vector type V: every function there is, each slot marked with the set's name.
#pragma once

#include "kernels/generic/attention.inl"
#include "kernels/generic/attention_q8.inl"
#include "kernels/generic/delta_rule.inl"
#include "kernels/generic/elementwise.inl"
#include "kernels/generic/gelu.inl"
#include "kernels/generic/matmul.inl"
#include "kernels/generic/pack.inl"
#include "linnet_format_includes.hpp"

#define LINNET_FORMAT(id) static_assert(sizeof(id::Tile) == 16 * sizeof(id::Block));
namespace linnet::kernels::LINNET_ISA {
namespace {
#include "linnet_format_list.hpp"
}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
#undef LINNET_FORMAT

namespace linnet::kernels::LINNET_ISA {
namespace {

// Of a set which brings a better dot product and nothing else: what consists of dot products.
template <class V>
constexpr Table make_dot_table(const char* isa) {
    Table t;
    t.isa = isa;
#define LINNET_FORMAT(id) \
    if constexpr (id::kBlock > 1) t.matmul[static_cast<int>(Format::id)] = {matmul<V, id>, isa};
#include "linnet_format_list.hpp"
#undef LINNET_FORMAT
    t.attention[2] = {attention_q8<V>, isa};
    return t;
}

template <class V>
constexpr Table make_isa_table(const char* isa) {
    Table t;
    t.isa = isa;
#define LINNET_FORMAT(id)                                           \
    t.matmul[static_cast<int>(Format::id)] = {matmul<V, id>, isa};  \
    t.pack[static_cast<int>(Format::id)] = {pack<V, id>, isa};      \
    t.read_row[static_cast<int>(Format::id)] = {read_row<id>, isa}; \
    t.decode[static_cast<int>(Format::id)] = {decode<id>, isa};
#include "linnet_format_list.hpp"
#undef LINNET_FORMAT
    t.pack_q8 = {pack_q8<V>, isa};
    t.pack_f32 = {pack_f32<V>, isa};
    t.rms_norm = {rms_norm<V>, isa};
    t.layer_norm = {layer_norm<V>, isa};
    t.add = {add<V>, isa};
    t.add_scaled = {add_scaled<V>, isa};
    t.mul_add = {mul_add<V>, isa};
    t.scale = {scale<V>, isa};
    t.silu_mul = {silu_mul<V>, isa};
    t.gelu_tanh_mul = {gelu_tanh_mul<V>, isa};
    t.gelu_mul = {gelu_mul<V>, isa};
    t.swiglu_clamped = {swiglu_clamped<V>, isa};
    t.sigmoid_mul = {sigmoid_mul<V>, isa};
    t.sparsify = {sparsify<V>, isa};
    t.softcap = {softcap<V>, isa};
    t.rope_neox = {rope_neox<V>, isa};
    t.rope_interleaved = {rope_interleaved<V>, isa};
    t.store_kv[0] = {store_kv<V, KvF16>, isa};
    t.store_kv[1] = {store_kv<V, KvF32>, isa};
    t.store_kv[2] = {store_kv_q8<V>, isa};
    t.attention[2] = {attention_q8<V>, isa};
    t.attention[0] = {attention<V, KvF16>, isa};
    t.attention[1] = {attention<V, KvF32>, isa};
    t.merge_attention = {merge_attention<V>, isa};
    t.finish_attention = {finish_attention<V>, isa};
    t.delta_rule = {delta_rule<V>, isa};
    return t;
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
