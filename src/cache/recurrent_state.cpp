// SPDX-License-Identifier: MIT
#include "cache/recurrent_state.hpp"

#include <algorithm>

#include "base/checked.hpp"

namespace linnet {

namespace {

std::uint64_t layer_size(const arch::ModelSpec& spec, const arch::LayerSpec& layer) {
    if (layer.mixer == arch::Mixer::attention) return 0;
    const std::uint64_t inputs = (layer.n_taps - 1) * std::uint64_t{arch::conv_width(spec, layer)};
    const arch::DeltaSpec& delta = layer.delta;
    const std::uint64_t memory =
        checked_mul<std::uint64_t>(std::uint64_t{delta.n_value_heads} * delta.d_key, delta.d_value, "recurrent state");
    return round_up(checked_add(inputs, memory, "recurrent state"), std::uint64_t{Buffer::kAlign / sizeof(float)});
}

std::uint64_t slot_size(const arch::ModelSpec& spec) {
    std::uint64_t total = 0;
    for (const arch::LayerSpec& layer : spec.layers) {
        total = checked_add(total, layer_size(spec, layer), "recurrent state");
    }
    return total;
}

}  // namespace

std::uint64_t RecurrentState::bytes(const arch::ModelSpec& spec) {
    const std::uint64_t size = slot_size(spec);
    if (size == 0) return 0;
    return checked_add<std::uint64_t>(checked_mul<std::uint64_t>(size, kSlots * sizeof(float), "recurrent state"),
                                      spec.layers.size() * sizeof(std::uint64_t), "recurrent state");
}

RecurrentState::RecurrentState(const arch::ModelSpec& spec, Memory& memory)
    : offsets_(&memory), slot_size_(slot_size(spec)) {
    positions_.fill(kNone);
    if (slot_size_ == 0) return;
    offsets_.resize(spec.layers.size());
    std::uint64_t offset = 0;
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
        offsets_[i] = offset;
        offset += layer_size(spec, spec.layers[i]);
    }
    buffer_ = Buffer(memory, slot_size_ * kSlots * sizeof(float));
}

std::uint32_t RecurrentState::restart(std::uint32_t pos) const noexcept {
    if (offsets_.empty()) return pos;
    std::uint32_t best = 0;
    for (const std::uint32_t held : positions_) {
        if (held != kNone && held <= pos) best = std::max(best, held);
    }
    return best;
}

void RecurrentState::begin(std::uint32_t pos, std::uint32_t n_tokens) noexcept {
    if (offsets_.empty()) return;
    source_ = kSlots;
    for (std::size_t i = 0; i < kSlots; ++i) {
        if (positions_[i] == kNone) continue;
        if (positions_[i] > pos || pos == 0) positions_[i] = kNone;  // of tokens that are computed anew
        if (positions_[i] == pos) source_ = i;
    }
    if (n_tokens > 1 && source_ != kSlots) checkpoint_ = source_;
    target_ = 0;
    while (target_ == source_ || (target_ == checkpoint_ && positions_[target_] != kNone)) ++target_;
    positions_[target_] = kNone;
    end_ = pos + n_tokens;
}

void RecurrentState::commit() noexcept {
    if (!offsets_.empty()) positions_[target_] = end_;
}

float* RecurrentState::slot(std::size_t index) const noexcept {
    // The state is the session's own: const here means that its shape does not change.
    auto* base = reinterpret_cast<float*>(const_cast<std::byte*>(buffer_.data()));
    return base + index * slot_size_;
}

RecurrentState::Layer RecurrentState::layer(std::size_t index) const noexcept {
    const std::uint64_t offset = offsets_[index];
    return {source_ == kSlots ? nullptr : slot(source_) + offset, slot(target_) + offset};
}

}  // namespace linnet
