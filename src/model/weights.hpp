// SPDX-License-Identifier: MIT
// A model's tensors as the forward pass uses them: matrices packed into tiles of 16 rows (or left in the file), vectors
// as floats. Loading checks that the file holds exactly what the architecture asks for.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "arch/arch_spec.hpp"
#include "base/memory.hpp"
#include "base/workers.hpp"
#include "gguf/file.hpp"
#include "kernels/api/table.hpp"

namespace linnet {

// W[n_out, n_in] * scale. data: tiles when packed, else rows as the file has them; null when the file has no such
// tensor.
struct Matrix {
    const std::byte* data = nullptr;
    kernels::Format format{};
    std::uint32_t n_in = 0;
    std::uint32_t n_out = 0;
    float scale = 1.0F;
    const gguf::TensorInfo* tensor = nullptr;  // whose rows from first_row on these are; null when they are its columns
    std::uint64_t first_row = 0;
};

// Called with bytes done and in all; non-zero cancels.
struct Progress {
    std::int32_t (*report)(void* user, std::uint64_t done, std::uint64_t total) = nullptr;
    void* user = nullptr;
};

// weight null: no norm.
struct Norm {
    const float* weight = nullptr;
    const float* bias = nullptr;
};

class Weights {
  public:
    struct Sizes {
        std::uint64_t weights_bytes;  // the one allocation that holds matrices and vectors
        std::uint64_t table_bytes;
    };
    // Exactly what the constructor takes from memory. Throws as it does.
    static Sizes plan(const gguf::File& file, const arch::ArchSpec& arch, const arch::ModelSpec& spec, bool mapped);

    // Throws Error(bad_file) naming a tensor that is missing, left over, or of another shape than the metadata says,
    // Error(unsupported) naming one whose format has no kernel, Error(cancelled).
    // mapped: matrices stay where the file is, which must then be addressable and outlive this.
    Weights(const gguf::File& file, const arch::ArchSpec& arch, const arch::ModelSpec& spec, bool mapped,
            const kernels::Table& kernels, Workers& workers, Memory& memory, Progress progress);

    bool mapped() const noexcept { return mapped_; }

    // layer is ignored for roles that exist once. Fused tensors are found under the roles of their parts.
    const Matrix& matrix(arch::Role role, std::size_t layer = 0) const noexcept {
        return matrices_[index(role, layer)];
    }
    // Of one expert or head, for roles that are stacked.
    const Matrix& stacked(arch::Role role, std::size_t layer, std::size_t i) const noexcept {
        return stacked_[stacked_index(role, layer, i)];
    }
    // Norm weights, biases, factors; null when the file has none.
    const float* vector(arch::Role role, std::size_t layer = 0) const noexcept { return vectors_[index(role, layer)]; }
    Norm norm(arch::Role weight, arch::Role bias, std::size_t layer = 0) const noexcept {
        return {vector(weight, layer), vector(bias, layer)};
    }

  private:
    static std::size_t index(arch::Role role, std::size_t layer) noexcept {
        const auto r = static_cast<std::size_t>(role);
        return r < arch::kModelRoles ? r : r + layer * (arch::kRoles - arch::kModelRoles);
    }

    std::size_t stacked_index(arch::Role role, std::size_t layer, std::size_t i) const noexcept {
        const std::size_t n_roles = arch::kRoles - arch::kFirstStackedRole;
        return (layer * n_roles + static_cast<std::size_t>(role) - arch::kFirstStackedRole) * stack_height_ + i;
    }

    bool mapped_;
    std::size_t stack_height_;  // most experts or heads of a layer
    Buffer buffer_;
    std::pmr::vector<Matrix> matrices_;
    std::pmr::vector<Matrix> stacked_;
    std::pmr::vector<const float*> vectors_;
};

}  // namespace linnet
