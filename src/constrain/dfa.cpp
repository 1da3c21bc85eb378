// SPDX-License-Identifier: MIT
// Building states on demand. A transition is stored only when its target is known to be alive or is kDead, so that
// walkers never meet a state from which no text matches.
#include "constrain/dfa.hpp"

#include <algorithm>
#include <cstring>

namespace linnet::constrain {

Dfa::Dfa(std::pmr::memory_resource* memory)
    : exprs_(memory),
      states_(memory),
      by_expr_(memory),
      maps_(memory),
      targets_(memory),
      map_ids_(memory),
      classes_(memory),
      class_ids_(memory),
      firsts_(memory) {
    intern(Exprs::kNone);
    states_[kDead].life = Life::dead;
    intern(Exprs::kEmpty);
}

Dfa::Dfa(const Dfa& other, std::pmr::memory_resource* memory)
    : exprs_(other.exprs_, memory),
      states_(other.states_, memory),
      by_expr_(other.by_expr_, memory),
      maps_(other.maps_, memory),
      targets_(other.targets_, memory),
      map_ids_(other.map_ids_, memory),
      classes_(other.classes_, memory),
      class_ids_(other.class_ids_, memory),
      firsts_(other.firsts_, memory) {}

std::size_t Dfa::n_bytes() const noexcept {
    return exprs_.n_bytes() + states_.capacity() * sizeof(State) + by_expr_.capacity() * sizeof(StateId) +
           maps_.capacity() * sizeof(Map) + targets_.capacity() * sizeof(StateId) + map_ids_.n_bytes() +
           classes_.capacity() * sizeof(Classes) + class_ids_.n_bytes() + firsts_.capacity() * sizeof(ExprId);
}

std::uint32_t Dfa::map_of(ExprId expr, std::uint16_t& n_classes) {
    const std::size_t start = firsts_.size();
    exprs_.add_firsts(expr, firsts_);
    const auto begin = firsts_.begin() + static_cast<std::ptrdiff_t>(start);
    std::sort(begin, firsts_.end());
    firsts_.erase(std::unique(begin, firsts_.end()), firsts_.end());
    const std::span<const ExprId> firsts = std::span(firsts_).subspan(start);
    std::uint64_t hash = firsts.size();
    for (const ExprId first : firsts) hash = mix(hash, first);
    std::uint32_t id = class_ids_.find(hash, [&](std::uint32_t other) {
        return std::ranges::equal(std::span(firsts_).subspan(classes_[other].first, classes_[other].n), firsts);
    });
    if (id == kNoId) {
        const std::uint32_t map = make_map(firsts, n_classes);
        id = static_cast<std::uint32_t>(classes_.size());
        classes_.push_back(
            {static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(firsts.size()), map, n_classes});
        class_ids_.add(hash, id);
    } else {
        firsts_.erase(firsts_.begin() + static_cast<std::ptrdiff_t>(start), firsts_.end());
    }
    n_classes = classes_[id].n_classes;
    return classes_[id].map;
}

std::uint32_t Dfa::make_map(std::span<const ExprId> firsts, std::uint16_t& n_classes) {
    std::array<std::uint64_t, 256> marks = {};
    exprs_.mark_classes(firsts, marks);
    Map map;
    std::array<std::uint64_t, 256> distinct;
    std::uint16_t n = 0;
    std::uint64_t last = ~marks[0];
    std::uint8_t last_class = 0;
    std::uint64_t hash = 0;
    for (unsigned byte = 0; byte < 256; ++byte) {
        if (marks[byte] != last) {
            last = marks[byte];
            std::uint16_t i = 0;
            while (i < n && distinct[i] != last) ++i;
            if (i == n) distinct[n++] = last;
            last_class = static_cast<std::uint8_t>(i);
        }
        map[byte] = last_class;
    }
    n_classes = n;
    for (unsigned i = 0; i < 256; i += 8) {
        std::uint64_t word;
        std::memcpy(&word, &map[i], sizeof word);
        hash = mix(hash, word);
    }
    std::uint32_t index = map_ids_.find(hash, [&](std::uint32_t id) { return maps_[id] == map; });
    if (index == kNoId) {
        index = static_cast<std::uint32_t>(maps_.size());
        maps_.push_back(map);
        map_ids_.add(hash, index);
    }
    return index;
}

StateId Dfa::intern(ExprId expr) {
    if (expr < by_expr_.size() && by_expr_[expr] != kNoId) return by_expr_[expr];
    State state = {expr,  0, static_cast<std::uint32_t>(targets_.size()), 0, exprs_.nullable(expr), Life::unknown,
                   kNoId, 0};
    if (exprs_.node(expr).plain || state.accepts) state.life = Life::alive;
    state.map = map_of(expr, state.n_classes);
    const StateId id = size();
    states_.push_back(state);
    targets_.resize(targets_.size() + state.n_classes, kNoId);
    if (expr >= by_expr_.size()) by_expr_.resize(std::max<std::size_t>(expr + 1, by_expr_.size() * 3 / 2), kNoId);
    by_expr_[expr] = id;
    return id;
}

StateId Dfa::state(ExprId expr) {
    const StateId id = intern(expr);
    return is_alive(id) ? id : kDead;
}

StateId Dfa::raw_target(StateId state, std::size_t cls, unsigned byte) {
    const StateId known = targets_[states_[state].targets + cls];
    return known != kNoId ? known : intern(exprs_.derivative(states_[state].expr, byte));
}

StateId Dfa::make_target(StateId state, unsigned byte) {
    const std::size_t cls = maps_[states_[state].map][byte];
    StateId to = raw_target(state, cls, byte);
    if (!is_alive(to)) to = kDead;
    targets_[states_[state].targets + cls] = to;
    return to;
}

// Depth first: what is on the path to an accepting state is alive; what a search exhausts is dead.
bool Dfa::is_alive(StateId start) {
    if (states_[start].life != Life::unknown) return states_[start].life == Life::alive;
    struct Visit {
        StateId state;
        std::uint16_t next_class;
    };
    std::vector<Visit> path = {{start, 0}};
    std::vector<StateId> seen = {start};
    std::vector<bool> is_seen(start + 1);
    is_seen[start] = true;
    bool found = false;
    while (!path.empty() && !found) {
        Visit& visit = path.back();
        const State from = states_[visit.state];
        if (visit.next_class == from.n_classes) {
            path.pop_back();
            continue;
        }
        const std::size_t cls = visit.next_class++;
        const Map& map = maps_[from.map];
        const auto byte = static_cast<unsigned>(std::ranges::find(map, static_cast<std::uint8_t>(cls)) - map.begin());
        const StateId to = raw_target(visit.state, cls, byte);
        const Life life = states_[to].life;
        if (life == Life::alive || seen.size() > kMaxSearch) found = true;
        if (life != Life::unknown) continue;
        if (to >= is_seen.size()) is_seen.resize(to * 3 / 2 + 64);
        if (is_seen[to]) continue;
        is_seen[to] = true;
        seen.push_back(to);
        path.push_back({to, 0});
    }
    if (found) {
        for (const Visit& visit : path) states_[visit.state].life = Life::alive;
    } else {
        for (const StateId state : seen) states_[state].life = Life::dead;
    }
    return found;
}

bool Dfa::matches(ExprId expr, std::string_view text) {
    StateId at = state(expr);
    for (const char c : text) at = next(at, static_cast<std::uint8_t>(c));
    return accepts(at);
}

StateId Dfa::loosened(StateId id, std::uint32_t& bound) {
    if (states_[id].loose == kNoId) {
        std::uint32_t limit = 0;
        const StateId loose = intern(exprs_.loosened(states_[id].expr, limit));
        states_[id].loose = loose;
        states_[id].bound = limit;
    }
    bound = states_[id].bound;
    return states_[id].loose;
}

bool Dfa::agree(StateId one, StateId other, std::uint32_t n_bytes) {
    std::uint32_t bound = 0, other_bound = 0;
    return loosened(one, bound) == loosened(other, other_bound) && bound >= n_bytes && other_bound >= n_bytes;
}

int Dfa::only_byte(StateId state) {
    int only = -1;
    const std::uint32_t map = states_[state].map;
    for (unsigned cls = 0; cls < states_[state].n_classes; ++cls) {
        const auto first = std::ranges::find(maps_[map], static_cast<std::uint8_t>(cls));
        const auto byte = static_cast<unsigned>(first - maps_[map].begin());
        if (next(state, byte) == kDead) continue;
        if (only >= 0 || std::ranges::count(maps_[map], static_cast<std::uint8_t>(cls)) != 1) return -1;
        only = static_cast<int>(byte);
    }
    return only;
}

}  // namespace linnet::constrain
