// SPDX-License-Identifier: MIT
// Making, comparing and walking values. Walks are bounded in depth by kMaxValueDepth and spend steps as they go.
#include "chat/value.hpp"

#include <array>
#include <bit>
#include <cmath>

#include "chat/number.hpp"
#include "chat/search.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::chat {

namespace {

constexpr std::uint32_t kSearched = 8;  // entries up to which a dict has no slots

std::uint64_t mix(std::uint64_t hash, std::uint64_t bits) noexcept {
    hash ^= bits;
    hash *= 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 29U;
}

// Equal values have equal hashes, 1, 1.0 and true among them.
std::uint64_t hash_of(Arena& arena, const Value& value, int depth = 0) {
    const std::uint64_t seed = 0x84222325CBF29CE4U;
    switch (value.kind) {
        case Kind::none: return seed;
        case Kind::boolean: return mix(seed, value.boolean ? 1 : 0);
        case Kind::integer: return mix(seed, static_cast<std::uint64_t>(value.integer));
        case Kind::real:
            if (std::floor(value.real) == value.real && std::fabs(value.real) < 9e18) {
                return mix(seed, static_cast<std::uint64_t>(static_cast<std::int64_t>(value.real)));
            }
            return seed + 1;
        case Kind::big: return seed + 1;  // may equal a real
        case Kind::string: {
            arena.spend(value.n / 64);
            std::uint64_t hash = seed;
            for (const char c : value.view_text()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
            return mix(hash, value.n);
        }
        case Kind::tuple: {
            if (depth >= kMaxValueDepth) break;
            std::uint64_t hash = seed;
            for (const Value& item : value.span()) hash = mix(hash, hash_of(arena, item, depth + 1));
            return hash;
        }
        case Kind::undefined: return seed + 2;
        default: break;
    }
    throw Error(Status::invalid_argument, "unhashable type: '{}'", type_name(value.kind));
}

void rebuild_slots(Arena& arena, Dict& dict) {
    dict.n_slots = 4 * dict.capacity;
    dict.slots = arena.allocate<std::uint32_t>(dict.n_slots);
    std::uninitialized_fill_n(dict.slots, dict.n_slots, 0U);
    for (std::uint32_t i = 0; i < dict.n; ++i) {
        std::uint64_t slot = hash_of(arena, dict.entries[i].key) & (dict.n_slots - 1);
        while (dict.slots[slot] != 0) slot = (slot + 1) & (dict.n_slots - 1);
        dict.slots[slot] = i + 1;
    }
}

Entry* find_entry(Arena& arena, const Dict& dict, const Value& key) {
    const std::uint64_t hash = hash_of(arena, key);
    if (dict.n_slots == 0) {
        for (std::uint32_t i = 0; i < dict.n; ++i) {
            if (equal(arena, dict.entries[i].key, key)) return &dict.entries[i];
        }
        return nullptr;
    }
    for (std::uint64_t slot = hash & (dict.n_slots - 1); dict.slots[slot] != 0;
         slot = (slot + 1) & (dict.n_slots - 1)) {
        Entry& entry = dict.entries[dict.slots[slot] - 1];
        if (equal(arena, entry.key, key)) return &entry;
    }
    return nullptr;
}

[[noreturn]] void too_deep() {
    throw Error(Status::unsupported, "values are nested more than {} deep", kMaxValueDepth);
}

bool equal_items(Arena& arena, std::span<const Value> a, std::span<const Value> b, int depth) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!equal(arena, a[i], b[i], depth)) return false;
    }
    return true;
}

bool equal_dicts(Arena& arena, const Dict& a, const Dict& b, int depth) {
    if (a.n != b.n) return false;
    for (const Entry& entry : a.span()) {
        const Value* const other = find(arena, b, entry.key);
        if (other == nullptr || !equal(arena, entry.value, *other, depth)) return false;
    }
    return true;
}

Value item_of(Arena& arena, const Entry& entry) {
    const std::array<Value, 2> pair = {entry.key, entry.value};
    return list(arena, pair, Kind::tuple);
}

}  // namespace

Value Text::finish() { return string(arena_, text_); }

Value none() noexcept { return Value(Kind::none); }

