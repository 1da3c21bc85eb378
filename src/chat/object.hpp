// SPDX-License-Identifier: MIT
// The values that exist only while a template runs: scopes, loops, macros and built-ins bound to a value.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "chat/builtin.hpp"
#include "chat/number.hpp"
#include "chat/program.hpp"
#include "chat/value.hpp"

namespace linnet::chat {

struct Binding {
    std::uint32_t name = 0;
    Value value;
};

// Names inside a block; those of the whole template are the machine's.
struct Scope {
    Scope* parent = nullptr;    // nullptr: the template's own names
    Scope* previous = nullptr;  // what was current before it
    Binding* bindings = nullptr;
    std::uint32_t n = 0, capacity = 0;
    bool shared = false;  // a macro may look into it later

    Value* find(std::uint32_t name) noexcept {
        for (std::uint32_t i = 0; i < n; ++i) {
            if (bindings[i].name == name) return &bindings[i].value;
        }
        return nullptr;
    }
};

struct Loop {
    const Value* items = nullptr;
    std::uint32_t n = 0, index = 0;
    std::uint32_t depth = 0;  // of recursion
    std::int32_t entry = -1;  // where a recursive loop's code begins
    Scope *outer = nullptr, *scope = nullptr;
    Value changed;  // what loop.changed() saw last, a tuple
    bool has_changed = false;
    // While a loop's filter runs: the items that passed, in place.
    Value* kept = nullptr;
    std::uint32_t n_kept = 0;
    // What break and continue return to.
    std::size_t n_captures = 0;
    bool escapes = false;
};

struct Macro {
    const MacroShape* shape = nullptr;
    Scope* scope = nullptr;
    bool escapes = false;
};

struct Bound {
    const Builtin* builtin = nullptr;
    Value self;
    bool has_self = false;
};

// x op y for all kinds that have the operator.
Value operate(Runtime& runtime, Arithmetic op, const Value& x, const Value& y);
bool holds(Arena& arena, Comparison op, const Value& x, const Value& y);

// value.name and value[key], as Jinja's sandbox resolves them.
Value attribute(Arena& arena, const Value& value, std::string_view name);
Value element(Arena& arena, const Value& value, const Value& key);
Value slice(Arena& arena, const Value& value, const Value& start, const Value& stop, const Value& step);

Value function(Arena& arena, const Builtin& builtin);

}  // namespace linnet::chat
