// SPDX-License-Identifier: MIT
// Filters on sequences. Where Jinja gives a generator, so do these: its items can be read once.
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "chat/builtin.hpp"
#include "chat/letter_case.hpp"
#include "chat/number.hpp"
#include "chat/object.hpp"
#include "chat/print.hpp"

namespace linnet::chat {

namespace {

// What "a.b.0" reads of a value, or of each value when there is no attribute.
class Getter {
  public:
    Getter(Arena& arena, const Value& attribute, const Value& fallback, bool ignore_case)
        : arena_(arena), fallback_(fallback), ignore_case_(ignore_case) {
        if (!given(attribute) || attribute.is(Kind::none)) return;
        if (!attribute.is(Kind::string)) {
            parts_.push_back(attribute);
            return;
        }
        const std::string_view text = attribute.view_text();
        for (std::size_t begin = 0; begin <= text.size();) {
            const std::size_t end = std::min(text.find('.', begin), text.size());
            const std::string_view part = text.substr(begin, end - begin);
            const bool digits = !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
            const auto number = digits ? parse_integer(arena, part, 10) : std::nullopt;
            parts_.push_back(number ? *number : borrowed(part));
            begin = end + 1;
        }
    }

    Value operator()(Value value) const {
        for (const Value& part : parts_) {
            value = element(arena_, value, part);
            if (value.is(Kind::undefined) && given(fallback_) && !fallback_.is(Kind::none)) value = fallback_;
        }
        if (!ignore_case_ || !value.is(Kind::string)) return value;
        Text text(arena_);
        append_case(text, value.view_text(), LetterCase::lower);
        return text.finish();
    }

