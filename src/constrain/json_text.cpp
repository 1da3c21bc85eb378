// SPDX-License-Identifier: MIT
// JSON texts as expressions. Number ranges: digits are compared with the bound's, first by how many there are, then
// from the left; leading zeros do not occur, trailing zeros of a fraction may.
#include "constrain/json_text.hpp"

#include <algorithm>

#include "tokenizer/utf8.hpp"

namespace linnet::constrain {

namespace {

constexpr char32_t kLast = 0x10FFFF;

ExprId byte_range(Exprs& exprs, unsigned low, unsigned high) { return exprs.bytes(ByteSet::range(low, high)); }

// UTF-8 of all characters in low..high, which lie in one range of sizes: the usual split into ranges of bytes.
void add_utf8(Exprs& exprs, std::vector<ExprId>& parts, char32_t low, char32_t high) {
    for (const char32_t limit : {0x7Fu, 0x7FFu, 0xFFFFu}) {
        if (low <= limit && high > limit) {
            add_utf8(exprs, parts, low, limit);
            low = limit + 1;
        }
    }
    char a[4], b[4];
    const std::size_t size = utf8::write(low, a);
    for (std::size_t i = 1; i < size; ++i) {
        const char32_t mask = (char32_t{1} << 6 * i) - 1;
        if ((low & ~mask) == (high & ~mask)) continue;
        if ((low & mask) != 0) {
            add_utf8(exprs, parts, low, low | mask);
            add_utf8(exprs, parts, (low | mask) + 1, high);
            return;
        }
        if ((high & mask) != mask) {
            add_utf8(exprs, parts, low, (high & ~mask) - 1);
            add_utf8(exprs, parts, high & ~mask, high);
            return;
        }
    }
    utf8::write(high, b);
    ExprId result = Exprs::kEmpty;
    for (std::size_t i = size; i-- > 0;) {
        result =
            exprs.concat(byte_range(exprs, static_cast<std::uint8_t>(a[i]), static_cast<std::uint8_t>(b[i])), result);
    }
    parts.push_back(result);
}

// The escape of a character that has to have one.
std::string escape(char32_t code) {
    switch (code) {
        case '"': return "\\\"";
        case '\\': return "\\\\";
        case '\b': return "\\b";
        case '\f': return "\\f";
        case '\n': return "\\n";
        case '\r': return "\\r";
        case '\t': return "\\t";
        default: return format_text("\\u{:04x}", static_cast<unsigned>(code));
    }
}

ExprId any_string(Exprs& exprs, ExprId plain) {
    const ExprId hex = exprs.bytes(ByteSet::range('0', '9') | ByteSet::range('a', 'f') | ByteSet::range('A', 'F'));
    const auto set = [&](std::string_view bytes) {
        ByteSet result;
        for (const char c : bytes) result.add(static_cast<std::uint8_t>(c));
        return exprs.bytes(result);
    };
    const ExprId start = exprs.literal("\\u");
    const ExprId d = set("dD");
    const ExprId hex2 = exprs.concat(hex, hex);
    // Surrogates in pairs only.
    const ExprId single = exprs.any_of(exprs.concat(set("0123456789abcefABCEF"), exprs.concat(hex, hex2)),
                                       exprs.concat(d, exprs.concat(byte_range(exprs, '0', '7'), hex2)));
    const ExprId pair = exprs.concat(std::array{d, set("89abAB"), hex2, start, d, set("cdefCDEF"), hex2});
    const ExprId unicode = exprs.concat(start, exprs.any_of(single, pair));
    const ExprId one = exprs.any_of(std::array{plain, unicode, exprs.literal("\\/")});
    const ExprId quote = exprs.literal("\"");
    return exprs.concat(std::array{quote, exprs.star(one), quote});
}

}  // namespace

void CharSet::normalise() {
    std::ranges::sort(ranges_, {}, &CharRange::low);
    std::vector<CharRange> result;
    const auto add = [&](char32_t low, char32_t high) {
        if (low > high) return;
        if (!result.empty() && low <= result.back().high + 1) {
            result.back().high = std::max(result.back().high, high);
        } else {
            result.push_back({low, high});
        }
    };
    for (const CharRange& range : ranges_) {
        add(range.low, std::min<char32_t>(range.high, 0xD7FF));
        add(std::max<char32_t>(range.low, 0xE000), std::min(range.high, kLast));
    }
    ranges_ = std::move(result);
}

CharSet CharSet::normalised() const {
    CharSet result = *this;
    result.normalise();
    return result;
}

CharSet CharSet::complement() const {
    CharSet result;
    char32_t next = 0;
    const CharSet sorted = normalised();
    for (const CharRange& range : sorted.ranges_) {
        if (range.low > next) result.add(next, range.low - 1);
        next = range.high + 1;
    }
    if (next <= kLast) result.add(next, kLast);
    result.normalise();
    return result;
}

ExprId character(Exprs& exprs, const CharSet& set, Encoding encoding) {
    std::vector<ExprId> parts;
    const CharSet sorted = set.normalised();
    for (CharRange range : sorted.ranges()) {
        if (encoding == Encoding::json) {
            for (; range.low <= range.high && range.low < 0x60; ++range.low) {
                const auto byte = static_cast<unsigned>(range.low);
                parts.push_back(is_escaped(range.low) ? exprs.literal(escape(range.low))
                                                      : byte_range(exprs, byte, byte));
            }
            if (range.low > range.high) continue;
        }
        add_utf8(exprs, parts, range.low, range.high);
    }
    return exprs.any_of(parts);
}

std::string json_string(std::string_view text) {
    std::string result(1, '"');
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        if (c.status != utf8::Status::valid)
            throw Error(Status::invalid_argument, "a text of the constraint is no UTF-8");
        if (is_escaped(c.code)) {
            result += escape(c.code);
        } else {
            result.append(p, c.size);
        }
        p += c.size;
    }
    result += '"';
    return result;
}

