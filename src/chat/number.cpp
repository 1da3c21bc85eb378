// SPDX-License-Identifier: MIT
// Arithmetic and decimal forms of numbers. Integers are computed in 128 bits with overflow checks; decimal text comes
// from std::to_chars, which is exact; powers are products and square roots, so that all platforms agree.
#include "chat/number.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace linnet::chat {

namespace {

__extension__ using Wide = __int128;
__extension__ using UnsignedWide = unsigned __int128;

[[noreturn]] void too_large() { throw Error(Status::unsupported, "integers beyond 127 bits cannot be computed with"); }

[[noreturn]] void zero_division(std::string_view what) { throw Error(Status::invalid_argument, "{} by zero", what); }

UnsignedWide magnitude(Wide value) {
    return value < 0 ? ~static_cast<UnsignedWide>(value) + 1 : static_cast<UnsignedWide>(value);
}

std::string digits_of(UnsignedWide value, unsigned base, bool upper = false) {
    std::string text;
    do {
        const auto digit = static_cast<unsigned>(value % base);
        text += static_cast<char>(digit < 10 ? '0' + digit : (upper ? 'A' : 'a') + digit - 10);
        value /= base;
    } while (value != 0);
    std::reverse(text.begin(), text.end());
    return text;
}

// Nothing when it is beyond 127 bits.
std::optional<Wide> parse_digits(std::string_view digits, unsigned base, bool negative) {
    Wide value = 0;
    for (const char c : digits) {
        const auto digit = static_cast<int>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        if (__builtin_mul_overflow(value, static_cast<Wide>(base), &value) ||
            __builtin_add_overflow(value, static_cast<Wide>(digit), &value)) {
            return std::nullopt;
        }
    }
    return negative ? -value : value;
}

std::optional<Wide> try_wide(const Value& value) {
    if (value.is(Kind::boolean)) return value.boolean ? 1 : 0;
    if (value.is(Kind::integer)) return value.integer;
    const std::string_view text = value.view_text();
    const bool negative = text.front() == '-';
    return parse_digits(text.substr(negative ? 1 : 0), 10, negative);
}

Wide to_wide(const Value& value) {
    const auto wide = try_wide(value);
    if (!wide) too_large();
    return *wide;
}

Value from_digits(Arena& arena, bool negative, std::string_view digits) {
    Text text(arena);
    if (negative) text.append('-');
    text.append(digits);
    Value result = text.finish();
    result.kind = Kind::big;
    return result;
}

Value from_wide(Arena& arena, Wide value) {
    if (value >= std::numeric_limits<std::int64_t>::min() && value <= std::numeric_limits<std::int64_t>::max()) {
        return integer(static_cast<std::int64_t>(value));
    }
    return from_digits(arena, value < 0, digits_of(magnitude(value), 10));
}

double floor_modulo(double a, double b) {
    const double rest = std::fmod(a, b);  // exact
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest == 0 ? std::copysign(0.0, b) : rest;
}

double floor_quotient(double a, double b) {
    const double quotient = (a - floor_modulo(a, b)) / b;
    if (quotient == 0) return std::copysign(0.0, a / b);
    const double floored = std::floor(quotient);
    return quotient - floored > 0.5 ? floored + 1 : floored;
}

// Exponents that are integers or halves: products and a square root, which every platform rounds alike.
double real_power(double base, double exponent) {
    if (exponent == 0 || base == 1) return 1;
    const double doubled = exponent * 2;
    if (std::floor(doubled) != doubled || std::fabs(exponent) > 1100) {
        throw Error(Status::unsupported, "powers with the exponent {} are not supported", real_repr(exponent));
    }
    const bool half = std::floor(exponent) != exponent;
    if (half && base < 0) throw Error(Status::unsupported, "complex numbers are not supported");
    if (base == 0 && exponent < 0) {
        throw Error(Status::invalid_argument, "0.0 cannot be raised to a negative power");
    }
    double result = half ? std::sqrt(base) : 1;
    double factor = base;
    for (auto n = static_cast<unsigned>(std::floor(std::fabs(exponent))); n != 0; n /= 2) {
        if (n % 2 != 0) result *= factor;
        factor *= factor;
    }
    if (std::isinf(result) && !std::isinf(base)) throw Error(Status::invalid_argument, "Result too large");
    return exponent < 0 ? 1 / result : result;
}

Value compute_reals(Arithmetic op, double a, double b) {
    switch (op) {
        case Arithmetic::add: return real(a + b);
        case Arithmetic::subtract: return real(a - b);
        case Arithmetic::multiply: return real(a * b);
        case Arithmetic::divide:
            if (b == 0) zero_division("float division");
            return real(a / b);
        case Arithmetic::floor_divide:
            if (b == 0) zero_division("float floor division");
            return real(floor_quotient(a, b));
        case Arithmetic::modulo:
            if (b == 0) zero_division("float modulo");
            return real(floor_modulo(a, b));
        case Arithmetic::power: break;
    }
    return real(real_power(a, b));
}

Value integer_power(Arena& arena, Wide base, Wide exponent) {
    if (exponent < 0) {
        return real(real_power(static_cast<double>(base), static_cast<double>(exponent)));
    }
    if (base == 0 || base == 1) return integer(exponent == 0 ? 1 : static_cast<std::int64_t>(base));
    if (base == -1) return integer(exponent % 2 == 0 ? 1 : -1);
    if (exponent > 127) too_large();
    Wide result = 1;
    for (Wide i = 0; i < exponent; ++i) {
        if (__builtin_mul_overflow(result, base, &result)) too_large();
    }
    return from_wide(arena, result);
}

Value compute_integers(Arena& arena, Arithmetic op, Wide a, Wide b) {
    Wide result = 0;
    bool overflow = false;
    switch (op) {
        case Arithmetic::add: overflow = __builtin_add_overflow(a, b, &result); break;
        case Arithmetic::subtract: overflow = __builtin_sub_overflow(a, b, &result); break;
        case Arithmetic::multiply: overflow = __builtin_mul_overflow(a, b, &result); break;
        case Arithmetic::divide:
            if (b == 0) zero_division("division");
            return real(static_cast<double>(a) / static_cast<double>(b));
        case Arithmetic::floor_divide:
        case Arithmetic::modulo: {
            if (b == 0) zero_division("integer division or modulo");
            const Wide rest = b == -1 ? 0 : a % b;
            const bool adjust = rest != 0 && (rest < 0) != (b < 0);
            if (op == Arithmetic::modulo) return from_wide(arena, adjust ? rest + b : rest);
            if (b == -1) {
                overflow = __builtin_sub_overflow(static_cast<Wide>(0), a, &result);
            } else {
                result = a / b - (adjust ? 1 : 0);
            }
            break;
        }
        case Arithmetic::power: return integer_power(arena, a, b);
    }
    if (overflow) too_large();
    return from_wide(arena, result);
}

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

// `text` without the underscores that stand between two digits of `base`; nothing when one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
    const auto is_digit = [&](std::size_t i) {
        const char c = i < text.size() ? text[i] : '_';
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    };
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '_') {
            plain += text[i];
        } else if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1)) {
            return std::nullopt;
        }
    }
    return plain;
}

