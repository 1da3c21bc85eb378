// SPDX-License-Identifier: MIT
// printf-style and brace formatting with Python's rules. Widths and precisions are bounded by the arena's bytes.
#include "chat/format.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "chat/number.hpp"
#include "chat/object.hpp"
#include "chat/print.hpp"
#include "chat/text_tools.hpp"

namespace linnet::chat {

namespace {

constexpr std::int64_t kMaxPrecision = 500;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// How one value is written, in either notation.
struct Spec {
    std::string fill = " ";
    char align = '\0';  // < > ^ =
    char sign = '-';    // - + or a space
    bool alternate = false;
    std::int64_t width = 0;
    std::int64_t precision = -1;
    char grouping = '\0';  // , or _
    char type = '\0';
};

std::string grouped(std::string digits, char separator) {
    const std::size_t point = std::min(digits.find_first_of(".e"), digits.size());
    const std::size_t first = digits.find_first_of("0123456789");
    for (std::size_t i = point; i > first + 3; i -= 3) digits.insert(i - 3, 1, separator);
    return digits;
}

// A number's text with its sign, in the field that the spec asks for.
Value placed_number(Arena& arena, std::string text, std::string_view prefix, const Spec& spec) {
    const bool negative = text.front() == '-';
    std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
    if (negative) text.erase(0, 1);
    if (spec.grouping != '\0') text = grouped(std::move(text), spec.grouping);
    sign += prefix;
    if (spec.align == '=') {
        const auto width = spec.width - static_cast<std::int64_t>(sign.size());
        const Value padded = pad(arena, text, width, spec.fill, Side::right);
        return borrowed(arena.join(arena.copy(sign), padded.view_text()));
    }
    const Side side = spec.align == '<' ? Side::left : spec.align == '^' ? Side::middle : Side::right;
    return pad(arena, sign + text, spec.width, spec.fill, side);
}

std::string real_text(double value, char type, std::int64_t precision, bool alternate) {
    const int digits = static_cast<int>(precision < 0 ? 6 : precision);
    std::string text;
    switch (type | 0x20) {
        case 'e': text = real_scientific(value, digits); break;
        case 'g': text = real_general(value, digits, alternate); break;
        case '%': text = real_fixed(value * 100, digits) + "%"; break;
        default: text = real_fixed(value, digits);
    }
    if (type == 'E' || type == 'F' || type == 'G') {
        for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
    }
    return text;
}

Value format_integer(Arena& arena, const Value& value, const Spec& spec) {
    if (spec.type == 'c') throw Error(Status::unsupported, "the format 'c' is not supported");
    const char lower = static_cast<char>(spec.type | 0x20);
    const unsigned base = lower == 'x' ? 16 : lower == 'o' ? 8 : lower == 'b' ? 2 : 10;
    if (base == 10) return placed_number(arena, integer_repr(value), {}, spec);
    const std::string prefix = spec.alternate ? std::string("0") + spec.type : std::string();
    return placed_number(arena, integer_digits(value, base, spec.type == 'X'), prefix, spec);
}

Value format_real(Arena& arena, double value, const Spec& spec) {
    if (spec.type != '\0')
        return placed_number(arena, real_text(value, spec.type, spec.precision, spec.alternate), {}, spec);
    const std::string text =
        spec.precision < 0 ? real_repr(value) : real_general(value, static_cast<int>(spec.precision), true);
    return placed_number(arena, text, {}, spec);
}

Value format_string(Arena& arena, std::string_view text, const Spec& spec) {
    if (spec.precision >= 0) text = text.substr(0, byte_offset(text, static_cast<std::size_t>(spec.precision)));
    const Side side = spec.align == '>' ? Side::right : spec.align == '^' ? Side::middle : Side::left;
    return pad(arena, text, spec.width, spec.fill, side);
}

std::int64_t read_number(std::string_view text, std::size_t& at) {
    std::int64_t number = 0;
    for (; at < text.size() && is_digit(text[at]); ++at) {
        number = number * 10 + (text[at] - '0');
        if (number > INT32_MAX) throw Error(Status::invalid_argument, "width too big");
    }
    return number;
}

void check_precision(std::int64_t precision) {
    if (precision > kMaxPrecision)
        throw Error(Status::unsupported, "precision {} is beyond {}", precision, kMaxPrecision);
}

// --- "%s" % values

class Percent {
  public:
    Percent(Runtime& runtime, std::string_view format, const Value& values)
        : runtime_(runtime), format_(format), values_(values) {}

