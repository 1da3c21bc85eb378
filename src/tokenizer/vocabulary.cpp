// SPDX-License-Identifier: MIT
// Reading tokenizer.ggml.*: everything a later lookup relies on is checked here, with the key in the message.
#include "tokenizer/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.hpp"
#include "base/hex.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet {
namespace {

constexpr std::string_view kSpaceEscape = "\xE2\x96\x81";  // U+2581

constexpr bool is_own_gpt2_char(unsigned byte) {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

// GPT-2's alphabet: printable Latin-1 stands for itself, the other 68 bytes in order are U+0100 and up.
constexpr std::array<std::int16_t, 0x144> make_gpt2_bytes() {
    std::array<std::int16_t, 0x144> bytes{};
    bytes.fill(-1);
    std::size_t shifted = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
        bytes[is_own_gpt2_char(byte) ? byte : shifted++] = static_cast<std::int16_t>(byte);
    }
    return bytes;
}
constexpr std::array<std::int16_t, 0x144> kGpt2Bytes = make_gpt2_bytes();

// Texts of control tokens at which a model stops. The first group ends a turn; a file that names no
// eot_token_id gets the first of these that it has.
constexpr std::string_view kTurnEnds[] = {
    "<|eot_id|>", "<|im_end|>", "<|end|>",  "<end_of_turn>", "<|eot|>", "<|end_of_turn|>", "<|END_OF_TURN_TOKEN|>",
    "<turn|>",    "<|return|>", "<|call|>",
};
constexpr std::string_view kOtherEnds[] = {
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eom_id|>",
    "</s>",
    "<eos>",
    "<EOT>",
    "<|END_OF_TEXT|>",
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
};

// A token id, where -1 in any width means that there is none.
Token read_id(const gguf::File& file, std::string_view key, std::uint32_t n_vocab, Token fallback) {
    const gguf::Value* value = file.find(key);
    if (value == nullptr) return fallback;
    using gguf::ValueType;
    std::uint64_t id = 0;
    if (value->type == ValueType::i8 || value->type == ValueType::i16 || value->type == ValueType::i32) {
        const std::int32_t signed_id = *file.i32(key);
        if (signed_id == -1) return kNoToken;
        if (signed_id < 0) throw Error(Status::bad_file, "{}: {} is no token id", key, signed_id);
        id = static_cast<std::uint32_t>(signed_id);
    } else {
        id = *file.u64(key);
        if (id == std::numeric_limits<std::uint32_t>::max()) return kNoToken;
    }
    if (id >= n_vocab) throw Error(Status::bad_file, "{}: {} is outside the vocabulary of {} tokens", key, id, n_vocab);
    return static_cast<Token>(id);
}

VocabularyModel read_model(const gguf::File& file) {
    const std::string_view model = file.string("tokenizer.ggml.model").value_or("none");
    if (model == "none" || model == "no_vocab") return VocabularyModel::none;
    if (model == "gpt2") return VocabularyModel::byte_bpe;
    if (model == "llama") return VocabularyModel::sentencepiece;
    if (model == "gemma4") return VocabularyModel::merged_pieces;
    if (model == "bert") return VocabularyModel::wordpiece;
    if (model == "t5") return VocabularyModel::unigram;
    throw Error(Status::unsupported, "tokenizer.ggml.model: '{}' is not supported", model);
}

}  // namespace

std::pmr::vector<float> read_scores(const gguf::File& file, const Vocabulary& vocabulary, Memory& memory) {
    auto scores = file.f32s("tokenizer.ggml.scores", memory);
    if (!scores) throw Error(Status::bad_file, "tokenizer.ggml.scores is missing");
    if (scores->size() != vocabulary.size()) {
        throw Error(Status::bad_file, "tokenizer.ggml.scores has {} entries for {} tokens", scores->size(),
                    vocabulary.size());
    }
    for (std::size_t i = 0; i < scores->size(); ++i) {
        if (std::isnan((*scores)[i])) throw Error(Status::bad_file, "tokenizer.ggml.scores[{}] is not a number", i);
    }
    return std::move(*scores);
}

