// SPDX-License-Identifier: MIT
// Masks. Of every item, the tokens that its lexeme reads to their end depend on the lexeme's state alone and are kept
// by state; only the tokens in which the lexeme ends are walked with the grammar. Where a state mostly goes where
// another one does (a string with names taken out, a bounded string), only the difference is walked.
#include "constrain/matcher.hpp"

#include <algorithm>
#include <array>
#include <new>

namespace linnet::constrain {

Matcher::Matcher(const Grammar& grammar, const TokenTrie& trie, Memory& memory, const MatcherLimits& limits)
    : trie_(trie),
      limits_(limits),
      memory_(&memory),
      machine_(grammar, &memory, limits),
      history_(&memory),
      set_of_state_(&memory),
      token_sets_(&memory),
      crossings_(&memory),
      crossing_ids_(&memory) {
    if (grammar.n_json_states() > 0) {
        json_sets_ = trie.json_sets();
        heavy_ = trie.heavy();
    }
    history_.push_back(machine_.start());
}

template <class Work>
Status Matcher::guarded(Work work) noexcept {
    const auto failed = [this](Status status, std::string_view text) {
        error_text_[text.copy(error_text_, sizeof error_text_ - 1)] = '\0';
        return status;
    };
    try {
        return work();
    } catch (const Error& error) {
        return failed(error.status(), error.what());
    } catch (const std::bad_alloc&) {
        return failed(Status::out_of_memory, "constraint: out of memory");
    } catch (...) {
        return failed(Status::internal, "constraint: internal error");
    }
}

bool Matcher::is_complete() const noexcept { return machine_.is_complete(history_.back()); }

SetId Matcher::read(SetId set, std::string_view text) {
    for (const char c : text) {
        set = machine_.next(set, static_cast<std::uint8_t>(c));
        if (set == Machine::kDeadSet) break;
    }
    return set;
}

void Matcher::advance(SetId set) {
    tidy(set);
    history_.push_back(set);
}

Status Matcher::accept(Token token) noexcept {
    return guarded([&] {
        if (ended_) return Status::invalid_argument;
        if (std::ranges::find(trie_.ends(), token) != trie_.ends().end()) {
            if (!is_complete()) return Status::invalid_argument;
            history_.push_back(history_.back());
            ended_ = true;
            return Status::ok;
        }
        const std::string_view piece = trie_.piece(token);
        if (piece.empty()) return Status::invalid_argument;
        const SetId set = read(history_.back(), piece);
        if (set == Machine::kDeadSet) return Status::invalid_argument;
        advance(set);
        return Status::ok;
    });
}

Status Matcher::accept_text(std::string_view text) noexcept {
    return guarded([&] {
        const SetId set = ended_ ? Machine::kDeadSet : read(history_.back(), text);
        if (set == Machine::kDeadSet) return Status::invalid_argument;
        advance(set);
        return Status::ok;
    });
}

Status Matcher::rollback(std::size_t n_steps) noexcept {
    if (n_steps >= this->n_steps()) return Status::ok;
    if (history_[n_steps] == Machine::kDeadSet) return Status::invalid_argument;
    history_.resize(n_steps + 1);
    ended_ = false;
    return Status::ok;
}

Status Matcher::forced_text(std::pmr::string& text, std::size_t max_size) noexcept {
    return guarded([&] {
        SetId set = history_.back();
        for (std::size_t n = 0; n < max_size && !ended_ && !machine_.is_complete(set); ++n) {
            int only = -1;
            for (std::size_t i = 0; i < machine_.items(set).size(); ++i) {
                const int byte = machine_.dfa().only_byte(machine_.items(set)[i].state);
                if (byte < 0 || (i > 0 && byte != only)) return Status::ok;
                only = byte;
            }
            if (only < 0) return Status::ok;
            text.push_back(static_cast<char>(only));
            set = machine_.next(set, static_cast<std::uint8_t>(only));
        }
        return Status::ok;
    });
}

Status Matcher::next_bytes(ByteSet& bytes) noexcept {
    return guarded([&] {
        bytes = ended_ ? ByteSet() : first_bytes(history_.back());
        return Status::ok;
    });
}

Status Matcher::fill_mask(std::span<std::uint64_t> mask) noexcept {
    const Status status = guarded([&] {
        if (mask.size() != n_words()) return Status::invalid_argument;
        const SetId set = history_.back();
        std::ranges::fill(mask, 0);
        if (!ended_) make_mask(set, mask);
        if (ended_ || machine_.is_complete(set)) {
            for (const Token token : trie_.ends()) {
                const auto id = static_cast<std::uint32_t>(token);
                mask[id / 64] |= std::uint64_t{1} << (id % 64);
            }
        }
        return Status::ok;
    });
    if (status != Status::ok) std::ranges::fill(mask, 0);
    return status;
}

void Matcher::make_mask(SetId set, std::span<std::uint64_t> mask) {
    for (std::size_t i = 0; i < machine_.items(set).size(); ++i) {
        const Machine::Item item = machine_.items(set)[i];
        const std::uint32_t tokens = set_of(item.state);
        tokens_of(tokens).add_to(mask);
        const std::uint32_t exits = exits_of(tokens);
        if (!tokens_of(exits).exits.empty()) crossing(item, exits).add_to(mask);
    }
}

const TokenSet& Matcher::crossing(const Machine::Item& item, std::uint32_t exits) {
    const std::uint64_t hash =
        mix(std::uint64_t{item.place} << 32U | item.part, std::uint64_t{item.stack} << 32U | exits);
    std::uint32_t id = crossing_ids_.find(hash, [&](std::uint32_t other) {
        const Crossing& known = crossings_[other];
        return known.place == item.place && known.part == item.part && known.stack == item.stack &&
               known.exits == exits;
    });
    if (id == kNoId) {
        TokenSet tokens(memory_);
        walk_exits(machine_.after(item), tokens_of(exits).exits, tokens);
        if (!tokens.is_listed()) ++n_word_sets_;
        id = static_cast<std::uint32_t>(crossings_.size());
        crossings_.push_back({item.place, item.part, item.stack, exits, std::move(tokens)});
        crossing_ids_.add(hash, id);
    }
    return crossings_[id].tokens;
}

ByteSet Matcher::first_bytes(SetId set) {
    ByteSet bytes;
    for (const Machine::Item& item : machine_.items(set)) {
        for (unsigned byte = 0; byte < 256; ++byte) {
            if (machine_.dfa().next(item.state, byte) != Dfa::kDead) bytes.add(byte);
        }
    }
    return bytes;
}

void Matcher::walk_exits(SetId start, std::span<const std::uint32_t> exits, TokenSet& tokens) {
    if (start == Machine::kDeadSet) return;
    const ByteSet first = first_bytes(start);  // which decide most of it
    const auto nodes = trie_.nodes();
    std::array<SetId, TokenTrie::kMaxDepth> sets;
    for (const std::uint32_t exit : exits) {
        const unsigned depth = nodes[exit].depth;
        sets[depth] = start;
        for (std::uint32_t i = exit + 1; i < nodes[exit].end;) {
            const TokenTrie::Node& node = nodes[i];
            SetId to = Machine::kDeadSet;
            if (node.depth != depth + 1 || first.has(node.byte)) to = machine_.next(sets[node.depth - 1U], node.byte);
            if (to == Machine::kDeadSet) {
                i = node.end;
                continue;
            }
            sets[node.depth] = to;
            for (const Token token : trie_.tokens_of(i)) tokens.add(token, n_words());
            ++i;
        }
    }
}

// A state with a known set that `state` resembles, or kDead. n_same: bytes in which both read alike for sure.
StateId Matcher::base_of(StateId state, std::uint32_t& n_same) {
    Dfa& dfa = machine_.dfa();
    const StateId loose = dfa.loosened(state, n_same);
    if (loose != state && n_same > 2) return loose;
    n_same = 0;
    for (const StateId heavy : heavy_) {
        unsigned n = 0;
        for (const unsigned byte : {0x65U, 0x31U, 0x20U, 0x54U}) {  // e 1 space T
            const StateId to = dfa.next(state, byte);
            if (to != Dfa::kDead && to == dfa.next(heavy, byte)) ++n;
        }
        if (n >= 2) return heavy;
    }
    return Dfa::kDead;
}

std::uint32_t Matcher::set_of(StateId state) {
    if (state < json_sets_.size()) return state;
    if (state >= set_of_state_.size()) set_of_state_.resize(state + state / 2 + 64, kNoId);
    if (set_of_state_[state] == kNoId) {
        const std::uint32_t set = make_set(state);
        if (state >= set_of_state_.size()) set_of_state_.resize(state + state / 2 + 64, kNoId);
        set_of_state_[state] = set;
    }
    return set_of_state_[state];
}

std::uint32_t Matcher::make_set(StateId state) {
    std::uint32_t n_same = 0;
    const StateId base = base_of(state, n_same);
    const std::uint32_t base_set = base == Dfa::kDead ? kNoId : set_of(base);
    if (base_set != kNoId && n_same >= trie_.nodes()[0].height) return base_set;
    const auto set = static_cast<std::uint32_t>(json_sets_.size() + token_sets_.size());
    StateTokens made = {TokenSet(memory_), set};
    if (base_set == kNoId || tokens_of(base_set).is_listed()) {
        trie_.find_tokens(machine_.dfa(), state, made.tokens);
    } else {
        trie_.find_tokens(machine_.dfa(), state, base, tokens_of(base_set), n_same, made.tokens);
        if (made.tokens.exits == tokens_of(base_set).exits) made.exits = exits_of(base_set);
    }
    if (!made.tokens.is_listed()) ++n_word_sets_;
    token_sets_.push_back(std::move(made));
    return set;
}

// Between steps nothing refers into what is kept, so it can be forgotten.
void Matcher::tidy(SetId& set) {
    const auto forget_crossings = [this] {
        crossings_.clear();
        crossing_ids_.clear();
    };
    if (n_word_sets_ > kMaxWordSets || crossings_.size() > kMaxCrossings) {
        token_sets_.clear();
        forget_crossings();
        std::ranges::fill(set_of_state_, kNoId);
        n_word_sets_ = 0;
    }
    if (machine_.dfa().n_bytes() > limits_.max_bytes) {
        throw Error(Status::unsupported, "constraint: its regular expressions need too many states");
    }
    if (machine_.n_bytes() <= limits_.max_bytes) return;
    for (std::size_t i = 1; i + kMaxRollback < history_.size(); ++i) history_[i] = Machine::kDeadSet;
    history_.push_back(set);
    machine_.forget(history_);
    set = history_.back();
    history_.pop_back();
    forget_crossings();
    if (machine_.n_bytes() > limits_.max_bytes) {
        throw Error(Status::unsupported, "constraint: the text needs too many states");
    }
}

}  // namespace linnet::constrain