    Value run() {
        Text text(runtime_.arena);
        runtime_.arena.spend(1 + format_.size() / 16);
        while (at_ < format_.size()) {
            const std::size_t percent = std::min(format_.find('%', at_), format_.size());
            text.append(format_.substr(at_, percent - at_));
            at_ = percent;
            if (at_ == format_.size()) break;
            ++at_;
            runtime_.arena.spend(1);
            directive(text);
        }
        const bool is_mapping =
            values_.is(Kind::dict) || values_.is(Kind::list) || values_.is(Kind::range) || values_.is(Kind::undefined);
        const bool all_used = values_.is(Kind::tuple) ? n_used_ == values_.n : n_used_ == 1 || is_mapping;
        if (!all_used) throw Error(Status::invalid_argument, "not all arguments converted during string formatting");
        return text.finish();
    }

  private:
    char next() {
        if (at_ >= format_.size()) throw Error(Status::invalid_argument, "incomplete format");
        return format_[at_++];
    }

    Value argument() {
        const bool more = values_.is(Kind::tuple) ? n_used_ < values_.n : n_used_ == 0;
        if (!more) throw Error(Status::invalid_argument, "not enough arguments for format string");
        const Value& value = values_.is(Kind::tuple) ? values_.items[n_used_] : values_;
        ++n_used_;
        return value;
    }

    std::int64_t number() {
        if (at_ >= format_.size() || format_[at_] != '*') return read_number(format_, at_);
        ++at_;
        return index_or(argument(), 0, "*");
    }

    void directive(Text& text) {
        std::optional<Value> keyed;
        Spec spec;
        spec.align = '>';
        if (at_ < format_.size() && format_[at_] == '(') {
            const std::size_t end = format_.find(')', at_);
            if (end == std::string_view::npos) throw Error(Status::invalid_argument, "incomplete format key");
            if (!values_.is(Kind::dict)) throw Error(Status::invalid_argument, "format requires a mapping");
            const std::string_view key = format_.substr(at_ + 1, end - at_ - 1);
            const Value* const found = find(*values_.dict, key);
            if (found == nullptr) throw Error(Status::invalid_argument, "no key '{}'", key);
            keyed = *found;
            at_ = end + 1;
        }
        bool left = false, zeros = false;
        for (;; ++at_) {
            const char c = at_ < format_.size() ? format_[at_] : '\0';
            if (c == '-') {
                left = true;
            } else if (c == '0') {
                zeros = true;
            } else if (c == '#') {
                spec.alternate = true;
            } else if (c == '+' || (c == ' ' && spec.sign == '-')) {
                spec.sign = c;
            } else if (c != ' ') {
                break;
            }
        }
        spec.width = number();
        if (at_ < format_.size() && format_[at_] == '.') {
            ++at_;
            spec.precision = number();
        }
        while (at_ < format_.size() && std::string_view("hlL").find(format_[at_]) != std::string_view::npos) ++at_;
        spec.type = next();
        if (spec.type == '%') return text.append('%');
        if (left || spec.width < 0) spec.align = '<';
        spec.width = std::abs(spec.width);
        write(text, keyed ? *keyed : argument(), spec, zeros && !left);
    }