template <class... Format>
std::string print(double value, Format... format) {
    char buffer[1100];
    const auto result = std::to_chars(buffer, buffer + sizeof buffer, value, format...);
    if (result.ec != std::errc()) throw Error(Status::unsupported, "too many digits");
    return {buffer, result.ptr};
}

std::string special(double value) { return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf"; }

}  // namespace

double to_real(const Value& value) {
    if (value.is(Kind::real)) return value.real;
    if (const auto wide = is_integer(value) ? try_wide(value) : std::nullopt) return static_cast<double>(*wide);
    if (!value.is(Kind::big)) {
        throw Error(Status::invalid_argument, "must be real number, not {}", type_name(value.kind));
    }
    const auto parsed = parse_real(value.view_text());
    if (!parsed || std::isinf(*parsed)) throw Error(Status::invalid_argument, "int too large to convert to float");
    return *parsed;
}

Order compare_numbers(const Value& a, const Value& b) noexcept {
    const auto order = [](auto x, auto y) {
        return x < y ? Order::less : x == y ? Order::equal : x > y ? Order::greater : Order::unordered;
    };
    if (is_integer(a) && is_integer(b)) {
        const auto x = try_wide(a), y = try_wide(b);
        if (x && y) return order(*x, *y);
        // At least one is beyond 127 bits: its sign decides, or the number of digits, or the digits.
        const auto text = [](const Value& v) { return v.is(Kind::big) ? v.view_text() : std::string_view("0"); };
        const bool a_negative = text(a).front() == '-', b_negative = text(b).front() == '-';
        if (!x && !y && a_negative == b_negative) {
            const Order by_size = text(a).size() == text(b).size() ? order(text(a).compare(text(b)), 0)
                                                                   : order(text(a).size(), text(b).size());
            if (by_size == Order::equal || !a_negative) return by_size;
            return by_size == Order::less ? Order::greater : Order::less;
        }
        return (!x ? a_negative : !b_negative) ? Order::less : Order::greater;
    }
    const auto value = [](const Value& v) {
        if (v.is(Kind::real)) return v.real;
        if (const auto wide = try_wide(v)) return static_cast<double>(*wide);
        return v.view_text().front() == '-' ? -std::numeric_limits<double>::infinity()
                                            : std::numeric_limits<double>::infinity();
    };
    return order(value(a), value(b));
}