int byte_of_gpt2_char(char32_t code) noexcept { return code < kGpt2Bytes.size() ? kGpt2Bytes[code] : -1; }

bool append_gpt2_bytes(std::string_view text, std::pmr::string& out) {
    const std::size_t size = out.size();
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        const int byte = byte_of_gpt2_char(c.code);
        if (byte < 0) {
            out.resize(size);
            return false;
        }
        out.push_back(static_cast<char>(byte));
        p += c.size;
    }
    return true;
}

int byte_of_token_text(std::string_view text) noexcept {
    if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return -1;
    const int high = hex_digit(text[3]), low = hex_digit(text[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void append_unescaped(std::string_view text, std::pmr::string& out) {
    for (;;) {
        const std::size_t at = text.find(kSpaceEscape);
        out.append(text.substr(0, at));
        if (at == std::string_view::npos) return;
        out.push_back(' ');
        text.remove_prefix(at + kSpaceEscape.size());
    }
}

Vocabulary::Vocabulary(const gguf::File& file, Memory& memory)
    : texts_(&memory), kinds_(&memory), pieces_(&memory), piece_ends_(&memory), ends_(&memory) {
    model_ = read_model(file);
    if (model_ == VocabularyModel::none) return;
    auto texts = file.strings("tokenizer.ggml.tokens", memory);
    if (!texts) throw Error(Status::bad_file, "tokenizer.ggml.tokens is missing");
    texts_ = std::move(*texts);
    if (texts_.size() > static_cast<std::size_t>(std::numeric_limits<Token>::max())) {
        throw Error(Status::bad_file, "tokenizer.ggml.tokens: {} tokens are too many", texts_.size());
    }
    read_kinds(file, memory);
    read_special_ids(file);
    make_pieces();
    find_ends();
}

void Vocabulary::read_kinds(const gguf::File& file, Memory& memory) {
    kinds_.assign(texts_.size(), TokenKind::normal);
    if (const auto types = file.i32s("tokenizer.ggml.token_type", memory)) {
        if (types->size() != texts_.size()) {
            throw Error(Status::bad_file, "tokenizer.ggml.token_type has {} entries for {} tokens", types->size(),
                        texts_.size());
        }
        for (std::size_t i = 0; i < types->size(); ++i) {
            const std::int32_t type = (*types)[i];
            // 0 is "undefined" in the format's enumeration; converters mean an ordinary token by it.
            if (type < 0 || type > static_cast<std::int32_t>(TokenKind::byte)) {
                throw Error(Status::bad_file, "tokenizer.ggml.token_type[{}]: {} is no token type", i, type);
            }
            if (type != 0) kinds_[i] = static_cast<TokenKind>(type);
        }
    } else if (model_ == VocabularyModel::sentencepiece || model_ == VocabularyModel::merged_pieces) {
        for (std::size_t i = 0; i < texts_.size(); ++i) {
            if (byte_of_token_text(texts_[i]) >= 0) kinds_[i] = TokenKind::byte;
        }
    }
    for (std::size_t i = 0; i < texts_.size(); ++i) {
        if (texts_[i].size() > kMaxTextSize) {
            throw Error(Status::bad_file, "tokenizer.ggml.tokens[{}]: a text of {} bytes is too long", i,
                        texts_[i].size());
        }
        const bool is_byte = model_ != VocabularyModel::byte_bpe && kinds_[i] == TokenKind::byte;
        if (is_byte && byte_of_token_text(texts_[i]) < 0) {
            throw Error(Status::bad_file, "tokenizer.ggml.tokens[{}]: '{}' is a byte token, but not of the form <0xHH>",
                        i, texts_[i].substr(0, 32));
        }
    }
}

void Vocabulary::read_special_ids(const gguf::File& file) {
    // The implementations' own defaults, where the vocabulary has such tokens there.
    const bool is_wordpiece = model_ == VocabularyModel::wordpiece;
    struct {
        Token unknown = kNoToken, bos = kNoToken, eos = kNoToken;
    } standard;
    if (model_ == VocabularyModel::sentencepiece) standard = {0, 1, 2};
    if (model_ == VocabularyModel::wordpiece) standard = {100, 101, 102};
    if (model_ == VocabularyModel::unigram) standard = {2, kNoToken, 1};
    const auto checked = [this](Token token, TokenKind expected) {
        return has(token) && kind(token) == expected ? token : kNoToken;
    };
    const TokenKind unknown_kind = is_wordpiece ? TokenKind::control : TokenKind::unknown;
    unknown = read_id(file, "tokenizer.ggml.unknown_token_id", size(), checked(standard.unknown, unknown_kind));
    bos = read_id(file, "tokenizer.ggml.bos_token_id", size(), checked(standard.bos, TokenKind::control));
    eos = read_id(file, "tokenizer.ggml.eos_token_id", size(), checked(standard.eos, TokenKind::control));
    if (is_wordpiece) {  // the second key is spelled as the format has it
        bos = read_id(file, "tokenizer.ggml.cls_token_id", size(), bos);
        eos = read_id(file, "tokenizer.ggml.seperator_token_id", size(), eos);
    }
    eot = read_id(file, "tokenizer.ggml.eot_token_id", size(), kNoToken);
    eom = read_id(file, "tokenizer.ggml.eom_token_id", size(), kNoToken);
}

void Vocabulary::make_pieces() {
    std::size_t total = 0;
    for (const std::string_view text : texts_) total += text.size();  // header bytes: cannot overflow
    if (total > std::numeric_limits<std::uint32_t>::max()) {
        throw Error(Status::bad_file, "tokenizer.ggml.tokens: {} bytes of texts are too many", total);
    }
    pieces_.reserve(total);
    piece_ends_.reserve(texts_.size() + 1);
    piece_ends_.push_back(0);
    for (std::size_t i = 0; i < texts_.size(); ++i) {
        const std::string_view text = texts_[i];
        const TokenKind kind = kinds_[i];
        if (model_ == VocabularyModel::byte_bpe) {
            // Added tokens are plain text; one that happens to be in the alphabet is read as bytes all the same.
            if (!append_gpt2_bytes(text, pieces_)) pieces_.append(text);
        } else if (kind == TokenKind::byte) {
            pieces_.push_back(static_cast<char>(byte_of_token_text(text)));
        } else if (kind == TokenKind::control || kind == TokenKind::unknown) {
            pieces_.append(text);
        } else {
            append_unescaped(text, pieces_);
        }
        const auto end = static_cast<std::uint32_t>(pieces_.size());
        max_piece_size_ = std::max(max_piece_size_, end - piece_ends_.back());
        piece_ends_.push_back(end);
    }
}

void Vocabulary::find_ends() {
    Token first_turn_end = kNoToken;
    std::size_t best = std::size(kTurnEnds);
    bool has_return = false;
    Token end_of_message = kNoToken;
    for (Token token = 0; has(token); ++token) {
        if (kind(token) != TokenKind::control) continue;
        const std::string_view name = text(token);
        const auto* turn = std::find(std::begin(kTurnEnds), std::end(kTurnEnds), name);
        const auto rank = static_cast<std::size_t>(turn - std::begin(kTurnEnds));
        const bool is_turn_end = rank < std::size(kTurnEnds);
        if (rank < best) {
            best = rank;
            first_turn_end = token;
        }
        if (name == "<|return|>") has_return = true;
        if (name == "<|end|>") end_of_message = token;
        if (is_turn_end || std::find(std::begin(kOtherEnds), std::end(kOtherEnds), name) != std::end(kOtherEnds)) {
            ends_.push_back(token);
        }
    }
    // gpt-oss: <|end|> ends one of several messages of a reply, <|return|> the reply.
    if (has_return && end_of_message != kNoToken) {
        ends_.erase(std::find(ends_.begin(), ends_.end(), end_of_message));
        if (first_turn_end == end_of_message) first_turn_end = kNoToken;
    }
    if (eot == kNoToken) eot = first_turn_end;
    for (const Token token : {eos, eot, eom}) {
        if (token != kNoToken) ends_.push_back(token);
    }
    std::sort(ends_.begin(), ends_.end());
    ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());
}

bool Vocabulary::is_end(Token token) const noexcept { return std::binary_search(ends_.begin(), ends_.end(), token); }

}  // namespace linnet
