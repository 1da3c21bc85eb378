// SPDX-License-Identifier: MIT
// A template as code for the machine: instructions over a stack of values. Jumps are relative, so that pieces of code
// can be moved while they are made. Nothing here changes once the template is compiled.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "chat/builtin.hpp"
#include "chat/value.hpp"

namespace linnet::chat {

enum class Op : std::uint8_t {
    // Values. [before -> after]
    constant,       // -> constants[a]
    load,           // -> the variable names[a]
    store,          // v ->, into the variable names[a]
    attribute,      // v -> v.constants[a]
    set_attribute,  // v space ->, into space.constants[a]
    element,        // v key -> v[key]
    slice,          // v start stop step -> v[start:stop:step]
    list,           // a values -> list
    tuple,
    dict,    // a pairs -> dict
    unpack,  // v -> a values, the first on top
    pop,
    // Operators.
    negate,
    plus,
    invert,   // not
    compute,  // x y -> x op y; flag: Arithmetic
    concat,   // a values -> their text
    compare,  // x y -> truth; flag: Comparison
    link,     // x y -> y when x op y holds, else False and a jump: x < y < z
    // Control. Jumps go to a instructions further on.
    jump,
    jump_unless,  // v ->
    keep_if,      // v -> v and a jump when true, else v ->
    keep_unless,  // the other way round
    // Calls. a: sites[a]
    filter,  // v arguments -> result
    test,
    call,     // callee arguments -> result
    returns,  // from a macro or a recursive loop
    macro,    // -> the macro macros[a]
    given,    // jumps when the parameter that the `entry` after it names was given
    // Output.
    text,      // constants[a]
    emit,      // v ->
    capture,   // output goes to a text from here
    captured,  // -> that text
    // Blocks.
    push_scope,
    push_root,  // a scope that sees the template's own names only
    pop_scope,
    enter_loop,    // items ->, into a recursive loop's code; jumps over it when it returns
    filter_begin,  // items ->; jumps when there are none
    filter_next,   // truth ->; jumps to the next item when there is one
    filter_end,    // -> the items that passed
    for_begin,     // items ->; jumps when there are none; flag 1: an `entry` follows
    entry,         // an operand: where the recursive loop begins, or a name
    for_item,      // -> the item, in a scope of its own
    for_next,      // jumps when there is a next item
    for_end,
    escape_begin,  // v ->, whether output is escaped from here
    escape_end,    // back to what it was
    fail,          // constants[a]: what is wrong
};

enum class Comparison : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };

struct Instruction {
    Op op;
    std::uint8_t flag;
    std::int32_t a;
};

struct CallSite {
    const Builtin* builtin = nullptr;  // of a filter or a test
    std::span<const std::string_view> keywords;
    std::uint32_t n_positional = 0;
    bool star = false, double_star = false;  // *v and **v come after the others
    bool caller = false;                     // a call block's macro comes last
};

struct MacroShape {
    std::string_view name;
    std::span<const std::uint32_t> parameters;  // indices of names
    std::span<const std::string_view> parameter_names;
    std::uint32_t n_defaults = 0;  // of the last parameters
    std::uint32_t entry = 0;       // instruction
    bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};

// Names that the machine itself binds, first in every table of names.
enum KnownName : std::uint32_t { kLoopName, kCallerName, kVarargsName, kKwargsName, kSelfName, kFirstName };
inline constexpr std::string_view kKnownNames[] = {"loop", "caller", "varargs", "kwargs", "self"};

struct Program {
    explicit Program(std::pmr::memory_resource& memory, std::uint64_t max_bytes, std::uint64_t max_steps)
        : arena(memory, max_bytes, max_steps),
          code(&memory),
          where(&memory),
          constants(&memory),
          sites(&memory),
          macros(&memory),
          names(&memory) {}

    Arena arena;
    std::string_view source;  // line ends are \n
    std::pmr::vector<Instruction> code;
    std::pmr::vector<std::uint32_t> where;  // of each instruction in the source
    std::pmr::vector<Value> constants;
    std::pmr::vector<CallSite> sites;
    std::pmr::vector<MacroShape> macros;
    std::pmr::vector<std::string_view> names;
};

// Counted from 1; columns are characters.
struct Position {
    std::size_t line, column;
};
Position position_of(std::string_view source, std::size_t offset) noexcept;

// Throws Error(bad_file) with line and column.
Program compile(std::string_view source, std::pmr::memory_resource& memory);

}  // namespace linnet::chat
