// SPDX-License-Identifier: MIT
// A compiled constraint: rules over lexemes (regular expressions over bytes), whatever it was written in. Immutable;
// any number of sessions and threads may use one. What can match nothing was removed, so a matcher never runs into a
// dead end; only a schema that no value satisfies leaves a grammar that allows nothing from the start.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "base/memory.hpp"
#include "constrain/dfa.hpp"
#include "constrain/json_text.hpp"
#include "constrain/notation.hpp"

namespace linnet::constrain {

// A place in the grammar.
struct Place {
    enum class Kind : std::uint8_t {
        end,     // of the whole text
        back,    // of a rule
        lexeme,  // a: expression; then next
        rule,    // a: rule; then next
        choice,  // a, b: first index and number of places in Grammar::choices
        group,   // a: group; its opening bracket comes, then its members
        member,  // a: group, b: count (see Group); a member is due (which is its next)
        after,   // a: group, b: count; a member has just ended
    };
    Kind kind;
    bool first = false;  // member: no comma came before, the group may end here
    std::uint32_t a = 0, b = 0;
    std::uint32_t next = 0;
};

// One way to continue a group: an object's property or an array's element.
struct Slot {
    ExprId key = Exprs::kEmpty;    // of a property, or all of an element without a rule
    ExprId colon = Exprs::kEmpty;  // what comes between key and value, when it is not in the key
    std::uint32_t rule = kNoId;
    std::uint32_t from = 0, to = Exprs::kUnbounded;  // elements: at these indices, `to` excluded
    std::uint32_t once = kNoId;                      // a bit: the slot can be used while it is clear, and sets it
    std::uint32_t counts = 0;                        // mask of the counters that it advances
};

// How often something has to occur.
struct Counter {
    std::uint32_t min = 0, max = Exprs::kUnbounded;
};

// An object or an array: brackets around members, in any order that the slots allow.
struct Group {
    static constexpr std::size_t kMaxCounters = 4;
    ExprId open = Exprs::kEmpty, comma = Exprs::kEmpty, close = Exprs::kEmpty;
    std::vector<Slot> slots;
    std::vector<Counter> counters;        // at most kMaxCounters
    std::vector<std::uint64_t> required;  // bits that have to be set at the end
    std::uint32_t n_bits = 0;
    std::uint32_t min = 0, max = Exprs::kUnbounded;  // members
    std::uint32_t n_tracked = 0;                     // members are counted up to here, which is all that matters
};

struct GrammarLimits {
    std::uint32_t max_text = 1u << 22;  // bytes of the constraint's text
    std::uint32_t max_nesting = 512;    // of its brackets
    std::uint32_t max_rules = 20'000;
    std::uint32_t max_places = 1'000'000;
};

enum class Spaces : std::uint8_t {
    free,  // any between JSON's tokens
    none,
};

class Grammar {
  public:
    // Each throws Error: invalid_argument for a text that is wrong, unsupported for what cannot be enforced or
    // exceeds a limit; the message names the keyword and its JSON pointer, or the line and column.
    static Grammar from_schema(std::string_view json, Memory& memory, Spaces spaces = Spaces::free,
                               const GrammarLimits& limits = {});
    static Grammar from_gbnf(std::string_view text, Memory& memory, const GrammarLimits& limits = {});
    static Grammar from_regex(std::string_view pattern, Memory& memory, const GrammarLimits& limits = {});
    static Grammar from_choices(std::span<const std::string_view> choices, Memory& memory,
                                const GrammarLimits& limits = {});
    // json: an array of strings.
    static Grammar from_choices(std::string_view json, Memory& memory, const GrammarLimits& limits = {});

    // Texts `open item close`, or with `many` `open item separator item ... close`; an item is a value of one of the
    // schemas with text around it. What is wrong with a schema is said with its `name`.
    struct List {
        struct Item {
            std::string_view name, before, schema, after;
            std::span<const std::string_view> texts = {};  // arguments that the reader takes as strings
        };
        std::span<const Item> items;
        std::string_view open, separator, close;
        bool many = false;
        const Notation* notation = nullptr;            // of the values, which are objects; null: JSON
        std::span<const std::string_view> never = {};  // no string or key contains one of these
    };
    static Grammar from_list(const List& list, Memory& memory, const GrammarLimits& limits = {});

