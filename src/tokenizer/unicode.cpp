// SPDX-License-Identifier: MIT
// Table lookups, and NFC by Unicode Standard Annex 15: text is cut before every stable character (combining class 0,
// NFC_Quick_Check=Yes), which nothing before it can change; only the pieces with other characters are rewritten.
#include "tokenizer/unicode.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "tokenizer/utf8.hpp"

namespace linnet::unicode {
namespace {

struct CombiningRange {
    char32_t first, last;
    std::uint8_t combining_class;
};
struct Decomposition {
    char32_t code;
    std::uint16_t start, size;
};
struct Composition {
    char32_t first, second, composite;
};
struct LowerRange {
    char32_t first, last, step;
    std::int32_t distance;
};

#include "tokenizer/unicode_tables.inc"

constexpr std::uint8_t kNfcFlag = 16;

// By the class numbers of the generator.
constexpr Mask kMaskOfClass[16] = {
    kOther, kLu, kLl, kLt, kLm, kLo, kM, kN, kP, kS, kSpace, kM | kNonspacing, kOther | kControl,
};

// Hangul syllables are algorithmic (Unicode 15, section 3.12).
constexpr char32_t kHangulS = 0xAC00, kHangulL = 0x1100, kHangulV = 0x1161, kHangulT = 0x11A7;
constexpr char32_t kNumL = 19, kNumV = 21, kNumT = 28, kNumS = kNumL * kNumV * kNumT;

constexpr std::uint8_t entry(char32_t code) noexcept {
    return kBlocks[kBlockOf[code / kBlockSize] * kBlockSize + code % kBlockSize];
}

constexpr Mask ascii_mask(char32_t code) {
    Mask result = kMaskOfClass[entry(code) & 15];
    if (code == ' ') result |= kBlank;
    if (code == '\r' || code == '\n') result |= kNewline;
    if (code == '/') result |= kSlash;
    if (result & kL) result |= kAsciiLetter;
    if (result & kN) result |= kAsciiDigit;
    if (result & (kP | kS)) result |= kAsciiPunct;
    return result;
}

constexpr std::array<Mask, 128> make_ascii_masks() {
    std::array<Mask, 128> masks{};
    for (char32_t code = 0; code < masks.size(); ++code) masks[code] = ascii_mask(code);
    return masks;
}

std::uint8_t combining_class(char32_t code) noexcept {
    const auto* range = std::lower_bound(std::begin(kCombining), std::end(kCombining), code,
                                         [](const CombiningRange& a, char32_t b) { return a.last < b; });
    return range != std::end(kCombining) && range->first <= code ? range->combining_class : 0;
}

// The primary composite of a pair, 0 for none.
char32_t compose(char32_t first, char32_t second) noexcept {
    if (first - kHangulL < kNumL && second - kHangulV < kNumV) {
        return kHangulS + ((first - kHangulL) * kNumV + (second - kHangulV)) * kNumT;
    }
    if (first - kHangulS < kNumS && (first - kHangulS) % kNumT == 0 && second > kHangulT && second < kHangulT + kNumT) {
        return first + (second - kHangulT);
    }
    const auto pair = std::make_pair(first, second);
    const auto* found =
        std::lower_bound(std::begin(kCompositions), std::end(kCompositions), pair,
                         [](const Composition& a, const auto& b) { return std::make_pair(a.first, a.second) < b; });
    const bool equal = found != std::end(kCompositions) && found->first == first && found->second == second;
    return equal ? found->composite : 0;
}

struct Item {
    char32_t code;
    std::uint8_t combining_class;
};

// Rewrites one piece between stable characters.
class Normaliser {
  public:
    explicit Normaliser(std::pmr::memory_resource* memory) : items_(memory), sorted_(memory) {}

    void append_nfc(std::string_view piece, std::pmr::string& out) {
        decompose(piece);
        write(recompose(), out);
    }

    void append_nfd(std::string_view piece, std::pmr::string& out) {
        decompose(piece);
        write(items_.size(), out);
    }

  private:
    // Leaves the decomposed piece in items_, in canonical order.
    void decompose(std::string_view piece) {
        items_.clear();
        for (const char *p = piece.data(), *end = p + piece.size(); p != end;) {
            const utf8::Char c = utf8::read(p, end);
            decompose(c.code);
            p += c.size;
        }
        order();
    }

    void write(std::size_t n, std::pmr::string& out) const {
        for (std::size_t i = 0; i < n; ++i) {
            char bytes[4];
            out.append(bytes, utf8::write(items_[i].code, bytes));
        }
    }

    void decompose(char32_t code) {
        if (code - kHangulS < kNumS) {
            const char32_t index = code - kHangulS;
            items_.push_back({kHangulL + index / (kNumV * kNumT), 0});
            items_.push_back({kHangulV + index / kNumT % kNumV, 0});
            if (index % kNumT != 0) items_.push_back({kHangulT + index % kNumT, 0});
            return;
        }
        const auto* found = std::lower_bound(std::begin(kDecompositions), std::end(kDecompositions), code,
                                             [](const Decomposition& a, char32_t b) { return a.code < b; });
        if (found == std::end(kDecompositions) || found->code != code) {
            items_.push_back({code, combining_class(code)});
            return;
        }
        for (std::uint16_t i = 0; i < found->size; ++i) {
            const char32_t part = kDecompositionPool[found->start + i];
            items_.push_back({part, combining_class(part)});
        }
    }

