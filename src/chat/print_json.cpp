// SPDX-License-Identifier: MIT
// JSON output with the spacing, escapes, key conversions and errors of Python's json.dumps.
#include <algorithm>
#include <cmath>
#include <vector>

#include "chat/number.hpp"
#include "chat/print.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::chat {

namespace {

class Writer {
  public:
    Writer(Text& text, const JsonStyle& style) : text_(text), style_(style) {}

    void write(const Value& value, int depth) {
        text_.arena().spend(1);
        if (depth > kMaxValueDepth) {
            throw Error(Status::unsupported, "values are nested more than {} deep", kMaxValueDepth);
        }
        switch (value.kind) {
            case Kind::none: return text_.append("null");
            case Kind::boolean: return text_.append(value.boolean ? "true" : "false");
            case Kind::integer:
            case Kind::big: return text_.append(integer_repr(value));
            case Kind::real: return text_.append(real_text(value.real));
            case Kind::string: return write_string(value.view_text());
            case Kind::list:
            case Kind::tuple: return write_items(value.span(), depth);
            case Kind::dict: return write_entries(*value.dict, depth);
            default:
                throw Error(Status::invalid_argument, "Object of type {} is not JSON serializable",
                            type_name(value.kind));
        }
    }

  private:
    static std::string real_text(double value) {
        if (std::isfinite(value)) return real_repr(value);
        return std::isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
    }

    void escape(std::uint32_t unit) {
        text_.append("\\u");
        for (unsigned shift = 16; shift != 0; shift -= 4) text_.append("0123456789abcdef"[unit >> (shift - 4) & 15U]);
    }

    void write_string(std::string_view source) {
        text_.arena().spend(source.size() / 16);
        text_.append('"');
        const char* const end = source.data() + source.size();
        for (const char* p = source.data(); p != end;) {
            const char* const plain = std::find_if(p, end, [](char c) {
                const auto byte = static_cast<unsigned char>(c);
                return byte < ' ' || byte >= 0x7F || c == '"' || c == '\\';
            });
            text_.append(std::string_view(p, static_cast<std::size_t>(plain - p)));
            p = plain;
            if (p == end) break;
            const utf8::Char c = utf8::read(p, end);
            const std::string_view bytes(p, c.size);
            p += c.size;
            switch (c.code) {
                case '"': text_.append("\\\""); continue;
                case '\\': text_.append("\\\\"); continue;
                case '\n': text_.append("\\n"); continue;
                case '\r': text_.append("\\r"); continue;
                case '\t': text_.append("\\t"); continue;
                case '\f': text_.append("\\f"); continue;
                case '\b': text_.append("\\b"); continue;
                default: break;
            }
            if (c.code >= ' ' && (c.code < 0x7F || !style_.ascii)) {
                text_.append(bytes);
            } else if (c.code < 0x10000) {
                escape(c.code);
            } else {
                escape(0xD800U + ((c.code - 0x10000U) >> 10U));
                escape(0xDC00U + ((c.code - 0x10000U) & 0x3FFU));
            }
        }
        text_.append('"');
    }

    void new_line(int depth) {
        if (!style_.indent) return;
        text_.append('\n');
        for (int i = 0; i < depth; ++i) text_.append(*style_.indent);
    }

    void write_items(std::span<const Value> items, int depth) {
        if (items.empty()) return text_.append("[]");
        text_.append('[');
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (i != 0) text_.append(style_.item_separator);
            new_line(depth + 1);
            write(items[i], depth + 1);
        }
        new_line(depth);
        text_.append(']');
    }

    void write_key(const Value& key) {
        switch (key.kind) {
            case Kind::string: return write_string(key.view_text());
            case Kind::none: return text_.append("\"null\"");
            case Kind::boolean: return text_.append(key.boolean ? "\"true\"" : "\"false\"");
            case Kind::integer:
            case Kind::big: return write_string(integer_repr(key));
            case Kind::real: return write_string(real_text(key.real));
            default:
                throw Error(Status::invalid_argument, "keys must be str, int, float, bool or None, not {}",
                            type_name(key.kind));
        }
    }

    void write_entries(const Dict& dict, int depth) {
        if (dict.n == 0) return text_.append("{}");
        std::vector<Entry> entries(dict.span().begin(), dict.span().end());
        if (style_.sort_keys) {
            std::stable_sort(entries.begin(), entries.end(),
                             [&](const Entry& a, const Entry& b) { return less(text_.arena(), a.key, b.key); });
        }
        text_.append('{');
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (i != 0) text_.append(style_.item_separator);
            new_line(depth + 1);
            write_key(entries[i].key);
            text_.append(style_.key_separator);
            write(entries[i].value, depth + 1);
        }
        new_line(depth);
        text_.append('}');
    }

    Text& text_;
    const JsonStyle& style_;
};

}  // namespace

void append_json(Text& text, const Value& value, const JsonStyle& style) { Writer(text, style).write(value, 0); }

}  // namespace linnet::chat
