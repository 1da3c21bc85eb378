// SPDX-License-Identifier: MIT
// Regular expressions over bytes, with intersection and complement, as a table of interned nodes: equal expressions
// have equal ids. Constructors simplify (associative, commutative and idempotent laws, units, zeros), so that an
// expression has finitely many derivatives (Brzozowski 1964; Owens, Reppy, Turon 2009: "Regular-expression derivatives
// re-examined").
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "constrain/byte_set.hpp"
#include "constrain/hash.hpp"

namespace linnet::constrain {

using ExprId = std::uint32_t;

class Exprs {
  public:
    static constexpr ExprId kNone = 0;   // matches nothing
    static constexpr ExprId kEmpty = 1;  // matches the empty text
    static constexpr ExprId kAny = 2;    // matches every text
    static constexpr std::uint32_t kUnbounded = 0xFFFFFFFF;
    // More nodes than this are refused: Error(unsupported).
    static constexpr std::uint32_t kMaxNodes = 500'000;
    static constexpr std::uint32_t kMaxDepth = 1000;
    static constexpr std::size_t kMaxParts = 4000;  // of any_of
    static constexpr std::uint32_t kShort = 16;     // repetitions up to this long are not counted
    // Parts of all any_of that a table has ever put together: what bounds the time, about a second of it.
    static constexpr std::uint64_t kMaxWork = 5'000'000;

    enum class Kind : std::uint8_t {
        none,
        empty,
        bytes,
        concat,
        any_of,
        all_of,
        negation,
        repeat,
        multiple,
        unescaped
    };

    struct Node {
        Kind kind;
        bool nullable;  // matches the empty text
        bool plain;     // without all_of and negation: matches something, or is kNone
        bool counted;   // has a repetition that loosened() would lift
        std::uint32_t depth;
        // bytes: index of the set. concat: head (no concat), tail. any_of, all_of: first child, number of children.
        // negation, unescaped: child. repeat: child, minimum, maximum. multiple: index into multiples.
        std::uint32_t a, b, c;
    };

    // Digits of a decimal number being read whose value has to be a multiple of divisor / 10^scale.
    struct Multiple {
        std::uint64_t divisor;
        std::uint64_t rest;  // of the digits so far
        std::uint32_t scale;
        std::uint32_t n_digits;  // fraction digits so far + 1; 0: still before the point
        bool first;              // no digit yet
        bool lone_zero;          // the integer part is "0"
        bool operator==(const Multiple&) const noexcept = default;
    };

    explicit Exprs(std::pmr::memory_resource* memory);
    Exprs(const Exprs& other, std::pmr::memory_resource* memory);
    Exprs(Exprs&&) noexcept = default;

    ExprId bytes(const ByteSet& set);
    ExprId literal(std::string_view text);
    ExprId concat(ExprId head, ExprId tail);
    ExprId concat(std::span<const ExprId> parts);
    ExprId any_of(std::span<const ExprId> parts);
    ExprId any_of(ExprId one, ExprId other) { return any_of(std::array{one, other}); }
    ExprId all_of(std::span<const ExprId> parts);
    ExprId all_of(ExprId one, ExprId other) { return all_of(std::array{one, other}); }
    ExprId negation(ExprId expr);
    ExprId repeat(ExprId expr, std::uint32_t min, std::uint32_t max);
    ExprId optional(ExprId expr) { return repeat(expr, 0, 1); }
    ExprId star(ExprId expr) { return repeat(expr, 0, kUnbounded); }
    ExprId multiple(const Multiple& multiple);
    // Texts that are among `strings` when they are written as JSON strings, in the one spelling (json_text.hpp).
    ExprId unescaped(ExprId strings) { return unescaped_rest(derivative(strings, '"')); }
    // Any of the texts, sharing prefixes.
    ExprId literals(std::vector<std::string_view> texts);

    const Node& node(ExprId expr) const noexcept { return nodes_[expr]; }
    bool nullable(ExprId expr) const noexcept { return nodes_[expr].nullable; }
    std::span<const ExprId> children(const Node& node) const noexcept {
        return std::span(children_).subspan(node.a, node.b);
    }
    const ByteSet& set(const Node& node) const noexcept { return sets_[node.a]; }
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(nodes_.size()); }
    std::size_t n_bytes() const noexcept;

    // What may follow `byte` in texts of `expr`.
    ExprId derivative(ExprId expr, unsigned byte);
    // Appends the sets of bytes, the multiples and the unescaped texts that texts of `expr` may begin with.
    void add_firsts(ExprId expr, std::pmr::vector<ExprId>& firsts) const;
    // Marks bytes that derivative() tells apart: two bytes with equal marks have equal derivatives.
    void mark_classes(std::span<const ExprId> firsts, std::span<std::uint64_t, 256> marks) const;
    // `expr` with the bounds of the repetition that it begins with lifted (a long minimum lowered); both match alike in
    // their first `bound` bytes. `expr` itself, and kUnbounded, when there is nothing to lift.
    ExprId loosened(ExprId expr, std::uint32_t& bound);

  private:
    // Counted repetitions ask for the same derivatives of what they repeat again and again.
    struct Derived {
        ExprId expr = kNone;
        std::uint32_t byte = 0;
        ExprId result = kNone;
    };
    static constexpr std::size_t kDerived = 256;

    ExprId intern(const Node& node, std::span<const ExprId> children);
    ExprId derivative_of_any(ExprId expr, unsigned byte);
    ExprId derivative_of_concat(ExprId expr, unsigned byte);
    ExprId derivative_of_multiple(const Multiple& multiple, unsigned byte);
    ExprId unescaped_rest(ExprId rest);  // rest: of such strings, behind the opening quote
    ExprId derivative_of_unescaped(ExprId rest, unsigned byte);
    void merge_bytes(std::vector<ExprId>& parts);
    Node measure(Kind kind, std::span<const ExprId> children, bool nullable) const;

    std::pmr::vector<Node> nodes_;
    std::pmr::vector<ExprId> children_;
    std::pmr::vector<ByteSet> sets_;
    std::pmr::vector<Multiple> multiples_;
    IdTable node_ids_;
    IdTable set_ids_;
    IdTable multiple_ids_;
    std::pmr::vector<Derived> derived_;  // [kDerived], by hash; the last one stays
    std::uint64_t work_ = 0;
};

}  // namespace linnet::constrain
