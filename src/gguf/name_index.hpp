// SPDX-License-Identifier: MIT
// Look-up by name in a table that stays in file order: positions sorted by name, all names different.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "gguf/cursor.hpp"

namespace linnet::gguf {

// Throws Error(bad_file) when two names are equal; `kind` says in the message what they are names of.
template <class T>
std::pmr::vector<std::uint32_t> index_names(std::span<const T> items, std::string_view T::*name, std::string_view kind,
                                            std::pmr::memory_resource& memory) {
    std::pmr::vector<std::uint32_t> index(items.size(), &memory);
    std::iota(index.begin(), index.end(), 0U);
    std::sort(index.begin(), index.end(),
              [&](std::uint32_t a, std::uint32_t b) { return items[a].*name < items[b].*name; });
    const auto twice = std::adjacent_find(
        index.begin(), index.end(), [&](std::uint32_t a, std::uint32_t b) { return items[a].*name == items[b].*name; });
    if (twice != index.end()) {
        throw Error(Status::bad_file, "{} is there twice", Label(kind, items[*twice].*name).view());
    }
    return index;
}

// Null when there is none.
template <class T>
const T* find_name(std::span<const T> items, std::span<const std::uint32_t> index, std::string_view T::*name,
                   std::string_view wanted) noexcept {
    const auto at = std::lower_bound(index.begin(), index.end(), wanted,
                                     [&](std::uint32_t i, std::string_view text) { return items[i].*name < text; });
    return at != index.end() && items[*at].*name == wanted ? &items[*at] : nullptr;
}

}  // namespace linnet::gguf
