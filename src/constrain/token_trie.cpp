// SPDX-License-Identifier: MIT
// Building and walking the trie. A walk keeps one state per depth; depth is bounded by kMaxDepth.
#include "constrain/token_trie.hpp"

#include <algorithm>
#include <numeric>

namespace linnet::constrain {

// Small sets never become words: most states are in the middle of a name and allow a handful of tokens.
void TokenSet::add(Token token, std::size_t n_words) {
    const auto id = static_cast<std::uint32_t>(token);
    if (!words.empty()) {
        words[id / 64] |= std::uint64_t{1} << (id % 64);
        return;
    }
    list.push_back(token);
    if (list.size() <= kMaxList) return;
    std::pmr::vector<std::uint64_t> all(n_words, 0, words.get_allocator());
    add_to(all);
    words = std::move(all);
    list.clear();
    list.shrink_to_fit();
}

void TokenSet::add_to(std::span<std::uint64_t> mask) const noexcept {
    for (std::size_t i = 0; i < words.size(); ++i) mask[i] |= words[i];
    for (const Token token : list) {
        const auto id = static_cast<std::uint32_t>(token);
        mask[id / 64] |= std::uint64_t{1} << (id % 64);
    }
}

TokenTrie::TokenTrie(const Tokenizer& tokenizer, Memory& memory)
    : n_vocab_(tokenizer.n_vocab()),
      bytes_(&memory),
      piece_ends_(&memory),
      tokens_(&memory),
      ends_(&memory),
      nodes_(&memory),
      json_sets_(&memory),
      heavy_(&memory) {
    for (Token token = 0; token < static_cast<Token>(n_vocab_); ++token) {
        const TokenKind kind = tokenizer.kind(token);
        if (tokenizer.is_end(token)) {
            ends_.push_back(token);
        } else if (kind == TokenKind::normal || kind == TokenKind::byte || kind == TokenKind::user_defined) {
            tokenizer.piece(token, false, bytes_);
        }
        piece_ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    }
    build(memory);
}

TokenTrie::TokenTrie(std::span<const std::string_view> pieces, std::span<const Token> ends, Memory& memory)
    : n_vocab_(static_cast<std::uint32_t>(pieces.size())),
      bytes_(&memory),
      piece_ends_(&memory),
      tokens_(&memory),
      ends_(ends.begin(), ends.end(), &memory),
      nodes_(&memory),
      json_sets_(&memory),
      heavy_(&memory) {
    for (const std::string_view piece : pieces) {
        bytes_ += piece;
        piece_ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    }
    build(memory);
}

std::string_view TokenTrie::piece(Token token) const noexcept {
    const auto id = static_cast<std::size_t>(token);
    if (token < 0 || id >= n_vocab_) return {};
    const std::uint32_t start = id == 0 ? 0 : piece_ends_[id - 1];
    return std::string_view(bytes_).substr(start, piece_ends_[id] - start);
}

std::uint32_t TokenTrie::find(std::string_view prefix) const noexcept {
    std::uint32_t at = 0;
    for (const char c : prefix) {
        std::uint32_t child = at + 1;
        while (child < nodes_[at].end && nodes_[child].byte != static_cast<std::uint8_t>(c)) child = nodes_[child].end;
        if (child >= nodes_[at].end) return 0;
        at = child;
    }
    return at;
}

void TokenTrie::build(Memory& memory) {
    for (Token token = 0; token < static_cast<Token>(n_vocab_); ++token) {
        const std::size_t size = piece(token).size();
        if (size > 0 && size < kMaxDepth) tokens_.push_back(token);
    }
    std::ranges::stable_sort(tokens_, {}, [this](Token token) { return piece(token); });
    std::vector<std::uint32_t> path = {0};  // open nodes, by depth
    nodes_.push_back({0, 0, 0, 0, 0});
    std::string_view last;
    const auto close = [&](std::size_t depth) {
        while (path.size() > depth + 1) {
            const std::uint32_t node = path.back();
            path.pop_back();
            nodes_[node].end = static_cast<std::uint32_t>(nodes_.size());
            Node& parent = nodes_[path.back()];
            parent.height = std::max<std::uint16_t>(parent.height, static_cast<std::uint16_t>(nodes_[node].height + 1));
        }
    };
    for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
        const std::string_view text = piece(tokens_[i]);
        const auto [a, b] = std::ranges::mismatch(last, text);
        const auto shared = static_cast<std::size_t>(b - text.begin());
        close(shared);
        for (std::size_t depth = shared; depth < text.size(); ++depth) {
            path.push_back(static_cast<std::uint32_t>(nodes_.size()));
            nodes_.push_back({0, i, static_cast<std::uint16_t>(depth + 1), 0, static_cast<std::uint8_t>(text[depth])});
        }
        last = text;
    }
    close(0);
    nodes_[0].end = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({0, static_cast<std::uint32_t>(tokens_.size()), 0, 0, 0});

