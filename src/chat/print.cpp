// SPDX-License-Identifier: MIT
// str() and repr() of every kind. Nesting is bounded by kMaxValueDepth, a namespace that holds itself included.
#include "chat/print.hpp"

#include "chat/letter_case.hpp"
#include "chat/number.hpp"
#include "chat/object.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::chat {

namespace {

void append_hex(Text& text, char letter, std::uint32_t code, unsigned n_digits) {
    text.append('\\');
    text.append(letter);
    while (n_digits-- != 0) text.append("0123456789abcdef"[code >> 4 * n_digits & 15U]);
}

void append_quoted(Text& text, std::string_view source) {
    text.arena().spend(source.size() / 16);
    const bool doubled = source.find('\'') != std::string_view::npos && source.find('"') == std::string_view::npos;
    const char quote = doubled ? '"' : '\'';
    text.append(quote);
    const char* const end = source.data() + source.size();
    for (const char* p = source.data(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        const std::string_view bytes(p, c.size);
        p += c.size;
        switch (c.code) {
            case '\n': text.append("\\n"); continue;
            case '\r': text.append("\\r"); continue;
            case '\t': text.append("\\t"); continue;
            case '\\': text.append("\\\\"); continue;
            default: break;
        }
        if (c.code == static_cast<char32_t>(quote)) text.append('\\');
        if (c.status != utf8::Status::valid || is_printable(c.code)) {
            text.append(bytes);
        } else if (c.code < 0x100) {
            append_hex(text, 'x', c.code, 2);
        } else if (c.code < 0x10000) {
            append_hex(text, 'u', c.code, 4);
        } else {
            append_hex(text, 'U', c.code, 8);
        }
    }
    text.append(quote);
}

void append_items(Text& text, std::span<const Value> items, int depth) {
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i != 0) text.append(", ");
        append_repr(text, items[i], depth);
    }
}

void append_entries(Text& text, const Dict& dict, int depth) {
    text.append('{');
    for (std::uint32_t i = 0; i < dict.n; ++i) {
        if (i != 0) text.append(", ");
        append_repr(text, dict.entries[i].key, depth);
        text.append(": ");
        append_repr(text, dict.entries[i].value, depth);
    }
    text.append('}');
}

void append_view(Text& text, const Value& value, int depth) {
    constexpr std::string_view kNames[] = {"dict_keys", "dict_values", "dict_items"};
    text.append(kNames[static_cast<std::size_t>(value.view->of)]);
    text.append("([");
    append_items(text, to_items(text.arena(), value), depth);
    text.append("])");
}

void append_range(Text& text, const Range& range) {
    text.append("range(" + std::to_string(range.start) + ", " + std::to_string(range.stop));
    if (range.step != 1) text.append(", " + std::to_string(range.step));
    text.append(')');
}

}  // namespace

void append_str(Text& text, const Value& value) {
    if (value.is(Kind::string)) return text.append(value.view_text());
    if (value.is(Kind::undefined)) return;
    append_repr(text, value);
}

void append_repr(Text& text, const Value& value, int depth) {
    text.arena().spend(1);
    if (depth > kMaxValueDepth) {
        throw Error(Status::unsupported, "values are nested more than {} deep", kMaxValueDepth);
    }
    switch (value.kind) {
        case Kind::undefined: return text.append("Undefined");
        case Kind::none: return text.append("None");
        case Kind::boolean: return text.append(value.boolean ? "True" : "False");
        case Kind::integer:
        case Kind::big: return text.append(integer_repr(value));
        case Kind::real: return text.append(real_repr(value.real));
        case Kind::string:
            if (value.form == 0) return append_quoted(text, value.view_text());
            text.append("Markup(");
            append_quoted(text, value.view_text());
            return text.append(')');
        case Kind::list:
            text.append('[');
            append_items(text, value.span(), depth + 1);
            return text.append(']');
        case Kind::tuple:
            text.append('(');
            append_items(text, value.span(), depth + 1);
            return text.append(value.n == 1 ? ",)" : ")");
        case Kind::dict: return append_entries(text, *value.dict, depth + 1);
        case Kind::range: return append_range(text, *value.range);
        case Kind::view: return append_view(text, value, depth + 1);
        case Kind::space:
            text.append("<Namespace ");
            append_entries(text, *value.dict, depth + 1);
            return text.append('>');
        case Kind::loop:
            return text.append("<LoopContext " + std::to_string(value.loop->index + 1) + "/" +
                               std::to_string(value.loop->n) + ">");
        case Kind::macro:
            text.append("<Macro ");
            append_quoted(text, value.macro->shape->name);
            return text.append('>');
        case Kind::generator:
        case Kind::function:
        case Kind::cycler:
        case Kind::joiner: break;
    }
    // Python prints an address, which has no meaning here.
    text.append('<');
    text.append(type_name(value.kind));
    text.append(" object>");
}

void append_escaped(Text& text, std::string_view source) {
    text.arena().spend(source.size() / 16);
    for (const char c : source) {
        switch (c) {
            case '&': text.append("&amp;"); break;
            case '<': text.append("&lt;"); break;
            case '>': text.append("&gt;"); break;
            case '\'': text.append("&#39;"); break;
            case '"': text.append("&#34;"); break;
            default: text.append(c);
        }
    }
}

std::string_view to_str(Arena& arena, const Value& value) {
    if (value.is(Kind::string)) return value.view_text();
    Text text(arena);
    append_str(text, value);
    return arena.copy(text.view());
}

}  // namespace linnet::chat