Value compute(Arena& arena, Arithmetic op, const Value& a, const Value& b) {
    if (a.is(Kind::real) || b.is(Kind::real)) return compute_reals(op, to_real(a), to_real(b));
    return compute_integers(arena, op, to_wide(a), to_wide(b));
}

Value negate(Arena& arena, const Value& number) {
    if (number.is(Kind::real)) return real(-number.real);
    if (number.is(Kind::big) && !try_wide(number)) {
        const std::string_view text = number.view_text();
        return text.front() == '-' ? from_digits(arena, false, text.substr(1)) : from_digits(arena, true, text);
    }
    return compute_integers(arena, Arithmetic::subtract, 0, to_wide(number));
}

Value absolute(Arena& arena, const Value& number) {
    if (number.is(Kind::real)) return real(std::fabs(number.real));
    const bool negative = number.is(Kind::big) ? number.view_text().front() == '-' : to_wide(number) < 0;
    if (negative) return negate(arena, number);
    return number.is(Kind::boolean) ? integer(number.boolean ? 1 : 0) : number;
}

std::string real_repr(double value) {
    if (!std::isfinite(value)) return special(value);
    // "d.ddde+XX": the digits and where the point goes.
    const std::string text = print(value, std::chars_format::scientific);
    const std::size_t e = text.find('e');
    const bool negative = text.front() == '-';
    std::string digits;
    for (const char c : std::string_view(text).substr(0, e)) {
        if (c >= '0' && c <= '9') digits += c;
    }
    int exponent = 0;
    const char* const number = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
    std::from_chars(number, text.data() + text.size(), exponent);
    if (exponent < -4 || exponent >= 16) return text.substr(0, e) + text.substr(e);
    std::string result = negative ? "-" : "";
    const int n = static_cast<int>(digits.size());
    if (exponent < 0) return result + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    if (n <= exponent + 1) return result + digits + std::string(static_cast<std::size_t>(exponent + 1 - n), '0') + ".0";
    const auto point = static_cast<std::size_t>(exponent + 1);
    return result + digits.substr(0, point) + "." + digits.substr(point);
}

std::string real_fixed(double value, int precision) {
    return std::isfinite(value) ? print(value, std::chars_format::fixed, precision) : special(value);
}

std::string real_scientific(double value, int precision) {
    return std::isfinite(value) ? print(value, std::chars_format::scientific, precision) : special(value);
}