  private:
    Arena& arena_;
    std::vector<Value> parts_;
    Value fallback_;
    bool ignore_case_;
};

Value absent() noexcept { return missing(Missing::argument, {}); }

struct Keyed {
    Value key, value;
};

std::vector<Keyed> keyed(Arena& arena, const Value& sequence, const Getter& getter) {
    std::vector<Keyed> result;
    for (const Value& item : to_items(arena, sequence)) result.push_back({getter(item), item});
    return result;
}

// With `as_lists`, keys compare as lists of one: equal ones need no order.
void sort_keyed(Arena& arena, std::vector<Keyed>& items, bool reverse, bool as_lists = false) {
    const auto before = [&](const Keyed& a, const Keyed& b) {
        if (as_lists && equal(arena, a.key, b.key)) return false;
        return reverse ? less(arena, b.key, a.key) : less(arena, a.key, b.key);
    };
    std::stable_sort(items.begin(), items.end(), before);
}

Value values_of(Arena& arena, const std::vector<Keyed>& items) {
    std::vector<Value> values;
    for (const Keyed& item : items) values.push_back(item.value);
    return list(arena, values);
}

Value nothing(std::string_view why) noexcept { return missing(Missing::other, why); }

Value first(Runtime& runtime, const Arguments& a) {
    if (a[0].is(Kind::generator)) {
        Generator& items = *a[0].generator;
        if (items.next < items.n) return items.items[items.next++];
    } else if (a[0].is(Kind::string)) {
        if (a[0].n != 0) return borrowed(a[0].view_text().substr(0, byte_offset(a[0].view_text(), 1)));
    } else {
        const auto items = to_items(runtime.arena, a[0]);
        if (!items.empty()) return items.front();
    }
    return nothing("No first item, sequence was empty.");
}

Value last(Runtime& runtime, const Arguments& a) {
    if (a[0].is(Kind::generator)) throw Error(Status::invalid_argument, "'generator' object is not reversible");
    if (a[0].is(Kind::string)) {
        if (a[0].n != 0) return borrowed(last_character(a[0].view_text()));
    } else {
        const auto items = to_items(runtime.arena, a[0]);
        if (!items.empty()) return items.back();
    }
    return nothing("No last item, sequence was empty.");
}

Value count(Runtime& runtime, const Arguments& a) {
    return integer(static_cast<std::int64_t>(length(runtime.arena, a[0])));
}

Value to_list(Runtime& runtime, const Arguments& a) {
    if (a[0].is(Kind::list)) return a[0];
    return list(runtime.arena, to_items(runtime.arena, a[0]));
}

Value reverse(Runtime& runtime, const Arguments& a) {
    std::vector<Value> items = to_vector(runtime.arena, a[0]);
    std::reverse(items.begin(), items.end());
    if (!a[0].is(Kind::string)) return generator(runtime.arena, items);
    Text text(runtime.arena);
    for (const Value& item : items) text.append(item.view_text());
    return text.finish();
}

Value join(Runtime& runtime, const Arguments& a) {
    const std::string_view separator = given(a[1]) ? to_str(runtime.arena, a[1]) : std::string_view();
    const Getter getter(runtime.arena, a[2], absent(), false);
    Text text(runtime.arena);
    bool between = false;
    for (const Value& item : to_items(runtime.arena, a[0])) {
        runtime.arena.spend(1 + separator.size() / 64);
        if (between) text.append(separator);
        append_str(text, getter(item));
        between = true;
    }
    return text.finish();
}

Value sort(Runtime& runtime, const Arguments& a) {
    const bool ignore_case = !truth_or(a[2], false);
    std::vector<Keyed> items;
    if (a[3].is(Kind::string) && a[3].view_text().find(',') != std::string_view::npos) {
        // Several attributes: the keys are lists.
        std::vector<Getter> getters;
        std::string_view names = a[3].view_text();
        for (std::size_t begin = 0; begin <= names.size();) {
            const std::size_t end = std::min(names.find(',', begin), names.size());
            getters.emplace_back(runtime.arena, borrowed(names.substr(begin, end - begin)), absent(), ignore_case);
            begin = end + 1;
        }
        for (const Value& item : to_items(runtime.arena, a[0])) {
            std::vector<Value> keys;
            for (const Getter& getter : getters) keys.push_back(getter(item));
            items.push_back({list(runtime.arena, keys), item});
        }
    } else {
        items = keyed(runtime.arena, a[0], Getter(runtime.arena, a[3], absent(), ignore_case));
    }
    sort_keyed(runtime.arena, items, truth_or(a[1], false), true);
    return values_of(runtime.arena, items);
}

Value dict_sort(Runtime& runtime, const Arguments& a) {
    const std::string_view by = text_or(a[2], "key", "by");
    if (by != "key" && by != "value") {
        throw Error(Status::invalid_argument, "You can only sort by either \"key\" or \"value\"");
    }
    if (a[0].is(Kind::undefined)) throw_undefined(a[0]);
    if (!a[0].is(Kind::dict)) {
        throw Error(Status::invalid_argument, "'{} object' has no attribute 'items'", type_name(a[0].kind));
    }
    const Getter getter(runtime.arena, absent(), absent(), !truth_or(a[1], false));
    std::vector<Keyed> items;
    for (const Entry& entry : a[0].dict->span()) {
        const Value pair[] = {entry.key, entry.value};
        items.push_back({getter(by == "key" ? entry.key : entry.value), list(runtime.arena, pair, Kind::tuple)});
    }
    sort_keyed(runtime.arena, items, truth_or(a[3], false));
    return values_of(runtime.arena, items);
}

Value dict_items(Runtime& runtime, const Arguments& a) {
    if (a[0].is(Kind::undefined)) return generator(runtime.arena, {});
    if (!a[0].is(Kind::dict)) throw Error(Status::invalid_argument, "Can only get item pairs from a mapping.");
    View view{a[0].dict, ViewOf::items};
    Value value(Kind::view);
    value.view = &view;
    return generator(runtime.arena, to_vector(runtime.arena, value));
}

Value unique(Runtime& runtime, const Arguments& a) {
    const Getter getter(runtime.arena, a[2], absent(), !truth_or(a[1], false));
    const Value seen = new_dict(runtime.arena);
    std::vector<Value> kept;
    for (const Keyed& item : keyed(runtime.arena, a[0], getter)) {
        if (find(runtime.arena, *seen.dict, item.key) != nullptr) continue;
        set(runtime.arena, *seen.dict, item.key, none());
        kept.push_back(item.value);
    }
    return generator(runtime.arena, kept);
}

Value extreme(Runtime& runtime, const Arguments& a, bool greatest) {
    const Getter getter(runtime.arena, a[2], absent(), !truth_or(a[1], false));
    const std::vector<Keyed> items = keyed(runtime.arena, a[0], getter);
    if (items.empty()) return nothing("No aggregated item, sequence was empty.");
    const Keyed* best = items.data();
    for (const Keyed& item : items) {
        if (&item == best) continue;
        const bool better =
            greatest ? less(runtime.arena, best->key, item.key, ">") : less(runtime.arena, item.key, best->key);
        if (better) best = &item;
    }
    return best->value;
}

Value minimum(Runtime& runtime, const Arguments& a) { return extreme(runtime, a, false); }
Value maximum(Runtime& runtime, const Arguments& a) { return extreme(runtime, a, true); }

Value sum(Runtime& runtime, const Arguments& a) {
    const Getter getter(runtime.arena, a[1], absent(), false);
    Value total = given(a[2]) ? a[2] : integer(0);
    if (total.is(Kind::string)) throw Error(Status::invalid_argument, "sum() can't sum strings");
    for (const Value& item : to_items(runtime.arena, a[0])) {
        total = operate(runtime, Arithmetic::add, total, getter(item));
    }
    return total;
}

Value batch(Runtime& runtime, const Arguments& a) {
    const std::int64_t size = std::max<std::int64_t>(index_or(a[1], 1, "linecount"), 1);
    std::vector<Value> batches, batch;
    const auto finish = [&] {
        batches.push_back(list(runtime.arena, batch));
        batch.clear();
    };
    for (const Value& item : to_items(runtime.arena, a[0])) {
        if (static_cast<std::int64_t>(batch.size()) == size) finish();
        batch.push_back(item);
    }
    if (!batch.empty()) {
        const auto n_fill = static_cast<std::uint64_t>(size) - batch.size();
        if (given(a[2]) && !a[2].is(Kind::none)) {
            runtime.arena.spend(n_fill);
            batch.insert(batch.end(), static_cast<std::size_t>(n_fill), a[2]);
        }
        finish();
    }
    return generator(runtime.arena, batches);
}

Value slices(Runtime& runtime, const Arguments& a) {
    const auto items = to_items(runtime.arena, a[0]);
    const std::int64_t n = index_or(a[1], 1, "slices");
    if (n <= 0) throw Error(Status::invalid_argument, "slice: expected at least one slice, not {}", n);
    const auto n_slices = static_cast<std::uint64_t>(n);
    runtime.arena.spend(n_slices);
    const std::uint64_t each = items.size() / n_slices, extra = items.size() % n_slices;
    std::vector<Value> result;
    std::uint64_t at = 0;
    for (std::uint64_t i = 0; i < n_slices; ++i) {
        const std::uint64_t size = each + (i < extra ? 1 : 0);
        std::vector<Value> part(items.begin() + static_cast<std::ptrdiff_t>(at),
                                items.begin() + static_cast<std::ptrdiff_t>(at + size));
        if (given(a[2]) && !a[2].is(Kind::none) && i >= extra) part.push_back(a[2]);
        result.push_back(list(runtime.arena, part));
        at += size;
    }
    return generator(runtime.arena, result);
}

Value group_by(Runtime& runtime, const Arguments& a) {
    const bool ignore_case = !truth_or(a[3], false);
    std::vector<Keyed> items = keyed(runtime.arena, a[0], Getter(runtime.arena, a[1], a[2], ignore_case));
    sort_keyed(runtime.arena, items, false);
    const Getter shown(runtime.arena, a[1], a[2], false);
    std::vector<Value> groups;
    for (std::size_t begin = 0; begin < items.size();) {
        std::vector<Value> members;
        std::size_t end = begin;
        for (; end < items.size() && equal(runtime.arena, items[end].key, items[begin].key); ++end) {
            members.push_back(items[end].value);
        }
        // A key that does not equal itself is a group of its own.
        if (end == begin) members.push_back(items[end++].value);
        const Value pair[] = {shown(members.front()), list(runtime.arena, members)};
        groups.push_back(list(runtime.arena, pair, Kind::tuple));
        groups.back().form = 1;
        begin = end;
    }
    return list(runtime.arena, groups);
}

// A built-in that the first argument names, with the others: map('replace', 'a', 'b').
class Named {
  public:
    Named(Runtime& runtime, const CallArguments& call, std::size_t n_skip, const Builtin* (*look_up)(std::string_view),
          std::string_view kind)
        : runtime_(runtime), call_(call) {
        const std::string_view name = text_argument(call.positional[n_skip], kind);
        builtin_ = look_up(name);
        if (builtin_ == nullptr) throw Error(Status::invalid_argument, "No {} named '{}'.", kind, name);
        arguments_.assign(call.positional.begin() + static_cast<std::ptrdiff_t>(n_skip), call.positional.end());
    }