    Dfa dfa(&memory);
    const JsonTexts texts(dfa);
    json_sets_.reserve(texts.n_states);
    for (StateId state = 0; state < texts.n_states; ++state) {
        TokenSet& set = json_sets_.emplace_back(&memory);
        if (state <= Dfa::kEnd) continue;
        find_tokens(dfa, state, set);
        if (!set.is_listed() && dfa.next(state, 'e') != Dfa::kDead) heavy_.push_back(state);
    }
}

void TokenTrie::finish(TokenSet& set) const {
    std::size_t n = 0;
    for (const std::uint64_t word : set.words) n += static_cast<std::size_t>(std::popcount(word));
    if (n > TokenSet::kMaxList) return;
    for (std::size_t i = 0; i < set.words.size(); ++i) {
        for (std::uint64_t word = set.words[i]; word != 0; word &= word - 1) {
            set.list.push_back(static_cast<Token>(i * 64 + static_cast<std::size_t>(std::countr_zero(word))));
        }
    }
    set.words.clear();
    set.words.shrink_to_fit();
}

void TokenTrie::find_tokens(Dfa& dfa, StateId state, TokenSet& set) const {
    std::array<StateId, kMaxDepth> states;
    states[0] = state;
    const auto n = static_cast<std::uint32_t>(nodes_.size() - 1);
    for (std::uint32_t i = 1; i < n;) {
        const Node& node = nodes_[i];
        const StateId to = dfa.next(states[node.depth - 1U], node.byte);
        if (to == Dfa::kDead) {
            i = node.end;
            continue;
        }
        states[node.depth] = to;
        for (const Token token : tokens_of(i)) set.add(token, n_words());
        if (node.height > 0 && dfa.accepts(to)) set.exits.push_back(i);
        i = to == Dfa::kEnd ? node.end : i + 1;
    }
}

void TokenTrie::find_tokens(Dfa& dfa, StateId state, StateId base, const TokenSet& base_set, std::uint32_t n_same,
                            TokenSet& set) const {
    std::array<StateId, kMaxDepth> states, base_states;
    states[0] = state;
    base_states[0] = base;
    set.words = base_set.words;
    if (base_set.is_listed()) {
        set.words.assign(n_words(), 0);
        base_set.add_to(set.words);
    }
    auto base_exit = base_set.exits.begin();
    const auto n = static_cast<std::uint32_t>(nodes_.size() - 1);
    for (std::uint32_t i = 1; i < n;) {
        const Node& node = nodes_[i];
        StateId to = Dfa::kDead, base_to = Dfa::kDead;
        bool same = node.depth + std::uint32_t{node.height} <= n_same;
        if (!same) {
            to = dfa.next(states[node.depth - 1U], node.byte);
            base_to = dfa.next(base_states[node.depth - 1U], node.byte);
            same = to == base_to;
            if (!same && to != Dfa::kDead && base_to != Dfa::kDead) same = dfa.agree(to, base_to, node.height);
        }
        const auto exits_end = std::find_if(base_exit, base_set.exits.end(),
                                            [&](std::uint32_t exit) { return exit >= (same ? node.end : i + 1); });
        if (same) {
            set.exits.insert(set.exits.end(), base_exit, exits_end);
            base_exit = exits_end;
            i = node.end;
            continue;
        }
        base_exit = exits_end;
        states[node.depth] = to;
        base_states[node.depth] = base_to;
        for (std::uint32_t j = node.first_token; j < nodes_[i + 1].first_token; ++j) {
            const auto id = static_cast<std::uint32_t>(tokens_[j]);
            const std::uint64_t bit = std::uint64_t{1} << (id % 64);
            set.words[id / 64] = to == Dfa::kDead ? set.words[id / 64] & ~bit : set.words[id / 64] | bit;
        }
        if (node.height > 0 && dfa.accepts(to)) set.exits.push_back(i);
        i = to <= Dfa::kEnd && base_to <= Dfa::kEnd ? node.end : i + 1;
    }
    finish(set);
}

}  // namespace linnet::constrain