    // True for a schema like `false`: no text satisfies it.
    bool allows_nothing() const noexcept {
        const Place& first = places_[rules_[0]];
        return first.kind == Place::Kind::choice && first.b == 0;
    }

    const Dfa& dfa() const noexcept { return dfa_; }
    // How many of its states are those that JsonTexts made: all of these or none.
    StateId n_json_states() const noexcept { return n_json_states_; }
    const Place& place(std::uint32_t index) const noexcept { return places_[index]; }
    std::span<const Place> places() const noexcept { return places_; }
    std::span<const std::uint32_t> choices(const Place& place) const noexcept {
        return std::span(choices_).subspan(place.a, place.b);
    }
    std::uint32_t rule(std::uint32_t index) const noexcept { return rules_[index]; }
    const Group& group(std::uint32_t index) const noexcept { return groups_[index]; }

    static constexpr std::uint32_t kEndPlace = 0, kBackPlace = 1;

  private:
    friend class GrammarBuilder;
    Grammar(Dfa dfa, Memory& memory)
        : dfa_(std::move(dfa)), places_(&memory), choices_(&memory), rules_(&memory), groups_(&memory) {}

    Dfa dfa_;
    StateId n_json_states_ = 0;
    std::pmr::vector<Place> places_;
    std::pmr::vector<std::uint32_t> choices_;
    std::pmr::vector<std::uint32_t> rules_;  // where each begins; the text is the first one
    std::pmr::vector<Group> groups_;
};

// Puts a grammar together; from_* functions use it.
class GrammarBuilder {
  public:
    GrammarBuilder(Dfa dfa, Memory& memory, const GrammarLimits& limits)
        : limits_(limits), grammar_(std::move(dfa), memory) {
        add({Place::Kind::end});
        add({Place::Kind::back});
    }

    Dfa& dfa() noexcept { return grammar_.dfa_; }
    Exprs& exprs() noexcept { return grammar_.dfa_.exprs(); }
    const GrammarLimits& limits() const noexcept { return limits_; }

    std::uint32_t add(const Place& place) {
        if (grammar_.places_.size() >= limits_.max_places) {
            throw Error(Status::unsupported, "the constraint needs more than {} places", limits_.max_places);
        }
        grammar_.places_.push_back(place);
        return static_cast<std::uint32_t>(grammar_.places_.size() - 1);
    }
    std::uint32_t lexeme(ExprId expr, std::uint32_t next) {
        if (expr == Exprs::kEmpty) return next;
        return add({.kind = Place::Kind::lexeme, .a = expr, .next = next});
    }
    std::uint32_t choice(std::span<const std::uint32_t> places) {
        if (places.size() == 1) return places[0];
        const auto first = static_cast<std::uint32_t>(grammar_.choices_.size());
        grammar_.choices_.insert(grammar_.choices_.end(), places.begin(), places.end());
        return add({.kind = Place::Kind::choice, .a = first, .b = static_cast<std::uint32_t>(places.size())});
    }
    std::uint32_t group(Group group) {
        grammar_.groups_.push_back(std::move(group));
        return static_cast<std::uint32_t>(grammar_.groups_.size() - 1);
    }
    // Rules may be named before they are set.
    std::uint32_t add_rule() {
        if (grammar_.rules_.size() >= limits_.max_rules) {
            throw Error(Status::unsupported, "the constraint needs more than {} rules", limits_.max_rules);
        }
        grammar_.rules_.push_back(Grammar::kBackPlace);
        return static_cast<std::uint32_t>(grammar_.rules_.size() - 1);
    }
    // Before anything else was asked of the Dfa.
    JsonTexts make_json_texts() {
        const JsonTexts texts(grammar_.dfa_);
        grammar_.n_json_states_ = texts.n_states;
        return texts;
    }
    const Place& place_of(std::uint32_t rule) const noexcept { return grammar_.places_[grammar_.rules_[rule]]; }
    void set_rule(std::uint32_t rule, std::uint32_t place) { grammar_.rules_[rule] = place; }
    Grammar finish() { return std::move(grammar_); }

  private:
    GrammarLimits limits_;
    Grammar grammar_;
};

}  // namespace linnet::constrain
