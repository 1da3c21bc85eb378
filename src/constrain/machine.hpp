// SPDX-License-Identifier: MIT
// The automaton that reads a text by a grammar: sets of items (a state of a lexeme, a place, a stack), all of them
// interned, so that equal situations have equal ids and transitions are remembered. Stacks share their tails, and a
// stack may have several tops: ambiguity costs no more than the places it is about (as in generalised LR parsing).
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "constrain/grammar.hpp"

namespace linnet::constrain {

using SetId = std::uint32_t;

struct MatcherLimits {
    std::uint64_t max_bytes = 64u << 20;  // of what is remembered; beyond, it is forgotten and made again
    std::uint32_t max_items = 20'000;     // possibilities at one byte
    std::uint32_t max_depth = 10'000;     // rules, objects and arrays inside of one another
};

class Machine {
  public:
    static constexpr SetId kDeadSet = 0;

    struct Item {
        StateId state;  // of the lexeme
        std::uint32_t place;
        std::uint32_t part;  // which lexeme of the place
        std::uint32_t stack;
        auto operator<=>(const Item&) const noexcept = default;
    };

    Machine(const Grammar& grammar, std::pmr::memory_resource* memory, const MatcherLimits& limits);

    // All of these may throw Error(unsupported) naming a limit, and out of memory.
    SetId start();
    SetId next(SetId set, std::uint8_t byte);
    // Where the item's lexeme leads when it ends here.
    SetId after(const Item& item);

    std::span<const Item> items(SetId set) const noexcept {
        return std::span(items_).subspan(sets_[set].first, sets_[set].n);
    }
    bool is_complete(SetId set) const noexcept { return sets_[set].complete; }
    Dfa& dfa() noexcept { return dfa_; }
    std::size_t n_bytes() const noexcept;
    // Forgets everything but `sets`, which get new ids.
    void forget(std::span<SetId> sets);

  private:
    struct Set {
        std::uint32_t first, n;
        bool complete;
    };
    struct Frame {
        std::uint32_t place, parent;
        auto operator<=>(const Frame&) const noexcept = default;
    };
    struct Stack {
        std::uint32_t first, n, depth;
    };
    struct Counts {  // of a group's members
        std::uint32_t first;
    };
    struct Step {
        std::uint64_t key;  // set and byte; ~0: none
        SetId to;
    };

    static constexpr std::uint32_t kLexeme = 0, kComma = 1, kClose = 2, kFirstSlot = 3;

    Place place(std::uint32_t index) const noexcept {
        const auto fixed = grammar_.places();
        return index < fixed.size() ? fixed[index] : places_[index - fixed.size()];
    }
    std::uint32_t add_place(const Place& place);
    std::uint32_t add_stack(std::span<const Frame> frames);
    std::uint32_t pushed(std::uint32_t place, std::uint32_t stack);
    std::uint32_t united(std::uint32_t one, std::uint32_t other);
    std::uint32_t add_counts(const Group& group, std::span<const std::uint32_t> counts);
    std::uint32_t n_counts(const Group& group) const noexcept;

    void visit(std::uint32_t place, std::uint32_t stack);
    void visit_all();
    void check_items() const;
    void enter(std::uint32_t index, const Place& place, std::uint32_t stack);
    void enter_members(std::uint32_t index, const Place& place, std::uint32_t stack);
    void begin(ExprId lexeme, std::uint32_t place, std::uint32_t part, std::uint32_t stack);
    void end(std::uint32_t place, std::uint32_t part, std::uint32_t stack);
    void enter_value(const Place& place, const Slot& slot, std::uint32_t stack);
    bool usable(const Group& group, const Slot& slot, std::uint32_t counts) const noexcept;
    bool may_close(const Group& group, std::uint32_t counts) const noexcept;
    std::uint32_t taken(const Group& group, const Slot& slot, std::uint32_t counts);
    SetId finish();

    const Grammar& grammar_;
    MatcherLimits limits_;
    Dfa dfa_;
    std::pmr::vector<Place> places_;  // those with counts
    IdTable place_ids_;
    std::pmr::vector<Stack> stacks_;
    std::pmr::vector<Frame> frames_;
    IdTable stack_ids_;
    std::pmr::vector<Counts> counts_;
    std::pmr::vector<std::uint32_t> count_words_;
    IdTable count_ids_;
    std::pmr::vector<Set> sets_;
    std::pmr::vector<Item> items_;
    IdTable set_ids_;
    std::pmr::vector<Step> steps_;
    std::size_t n_steps_ = 0;
    // Of the set that is being made.
    std::pmr::vector<Item> fresh_;
    std::pmr::vector<Frame> open_;  // places to enter, with their stacks
    std::pmr::vector<Frame> seen_;
    std::pmr::vector<std::uint32_t> scratch_;
    bool complete_ = false;
};

}  // namespace linnet::constrain