    void write(Text& text, const Value& value, Spec spec, bool zeros) {
        Arena& arena = runtime_.arena;
        const std::string_view numeric = "diuoxXeEfFgG";
        if (numeric.find(spec.type) == std::string_view::npos) {
            Text source(arena);
            switch (spec.type) {
                case 's': append_str(source, value); break;
                case 'r':
                case 'a': append_repr(source, value); break;
                case 'c':
                    if (!value.is(Kind::string) || n_characters(value.view_text()) != 1) {
                        throw Error(Status::invalid_argument, "%c requires int or char");
                    }
                    source.append(value.view_text());
                    break;
                default: throw Error(Status::invalid_argument, "unsupported format character '{}'", spec.type);
            }
            return text.append(format_string(arena, source.view(), spec).view_text());
        }
        check_precision(spec.precision);
        if (value.is(Kind::undefined)) throw_undefined(value);
        if (!is_number(value)) {
            throw Error(Status::invalid_argument, "%{} format: a real number is required, not {}", spec.type,
                        type_name(value.kind));
        }
        if (zeros) {
            spec.fill = '0';
            spec.align = '=';
        }
        const bool whole = std::string_view("diuoxX").find(spec.type) != std::string_view::npos;
        if (!whole) return text.append(format_real(arena, to_real(value), spec).view_text());
        if (value.is(Kind::real) && std::string_view("oxX").find(spec.type) != std::string_view::npos) {
            throw Error(Status::invalid_argument, "%{} format: an integer is required, not float", spec.type);
        }
        const auto truncated = value.is(Kind::real) ? truncate_real(arena, value.real) : value;
        if (!truncated) throw Error(Status::invalid_argument, "cannot convert float infinity or NaN to integer");
        if (spec.type == 'u' || spec.type == 'i') spec.type = 'd';
        text.append(format_integer(arena, *truncated, spec).view_text());
    }

    Runtime& runtime_;
    std::string_view format_;
    const Value& values_;
    std::size_t at_ = 0;
    std::uint32_t n_used_ = 0;
};

// --- "{}".format(values)

class Braces {
  public:
    Braces(Runtime& runtime, const CallArguments& arguments) : runtime_(runtime), arguments_(arguments) {}

    // A replacement may stand in a format spec, but no further in.
    void run(Text& text, std::string_view format, int depth) {
        if (depth > 1) throw Error(Status::invalid_argument, "Max string recursion exceeded");
        runtime_.arena.spend(1 + format.size() / 16);
        for (std::size_t at = 0; at < format.size();) {
            const std::size_t brace = std::min(format.find_first_of("{}", at), format.size());
            text.append(format.substr(at, brace - at));
            at = brace;
            if (at == format.size()) return;
            const char c = format[at];
            if (at + 1 < format.size() && format[at + 1] == c) {
                text.append(c);
                at += 2;
            } else if (c == '}') {
                throw Error(Status::invalid_argument, "Single '}}' encountered in format string");
            } else {
                at = replacement(text, format, at + 1, depth);
            }
        }
    }

  private:
    // From behind "{" to behind its "}".
    std::size_t replacement(Text& text, std::string_view format, std::size_t begin, int depth) {
        runtime_.arena.spend(1);
        std::size_t end = begin;
        for (int open = 1; open != 0; ++end) {
            if (end == format.size()) throw Error(Status::invalid_argument, "expected '}}' before end of string");
            open += format[end] == '{' ? 1 : format[end] == '}' ? -1 : 0;
        }
        const std::string_view field = format.substr(begin, end - begin - 1);
        const std::size_t name_end = std::min(field.find_first_of("!:"), field.size());
        Value value = look_up(field.substr(0, name_end));
        std::string_view rest = field.substr(name_end);
        if (rest.starts_with('!')) {
            if (rest.size() < 2)
                throw Error(Status::invalid_argument, "end of string while looking for conversion specifier");
            Text converted(runtime_.arena);
            if (rest[1] == 's') {
                append_str(converted, value);
            } else {
                append_repr(converted, value);
            }
            value = converted.finish();
            rest.remove_prefix(2);
        }
        if (rest.starts_with(':')) rest.remove_prefix(1);
        Text spec(runtime_.arena);
        run(spec, rest, depth + 1);
        text.append(formatted(value, spec.view()).view_text());
        return end;
    }

