// SPDX-License-Identifier: MIT
// Operators on values of all kinds, and access to attributes, elements and slices.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "chat/format.hpp"
#include "chat/number.hpp"
#include "chat/object.hpp"
#include "chat/print.hpp"

namespace linnet::chat {

namespace {

constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};

bool is_items(const Value& value) noexcept { return value.is(Kind::list) || value.is(Kind::tuple); }

[[noreturn]] void unsupported(Arithmetic op, const Value& x, const Value& y) {
    if (op == Arithmetic::add && (x.is(Kind::string) || is_items(x))) {
        throw Error(Status::invalid_argument, "can only concatenate {0} (not \"{1}\") to {0}", type_name(x.kind),
                    type_name(y.kind));
    }
    throw Error(Status::invalid_argument, "unsupported operand type(s) for {}: '{}' and '{}'",
                kSymbols[static_cast<std::size_t>(op)], type_name(x.kind), type_name(y.kind));
}

Value safe(Value text) noexcept {
    text.form = 1;
    return text;
}

// HTML-safe text makes what is added to it safe.
Value concatenate(Arena& arena, const Value& x, const Value& y) {
    if (x.form == y.form) {
        arena.spend((x.n + y.n) / 64);
        Value result = borrowed(arena.join(x.view_text(), y.view_text()));
        result.form = x.form;
        return result;
    }
    Text text(arena);
    for (const Value* const part : {&x, &y}) {
        if (part->form == 1) {
            text.append(part->view_text());
        } else {
            append_escaped(text, part->view_text());
        }
    }
    return safe(text.finish());
}

Value repeat(Arena& arena, const Value& value, const Value& count) {
    const std::int64_t n = std::max<std::int64_t>(to_index(count, "a repetition"), 0);
    const auto times = static_cast<std::uint64_t>(n);
    std::uint64_t size = 0;
    const std::uint64_t unit = value.is(Kind::string) ? 1 : sizeof(Value);
    if (__builtin_mul_overflow(times, value.n * unit, &size)) size = UINT64_MAX;
    arena.require(size);
    arena.spend(size / 64);
    Value result = value;
    result.n = static_cast<std::uint32_t>(times * value.n);
    if (value.is(Kind::string)) {
        char* const target = arena.allocate<char>(size);
        for (std::uint32_t i = 0; i < result.n; i += value.n) std::copy_n(value.text, value.n, target + i);
        result.text = target;
    } else {
        Value* const target = arena.allocate<Value>(result.n);
        for (std::uint32_t i = 0; i < result.n; i += value.n)
            std::uninitialized_copy_n(value.items, value.n, target + i);
        result.items = target;
    }
    return result;
}

Value joined_items(Arena& arena, const Value& x, const Value& y) {
    arena.spend((x.n + y.n) / 4);
    Value* const target = arena.allocate<Value>(static_cast<std::uint64_t>(x.n) + y.n);
    std::uninitialized_copy_n(y.items, y.n, std::uninitialized_copy_n(x.items, x.n, target));
    Value result(x.kind);
    result.items = target;
    result.n = x.n + y.n;
    return result;
}

// Where a slice begins and how many items it has, by Python's rules.
struct Cut {
    std::int64_t start, step;
    std::size_t n;
};

Cut cut_of(std::int64_t size, const Value& start, const Value& stop, const Value& step) {
    constexpr std::string_view kWhat = "slice indices";
    const std::int64_t by = step.is(Kind::none) ? 1 : to_index(step, kWhat);
    if (by == 0) throw Error(Status::invalid_argument, "slice step cannot be zero");
    const std::int64_t low = by > 0 ? 0 : -1, high = by > 0 ? size : size - 1;
    const auto bound = [&](const Value& value, std::int64_t absent) {
        if (value.is(Kind::none)) return absent;
        const std::int64_t index = to_index(value, kWhat);
        return std::clamp(index < 0 ? index + size : index, low, high);
    };
    const std::int64_t from = bound(start, by > 0 ? low : high), to = bound(stop, by > 0 ? high : low);
    const std::int64_t span = by > 0 ? to - from : from - to;
    if (span <= 0) return {from, by, 0};
    const std::uint64_t stride = by > 0 ? static_cast<std::uint64_t>(by) : ~static_cast<std::uint64_t>(by) + 1;
    return {from, by, static_cast<std::size_t>((static_cast<std::uint64_t>(span) - 1) / stride + 1)};
}

Value slice_text(Arena& arena, const Value& value, const Value& start, const Value& stop, const Value& step) {
    const std::string_view text = value.view_text();
    arena.spend(value.n / 16);
    const Cut cut = cut_of(static_cast<std::int64_t>(n_characters(text)), start, stop, step);
    Value result;
    if (cut.n == 0) {
        result = borrowed({});
    } else if (cut.step == 1) {
        const std::size_t begin = byte_offset(text, static_cast<std::size_t>(cut.start));
        const std::string_view rest = text.substr(begin);
        result = borrowed(rest.substr(0, byte_offset(rest, cut.n)));
    } else {
        const std::vector<Value> characters = to_vector(arena, value);
        Text made(arena);
        for (std::size_t i = 0; i < cut.n; ++i) {
            const std::int64_t at = cut.start + cut.step * static_cast<std::int64_t>(i);
            made.append(characters[static_cast<std::size_t>(at)].view_text());
        }
        result = made.finish();
    }
    result.form = value.form;
    return result;
}

// The position of a key in something of `size` items.
std::optional<std::size_t> position(const Value& key, std::size_t size) noexcept {
    if (!key.is(Kind::integer) && !key.is(Kind::boolean)) return std::nullopt;
    std::int64_t index = key.is(Kind::boolean) ? static_cast<std::int64_t>(key.boolean) : key.integer;
    const auto n = static_cast<std::int64_t>(size);
    if (index < 0) index += n;
    if (index < 0 || index >= n) return std::nullopt;
    return static_cast<std::size_t>(index);
}

std::optional<Value> indexed(Arena& arena, const Value& value, const Value& key) {
    switch (value.kind) {
        case Kind::list:
        case Kind::tuple:
            if (const auto at = position(key, value.n)) return value.items[*at];
            return std::nullopt;
        case Kind::string: {
            const std::string_view text = value.view_text();
            arena.spend(value.n / 16);
            const auto at = position(key, n_characters(text));
            if (!at) return std::nullopt;
            const std::string_view rest = text.substr(byte_offset(text, *at));
            return borrowed(rest.substr(0, byte_offset(rest, 1)));
        }
        case Kind::range:
            if (const auto at = position(key, value.range->n)) {
                return integer(value.range->start + value.range->step * static_cast<std::int64_t>(*at));
            }
            return std::nullopt;
        default: return std::nullopt;
    }
}

// What belongs to the value itself, before its elements are looked at.
std::optional<Value> own_attribute(Arena& arena, const Value& value, std::string_view name) {
    if (is_unsafe(value.kind, name)) return missing(Missing::unsafe, name, value.kind);
    if (const Builtin* const property = find_property(value.kind, name)) {
        const std::optional<Moment> never;
        Runtime runtime{arena, never};
        return invoke(runtime, *property, {std::span(&value, 1), {}, {}});
    }
    if (const Builtin* const method = find_method(value.kind, name)) {
        Value result = function(arena, *method);
        auto* const bound = arena.make<Bound>();
        *bound = {method, value, true};
        result.function = bound;
        return result;
    }
    if (value.is(Kind::tuple) && value.form == 1) {
        if (name == "grouper") return value.items[0];
        if (name == "list") return value.items[1];
    }
    if (value.is(Kind::space)) {
        if (const Value* const found = find(*value.dict, name)) return *found;
    }
    return std::nullopt;
}

}  // namespace

