// SPDX-License-Identifier: MIT
// Filters on text. They take any value and work on its text, as Jinja's do.
#include <algorithm>
#include <array>

#include "chat/builtin.hpp"
#include "chat/format.hpp"
#include "chat/letter_case.hpp"
#include "chat/number.hpp"
#include "chat/print.hpp"
#include "chat/text_tools.hpp"
#include "chat/wrap.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::chat {

namespace {

Value safe(Value text) noexcept {
    text.form = 1;
    return text;
}

Value with_case(Runtime& runtime, const Arguments& a, LetterCase letter_case) {
    Text text(runtime.arena);
    append_case(text, to_str(runtime.arena, a[0]), letter_case);
    return text.finish();
}

Value upper(Runtime& runtime, const Arguments& a) { return with_case(runtime, a, LetterCase::upper); }
Value lower(Runtime& runtime, const Arguments& a) { return with_case(runtime, a, LetterCase::lower); }

Value capitalize(Runtime& runtime, const Arguments& a) {
    Text text(runtime.arena);
    append_capitalized(text, to_str(runtime.arena, a[0]));
    return text.finish();
}

// Words begin after spaces and opening brackets, and hyphens.
Value title(Runtime& runtime, const Arguments& a) {
    Text text(runtime.arena);
    const std::string_view source = to_str(runtime.arena, a[0]);
    const char* const end = source.data() + source.size();
    bool begins = true;
    for (const char* p = source.data(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        append_case(text, {p, c.size}, begins ? LetterCase::upper : LetterCase::lower);
        begins = is_space(c.code) || c.code == '-' || c.code == '(' || c.code == '{' || c.code == '[' || c.code == '<';
        p += c.size;
    }
    runtime.arena.spend(source.size() / 4);
    return text.finish();
}

Value trim(Runtime& runtime, const Arguments& a) {
    const std::string_view text = to_str(runtime.arena, a[0]);
    runtime.arena.spend(1);
    std::string_view trimmed;
    if (!given(a[1]) || a[1].is(Kind::none)) {
        trimmed = trim_right(trim_left(text));
    } else {
        const std::string_view which = text_argument(a[1], "trim's characters");
        trimmed = trim_right(trim_left(text, which), which);
        runtime.arena.spend((text.size() - trimmed.size()) * (1 + which.size() / 16));
    }
    runtime.arena.spend((text.size() - trimmed.size()) / 4);
    return borrowed(trimmed);
}

Value replace(Runtime& runtime, const Arguments& a) {
    const bool all = !given(a[3]) || a[3].is(Kind::none);
    return replace_text(runtime.arena, to_str(runtime.arena, a[0]), to_str(runtime.arena, a[1]),
                        to_str(runtime.arena, a[2]), all ? -1 : index_or(a[3], -1, "count"));
}

Value escape(Runtime& runtime, const Arguments& a) {
    if (a[0].is(Kind::string) && a[0].form == 1) return a[0];
    Text text(runtime.arena);
    append_escaped(text, to_str(runtime.arena, a[0]));
    return safe(text.finish());
}

Value force_escape(Runtime& runtime, const Arguments& a) {
    Text text(runtime.arena);
    append_escaped(text, to_str(runtime.arena, a[0]));
    return safe(text.finish());
}

Value mark_safe(Runtime& runtime, const Arguments& a) { return safe(borrowed(to_str(runtime.arena, a[0]))); }

Value to_text(Runtime& runtime, const Arguments& a) {
    return a[0].is(Kind::string) ? a[0] : borrowed(to_str(runtime.arena, a[0]));
}

Value pretty(Runtime& runtime, const Arguments& a) {
    Text text(runtime.arena);
    append_repr(text, a[0]);
    return text.finish();
}

Value format(Runtime& runtime, const Arguments& a) {
    Value values;
    if (!a.rest.keywords.empty()) {
        if (!a.rest.positional.empty()) {
            throw Error(Status::invalid_argument, "can't handle positional and keyword arguments at the same time");
        }
        values = new_dict(runtime.arena);
        for (std::size_t i = 0; i < a.rest.keywords.size(); ++i) {
            set(runtime.arena, *values.dict, borrowed(a.rest.keywords[i]), a.rest.keyword_values[i]);
        }
    } else {
        values = list(runtime.arena, a.rest.positional, Kind::tuple);
    }
    return format_percent(runtime, borrowed(to_str(runtime.arena, a[0])), values);
}

Value center(Runtime& runtime, const Arguments& a) {
    return pad(runtime.arena, to_str(runtime.arena, a[0]), index_or(a[1], 80, "width"), " ", Side::center);
}

Value indent(Runtime& runtime, const Arguments& a) {
    std::string_view indentation;
    if (a[1].is(Kind::string)) {
        indentation = a[1].view_text();
    } else {
        const std::int64_t width = std::max<std::int64_t>(index_or(a[1], 4, "width"), 0);
        indentation =
            pad(runtime.arena, " ", width, " ", Side::left).view_text().substr(0, static_cast<std::size_t>(width));
    }
    const bool blank = truth_or(a[3], false);
    const std::string_view source = to_str(runtime.arena, a[0]);
    // With a line end behind the text, an empty last line counts.
    const auto lines = split_lines(runtime.arena, runtime.arena.join(runtime.arena.copy(source), "\n"));
    Text text(runtime.arena);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i != 0) text.append('\n');
        const bool indented = i == 0 ? truth_or(a[2], false) : blank || !lines[i].empty();
        if (indented) text.append(indentation);
        text.append(lines[i]);
    }
    return text.finish();
}