    Value look_up(std::string_view name) {
        const std::size_t first_end = std::min(name.find_first_of(".["), name.size());
        const std::string_view first = name.substr(0, first_end);
        Value value;
        const bool is_index = !first.empty() && first.find_first_not_of("0123456789") == std::string_view::npos;
        if (first.empty() || is_index) {
            std::size_t at = 0;
            const auto index = is_index ? static_cast<std::uint64_t>(read_number(first, at)) : next_++;
            if (index >= arguments_.positional.size()) {
                throw Error(Status::invalid_argument, "Replacement index {} out of range for positional args tuple",
                            index);
            }
            value = arguments_.positional[index];
        } else {
            const auto& keywords = arguments_.keywords;
            const auto it = std::find(keywords.begin(), keywords.end(), first);
            if (it == keywords.end()) throw Error(Status::invalid_argument, "no key '{}'", first);
            value = arguments_.keyword_values[static_cast<std::size_t>(it - keywords.begin())];
        }
        for (std::string_view rest = name.substr(first_end); !rest.empty();) {
            const bool is_attribute = rest.front() == '.';
            const std::size_t end = is_attribute ? std::min(rest.find_first_of(".[", 1), rest.size()) : rest.find(']');
            if (end == std::string_view::npos) throw Error(Status::invalid_argument, "Missing ']' in format string");
            const std::string_view key = rest.substr(1, end - 1);
            const bool number = !key.empty() && key.find_first_not_of("0123456789") == std::string_view::npos;
            std::size_t at = 0;
            value = is_attribute ? attribute(runtime_.arena, value, runtime_.arena.copy(key))
                    : number     ? element(runtime_.arena, value, integer(read_number(key, at)))
                                 : element(runtime_.arena, value, string(runtime_.arena, key));
            rest.remove_prefix(is_attribute ? end : end + 1);
        }
        return value;
    }

    Value formatted(const Value& value, std::string_view text) {
        Arena& arena = runtime_.arena;
        if (text.empty()) return borrowed(to_str(arena, value));
        if (value.is(Kind::undefined)) throw_undefined(value);
        Spec spec = parse(text);
        if (is_number(value) && spec.type != 's') {
            if (spec.align == '\0') spec.align = '>';
            check_precision(spec.precision);
            const bool as_real =
                value.is(Kind::real) || std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos;
            if (spec.type == 'n') spec.type = '\0';
            if (as_real && spec.type != '\0' && std::string_view("eEfFgG%").find(spec.type) == std::string_view::npos) {
                throw Error(Status::invalid_argument, "Unknown format code '{}' for object of type 'float'", spec.type);
            }
            return as_real && spec.type != '\0' ? format_real(arena, to_real(value), spec)
                   : as_real                    ? format_real(arena, value.real, spec)
                                                : format_integer(arena, value, spec);
        }
        if (!value.is(Kind::string)) {
            throw Error(Status::invalid_argument, "unsupported format string passed to {}.__format__",
                        type_name(value.kind));
        }
        if (spec.type != '\0' && spec.type != 's') {
            throw Error(Status::invalid_argument, "Unknown format code '{}' for object of type 'str'", spec.type);
        }
        return format_string(arena, value.view_text(), spec);
    }

    static Spec parse(std::string_view text) {
        constexpr std::string_view kAligns = "<>^=";
        Spec spec;
        std::size_t at = 0;
        const std::size_t first = byte_offset(text, 1);
        const auto here = [&] { return at < text.size() ? text[at] : '\0'; };
        if (first < text.size() && kAligns.find(text[first]) != std::string_view::npos) {
            spec.fill = text.substr(0, first);
            spec.align = text[first];
            at = first + 1;
        } else if (kAligns.find(here()) != std::string_view::npos) {
            spec.align = text[at++];
        }
        if (here() == '+' || here() == '-' || here() == ' ') spec.sign = text[at++];
        if (here() == '#') {
            spec.alternate = true;
            ++at;
        }
        if (here() == '0') {
            ++at;
            if (spec.align == '\0') {
                spec.fill = '0';
                spec.align = '=';
            }
        }
        spec.width = read_number(text, at);
        if (here() == ',' || here() == '_') spec.grouping = text[at++];
        if (here() == '.') {
            ++at;
            if (!is_digit(here())) throw Error(Status::invalid_argument, "Format specifier missing precision");
            spec.precision = read_number(text, at);
        }
        if (at < text.size()) spec.type = text[at++];
        if (at != text.size()) throw Error(Status::invalid_argument, "Invalid format specifier '{}'", text);
        return spec;
    }

    Runtime& runtime_;
    const CallArguments& arguments_;
    std::size_t next_ = 0;
};

}  // namespace

Value format_percent(Runtime& runtime, const Value& format, const Value& values) {
    return Percent(runtime, format.view_text(), values).run();
}

Value format_braces(Runtime& runtime, const Value& format, const CallArguments& arguments) {
    Text text(runtime.arena);
    Braces(runtime, arguments).run(text, format.view_text(), 0);
    return text.finish();
}

}  // namespace linnet::chat
