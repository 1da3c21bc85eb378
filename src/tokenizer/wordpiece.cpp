// SPDX-License-Identifier: MIT
// The steps and their order are those of Hugging Face's BertNormalizer, BertPreTokenizer and WordPiece: control
// characters go, ideographs become words, accents go, lower case; white space and punctuation cut; [UNK] for a word
// that the vocabulary cannot spell.
#include "tokenizer/wordpiece.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "tokenizer/unicode.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet {
namespace {

constexpr std::uint32_t kTextKinds = TokenIndex::bit(TokenKind::normal) | TokenIndex::bit(TokenKind::user_defined);

struct Range {
    char32_t first, last;
};
// Not all ideographs: U+2B820 to U+2B91F are missing in the original, too.
constexpr Range kIdeographs[] = {
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},   {0x20000, 0x2A6DF},
    {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F},
};

bool is_ideograph(char32_t code) {
    return std::any_of(std::begin(kIdeographs), std::end(kIdeographs),
                       [code](const Range& range) { return code >= range.first && code <= range.last; });
}

// Tab and line ends are white space here, the other control characters nothing at all.
bool is_removed(char32_t code) {
    if (code == '\t' || code == '\n' || code == '\r') return false;
    const bool c0_or_c1 = code < 0x20 || (code >= 0x7F && code < 0xA0);
    return c0_or_c1 || code == utf8::kReplacement || (unicode::mask(code) & unicode::kControl) != 0;
}

void append(char32_t code, std::pmr::string& out) {
    char bytes[4];
    out.append(bytes, utf8::write(code, bytes));
}

// Appends `text` without what is removed, with spaces for white space and around ideographs.
void append_clean(std::string_view text, std::pmr::string& out) {
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        const std::string_view bytes(p, c.size);
        p += c.size;
        if (is_removed(c.code)) continue;
        if ((unicode::mask(c.code) & unicode::kSpace) != 0) {
            out.push_back(' ');
        } else if (is_ideograph(c.code)) {
            out.append(" ").append(bytes).append(" ");
        } else {
            out.append(bytes);
        }
    }
}

// What a file says that states nothing: a vocabulary of lower case only is for lower-cased text. Converters have
// written the key since 2026 only, and only where it is true.
bool has_capitals(const Vocabulary& vocabulary) {
    for (Token token = 0; vocabulary.has(token); ++token) {
        const std::string_view text = vocabulary.piece(token);
        if (vocabulary.kind(token) != TokenKind::normal || text.find('[') != std::string_view::npos) continue;
        if (std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return true;
    }
    return false;
}

}  // namespace

WordPiece::WordPiece(const gguf::File& file, const Vocabulary& vocabulary, Memory& memory)
    : vocabulary_(&vocabulary), index_(vocabulary, kTextKinds, memory) {
    const auto lower_case = file.boolean("tokenizer.ggml.normalizer.lowercase");
    lower_case_ = lower_case ? *lower_case : !has_capitals(vocabulary);
    strip_accents_ = file.boolean("tokenizer.ggml.normalizer.strip_accents").value_or(lower_case_);
}

void WordPiece::encode(std::string_view text, std::pmr::vector<Token>& ids) const {
    std::pmr::memory_resource* const memory = ids.get_allocator().resource();
    std::pmr::string clean(memory), decomposed(memory), word(" ", memory);
    clean.reserve(text.size());
    append_clean(text, clean);
    text = clean;
    if (strip_accents_) {
        decomposed.reserve(clean.size());
        unicode::append_nfd(clean, decomposed);
        text = decomposed;
    }
    std::size_t n_chars = 0;
    const auto end_word = [&] {
        if (n_chars > kMaxWord) {
            if (vocabulary_->unknown != kNoToken) ids.push_back(vocabulary_->unknown);
        } else if (n_chars > 0) {
            encode_word(word, ids);
        }
        word.resize(1);
        n_chars = 0;
    };
    const auto add = [&](char32_t code) {
        if (++n_chars <= kMaxWord) append(code, word);
    };
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        p += c.size;
        const unicode::Mask mask = unicode::mask(c.code);
        if (strip_accents_ && (mask & unicode::kNonspacing) != 0) continue;
        if ((mask & unicode::kSpace) != 0) {
            end_word();
        } else if ((mask & (unicode::kP | unicode::kAsciiPunct)) != 0) {
            end_word();
            add(c.code);
            end_word();
        } else if (lower_case_ && c.code == 0x130) {  // the one letter whose lower case is two characters
            add('i');
            add(0x307);
        } else {
            add(lower_case_ ? unicode::lower(c.code) : c.code);
        }
    }
    end_word();
}

// word: the space that marks a word's begin, then the word.
void WordPiece::encode_word(std::string_view word, std::pmr::vector<Token>& ids) const {
    const std::size_t n_before = ids.size();
    for (std::size_t begin = 0; begin < word.size();) {
        const auto is_inside = [word](std::size_t i) {
            return i < word.size() && (static_cast<unsigned char>(word[i]) & 0xC0) == 0x80;
        };
        const std::size_t least = begin == 0 ? 2 : 1;  // the mark alone is nothing of the word
        std::size_t size = std::min<std::size_t>(word.size() - begin, index_.max_size());
        Token token = kNoToken;
        for (; size >= least; --size) {
            if (is_inside(begin + size)) continue;
            token = index_.find(word.substr(begin, size));
            if (token != kNoToken) break;
        }
        if (token == kNoToken) {
            ids.resize(n_before);
            if (vocabulary_->unknown != kNoToken) ids.push_back(vocabulary_->unknown);
            return;
        }
        ids.push_back(token);
        begin += size;
    }
}

}  // namespace linnet