Value boolean(bool value) noexcept {
    Value result(Kind::boolean);
    result.boolean = value;
    return result;
}

Value integer(std::int64_t value) noexcept {
    Value result(Kind::integer);
    result.integer = value;
    return result;
}

Value real(double value) noexcept {
    Value result(Kind::real);
    result.real = value;
    return result;
}

Value borrowed(std::string_view text) noexcept {
    Value result(Kind::string);
    result.text = text.data();
    result.n = static_cast<std::uint32_t>(text.size());
    return result;
}

Value string(Arena& arena, std::string_view text) { return borrowed(arena.copy(text)); }

Value list(Arena& arena, std::span<const Value> items, Kind kind) {
    Value result(kind);
    result.items = arena.copy(items);
    result.n = static_cast<std::uint32_t>(items.size());
    return result;
}

Value generator(Arena& arena, std::span<const Value> items) {
    Value result(Kind::generator);
    result.generator = arena.make<Generator>();
    result.generator->items = arena.copy(items);
    result.generator->n = static_cast<std::uint32_t>(items.size());
    return result;
}

Value new_dict(Arena& arena, std::size_t capacity) {
    Value result(Kind::dict);
    result.dict = arena.make<Dict>();
    if (capacity == 0 || capacity > kSearched) return result;
    result.dict->entries = arena.allocate<Entry>(capacity);
    result.dict->capacity = static_cast<std::uint32_t>(capacity);
    return result;
}

Value missing(Missing form, std::string_view text, Kind of) noexcept {
    Value result = borrowed(text);
    result.kind = Kind::undefined;
    result.form = static_cast<std::uint8_t>(form);
    result.of = of;
    return result;
}

void set(Arena& arena, Dict& dict, const Value& key, const Value& value) {
    arena.spend(1);
    if (Entry* const entry = find_entry(arena, dict, key)) {
        entry->value = value;
        return;
    }
    if (dict.n == dict.capacity) {
        const std::uint32_t capacity = std::max(std::bit_ceil(dict.capacity + 1), 4U);  // slots need a power of two
        Entry* const entries = arena.allocate<Entry>(capacity);
        std::uninitialized_copy_n(dict.entries, dict.n, entries);
        dict.entries = entries;
        dict.capacity = capacity;
        if (capacity > kSearched) rebuild_slots(arena, dict);
    }
    new (&dict.entries[dict.n]) Entry{key, value};
    ++dict.n;
    if (dict.n_slots == 0) return;
    std::uint64_t slot = hash_of(arena, key) & (dict.n_slots - 1);
    while (dict.slots[slot] != 0) slot = (slot + 1) & (dict.n_slots - 1);
    dict.slots[slot] = dict.n;
}

const Value* find(Arena& arena, const Dict& dict, const Value& key) {
    const Entry* const entry = find_entry(arena, dict, key);
    return entry == nullptr ? nullptr : &entry->value;
}

const Value* find(const Dict& dict, std::string_view key) noexcept {
    for (const Entry& entry : dict.span()) {
        if (entry.key.is(Kind::string) && entry.key.view_text() == key) return &entry.value;
    }
    return nullptr;
}

Value field(const Value& dict, std::string_view key) noexcept {
    const Value* const found = dict.is(Kind::dict) ? find(*dict.dict, key) : nullptr;
    return found != nullptr ? *found : none();
}

std::string_view type_name(Kind kind) noexcept {
    switch (kind) {
        case Kind::undefined: return "Undefined";
        case Kind::none: return "NoneType";
        case Kind::boolean: return "bool";
        case Kind::integer:
        case Kind::big: return "int";
        case Kind::real: return "float";
        case Kind::string: return "str";
        case Kind::list: return "list";
        case Kind::tuple: return "tuple";
        case Kind::dict: return "dict";
        case Kind::range: return "range";
        case Kind::generator: return "generator";
        case Kind::view: return "dict_view";
        case Kind::space: return "Namespace";
        case Kind::loop: return "LoopContext";
        case Kind::macro: return "Macro";
        case Kind::function: return "function";
        case Kind::cycler: return "Cycler";
        case Kind::joiner: return "Joiner";
    }
    return "object";
}

