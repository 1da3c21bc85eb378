// SPDX-License-Identifier: MIT
// Reading by a grammar. A set is made in two steps: items that a byte leads to, then, for every lexeme that may end,
// the places behind it until the next lexemes begin. A rule's last call pushes nothing, so that stacks grow with
// nesting and not with length. There is no left recursion in a grammar, hence entering places ends.
#include "constrain/machine.hpp"

#include <algorithm>
#include <array>

namespace linnet::constrain {

namespace {

constexpr std::uint64_t kNoStep = ~std::uint64_t{0};
constexpr std::uint32_t kBottom = 0;  // the stack under the whole text

// The least number of slots that advance all of `counters` between them, kNoId when they cannot.
template <class Left>
std::uint32_t cover(const Group& group, std::uint32_t counters, const Left& left) {
    std::array<std::uint32_t, 1U << Group::kMaxCounters> least;
    least.fill(kNoId);
    least[0] = 0;
    for (std::uint32_t have = 0; have < least.size(); ++have) {
        if (least[have] == kNoId) continue;
        for (const Slot& slot : group.slots) {
            const std::uint32_t with = (have | slot.counts) & counters;
            if (with != have && left(slot)) least[with] = std::min(least[with], least[have] + 1);
        }
    }
    return least[counters];
}

}  // namespace

Machine::Machine(const Grammar& grammar, std::pmr::memory_resource* memory, const MatcherLimits& limits)
    : grammar_(grammar),
      limits_(limits),
      dfa_(grammar.dfa(), memory),
      places_(memory),
      place_ids_(memory),
      stacks_(memory),
      frames_(memory),
      stack_ids_(memory),
      counts_(memory),
      count_words_(memory),
      count_ids_(memory),
      sets_(memory),
      items_(memory),
      set_ids_(memory),
      steps_(memory),
      fresh_(memory),
      open_(memory),
      seen_(memory),
      scratch_(memory) {
    forget({});
}

std::size_t Machine::n_bytes() const noexcept {
    return places_.capacity() * sizeof(Place) + stacks_.capacity() * sizeof(Stack) +
           frames_.capacity() * sizeof(Frame) + count_words_.capacity() * 4 + sets_.capacity() * sizeof(Set) +
           items_.capacity() * sizeof(Item) + steps_.capacity() * sizeof(Step) + place_ids_.n_bytes() +
           stack_ids_.n_bytes() + count_ids_.n_bytes() + set_ids_.n_bytes();
}

std::uint32_t Machine::add_place(const Place& place) {
    const std::uint64_t hash = mix(
        mix(mix(place.first ? 1 : 2, static_cast<std::uint64_t>(place.kind)), std::uint64_t{place.a} << 32U | place.b),
        place.next);
    std::uint32_t id = place_ids_.find(hash, [&](std::uint32_t other) {
        const Place& p = places_[other];
        return p.kind == place.kind && p.first == place.first && p.a == place.a && p.b == place.b &&
               p.next == place.next;
    });
    if (id == kNoId) {
        id = static_cast<std::uint32_t>(places_.size());
        places_.push_back(place);
        place_ids_.add(hash, id);
    }
    return id + static_cast<std::uint32_t>(grammar_.places().size());
}

// `frames` sorted and distinct.
std::uint32_t Machine::add_stack(std::span<const Frame> frames) {
    std::uint64_t hash = frames.size();
    std::uint32_t depth = 0;
    for (const Frame& frame : frames) {
        hash = mix(hash, std::uint64_t{frame.place} << 32U | frame.parent);
        if (frame.place != Grammar::kEndPlace) depth = std::max(depth, stacks_[frame.parent].depth + 1);
    }
    if (depth > limits_.max_depth) {
        throw Error(Status::unsupported, "constraint: the text is nested deeper than {}", limits_.max_depth);
    }
    std::uint32_t id = stack_ids_.find(hash, [&](std::uint32_t other) {
        return std::ranges::equal(std::span(frames_).subspan(stacks_[other].first, stacks_[other].n), frames);
    });
    if (id == kNoId) {
        id = static_cast<std::uint32_t>(stacks_.size());
        stacks_.push_back(
            {static_cast<std::uint32_t>(frames_.size()), static_cast<std::uint32_t>(frames.size()), depth});
        frames_.insert(frames_.end(), frames.begin(), frames.end());
        stack_ids_.add(hash, id);
    }
    return id;
}

std::uint32_t Machine::pushed(std::uint32_t place, std::uint32_t stack) {
    if (place == Grammar::kBackPlace) return stack;
    return add_stack(std::array{Frame{place, stack}});
}

std::uint32_t Machine::united(std::uint32_t one, std::uint32_t other) {
    std::vector<Frame> frames;
    const auto frames_of = [this](std::uint32_t stack) {
        return std::span(frames_).subspan(stacks_[stack].first, stacks_[stack].n);
    };
    std::ranges::set_union(frames_of(one), frames_of(other), std::back_inserter(frames));
    return add_stack(frames);
}

// Members, the counters, the bits.
std::uint32_t Machine::n_counts(const Group& group) const noexcept {
    return 1 + static_cast<std::uint32_t>(group.counters.size()) + (group.n_bits + 31) / 32;
}

std::uint32_t Machine::add_counts(const Group& group, std::span<const std::uint32_t> counts) {
    std::uint64_t hash = n_counts(group);
    for (const std::uint32_t count : counts) hash = mix(hash, count);
    // Words of another group that happen to be longer still begin alike, which is all that is compared and used.
    std::uint32_t id = count_ids_.find(hash, [&](std::uint32_t other) {
        const std::size_t first = counts_[other].first;
        return first + counts.size() <= count_words_.size() &&
               std::ranges::equal(std::span(count_words_).subspan(first, counts.size()), counts);
    });
    if (id == kNoId) {
        id = static_cast<std::uint32_t>(counts_.size());
        counts_.push_back({static_cast<std::uint32_t>(count_words_.size())});
        count_words_.insert(count_words_.end(), counts.begin(), counts.end());
        count_ids_.add(hash, id);
    }
    return id;
}

bool Machine::usable(const Group& group, const Slot& slot, std::uint32_t counts) const noexcept {
    const std::uint32_t* words = &count_words_[counts_[counts].first];
    const std::uint32_t* bits = words + 1 + group.counters.size();
    const std::uint32_t n = words[0];
    if (n < slot.from || n >= slot.to || n >= group.max) return false;
    const auto is_set = [bits](std::uint32_t bit) { return (bits[bit / 32] >> bit % 32 & 1U) != 0; };
    if (slot.once != kNoId && is_set(slot.once)) return false;
    for (std::uint32_t i = 0; i < group.counters.size(); ++i) {
        if ((slot.counts >> i & 1U) != 0 && words[1 + i] >= group.counters[i].max) return false;
    }
    if (group.max == Exprs::kUnbounded && group.min == 0 && group.counters.empty()) return true;
    // What is needed afterwards has to fit, and there has to be something to fill it with.
    std::uint64_t needed = 0;
    for (std::uint32_t bit = 0; bit < group.n_bits; ++bit) {
        const bool required = (group.required[bit / 64] >> bit % 64 & 1U) != 0;
        if (required && bit != slot.once && !is_set(bit)) ++needed;
    }
    const auto left = [&](const Slot& other) {
        return other.once == kNoId || (other.once != slot.once && !is_set(other.once));
    };
    std::array<std::uint32_t, Group::kMaxCounters> missing = {};
    for (std::uint32_t i = 0; i < group.counters.size(); ++i) {
        const std::uint32_t have = words[1 + i] + (slot.counts >> i & 1U);
        missing[i] = group.counters[i].min > have ? group.counters[i].min - have : 0;
    }
    while (missing != std::array<std::uint32_t, Group::kMaxCounters>{}) {
        // A round in which every missing counter advances, in as few members as that takes.
        std::uint32_t counters = 0;
        for (std::uint32_t i = 0; i < missing.size(); ++i) counters |= missing[i] > 0 ? 1U << i : 0;
        const std::uint32_t n_members = cover(group, counters, left);
        if (n_members == kNoId) return false;
        std::uint32_t n_rounds = Exprs::kUnbounded;
        for (const std::uint32_t n_missing : missing)
            n_rounds = n_missing > 0 ? std::min(n_rounds, n_missing) : n_rounds;
        for (std::uint32_t& n_missing : missing) n_missing -= n_missing > 0 ? n_rounds : 0;
        needed += std::uint64_t{n_rounds} * n_members;
    }
    if (group.max != Exprs::kUnbounded && n + 1 + needed > group.max) return false;
    if (n + 1 >= group.min) return true;
    std::uint64_t available = 0;
    for (std::size_t i = 0; i < group.slots.size(); ++i) {
        if (!left(group.slots[i])) continue;
        if (group.slots[i].once == kNoId) return true;
        if (i == 0 || group.slots[i - 1].once != group.slots[i].once) ++available;
    }
    return n + 1 + available >= group.min;
}

bool Machine::may_close(const Group& group, std::uint32_t counts) const noexcept {
    const std::uint32_t* words = &count_words_[counts_[counts].first];
    const std::uint32_t* bits = words + 1 + group.counters.size();
    if (words[0] < group.min) return false;
    for (std::uint32_t i = 0; i < group.counters.size(); ++i) {
        if (words[1 + i] < group.counters[i].min) return false;
    }
    for (std::uint32_t i = 0; i < (group.n_bits + 31) / 32; ++i) {
        const auto required = static_cast<std::uint32_t>(group.required[i / 2] >> 32 * (i % 2));
        if ((required & ~bits[i]) != 0) return false;
    }
    return true;
}

std::uint32_t Machine::taken(const Group& group, const Slot& slot, std::uint32_t counts) {
    const auto first = count_words_.begin() + counts_[counts].first;
    scratch_.assign(first, first + n_counts(group));
    if (scratch_[0] < group.n_tracked) ++scratch_[0];
    for (std::uint32_t i = 0; i < group.counters.size(); ++i) {
        const Counter& counter = group.counters[i];
        const std::uint32_t enough = counter.max == Exprs::kUnbounded ? counter.min : counter.max;
        if ((slot.counts >> i & 1U) != 0 && scratch_[1 + i] < enough) ++scratch_[1 + i];
    }
    if (slot.once != kNoId) scratch_[1 + group.counters.size() + slot.once / 32] |= 1U << slot.once % 32;
    return add_counts(group, scratch_);
}

void Machine::begin(ExprId lexeme, std::uint32_t place, std::uint32_t part, std::uint32_t stack) {
    const StateId state = dfa_.state(lexeme);
    if (state == Dfa::kDead) return;
    if (state != Dfa::kEnd) fresh_.push_back({state, place, part, stack});
    if (dfa_.accepts(state)) end(place, part, stack);
}

// Behind a lexeme.
void Machine::end(std::uint32_t index, std::uint32_t part, std::uint32_t stack) {
    const Place at = place(index);
    if (at.kind == Place::Kind::group) {  // its bracket
        const Group& group = grammar_.group(at.a);
        scratch_.assign(n_counts(group), 0);
        Place first = {.kind = Place::Kind::member, .first = true, .a = at.a, .b = 0, .next = at.next};
        first.b = add_counts(group, scratch_);
        visit(add_place(first), stack);
    } else if (part == kLexeme || part == kClose) {
        visit(at.next, stack);
    } else if (part == kComma) {
        visit(add_place({.kind = Place::Kind::member, .a = at.a, .b = at.b, .next = at.next}), stack);
    } else {
        const Slot& slot = grammar_.group(at.a).slots[(part - kFirstSlot) / 2];
        if ((part - kFirstSlot) % 2 == 0 && slot.colon != Exprs::kEmpty) {
            begin(slot.colon, index, part + 1, stack);
        } else {
            enter_value(at, slot, stack);
        }
    }
}

void Machine::enter_value(const Place& at, const Slot& slot, std::uint32_t stack) {
    const std::uint32_t counts = taken(grammar_.group(at.a), slot, at.b);
    const std::uint32_t after = add_place({.kind = Place::Kind::after, .a = at.a, .b = counts, .next = at.next});
    if (slot.rule == kNoId) {
        visit(after, stack);
    } else {
        visit(grammar_.rule(slot.rule), pushed(after, stack));
    }
}

void Machine::visit(std::uint32_t place, std::uint32_t stack) { open_.push_back({place, stack}); }

void Machine::check_items() const {
    if (seen_.size() > limits_.max_items || fresh_.size() > limits_.max_items) {
        throw Error(Status::unsupported, "constraint: more than {} ways to go on", limits_.max_items);
    }
}

void Machine::visit_all() {
    while (!open_.empty()) {
        const Frame frame = open_.back();
        open_.pop_back();
        if (std::ranges::find(seen_, frame) != seen_.end()) continue;
        seen_.push_back(frame);
        check_items();
        enter(frame.place, place(frame.place), frame.parent);
    }
}

void Machine::enter(std::uint32_t index, const Place& at, std::uint32_t stack) {
    switch (at.kind) {
        case Place::Kind::end: complete_ = true; break;
        case Place::Kind::back:
            for (std::uint32_t i = 0; i < stacks_[stack].n; ++i) {
                const Frame frame = frames_[stacks_[stack].first + i];
                visit(frame.place, frame.parent);
            }
            break;
        case Place::Kind::lexeme: begin(at.a, index, kLexeme, stack); break;
        case Place::Kind::rule: visit(grammar_.rule(at.a), pushed(at.next, stack)); break;
        case Place::Kind::choice:
            for (const std::uint32_t choice : grammar_.choices(at)) visit(choice, stack);
            break;
        case Place::Kind::group: begin(grammar_.group(at.a).open, index, kLexeme, stack); break;
        case Place::Kind::member:
        case Place::Kind::after: enter_members(index, at, stack); break;
    }
}

void Machine::enter_members(std::uint32_t index, const Place& at, std::uint32_t stack) {
    const Group& group = grammar_.group(at.a);
    const bool after = at.kind == Place::Kind::after;
    if ((after || at.first) && may_close(group, at.b)) begin(group.close, index, kClose, stack);
    for (std::uint32_t i = 0; i < group.slots.size(); ++i) {
        const Slot& slot = group.slots[i];
        if (!usable(group, slot, at.b)) continue;
        if (after) {
            begin(group.comma, index, kComma, stack);
            return;
        }
        if (slot.key == Exprs::kEmpty) {
            enter_value(at, slot, stack);
        } else {
            begin(slot.key, index, kFirstSlot + 2 * i, stack);
        }
    }
}

SetId Machine::start() {
    visit(grammar_.rule(0), kBottom);
    return finish();
}

SetId Machine::after(const Item& item) {
    end(item.place, item.part, item.stack);
    return finish();
}

SetId Machine::next(SetId set, std::uint8_t byte) {
    const std::uint64_t key = std::uint64_t{set} << 8U | byte;
    const std::size_t mask = steps_.size() - 1;
    std::size_t slot = mix(1, key) & mask;
    while (steps_[slot].key != kNoStep) {
        if (steps_[slot].key == key) return steps_[slot].to;
        slot = (slot + 1) & mask;
    }
    const Set from = sets_[set];
    for (std::uint32_t i = 0; i < from.n; ++i) {
        const Item item = items_[from.first + i];
        const StateId to = dfa_.next(item.state, byte);
        if (to == Dfa::kDead) continue;
        if (to != Dfa::kEnd) fresh_.push_back({to, item.place, item.part, item.stack});
        if (dfa_.accepts(to)) end(item.place, item.part, item.stack);
    }
    const SetId to = finish();
    steps_[slot] = {key, to};
    if (++n_steps_ * 2 > steps_.size()) {
        std::pmr::vector<Step> old(steps_.size() * 2, {kNoStep, 0}, steps_.get_allocator());
        old.swap(steps_);
        for (const Step& step : old) {
            if (step.key == kNoStep) continue;
            std::size_t i = mix(1, step.key) & (steps_.size() - 1);
            while (steps_[i].key != kNoStep) i = (i + 1) & (steps_.size() - 1);
            steps_[i] = step;
        }
    }
    return to;
}

// Interns the set of fresh_, after everything that is open was entered. Items that differ by their stack only become
// one with both stacks.
SetId Machine::finish() {
    struct Cleanup {
        Machine& machine;
        ~Cleanup() {
            machine.fresh_.clear();
            machine.open_.clear();
            machine.seen_.clear();
            machine.complete_ = false;
        }
    } cleanup{*this};
    visit_all();
    check_items();
    std::ranges::sort(fresh_);
    std::size_t n = 0;
    for (const Item& item : fresh_) {
        if (n > 0 && fresh_[n - 1].state == item.state && fresh_[n - 1].place == item.place &&
            fresh_[n - 1].part == item.part) {
            if (fresh_[n - 1].stack != item.stack) fresh_[n - 1].stack = united(fresh_[n - 1].stack, item.stack);
        } else {
            fresh_[n++] = item;
        }
    }
    fresh_.resize(n);
    std::uint64_t hash = complete_ ? 1 : 0;
    for (const Item& item : fresh_) {
        hash =
            mix(mix(hash, std::uint64_t{item.state} << 32U | item.place), std::uint64_t{item.part} << 32U | item.stack);
    }
    SetId id = set_ids_.find(hash, [&](std::uint32_t other) {
        return sets_[other].complete == complete_ && std::ranges::equal(items(other), fresh_);
    });
    if (id == kNoId) {
        id = static_cast<SetId>(sets_.size());
        sets_.push_back({static_cast<std::uint32_t>(items_.size()), static_cast<std::uint32_t>(n), complete_});
        items_.insert(items_.end(), fresh_.begin(), fresh_.end());
        set_ids_.add(hash, id);
    }
    return id;
}

void Machine::forget(std::span<SetId> kept) {
    const auto n_fixed = static_cast<std::uint32_t>(grammar_.places().size());
    const auto old_places = std::move(places_);
    const auto old_stacks = std::move(stacks_);
    const auto old_frames = std::move(frames_);
    const auto old_counts = std::move(counts_);
    const auto old_words = std::move(count_words_);
    const auto old_sets = std::move(sets_);
    const auto old_items = std::move(items_);
    places_.clear();
    stacks_.clear();
    frames_.clear();
    counts_.clear();
    count_words_.clear();
    sets_.clear();
    items_.clear();
    for (IdTable* table : {&place_ids_, &stack_ids_, &count_ids_, &set_ids_}) table->clear();
    steps_.assign(1024, {kNoStep, 0});
    n_steps_ = 0;
    add_stack(std::array{Frame{Grammar::kEndPlace, kBottom}});
    finish();  // the dead set

    const auto moved_place = [&](std::uint32_t index) {
        if (index < n_fixed) return index;
        Place place = old_places[index - n_fixed];
        const Group& group = grammar_.group(place.a);
        place.b = add_counts(group, std::span(old_words).subspan(old_counts[place.b].first, n_counts(group)));
        return add_place(place);
    };
    // A stack's parents have lower ids than itself.
    std::vector<std::uint32_t> moved(old_stacks.size(), kNoId);
    std::vector<bool> is_needed(old_stacks.size());
    for (const SetId set : kept) {
        for (std::uint32_t i = 0; i < old_sets[set].n; ++i) is_needed[old_items[old_sets[set].first + i].stack] = true;
    }
    const auto frames_of = [&](std::size_t stack) {
        return std::span(old_frames).subspan(old_stacks[stack].first, old_stacks[stack].n);
    };
    for (std::size_t stack = old_stacks.size(); stack-- > 1;) {
        if (!is_needed[stack]) continue;
        for (const Frame& frame : frames_of(stack)) is_needed[frame.parent] = true;
    }
    for (std::size_t stack = 0; stack < old_stacks.size(); ++stack) {
        if (!is_needed[stack] && stack != kBottom) continue;
        std::vector<Frame> frames;
        for (const Frame& frame : frames_of(stack)) {
            frames.push_back({moved_place(frame.place), stack == kBottom ? kBottom : moved[frame.parent]});
        }
        std::ranges::sort(frames);
        moved[stack] = add_stack(frames);
    }
    for (SetId& set : kept) {
        const Set old = old_sets[set];
        for (std::uint32_t i = 0; i < old.n; ++i) {
            const Item& item = old_items[old.first + i];
            fresh_.push_back({item.state, moved_place(item.place), item.part, moved[item.stack]});
        }
        complete_ = old.complete;
        set = finish();
    }
}

}  // namespace linnet::constrain
