// SPDX-License-Identifier: MIT
// Between calls held_ is the longest end of the text that a stop text begins with, and what restart() left.
#include "session/stops.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet {

Stops::Stops(std::span<const std::string_view> texts, std::span<const Token> tokens, std::size_t capacity,
             Memory& memory)
    : texts_(&memory), tokens_(tokens.begin(), tokens.end(), &memory), held_(&memory), shown_(&memory) {
    std::size_t n_bytes = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        n_bytes += texts[i].size();
        if (texts[i].empty()) throw Error(Status::invalid_argument, "texts[{}] is empty", i);
        if (!utf8::is_valid(texts[i])) throw Error(Status::invalid_argument, "texts[{}] is no UTF-8", i);
        if (n_bytes > kMaxBytes) throw Error(Status::invalid_argument, "texts: more than {} bytes in all", kMaxBytes);
        texts_.emplace_back(texts[i]);
    }
    // Held back at most: a beginning from before restart() and one from after it.
    held_.reserve(2 * n_bytes + 2 * capacity);
    shown_.reserve(2 * n_bytes + 2 * capacity);
}

bool Stops::has(Token token) const noexcept { return std::ranges::find(tokens_, token) != tokens_.end(); }

// Shows n bytes of what is held; n_gone of it go.
std::string_view Stops::show(std::size_t n, std::size_t n_gone) noexcept {
    shown_.assign(held_, 0, n);
    held_.erase(0, n_gone);
    start_ = 0;
    return shown_;
}

Stops::Shown Stops::push(std::string_view text) noexcept {
    held_ += text;
    std::size_t begin = std::string::npos, end = std::string::npos;
    for (const std::pmr::string& stop : texts_) {
        const std::size_t at = held_.find(stop, start_);
        if (at == std::string::npos) continue;
        if (at + stop.size() < end || (at + stop.size() == end && at < begin)) {
            begin = at;
            end = at + stop.size();
        }
    }
    if (end != std::string::npos) return {show(begin, held_.size()), true};
    const std::string_view fresh = std::string_view(held_).substr(start_);
    std::size_t n_held = 0;
    for (const std::string_view stop : texts_) {
        for (std::size_t n = std::min(stop.size() - 1, fresh.size()); n > n_held; --n) {
            if (fresh.ends_with(stop.substr(0, n))) n_held = n;
        }
    }
    const std::size_t n = held_.size() - n_held;
    return {show(n, n), false};
}

std::string_view Stops::finish(std::string_view text) noexcept {
    held_ += text;
    return show(held_.size(), held_.size());
}

void Stops::reset() noexcept {
    held_.clear();
    start_ = 0;
}

}  // namespace linnet
