// SPDX-License-Identifier: MIT
// Tests: what stands after "is".
#include <algorithm>

#include "chat/builtin.hpp"
#include "chat/letter_case.hpp"
#include "chat/number.hpp"
#include "chat/object.hpp"
#include "chat/print.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::chat {

namespace {

template <Comparison op>
Value compares(Runtime& runtime, const Arguments& a) {
    return boolean(holds(runtime.arena, op, a[0], a[1]));
}

template <bool (*property)(const Value&) noexcept>
Value has(Runtime&, const Arguments& a) {
    return boolean(property(a[0]));
}

template <Kind kind>
bool of_kind(const Value& value) noexcept {
    return value.is(kind);
}

bool is_defined(const Value& value) noexcept { return !value.is(Kind::undefined); }
bool is_true(const Value& value) noexcept { return value.is(Kind::boolean) && value.boolean; }
bool is_false(const Value& value) noexcept { return value.is(Kind::boolean) && !value.boolean; }
bool is_whole(const Value& value) noexcept { return value.is(Kind::integer) || value.is(Kind::big); }
bool is_escaped(const Value& value) noexcept { return value.is(Kind::string) && value.form == 1; }
bool is_callable(const Value& value) noexcept {
    return value.is(Kind::undefined) || value.is(Kind::function) || value.is(Kind::macro) || value.is(Kind::loop) ||
           value.is(Kind::joiner);
}

Value remainder_is(Runtime& runtime, const Value& value, const Value& by, std::int64_t wanted) {
    const Value rest = operate(runtime, Arithmetic::modulo, value, by);
    return boolean(equal(runtime.arena, rest, integer(wanted)));
}

Value odd(Runtime& runtime, const Arguments& a) { return remainder_is(runtime, a[0], integer(2), 1); }
Value even(Runtime& runtime, const Arguments& a) { return remainder_is(runtime, a[0], integer(2), 0); }
Value divisible(Runtime& runtime, const Arguments& a) { return remainder_is(runtime, a[0], a[1], 0); }

Value same(Runtime&, const Arguments& a) {
    const Value &x = a[0], &y = a[1];
    if (x.kind != y.kind) return boolean(false);
    switch (x.kind) {
        case Kind::none: return boolean(true);
        case Kind::boolean: return boolean(x.boolean == y.boolean);
        case Kind::integer: return boolean(x.integer == y.integer);
        case Kind::string: return boolean(x.view_text() == y.view_text());
        default: return boolean(x.text == y.text && x.n == y.n);
    }
}

template <bool (*wanted)(char32_t) noexcept, bool (*refused)(char32_t) noexcept>
Value all_cased(Runtime& runtime, const Arguments& a) {
    const std::string_view text = to_str(runtime.arena, a[0]);
    runtime.arena.spend(text.size() / 16);
    bool any = false;
    for (const char *p = text.data(), *end = p + text.size(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        if (refused(c.code)) return boolean(false);
        any = any || wanted(c.code);
        p += c.size;
    }
    return boolean(any);
}

Value filter_exists(Runtime&, const Arguments& a) {
    return boolean(a[0].is(Kind::string) && find_filter(a[0].view_text()) != nullptr);
}

Value test_exists(Runtime&, const Arguments& a) {
    return boolean(a[0].is(Kind::string) && find_test(a[0].view_text()) != nullptr);
}

constexpr Builtin kTable[] = {
    {"defined", "value", has<is_defined>},
    {"undefined", "value", has<of_kind<Kind::undefined>>},
    {"none", "value", has<of_kind<Kind::none>>},
    {"boolean", "value", has<of_kind<Kind::boolean>>},
    {"true", "value", has<is_true>},
    {"false", "value", has<is_false>},
    {"integer", "value", has<is_whole>},
    {"float", "value", has<of_kind<Kind::real>>},
    {"number", "value", has<is_number>},
    {"string", "value", has<of_kind<Kind::string>>},
    {"mapping", "value", has<of_kind<Kind::dict>>},
    {"sequence", "value", has<is_sequence>},
    {"iterable", "value", has<is_iterable>},
    {"callable", "value", has<is_callable>},
    {"escaped", "value", has<is_escaped>},
    {"odd", "value", odd},
    {"even", "value", even},
    {"divisibleby", "value num", divisible},
    {"sameas", "value other", same},
    {"lower", "value", all_cased<is_lower, is_upper>},
    {"upper", "value", all_cased<is_upper, is_lower>},
    {"filter", "value", filter_exists},
    {"test", "value", test_exists},
    {"in", "value seq", compares<Comparison::in>},
    {"==", "a b", compares<Comparison::equal>},
    {"eq", "a b", compares<Comparison::equal>},
    {"equalto", "a b", compares<Comparison::equal>},
    {"!=", "a b", compares<Comparison::not_equal>},
    {"ne", "a b", compares<Comparison::not_equal>},
    {"<", "a b", compares<Comparison::less>},
    {"lt", "a b", compares<Comparison::less>},
    {"lessthan", "a b", compares<Comparison::less>},
    {"<=", "a b", compares<Comparison::less_equal>},
    {"le", "a b", compares<Comparison::less_equal>},
    {">", "a b", compares<Comparison::greater>},
    {"gt", "a b", compares<Comparison::greater>},
    {"greaterthan", "a b", compares<Comparison::greater>},
    {">=", "a b", compares<Comparison::greater_equal>},
    {"ge", "a b", compares<Comparison::greater_equal>},
};

}  // namespace

const Builtin* find_test(std::string_view name) noexcept { return find(kTable, name); }

}  // namespace linnet::chat