Value operate(Runtime& runtime, Arithmetic op, const Value& x, const Value& y) {
    if (is_number(x) && is_number(y)) return compute(runtime.arena, op, x, y);
    if (x.is(Kind::string) && op == Arithmetic::modulo) return format_percent(runtime, x, y);
    if (x.is(Kind::undefined)) throw_undefined(x);
    if (y.is(Kind::undefined)) throw_undefined(y);
    if (op == Arithmetic::add) {
        if (x.is(Kind::string) && y.is(Kind::string)) return concatenate(runtime.arena, x, y);
        if (is_items(x) && x.kind == y.kind) return joined_items(runtime.arena, x, y);
    }
    if (op == Arithmetic::multiply) {
        if ((x.is(Kind::string) || is_items(x)) && is_integer(y)) return repeat(runtime.arena, x, y);
        if ((y.is(Kind::string) || is_items(y)) && is_integer(x)) return repeat(runtime.arena, y, x);
    }
    unsupported(op, x, y);
}

bool holds(Arena& arena, Comparison op, const Value& x, const Value& y) {
    switch (op) {
        case Comparison::equal: return equal(arena, x, y);
        case Comparison::not_equal: return !equal(arena, x, y);
        case Comparison::less: return less(arena, x, y);
        case Comparison::greater: return less(arena, y, x, ">");
        case Comparison::less_equal: return less(arena, x, y, "<=") || equal(arena, x, y);
        case Comparison::greater_equal: return less(arena, y, x, ">=") || equal(arena, x, y);
        case Comparison::in: return contains(arena, y, x);
        case Comparison::not_in: break;
    }
    return !contains(arena, y, x);
}