bool truth(const Value& value) noexcept {
    switch (value.kind) {
        case Kind::undefined:
        case Kind::none: return false;
        case Kind::boolean: return value.boolean;
        case Kind::integer: return value.integer != 0;
        case Kind::real: return value.real != 0;
        case Kind::string:
        case Kind::list:
        case Kind::tuple: return value.n != 0;
        case Kind::dict: return value.dict->n != 0;
        case Kind::range: return value.range->n != 0;
        case Kind::view: return value.view->dict->n != 0;
        default: return true;
    }
}

bool is_integer(const Value& value) noexcept {
    return value.is(Kind::boolean) || value.is(Kind::integer) || value.is(Kind::big);
}

bool is_number(const Value& value) noexcept { return is_integer(value) || value.is(Kind::real); }

bool given(const Value& argument) noexcept {
    return !argument.is(Kind::undefined) || static_cast<Missing>(argument.form) != Missing::argument;
}

bool is_iterable(const Value& value) noexcept {
    switch (value.kind) {
        case Kind::undefined:
        case Kind::string:
        case Kind::list:
        case Kind::tuple:
        case Kind::dict:
        case Kind::range:
        case Kind::generator:
        case Kind::view:
        case Kind::loop: return true;
        default: return false;
    }
}

bool is_sequence(const Value& value) noexcept {
    return value.is(Kind::string) || value.is(Kind::list) || value.is(Kind::tuple) || value.is(Kind::dict) ||
           value.is(Kind::range) || value.is(Kind::undefined);
}

std::size_t length(Arena& arena, const Value& value) {
    switch (value.kind) {
        case Kind::undefined: return 0;
        case Kind::string: arena.spend(value.n / 64); return n_characters(value.view_text());
        case Kind::list:
        case Kind::tuple: return value.n;
        case Kind::dict: return value.dict->n;
        case Kind::range: return value.range->n;
        case Kind::view: return value.view->dict->n;
        default: throw Error(Status::invalid_argument, "object of type '{}' has no len()", type_name(value.kind));
    }
}

std::vector<Value> to_vector(Arena& arena, const Value& value) {
    std::vector<Value> items;
    const auto expect = [&](std::size_t n) {
        arena.spend(n);
        items.reserve(n);
    };
    switch (value.kind) {
        case Kind::undefined: break;
        case Kind::string: {
            const char* const end = value.text + value.n;
            expect(value.n);
            for (const char* p = value.text; p != end;) {
                const std::size_t size = utf8::read(p, end).size;
                items.push_back(borrowed({p, size}));
                p += size;
            }
            break;
        }
        case Kind::list:
        case Kind::tuple:
            expect(value.n);
            items.assign(value.items, value.items + value.n);
            break;
        case Kind::dict:
            expect(value.dict->n);
            for (const Entry& entry : value.dict->span()) items.push_back(entry.key);
            break;
        case Kind::range:
            expect(value.range->n);
            for (std::uint32_t i = 0; i < value.range->n; ++i) {
                items.push_back(integer(value.range->start + value.range->step * static_cast<std::int64_t>(i)));
            }
            break;
        case Kind::generator:
            expect(value.generator->n - value.generator->next);
            items.assign(value.generator->items + value.generator->next, value.generator->items + value.generator->n);
            value.generator->next = value.generator->n;
            break;
        case Kind::view:
            expect(value.view->dict->n);
            for (const Entry& entry : value.view->dict->span()) {
                items.push_back(value.view->of == ViewOf::keys     ? entry.key
                                : value.view->of == ViewOf::values ? entry.value
                                                                   : item_of(arena, entry));
            }
            break;
        default: throw Error(Status::invalid_argument, "'{}' object is not iterable", type_name(value.kind));
    }
    return items;
}

std::span<const Value> to_items(Arena& arena, const Value& value) {
    if (value.is(Kind::list) || value.is(Kind::tuple)) return value.span();
    const std::vector<Value> items = to_vector(arena, value);
    return {arena.copy(std::span(items)), items.size()};
}