    // Canonical order: each run of marks sorted stably by class, by counting, so that any length stays linear.
    void order() {
        for (std::size_t i = 0; i < items_.size();) {
            std::size_t end = i;
            bool ordered = true;
            while (end < items_.size() && items_[end].combining_class != 0) {
                ordered = ordered && (end == i || items_[end - 1].combining_class <= items_[end].combining_class);
                ++end;
            }
            if (!ordered) sort(i, end);
            i = end + 1;
        }
    }

    void sort(std::size_t begin, std::size_t end) {
        std::array<std::size_t, 257> start{};
        for (std::size_t i = begin; i < end; ++i) ++start[items_[i].combining_class + 1u];
        for (std::size_t c = 1; c < start.size(); ++c) start[c] += start[c - 1];
        sorted_.resize(end - begin);
        for (std::size_t i = begin; i < end; ++i) sorted_[start[items_[i].combining_class]++] = items_[i];
        std::copy(sorted_.begin(), sorted_.end(), items_.begin() + static_cast<std::ptrdiff_t>(begin));
    }

    // Joins each character with the last starter unless one between them blocks it. Returns the new length.
    std::size_t recompose() {
        constexpr std::size_t kNone = ~std::size_t{0};
        std::size_t starter = kNone, n = 0;
        int last_class = -1;  // of the character before, where it is not the starter itself
        for (const Item item : items_) {
            if (starter != kNone && last_class < static_cast<int>(item.combining_class)) {
                if (const char32_t composite = compose(items_[starter].code, item.code)) {
                    items_[starter].code = composite;
                    continue;
                }
            }
            if (item.combining_class == 0) {
                starter = n;
                last_class = -1;
            } else {
                last_class = item.combining_class;
            }
            items_[n++] = item;
        }
        return n;
    }

    std::pmr::vector<Item> items_, sorted_;
};

// The first character from `p` on that is not stable, and the start of the one before it.
struct Unstable {
    const char* previous;
    const char* at;
};

Unstable find_unstable(const char* p, const char* end) noexcept {
    const char* previous = p;
    while (p != end) {
        if (static_cast<unsigned char>(*p) < 0x80) {
            previous = p++;
            continue;
        }
        const utf8::Char c = utf8::read(p, end);
        if (entry(c.code) & kNfcFlag) return {previous, p};
        previous = p;
        p += c.size;
    }
    return {end, end};
}

}  // namespace

constinit const std::array<Mask, 128> kAsciiMasks = make_ascii_masks();

Mask non_ascii_mask(char32_t code) noexcept { return kMaskOfClass[entry(code) & 15]; }

bool needs_nfc(std::string_view text) noexcept {
    const char* end = text.data() + text.size();
    return find_unstable(text.data(), end).at != end;
}

void append_nfc(std::string_view text, std::pmr::string& out) {
    Normaliser normaliser(out.get_allocator().resource());
    const char* p = text.data();
    const char* const end = p + text.size();
    while (p != end) {
        const Unstable unstable = find_unstable(p, end);
        // The stable character before belongs to the piece, unless it is no character at all.
        const char* begin = unstable.previous;
        if (begin != unstable.at && utf8::read(begin, end).status != utf8::Status::valid) begin = unstable.at;
        out.append(p, static_cast<std::size_t>(begin - p));
        p = unstable.at;
        while (p != end) {
            const utf8::Char c = utf8::read(p, end);
            if ((entry(c.code) & kNfcFlag) == 0) break;
            p += c.size;
        }
        normaliser.append_nfc({begin, static_cast<std::size_t>(p - begin)}, out);
    }
}

void append_nfd(std::string_view text, std::pmr::string& out) {
    Normaliser normaliser(out.get_allocator().resource());
    const char* const end = text.data() + text.size();
    // Canonical order moves nothing across a character that NFC leaves alone: its decomposition begins with one of
    // combining class 0.
    for (const char* p = text.data(); p != end;) {
        const char* const begin = p;
        do {
            p += utf8::read(p, end).size;
        } while (p != end && (entry(utf8::read(p, end).code) & kNfcFlag) != 0);
        const std::string_view piece(begin, static_cast<std::size_t>(p - begin));
        if (piece.size() == 1 && static_cast<unsigned char>(*begin) < 0x80) {
            out.push_back(*begin);
        } else {
            normaliser.append_nfd(piece, out);
        }
    }
}

char32_t lower(char32_t code) noexcept {
    const auto* range = std::lower_bound(std::begin(kLower), std::end(kLower), code,
                                         [](const LowerRange& a, char32_t b) { return a.last < b; });
    const bool found = range != std::end(kLower) && range->first <= code && (code - range->first) % range->step == 0;
    return found ? static_cast<char32_t>(static_cast<std::int32_t>(code) + range->distance) : code;
}

}  // namespace linnet::unicode
