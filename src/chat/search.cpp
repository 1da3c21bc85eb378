// SPDX-License-Identifier: MIT
// Short texts are searched plainly, at most kShort comparisons a byte; longer ones by Knuth, Morris and Pratt's
// algorithm (SIAM J. Comput. 6, 1977), at most two comparisons a byte.
#include "chat/search.hpp"

#include <cstdint>
#include <vector>

namespace linnet::chat {

namespace {

constexpr std::size_t kShort = 8;

// `at(i)` is the i-th byte of a text in the direction of the search. The place of the first match, or npos.
template <class Text, class Wanted>
std::size_t search(Text text, std::size_t n_text, Wanted wanted, std::size_t n_wanted) {
    // For each prefix the length of the longest one that it ends with, itself aside.
    std::vector<std::uint32_t> border(n_wanted, 0);
    for (std::size_t i = 1, k = 0; i < n_wanted; ++i) {
        while (k != 0 && wanted(i) != wanted(k)) k = border[k - 1];
        if (wanted(i) == wanted(k)) ++k;
        border[i] = static_cast<std::uint32_t>(k);
    }
    for (std::size_t i = 0, k = 0; i < n_text; ++i) {
        while (k != 0 && text(i) != wanted(k)) k = border[k - 1];
        if (text(i) == wanted(k)) ++k;
        if (k == n_wanted) return i + 1 - n_wanted;
    }
    return std::string_view::npos;
}

}  // namespace

std::size_t find_text(std::string_view text, std::string_view wanted, std::size_t from) {
    if (wanted.size() <= kShort) return text.find(wanted, from);
    if (from > text.size() || wanted.size() > text.size() - from) return std::string_view::npos;
    const std::size_t found = search([&](std::size_t i) { return text[from + i]; }, text.size() - from,
                                     [&](std::size_t i) { return wanted[i]; }, wanted.size());
    return found == std::string_view::npos ? found : from + found;
}

std::size_t rfind_text(std::string_view text, std::string_view wanted) {
    if (wanted.size() <= kShort) return text.rfind(wanted);
    if (wanted.size() > text.size()) return std::string_view::npos;
    const std::size_t found = search([&](std::size_t i) { return text[text.size() - 1 - i]; }, text.size(),
                                     [&](std::size_t i) { return wanted[wanted.size() - 1 - i]; }, wanted.size());
    return found == std::string_view::npos ? found : text.size() - found - wanted.size();
}

}  // namespace linnet::chat