std::string real_general(double value, int precision, bool keep_zeros) {
    if (!std::isfinite(value)) return special(value);
    std::string text = print(value, std::chars_format::general, std::max(precision, 1));
    if (keep_zeros && text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
}

double round_half_even(double value, int digits) {
    if (!std::isfinite(value) || digits > 320) return value;
    if (digits >= 0) {
        const std::string text = real_fixed(value, digits);
        double result = value;
        std::from_chars(text.data(), text.data() + text.size(), result);
        return result;
    }
    if (digits < -308) return std::copysign(0.0, value);
    double unit = 1;
    for (int i = digits; i < 0; ++i) unit *= 10;
    const double scaled = value / unit, down = std::floor(scaled), rest = scaled - down;
    const bool up = rest > 0.5 || (rest == 0.5 && std::fmod(down, 2) != 0);
    return std::copysign((up ? down + 1 : down) * unit, value);
}

std::optional<Value> parse_integer(Arena& arena, std::string_view text, int base) {
    text = trimmed(text);
    bool negative = false;
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
        negative = text.front() == '-';
        text.remove_prefix(1);
    }
    if (text.size() > 2 && text[0] == '0') {
        const char letter = static_cast<char>(text[1] | 0x20);
        const int prefix = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
        if (prefix != 0 && (base == prefix || base == 0)) {
            base = prefix;
            text.remove_prefix(text[2] == '_' ? 3 : 2);
        }
    }
    if (base == 0) base = 10;
    const auto plain = without_underscores(text);
    if (!plain || plain->empty() || base < 2 || base > 36) return std::nullopt;
    for (const char c : *plain) {
        const int digit = c >= '0' && c <= '9'                     ? c - '0'
                          : (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? (c | 0x20) - 'a' + 10
                                                                   : 99;
        if (digit >= base) return std::nullopt;
    }
    if (const auto wide = parse_digits(*plain, static_cast<unsigned>(base), negative)) return from_wide(arena, *wide);
    if (base != 10) too_large();
    const std::size_t first = plain->find_first_not_of('0');
    return from_digits(arena, negative, std::string_view(*plain).substr(first));
}

std::optional<double> parse_real(std::string_view text) {
    const auto plain = without_underscores(trimmed(text));
    if (!plain || plain->empty()) return std::nullopt;
    std::string_view number = *plain;
    const bool negative = number.front() == '-';
    if (negative || number.front() == '+') number.remove_prefix(1);
    if (number.empty() || number.front() == '-' || number.front() == '+') return std::nullopt;
    double value = 0;
    const auto result = std::from_chars(number.data(), number.data() + number.size(), value);
    if (result.ptr != number.data() + number.size()) return std::nullopt;
    if (result.ec == std::errc::result_out_of_range) {
        // Too large, or too small: the exponent tells.
        const std::size_t e = number.find_first_of("eE");
        const bool small = e != std::string_view::npos && number[e + 1] == '-';
        value = small ? 0 : std::numeric_limits<double>::infinity();
    } else if (result.ec != std::errc()) {
        return std::nullopt;
    }
    return negative ? -value : value;
}

std::optional<Value> truncate_real(Arena& arena, double value) {
    if (!std::isfinite(value)) return std::nullopt;
    const std::string text = real_fixed(std::trunc(value), 0);
    return parse_integer(arena, text, 10);
}

std::string integer_repr(const Value& value) {
    if (value.is(Kind::big)) return std::string(value.view_text());
    return std::to_string(value.is(Kind::boolean) ? static_cast<std::int64_t>(value.boolean) : value.integer);
}

std::string integer_digits(const Value& value, unsigned base, bool upper) {
    const Wide wide = to_wide(value);
    std::string text = digits_of(magnitude(wide), base, upper);
    if (wide < 0) text.insert(text.begin(), '-');
    return text;
}

std::int64_t to_index(const Value& value, std::string_view what) {
    if (value.is(Kind::boolean)) return value.boolean ? 1 : 0;
    if (value.is(Kind::integer)) return value.integer;
    if (value.is(Kind::undefined) && given(value)) throw_undefined(value);
    if (value.is(Kind::big)) throw Error(Status::invalid_argument, "{} is beyond 64 bits", what);
    throw Error(Status::invalid_argument, "{} must be an integer, not {}", what, type_name(value.kind));
}

}  // namespace linnet::chat