    Value operator()(const Value& item) {
        arguments_.front() = item;  // in the place of the name
        return invoke(runtime_, *builtin_, {arguments_, call_.keywords, call_.keyword_values});
    }

  private:
    Runtime& runtime_;
    CallArguments call_;
    const Builtin* builtin_ = nullptr;
    std::vector<Value> arguments_;
};

Value keyword(const CallArguments& call, std::string_view name) {
    for (std::size_t i = 0; i < call.keywords.size(); ++i) {
        if (call.keywords[i] == name) return call.keyword_values[i];
    }
    return absent();
}

Value map(Runtime& runtime, const Arguments& a) {
    if (!truth(a[0])) return generator(runtime.arena, {});
    std::vector<Value> mapped;
    const auto items = to_items(runtime.arena, a[0]);
    if (a.rest.positional.empty()) {
        const Value name = keyword(a.rest, "attribute");
        if (!given(name)) throw Error(Status::invalid_argument, "map requires a filter argument");
        for (const std::string_view other : a.rest.keywords) {
            if (other == "attribute" || other == "default") continue;
            throw Error(Status::invalid_argument, "map() got an unexpected keyword argument '{}'", other);
        }
        const Getter getter(runtime.arena, name, keyword(a.rest, "default"), false);
        for (const Value& item : items) mapped.push_back(getter(item));
    } else if (!items.empty()) {
        Named filter(runtime, a.rest, 0, find_filter, "filter");
        for (const Value& item : items) mapped.push_back(filter(item));
    }
    return generator(runtime.arena, mapped);
}

// Items, or those with an attribute, for which a test (or their truth) is `wanted`.
Value chosen(Runtime& runtime, const Arguments& a, bool by_attribute, bool wanted) {
    if (!truth(a[0])) return generator(runtime.arena, {});
    const std::size_t n_skip = by_attribute ? 1 : 0;
    if (a.rest.positional.size() < n_skip)
        throw Error(Status::invalid_argument, "Missing parameter for attribute name");
    const Getter getter(runtime.arena, by_attribute ? a.rest.positional[0] : absent(), absent(), false);
    std::optional<Named> test;
    if (a.rest.positional.size() > n_skip) test.emplace(runtime, a.rest, n_skip, find_test, "test");
    std::vector<Value> kept;
    for (const Value& item : to_items(runtime.arena, a[0])) {
        const Value value = getter(item);
        if (truth(test ? (*test)(value) : value) == wanted) kept.push_back(item);
    }
    return generator(runtime.arena, kept);
}

Value select(Runtime& runtime, const Arguments& a) { return chosen(runtime, a, false, true); }
Value reject(Runtime& runtime, const Arguments& a) { return chosen(runtime, a, false, false); }
Value select_attribute(Runtime& runtime, const Arguments& a) { return chosen(runtime, a, true, true); }
Value reject_attribute(Runtime& runtime, const Arguments& a) { return chosen(runtime, a, true, false); }

constexpr Builtin kTable[] = {
    {"first", "seq", first},
    {"last", "seq", last},
    {"length", "obj", count},
    {"count", "obj", count},
    {"list", "value", to_list},
    {"reverse", "value", reverse},
    {"join", "value d? attribute?", join},
    {"sort", "value reverse? case_sensitive? attribute?", sort},
    {"dictsort", "value case_sensitive? by? reverse?", dict_sort},
    {"items", "value", dict_items},
    {"unique", "value case_sensitive? attribute?", unique},
    {"min", "value case_sensitive? attribute?", minimum},
    {"max", "value case_sensitive? attribute?", maximum},
    {"sum", "iterable attribute? start?", sum},
    {"batch", "value linecount fill_with?", batch},
    {"slice", "value slices fill_with?", slices},
    {"groupby", "value attribute default? case_sensitive?", group_by},
    {"map", "value * **", map},
    {"select", "value * **", select},
    {"reject", "value * **", reject},
    {"selectattr", "value * **", select_attribute},
    {"rejectattr", "value * **", reject_attribute},
};

}  // namespace

std::span<const Builtin> sequence_filters() noexcept { return kTable; }

}  // namespace linnet::chat
