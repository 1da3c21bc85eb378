// SPDX-License-Identifier: MIT
// A deterministic automaton over expressions, built as it is walked: a state is an expression, its transitions are the
// derivatives. States that match nothing are all kDead, also where that takes a search (intersections, complements).
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "constrain/expr.hpp"

namespace linnet::constrain {

using StateId = std::uint32_t;

class Dfa {
  public:
    static constexpr StateId kDead = 0;
    static constexpr StateId kEnd = 1;  // matches the empty text and nothing else
    // How many states a search for a match may visit before it counts as found.
    static constexpr std::uint32_t kMaxSearch = 20'000;

    explicit Dfa(std::pmr::memory_resource* memory);
    Dfa(const Dfa& other, std::pmr::memory_resource* memory);
    Dfa(Dfa&&) noexcept = default;

    Exprs& exprs() noexcept { return exprs_; }
    const Exprs& exprs() const noexcept { return exprs_; }

    StateId state(ExprId expr);
    ExprId expr(StateId state) const noexcept { return states_[state].expr; }
    bool accepts(StateId state) const noexcept { return states_[state].accepts; }
    StateId next(StateId state, unsigned byte) {
        const State& from = states_[state];
        const StateId to = targets_[from.targets + maps_[from.map][byte]];
        return to != kNoId ? to : make_target(state, byte);
    }
    bool matches_nothing(ExprId expr) { return state(expr) == kDead; }
    bool matches(ExprId expr, std::string_view text);
    // Whether both states read the same texts of up to `n_bytes` bytes, as far as the repetitions they begin with show.
    bool agree(StateId one, StateId other, std::uint32_t n_bytes);
    // The state whose repetition has no upper bound any more (see Exprs::loosened); `state` when there is none.
    StateId loosened(StateId state, std::uint32_t& bound);
    // The only byte that leads on from `state`, or -1.
    int only_byte(StateId state);

    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(states_.size()); }
    std::size_t n_bytes() const noexcept;

  private:
    using Map = std::array<std::uint8_t, 256>;
    enum class Life : std::uint8_t { unknown, alive, dead };
    struct State {
        ExprId expr;
        std::uint32_t map;      // classes of bytes
        std::uint32_t targets;  // by class, kNoId where not made yet
        std::uint16_t n_classes;
        bool accepts;
        Life life;
        StateId loose;        // kNoId: not asked for yet
        std::uint32_t bound;  // of the repetition
    };

    struct Classes {             // of all expressions whose texts begin with the same sets of bytes
        std::uint32_t first, n;  // those sets, in firsts_
        std::uint32_t map;
        std::uint16_t n_classes;
    };

    StateId intern(ExprId expr);
    StateId raw_target(StateId state, std::size_t cls, unsigned byte);
    StateId make_target(StateId state, unsigned byte);
    bool is_alive(StateId state);
    std::uint32_t map_of(ExprId expr, std::uint16_t& n_classes);
    std::uint32_t make_map(std::span<const ExprId> firsts, std::uint16_t& n_classes);

    Exprs exprs_;
    std::pmr::vector<State> states_;
    std::pmr::vector<StateId> by_expr_;  // [expr], kNoId: none
    std::pmr::vector<Map> maps_;
    std::pmr::vector<StateId> targets_;
    IdTable map_ids_;
    std::pmr::vector<Classes> classes_;
    IdTable class_ids_;
    std::pmr::vector<ExprId> firsts_;  // of all classes_, then those of the state that is being made
};

}  // namespace linnet::constrain
