// SPDX-License-Identifier: MIT
// Interning: equal things get equal ids. One open-addressing table of ids; what an id stands for lives with its owner,
// who compares and hashes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

namespace linnet::constrain {

inline constexpr std::uint32_t kNoId = 0xFFFFFFFF;

inline constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
    hash = (hash ^ value) * 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 29U;
}

class IdTable {
  public:
    explicit IdTable(std::pmr::memory_resource* memory) : slots_(memory) {}
    IdTable(const IdTable& other, std::pmr::memory_resource* memory)
        : slots_(other.slots_, memory), n_ids_(other.n_ids_) {}

    // The id of something with this hash for which same(id) holds, else kNoId.
    template <class Same>
    std::uint32_t find(std::uint64_t hash, Same same) const {
        if (slots_.empty()) return kNoId;
        const std::size_t mask = slots_.size() - 1;
        for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
            const Slot& slot = slots_[i];
            if (slot.id == kNoId) return kNoId;
            if (slot.hash == static_cast<std::uint32_t>(hash >> 32U) && same(slot.id)) return slot.id;
        }
    }

    // Adds an id that find() did not find.
    void add(std::uint64_t hash, std::uint32_t id) {
        if (2 * (n_ids_ + 1) > slots_.size()) grow();
        place(hash & (slots_.size() - 1),
              {static_cast<std::uint32_t>(hash >> 32U), static_cast<std::uint32_t>(hash), id});
        ++n_ids_;
    }

    void clear() noexcept {
        for (Slot& slot : slots_) slot.id = kNoId;
        n_ids_ = 0;
    }
    std::size_t n_bytes() const noexcept { return slots_.size() * sizeof(Slot); }

  private:
    struct Slot {
        std::uint32_t hash = 0;  // the upper half
        std::uint32_t low = 0;   // the lower half, to move it when the table grows
        std::uint32_t id = kNoId;
    };

    void place(std::size_t i, Slot slot) noexcept {
        while (slots_[i].id != kNoId) i = (i + 1) & (slots_.size() - 1);
        slots_[i] = slot;
    }
    void grow() {
        std::pmr::vector<Slot> old(slots_.empty() ? 64 : 2 * slots_.size(), slots_.get_allocator());
        old.swap(slots_);
        for (const Slot& slot : old) {
            if (slot.id != kNoId) place(slot.low & (slots_.size() - 1), slot);
        }
    }

    std::pmr::vector<Slot> slots_;
    std::size_t n_ids_ = 0;
};

}  // namespace linnet::constrain
