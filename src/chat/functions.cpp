// SPDX-License-Identifier: MIT
// The functions that every template sees: Jinja's, and those that transformers adds.
#include <vector>

#include "chat/builtin.hpp"
#include "chat/number.hpp"
#include "chat/print.hpp"
#include "chat/strftime.hpp"

namespace linnet::chat {

namespace {

constexpr std::uint64_t kMaxRange = 100000;  // as Jinja's sandbox has it

Value make_range(Runtime& runtime, const Arguments& a) {
    constexpr std::string_view kWhat = "range()'s argument";
    Range range;
    range.start = given(a[1]) ? to_index(a[0], kWhat) : 0;
    range.stop = to_index(given(a[1]) ? a[1] : a[0], kWhat);
    range.step = given(a[2]) ? to_index(a[2], kWhat) : 1;
    if (range.step == 0) throw Error(Status::invalid_argument, "range() arg 3 must not be zero");
    const bool up = range.step > 0;
    const std::int64_t low = up ? range.start : range.stop, high = up ? range.stop : range.start;
    if (low < high) {
        const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
        const std::uint64_t step =
            up ? static_cast<std::uint64_t>(range.step) : 0 - static_cast<std::uint64_t>(range.step);
        const std::uint64_t n = (span - 1) / step + 1;
        if (n > kMaxRange) {
            throw Error(Status::unsupported, "Range too big. The sandbox blocks ranges larger than {}.", kMaxRange);
        }
        range.n = static_cast<std::uint32_t>(n);
    }
    Value value(Kind::range);
    value.range = runtime.arena.make<Range>();
    *value.range = range;
    return value;
}

// From a mapping or pairs, and keywords.
void fill(Arena& arena, Dict& dict, const Arguments& a) {
    if (given(a[0])) {
        if (a[0].is(Kind::undefined)) throw_undefined(a[0]);
        if (a[0].is(Kind::dict)) {
            for (const Entry& entry : a[0].dict->span()) set(arena, dict, entry.key, entry.value);
        } else {
            for (const Value& pair : to_items(arena, a[0])) {
                const auto items = to_items(arena, pair);
                if (items.size() != 2) {
                    throw Error(Status::invalid_argument, "a dict is made of pairs, not of {} items", items.size());
                }
                set(arena, dict, items[0], items[1]);
            }
        }
    }
    for (std::size_t i = 0; i < a.rest.keywords.size(); ++i) {
        set(arena, dict, borrowed(a.rest.keywords[i]), a.rest.keyword_values[i]);
    }
}

Value make_dict(Runtime& runtime, const Arguments& a) {
    const Value dict = new_dict(runtime.arena);
    fill(runtime.arena, *dict.dict, a);
    return dict;
}

Value make_namespace(Runtime& runtime, const Arguments& a) {
    Value space = make_dict(runtime, a);
    space.kind = Kind::space;
    return space;
}

Value make_cycler(Runtime& runtime, const Arguments& a) {
    if (a.rest.positional.empty()) throw Error(Status::invalid_argument, "at least one item has to be provided");
    Value value(Kind::cycler);
    value.cycler = runtime.arena.make<Cycler>();
    value.cycler->items = list(runtime.arena, a.rest.positional).span();
    return value;
}

Value make_joiner(Runtime& runtime, const Arguments& a) {
    Value value(Kind::joiner);
    value.joiner = runtime.arena.make<Joiner>();
    value.joiner->separator = given(a[0]) ? a[0] : borrowed(", ");
    return value;
}

Value raise_exception(Runtime& runtime, const Arguments& a) {
    const std::string_view text = to_str(runtime.arena, a[0]);
    runtime.raised = true;
    throw Error(Status::invalid_argument, "{}", text);
}

Value strftime_now(Runtime& runtime, const Arguments& a) {
    return format_moment(runtime.arena, *runtime.now, text_argument(a[0], "strftime_now's format"));
}

Value no_lipsum(Runtime&, const Arguments&) {
    throw Error(Status::unsupported, "lipsum() is random, which templates of models are not");
}

constexpr Builtin kTable[] = {
    {"range", "start stop? step?", make_range},
    {"dict", "mapping? **", make_dict},
    {"namespace", "mapping? **", make_namespace},
    {"cycler", "*", make_cycler},
    {"joiner", "sep?", make_joiner},
    {"raise_exception", "message", raise_exception},
    {"strftime_now", "format", strftime_now},
    {"lipsum", "* **", no_lipsum},
};

}  // namespace

const Builtin* find_function(std::string_view name) noexcept { return find(kTable, name); }

}  // namespace linnet::chat