bool equal(Arena& arena, const Value& a, const Value& b, int depth) {
    arena.spend(1);
    if (depth > kMaxValueDepth) too_deep();
    if (is_number(a) && is_number(b)) return compare_numbers(a, b) == Order::equal;
    if (a.kind != b.kind) return false;
    switch (a.kind) {
        case Kind::undefined:
        case Kind::none: return true;
        case Kind::string: arena.spend(a.n / 64); return a.view_text() == b.view_text();
        case Kind::list:
        case Kind::tuple: return equal_items(arena, a.span(), b.span(), depth + 1);
        case Kind::dict: return equal_dicts(arena, *a.dict, *b.dict, depth + 1);
        case Kind::range:
            return a.range->n == b.range->n &&
                   (a.range->n == 0 ||
                    (a.range->start == b.range->start && (a.range->n == 1 || a.range->step == b.range->step)));
        default: return a.text == b.text;  // the same object
    }
}

bool less(Arena& arena, const Value& a, const Value& b, std::string_view op, int depth) {
    arena.spend(1);
    if (depth > kMaxValueDepth) too_deep();
    if (is_number(a) && is_number(b)) return compare_numbers(a, b) == Order::less;
    if (a.is(Kind::undefined)) throw_undefined(a);
    if (b.is(Kind::undefined)) throw_undefined(b);
    if (a.kind == b.kind) {
        // The order of UTF-8 is that of code points.
        if (a.is(Kind::string)) {
            arena.spend(std::min(a.n, b.n) / 64);
            return a.view_text() < b.view_text();
        }
        if (a.is(Kind::list) || a.is(Kind::tuple)) {
            for (std::uint32_t i = 0; i < std::min(a.n, b.n); ++i) {
                if (!equal(arena, a.items[i], b.items[i], depth + 1)) {
                    return less(arena, a.items[i], b.items[i], op, depth + 1);
                }
            }
            return a.n < b.n;
        }
    }
    throw Error(Status::invalid_argument, "'{}' not supported between instances of '{}' and '{}'", op,
                type_name(a.kind), type_name(b.kind));
}

bool contains(Arena& arena, const Value& container, const Value& item) {
    switch (container.kind) {
        case Kind::string:
            if (item.is(Kind::undefined)) throw_undefined(item);
            if (!item.is(Kind::string)) {
                throw Error(Status::invalid_argument, "'in <string>' requires string as left operand, not {}",
                            type_name(item.kind));
            }
            arena.spend((container.n + item.n) / 4);
            return find_text(container.view_text(), item.view_text()) != std::string_view::npos;
        case Kind::dict: return find(arena, *container.dict, item) != nullptr;
        case Kind::generator:
            for (Generator& items = *container.generator; items.next < items.n;) {
                if (equal(arena, items.items[items.next++], item)) return true;
            }
            return false;
        default: break;
    }
    if (!is_iterable(container)) {
        throw Error(Status::invalid_argument, "argument of type '{}' is not a container or iterable",
                    type_name(container.kind));
    }
    for (const Value& candidate : to_items(arena, container)) {
        if (equal(arena, candidate, item)) return true;
    }
    return false;
}

void throw_undefined(const Value& value) {
    const std::string_view text = value.view_text();
    const std::string_view type = type_name(value.of);
    const bool none = value.of == Kind::none;
    switch (static_cast<Missing>(value.form)) {
        case Missing::name: throw Error(Status::invalid_argument, "'{}' is undefined", text);
        case Missing::attribute:
            if (none) throw Error(Status::invalid_argument, "'None' has no attribute '{}'", text);
            throw Error(Status::invalid_argument, "'{} object' has no attribute '{}'", type, text);
        case Missing::element:
            if (none) throw Error(Status::invalid_argument, "None has no element {}", text);
            throw Error(Status::invalid_argument, "{} object has no element {}", type, text);
        case Missing::unsafe:
            throw Error(Status::invalid_argument, "access to attribute '{}' of '{}' object is unsafe.", text, type);
        default: throw Error(Status::invalid_argument, "{}", text);
    }
}

std::size_t n_characters(std::string_view text) noexcept {
    std::size_t n = 0;
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p != end; p += utf8::read(p, end).size) ++n;
    return n;
}

std::size_t byte_offset(std::string_view text, std::size_t i) noexcept {
    const char* p = text.data();
    const char* const end = p + text.size();
    for (; p != end && i != 0; --i) p += utf8::read(p, end).size;
    return static_cast<std::size_t>(p - text.data());
}

}  // namespace linnet::chat