Value attribute(Arena& arena, const Value& value, std::string_view name) {
    if (value.is(Kind::undefined)) throw_undefined(value);
    if (const auto own = own_attribute(arena, value, name)) return *own;
    if (value.is(Kind::dict)) {
        if (const Value* const found = find(arena, *value.dict, borrowed(name))) return *found;
    }
    return missing(name.starts_with("__") ? Missing::unsafe : Missing::attribute, name, value.kind);
}

Value element(Arena& arena, const Value& value, const Value& key) {
    if (value.is(Kind::undefined)) throw_undefined(value);
    if (value.is(Kind::dict)) {
        const bool hashable = !key.is(Kind::list) && !key.is(Kind::dict) && !key.is(Kind::undefined);
        const Value* const found = hashable ? find(arena, *value.dict, key) : nullptr;
        if (found != nullptr) return *found;
    } else if (const auto item = indexed(arena, value, key)) {
        return *item;
    }
    if (key.is(Kind::string)) {
        if (const auto own = own_attribute(arena, value, key.view_text())) return *own;
        return missing(Missing::attribute, key.view_text(), value.kind);
    }
    Text text(arena);
    append_repr(text, key);
    return missing(Missing::element, arena.copy(text.view()), value.kind);
}

Value slice(Arena& arena, const Value& value, const Value& start, const Value& stop, const Value& step) {
    switch (value.kind) {
        case Kind::undefined: throw_undefined(value);
        case Kind::string: return slice_text(arena, value, start, stop, step);
        case Kind::list:
        case Kind::tuple:
        case Kind::range: {
            const std::span<const Value> items = to_items(arena, value);
            const Cut cut = cut_of(static_cast<std::int64_t>(items.size()), start, stop, step);
            Value result(value.is(Kind::tuple) ? Kind::tuple : Kind::list);
            result.n = static_cast<std::uint32_t>(cut.n);
            if (cut.n == 0) return result;
            if (cut.step == 1) {
                result.items = &items[static_cast<std::size_t>(cut.start)];
                return result;
            }
            arena.spend(cut.n);
            Value* const target = arena.allocate<Value>(cut.n);
            for (std::size_t i = 0; i < cut.n; ++i) {
                new (&target[i])
                    Value(items[static_cast<std::size_t>(cut.start + cut.step * static_cast<std::int64_t>(i))]);
            }
            result.items = target;
            return result;
        }
        case Kind::dict: throw Error(Status::invalid_argument, "unhashable type: 'slice'");
        default: throw Error(Status::invalid_argument, "'{}' object is not subscriptable", type_name(value.kind));
    }
}

Value function(Arena& arena, const Builtin& builtin) {
    auto* const bound = arena.make<Bound>();
    bound->builtin = &builtin;
    Value result(Kind::function);
    result.function = bound;
    return result;
}

}  // namespace linnet::chat