Value truncate(Runtime& runtime, const Arguments& a) {
    const std::string_view source = to_str(runtime.arena, a[0]);
    const std::int64_t length = index_or(a[1], 255, "length"),
                       leeway = a[4].is(Kind::none) ? 5 : index_or(a[4], 5, "leeway");
    const std::string_view end = text_or(a[3], "...", "end");
    runtime.arena.spend(source.size() / 16);
    const auto n_end = static_cast<std::int64_t>(n_characters(end));
    if (length < n_end || leeway < 0)
        throw Error(Status::invalid_argument, "truncate: expected length >= {}, leeway >= 0", n_end);
    if (static_cast<std::int64_t>(n_characters(source)) <= length + leeway) return borrowed(source);
    std::string_view kept = source.substr(0, byte_offset(source, static_cast<std::size_t>(length - n_end)));
    if (!truth_or(a[2], false)) kept = kept.substr(0, kept.rfind(' '));
    return borrowed(runtime.arena.join(runtime.arena.copy(kept), end));
}

Value word_count(Runtime& runtime, const Arguments& a) {
    const std::string_view text = to_str(runtime.arena, a[0]);
    runtime.arena.spend(text.size() / 16);
    std::int64_t n = 0;
    bool in_word = false;
    for (const char *p = text.data(), *end = p + text.size(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        if (is_word(c.code) && !in_word) ++n;
        in_word = is_word(c.code);
        p += c.size;
    }
    return integer(n);
}

Value word_wrap(Runtime& runtime, const Arguments& a) {
    const WrapStyle style{index_or(a[1], 79, "width"), truth_or(a[2], true), truth_or(a[4], true)};
    const std::string_view separator = given(a[3]) && !a[3].is(Kind::none) ? text_argument(a[3], "wrapstring") : "\n";
    return wrap_text(runtime.arena, to_str(runtime.arena, a[0]), style, separator);
}

// Without comments and tags, with spaces collapsed and entities resolved.
Value strip_tags(Runtime& runtime, const Arguments& a) {
    const std::string_view source = to_str(runtime.arena, a[0]);
    Text text(runtime.arena);
    for (std::size_t at = 0; at < source.size();) {
        const bool comment = source.substr(at).starts_with("<!--");
        const std::string_view closing = comment ? "-->" : ">";
        const std::size_t end = source[at] == '<' ? source.find(closing, at) : std::string_view::npos;
        if (end == std::string_view::npos) {
            const std::size_t next = source[at] == '<' ? source.size() : std::min(source.find('<', at), source.size());
            text.append(source.substr(at, next - at));
            at = next;
        } else {
            at = end + closing.size();
        }
    }
    Text collapsed(runtime.arena);
    for (const std::string_view word : split_words(runtime.arena, text.view())) {
        if (!collapsed.view().empty()) collapsed.append(' ');
        collapsed.append(word);
    }
    std::string_view result = runtime.arena.copy(collapsed.view());
    constexpr std::array<std::string_view, 2> kEntities[] = {{"&lt;", "<"},   {"&gt;", ">"},  {"&quot;", "\""},
                                                             {"&#34;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}};
    for (const auto& [entity, character] : kEntities) {
        result = replace_text(runtime.arena, result, entity, character, -1).view_text();
    }
    return borrowed(result);
}

void append_quoted(Text& text, std::string_view source, bool query) {
    text.arena().spend(source.size() / 4);
    for (const char c : source) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           std::string_view("_.-~").find(c) != std::string_view::npos || (c == '/' && !query);
        if (plain) {
            text.append(c);
        } else if (c == ' ' && query) {
            text.append('+');
        } else {
            text.append('%');
            text.append("0123456789ABCDEF"[byte >> 4U]);
            text.append("0123456789ABCDEF"[byte & 15U]);
        }
    }
}

Value url_encode(Runtime& runtime, const Arguments& a) {
    Text text(runtime.arena);
    if (a[0].is(Kind::string) || !is_iterable(a[0])) {
        append_quoted(text, to_str(runtime.arena, a[0]), false);
        return text.finish();
    }
    const auto add = [&](const Value& key, const Value& value) {
        if (!text.view().empty()) text.append('&');
        append_quoted(text, to_str(runtime.arena, key), true);
        text.append('=');
        append_quoted(text, to_str(runtime.arena, value), true);
    };
    if (a[0].is(Kind::dict)) {
        for (const Entry& entry : a[0].dict->span()) add(entry.key, entry.value);
        return text.finish();
    }
    for (const Value& pair : to_items(runtime.arena, a[0])) {
        const auto items = to_items(runtime.arena, pair);
        if (items.size() != 2) throw Error(Status::invalid_argument, "urlencode: expected pairs");
        add(items[0], items[1]);
    }
    return text.finish();
}

constexpr Builtin kTable[] = {
    {"upper", "s", upper},
    {"lower", "s", lower},
    {"capitalize", "s", capitalize},
    {"title", "s", title},
    {"trim", "value chars?", trim},
    {"replace", "s old new count?", replace},
    {"escape", "s", escape},
    {"e", "s", escape},
    {"forceescape", "value", force_escape},
    {"safe", "value", mark_safe},
    {"string", "object", to_text},
    {"pprint", "value", pretty},
    {"format", "value * **", format},
    {"center", "value width?", center},
    {"indent", "s width? first? blank?", indent},
    {"truncate", "s length? killwords? end? leeway?", truncate},
    {"wordcount", "s", word_count},
    {"wordwrap", "s width? break_long_words? wrapstring? break_on_hyphens?", word_wrap},
    {"striptags", "value", strip_tags},
    {"urlencode", "value", url_encode},
};

}  // namespace

std::span<const Builtin> text_filters() noexcept { return kTable; }

}  // namespace linnet::chat
