// SPDX-License-Identifier: MIT
// A file of any architecture with random weights: the tensors that its slots ask for under some metadata. What no
// golden has is compared with the reference model on such files. The vocabulary is that of a golden.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "arch/arch_spec.hpp"
#include "model/tensor_slots.hpp"
#include "tests/support/fixtures.hpp"
#include "tests/support/gguf_rewrite.hpp"

namespace gguf_test {

class RandomModel {
  public:
    explicit RandomModel(const std::string& architecture)
        : vocabulary_(std::make_unique<const Bytes>(
              fixtures::read(fixtures::local() / "goldens" / "qwen3" / "model-f32.gguf"))),
          rewrite_(std::make_unique<Rewrite>(*vocabulary_)),
          architecture_(architecture) {
        rewrite_->architecture(architecture);
        for (const auto& tensor : rewrite_->file().tensors()) rewrite_->drop_tensor(std::string(tensor.name));
    }

    // Keys without the architecture's name in front.
    RandomModel& u32(const std::string& key, std::uint32_t value) {
        rewrite_->u32(architecture_ + "." + key, value);
        if (key == "embedding_length") d_model_ = value;
        return *this;
    }
    RandomModel& f32(const std::string& key, float value) {
        rewrite_->f32(architecture_ + "." + key, value);
        return *this;
    }
    RandomModel& flag(const std::string& key, bool value) {
        rewrite_->replace_key(architecture_ + "." + key, [value](auto& w, auto& k) { w.add_bool(k, value); });
        return *this;
    }
    RandomModel& i32s(const std::string& key, const std::vector<std::int32_t>& values) {
        rewrite_->replace_key(architecture_ + "." + key, [values](auto& w, auto& k) { w.add_i32s(k, values); });
        return *this;
    }
    // A tensor that need not be there, by the end of its name.
    RandomModel& with(const std::string& name) {
        optional_.insert(name);
        return *this;
    }

    // Once.
    Bytes bytes() {
        const auto* embedding = rewrite_->file().find_tensor("token_embd.weight");
        rewrite_->add_tensor(make("token_embd.weight", {d_model_, embedding->shape[1]}));
        const Bytes head = rewrite_->bytes();
        linnet::Memory memory;
        const auto file = open(linnet::Source::from_memory(head), memory);
        linnet::arch::ModelSpec spec(memory);
        const linnet::arch::ArchSpec& arch = linnet::arch::find(architecture_);
        arch.read(file, spec);
        for (const linnet::arch::TensorSlot& slot : arch.slots) {
            const std::size_t n_layers = linnet::per_layer(slot.role) ? spec.layers.size() : 1;
            for (std::size_t layer = 0; layer < n_layers; ++layer) add(spec, slot, layer);
        }
        return rewrite_->bytes();
    }

  private:
    void add(const linnet::arch::ModelSpec& spec, const linnet::arch::TensorSlot& slot, std::size_t layer) {
        using linnet::arch::Need;
        if (slot.role == linnet::arch::Role::token_embd || !linnet::has_extent(spec, slot, layer)) return;
        const std::string name = linnet::tensor_name(slot.role, layer, slot.name);
        const std::string own = name.substr(name.rfind('.', name.rfind('.') - 1) + 1);
        if (slot.need == Need::optional && optional_.count(own) == 0) return;
        const std::uint64_t n_in = linnet::extent(spec, layer, slot.n_in);
        std::vector<std::uint64_t> shape = {n_in};
        if (slot.n_out != linnet::arch::Dim::one) shape.push_back(linnet::extent(spec, layer, slot.n_out));
        if (linnet::arch::is_stacked(slot.role)) {
            const auto& of = spec.layers[layer];
            shape.push_back(linnet::arch::is_by_head(slot.role) ? of.n_heads : of.experts.n_experts);
        }
        rewrite_->add_tensor(make(name, shape));
    }

    // In [-1, 1).
    double random() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<double>(state_ >> 40) / static_cast<double>(1 << 23) - 1.0;
    }

    // Norms about 1, rates of decay below 0, matrices that keep magnitudes.
    Rewrite::Tensor make(const std::string& name, const std::vector<std::uint64_t>& shape) {
        const auto contains = [&](const char* part) { return name.find(part) != std::string::npos; };
        double offset = 0.0;
        double range = shape.size() == 1 ? 0.3 : std::sqrt(3.0 / static_cast<double>(shape[0]));
        if (contains("norm")) offset = 1.0;
        if (contains("ssm_a") && !contains("alpha")) {
            offset = -0.8;
            range = 0.3;
        }
        if (contains("token_embd.")) range = 1.0;
        if (contains("ffn_gate_inp")) range *= 2.0;
        std::size_t n = 1;
        for (const std::uint64_t extent : shape) n *= static_cast<std::size_t>(extent);
        std::vector<float> values(n);
        for (float& value : values) value = static_cast<float>(offset + range * random());
        Rewrite::Tensor tensor{name, linnet::gguf::find_type("F32")->type, shape, Bytes(n * sizeof(float))};
        std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
        return tensor;
    }

    std::unique_ptr<const Bytes> vocabulary_;
    std::unique_ptr<Rewrite> rewrite_;
    std::string architecture_;
    std::uint64_t d_model_ = 0;
    std::set<std::string> optional_;
    std::uint64_t state_ = 88172645463325252U;
};

}  // namespace gguf_test