bool read_decimal(std::string_view text, Decimal& decimal) {
    decimal = {};
    if (text.starts_with('-')) {
        decimal.negative = true;
        text.remove_prefix(1);
    }
    long exponent = 0;
    if (const std::size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
        bool minus = false;
        for (const char c : text.substr(e + 1)) {
            if (c == '-') minus = true;
            if (c >= '0' && c <= '9' && exponent < 10'000) exponent = exponent * 10 + (c - '0');
        }
        if (minus) exponent = -exponent;
        text = text.substr(0, e);
    }
    const std::size_t point = std::min(text.find('.'), text.size());
    decimal.integer = text.substr(0, point);
    if (point < text.size()) decimal.fraction = text.substr(point + 1);
    if (exponent > 400 || exponent < -400) return false;
    for (; exponent > 0; --exponent) {
        decimal.integer += decimal.fraction.empty() ? '0' : decimal.fraction[0];
        if (!decimal.fraction.empty()) decimal.fraction.erase(0, 1);
    }
    for (; exponent < 0; ++exponent) {
        decimal.fraction.insert(0, 1, decimal.integer.empty() ? '0' : decimal.integer.back());
        if (!decimal.integer.empty()) decimal.integer.pop_back();
    }
    decimal.integer.erase(0, std::min(decimal.integer.find_first_not_of('0'), decimal.integer.size()));
    decimal.fraction.erase(decimal.fraction.find_last_not_of('0') + 1);
    if (decimal.zero()) decimal.negative = false;
    return true;
}

JsonTexts::JsonTexts(Dfa& dfa) {
    Exprs& exprs = dfa.exprs();
    const ExprId quote = exprs.literal("\"");
    ByteSet blanks;
    blanks.add(' ');
    blanks.add('\t');
    const ExprId blank = exprs.bytes(blanks);
    const ExprId line = exprs.concat(exprs.optional(exprs.literal("\r")), exprs.literal("\n"));
    space = exprs.concat(exprs.repeat(blank, 0, kMaxBlanks),
                         exprs.repeat(exprs.concat(line, exprs.repeat(blank, 0, kMaxIndent)), 0, kMaxLines));
    char_any = character(exprs, CharSet{{0, kLast}}, Encoding::json);
    string = any_string(exprs, char_any);
    string_plain = exprs.concat(std::array{quote, exprs.star(char_any), quote});
    const ExprId digits = exprs.star(byte_range(exprs, '0', '9'));
    const ExprId digits1 = exprs.repeat(byte_range(exprs, '0', '9'), 1, Exprs::kUnbounded);
    const ExprId whole =
        exprs.concat(exprs.optional(exprs.literal("-")),
                     exprs.any_of(exprs.literal("0"), exprs.concat(byte_range(exprs, '1', '9'), digits)));
    const ExprId point = exprs.literal(".");
    number_plain = exprs.concat(whole, exprs.optional(exprs.concat(point, digits1)));
    ByteSet e, sign;
    e.add('e');
    e.add('E');
    sign.add('+');
    sign.add('-');
    const ExprId exponent = exprs.concat(std::array{exprs.bytes(e), exprs.optional(exprs.bytes(sign)), digits1});
    number = exprs.concat(number_plain, exprs.optional(exponent));
    integer = whole;
    integer_zero = exprs.concat(whole, exprs.optional(exprs.literal(".0")));
    boolean = exprs.any_of(exprs.literal("true"), exprs.literal("false"));
    null = exprs.literal("null");
    scalar = exprs.any_of(std::array{string, number, boolean, null});
    // Every state that strings and numbers lead to, so that their ids are fixed.
    dfa.state(scalar);
    dfa.state(string);
    dfa.state(string_plain);
    dfa.state(number);
    dfa.state(number_plain);
    dfa.state(integer);
    dfa.state(integer_zero);
    for (StateId state = 0; state < dfa.size(); ++state) {
        for (unsigned byte = 0; byte < 256; ++byte) dfa.next(state, byte);
    }
    n_states = dfa.size();
}

namespace {

struct Digits {
    explicit Digits(Exprs& table)
        : exprs(table),
          any(table.star(byte_range(table, '0', '9'))),
          some(table.repeat(byte_range(table, '0', '9'), 1, Exprs::kUnbounded)),
          zeros(table.star(table.literal("0"))),
          zeros1(table.repeat(table.literal("0"), 1, Exprs::kUnbounded)),
          point(table.literal(".")),
          whole(table.any_of(table.literal("0"), table.concat(byte_range(table, '1', '9'), any))) {}

    ExprId many(std::size_t n) const {
        return exprs.repeat(byte_range(exprs, '0', '9'), static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(n));
    }
    // Fractions (with the point, or nothing at all) whose value is above, below or equal to 0.digits.
    ExprId fraction(std::string_view digits, bool above, bool below, bool equal) const {
        std::vector<ExprId> parts;
        for (std::size_t i = 0; i < digits.size(); ++i) {
            const auto d = static_cast<unsigned>(digits[i]);
            const ExprId head = exprs.concat(point, exprs.literal(digits.substr(0, i)));
            if (above && d < '9') parts.push_back(exprs.concat(std::array{head, byte_range(exprs, d + 1, '9'), any}));
            if (below && d > '0') parts.push_back(exprs.concat(std::array{head, byte_range(exprs, '0', d - 1), any}));
            if (below && i > 0) parts.push_back(head);  // what ends early is less: the last digit is no zero
        }
        const ExprId same = exprs.concat(point, exprs.literal(digits));
        if (above) parts.push_back(exprs.concat(std::array{same, zeros, byte_range(exprs, '1', '9'), any}));
        if (digits.empty()) {
            if (equal) parts.push_back(exprs.optional(exprs.concat(point, zeros1)));
        } else {
            if (below) parts.push_back(Exprs::kEmpty);
            if (equal) parts.push_back(exprs.concat(same, zeros));
        }
        return exprs.any_of(parts);
    }
    ExprId any_fraction() const { return exprs.optional(exprs.concat(point, some)); }
    // Values without sign against |bound|.
    ExprId compare(const Decimal& bound, bool above, bool below, bool equal) const {
        const std::string& digits = bound.integer;
        std::vector<ExprId> parts;
        if (above) {
            const auto longer = static_cast<std::uint32_t>(digits.size());
            parts.push_back(exprs.concat(
                std::array{byte_range(exprs, '1', '9'),
                           exprs.repeat(byte_range(exprs, '0', '9'), longer, Exprs::kUnbounded), any_fraction()}));
        }
        if (below && !digits.empty()) {
            parts.push_back(exprs.concat(exprs.literal("0"), any_fraction()));
            if (digits.size() > 1) {
                const auto shorter = static_cast<std::uint32_t>(digits.size() - 2);
                parts.push_back(
                    exprs.concat(std::array{byte_range(exprs, '1', '9'),
                                            exprs.repeat(byte_range(exprs, '0', '9'), 0, shorter), any_fraction()}));
            }
        }
        for (std::size_t i = 0; i < digits.size(); ++i) {
            const auto d = static_cast<unsigned>(digits[i]);
            const unsigned least = i == 0 ? '1' : '0';
            const ExprId head = exprs.literal(std::string_view(digits).substr(0, i));
            const ExprId tail = exprs.concat(many(digits.size() - i - 1), any_fraction());
            if (above && d < '9') parts.push_back(exprs.concat(std::array{head, byte_range(exprs, d + 1, '9'), tail}));
            if (below && d > least) {
                parts.push_back(exprs.concat(std::array{head, byte_range(exprs, least, d - 1), tail}));
            }
        }
        const ExprId same = exprs.literal(digits.empty() ? "0" : digits);
        parts.push_back(exprs.concat(same, fraction(bound.fraction, above, below, equal)));
        return exprs.any_of(parts);
    }

    Exprs& exprs;
    ExprId any, some, zeros, zeros1, point, whole;
};

// What lies on one side of the bound: `up`, or down.
ExprId side(Exprs& exprs, const Decimal& bound, bool up, bool exclusive) {
    const Digits digits(exprs);
    const ExprId minus = exprs.literal("-");
    const ExprId all = exprs.concat(digits.whole, digits.any_fraction());
    const ExprId zero = digits.compare({}, false, false, true);
    if (bound.zero()) {
        const ExprId part = digits.compare(bound, true, false, !exclusive);
        return up ? exprs.any_of(part, exclusive ? Exprs::kNone : exprs.concat(minus, zero))
                  : exprs.any_of(exprs.concat(minus, part), exclusive ? Exprs::kNone : zero);
    }
    if (bound.negative != up) {  // only one sign
        const ExprId part = digits.compare(bound, true, false, !exclusive);
        return up ? part : exprs.concat(minus, part);
    }
    // Towards zero and beyond.
    const ExprId part = digits.compare(bound, false, true, !exclusive);
    return up ? exprs.any_of(exprs.concat(minus, part), all) : exprs.any_of(part, exprs.concat(minus, all));
}

}  // namespace

ExprId number_at_least(Exprs& exprs, const Decimal& bound, bool exclusive) {
    return side(exprs, bound, true, exclusive);
}
ExprId number_at_most(Exprs& exprs, const Decimal& bound, bool exclusive) {
    return side(exprs, bound, false, exclusive);
}

ExprId number_equal(Exprs& exprs, const Decimal& value) {
    const ExprId part = Digits(exprs).compare(value, false, false, true);
    const ExprId minus = exprs.literal("-");
    if (value.zero()) return exprs.concat(exprs.optional(minus), part);
    return value.negative ? exprs.concat(minus, part) : part;
}

ExprId number_multiple(Exprs& exprs, std::uint64_t divisor, std::uint32_t scale) {
    const ExprId digits = exprs.multiple({divisor, 0, scale, 0, true, false});
    return exprs.concat(exprs.optional(exprs.literal("-")), digits);
}

}  // namespace linnet::constrain
