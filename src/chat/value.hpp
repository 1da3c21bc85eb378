// SPDX-License-Identifier: MIT
// The values of templates: a closed set of kinds with Python's meaning. A Value is 16 bytes and refers to immutable
// data in an Arena; text is UTF-8 and counts code points. Nothing of the host can be reached from one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/arena.hpp"

namespace linnet::chat {

enum class Kind : std::uint8_t {
    undefined,
    none,
    boolean,
    integer,
    big,   // an integer beyond 64 bits, as its decimal digits
    real,  // Python's float
    string,
    list,
    tuple,
    dict,
    range,
    generator,  // items that are read once
    view,       // a dict's keys, values or items
    space,      // namespace()
    loop,
    macro,
    function,  // a built-in, or a method bound to its value
    cycler,
    joiner,
};

struct Dict;
struct Range;
struct Generator;
struct View;
struct Loop;
struct Macro;
struct Bound;
struct Cycler;
struct Joiner;

// What an undefined value stands for, which is what its error says.
enum class Missing : std::uint8_t {
    name,       // text: the variable
    attribute,  // text: the attribute; of: the kind of the value that lacks it
    element,    // text: the key's repr; of as before
    other,      // text: the whole message
    unsafe,     // text: an attribute that would change a value
    argument,   // an optional argument that was not given; never seen by templates
};

struct Value {
    Kind kind = Kind::undefined;
    std::uint8_t form = 0;  // undefined: Missing; string: 1 is HTML-safe; tuple: 1 is a group of groupby
    Kind of = Kind::undefined;
    std::uint32_t n = 0;  // bytes of text, or items
    union {
        const char* text;
        bool boolean;
        std::int64_t integer;
        double real;
        const Value* items;
        Dict* dict;
        Range* range;
        Generator* generator;
        const View* view;
        Loop* loop;
        const Macro* macro;
        const Bound* function;
        Cycler* cycler;
        Joiner* joiner;
    };

    Value() noexcept : text(nullptr) {}
    explicit Value(Kind k) noexcept : kind(k), text(nullptr) {}

    bool is(Kind k) const noexcept { return kind == k; }
    std::string_view view_text() const noexcept { return {text, n}; }
    std::span<const Value> span() const noexcept { return {items, n}; }
};
static_assert(sizeof(Value) == 16);

struct Entry {
    Value key, value;
};

// Insertion-ordered. Small ones are searched, larger ones hashed.
struct Dict {
    Entry* entries = nullptr;
    std::uint32_t* slots = nullptr;  // entry + 1, 0: empty
    std::uint32_t n = 0, capacity = 0, n_slots = 0;

    std::span<const Entry> span() const noexcept { return {entries, n}; }
};

struct Range {
    std::int64_t start = 0, step = 1, stop = 0;
    std::uint32_t n = 0;
};

struct Generator {
    const Value* items = nullptr;
    std::uint32_t n = 0, next = 0;
};

enum class ViewOf : std::uint8_t { keys, values, items };
struct View {
    const Dict* dict = nullptr;
    ViewOf of = ViewOf::keys;
};

struct Cycler {
    std::span<const Value> items;
    std::size_t at = 0;
};

struct Joiner {
    Value separator;
    bool used = false;
};

// Text that is being made, within the arena's bytes.
class Text {
  public:
    explicit Text(Arena& arena) noexcept : arena_(arena) {}
    void append(std::string_view text) {
        arena_.require(text_.size() + text.size());
        text_.append(text);
    }
    void append(std::size_t n, char c) {
        arena_.require(text_.size() + n);
        text_.append(n, c);
    }
    void append(char c) { append(std::string_view(&c, 1)); }
    std::string_view view() const noexcept { return text_; }
    Arena& arena() const noexcept { return arena_; }
    Value finish();

  private:
    Arena& arena_;
    std::string text_;
};

inline constexpr int kMaxValueDepth = 64;  // of lists within lists, wherever values are walked

// --- making values
Value none() noexcept;
Value boolean(bool value) noexcept;
Value integer(std::int64_t value) noexcept;
Value real(double value) noexcept;
Value borrowed(std::string_view text) noexcept;  // of memory that lives as long as the value
Value string(Arena& arena, std::string_view text);
Value list(Arena& arena, std::span<const Value> items, Kind kind = Kind::list);
Value generator(Arena& arena, std::span<const Value> items);
Value new_dict(Arena& arena, std::size_t capacity = 0);
Value missing(Missing form, std::string_view text, Kind of = Kind::undefined) noexcept;

// Sets or adds. Throws for a key that cannot be hashed.
void set(Arena& arena, Dict& dict, const Value& key, const Value& value);
const Value* find(Arena& arena, const Dict& dict, const Value& key);
const Value* find(const Dict& dict, std::string_view key) noexcept;
Value field(const Value& dict, std::string_view key) noexcept;  // none when there is none, also of what is no dict

// --- asking values
std::string_view type_name(Kind kind) noexcept;  // Python's: "str"
bool truth(const Value& value) noexcept;
bool is_number(const Value& value) noexcept;   // booleans as well, as in Python
bool is_integer(const Value& value) noexcept;  // booleans and big ones as well
double to_real(const Value& value);            // of a number
bool is_iterable(const Value& value) noexcept;
bool is_sequence(const Value& value) noexcept;  // has a length and can be indexed
bool given(const Value& argument) noexcept;
std::size_t length(Arena& arena, const Value& value);
// The items that iterating gives; a generator is used up.
std::vector<Value> to_vector(Arena& arena, const Value& value);
std::span<const Value> to_items(Arena& arena, const Value& value);  // the same, without a copy where it can be

bool equal(Arena& arena, const Value& a, const Value& b, int depth = 0);
// Whether a < b; throws when Python has no order for the two.
bool less(Arena& arena, const Value& a, const Value& b, std::string_view op = "<", int depth = 0);
bool contains(Arena& arena, const Value& container, const Value& item);

// What using an undefined value says.
[[noreturn]] void throw_undefined(const Value& value);

// --- code points
std::size_t n_characters(std::string_view text) noexcept;
// Bytes before character `i` (at most the size).
std::size_t byte_offset(std::string_view text, std::size_t i) noexcept;

}  // namespace linnet::chat
