// SPDX-License-Identifier: MIT
// Merges are found by the ids of their two sides, so that encoding a word touches no texts.
#include "tokenizer/byte_bpe.hpp"

#include <string>

#include "base/error.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet {
namespace {

const PreTokenizerRule* read_rule(const gguf::File& file) {
    const std::string_view name = file.string("tokenizer.ggml.pre").value_or("default");
    const PreTokenizerRule* rule = find_pre_tokenizer(name);
    if (rule == nullptr) throw Error(Status::unsupported, "tokenizer.ggml.pre: '{}' is not supported", name);
    return rule;
}

// Control and unused tokens are what no text may turn into by itself.
constexpr std::uint32_t kTextKinds =
    TokenIndex::bit(TokenKind::normal) | TokenIndex::bit(TokenKind::user_defined) | TokenIndex::bit(TokenKind::byte);

}  // namespace

ByteBpe::ByteBpe(const gguf::File& file, const Vocabulary& vocabulary, Memory& memory, const Log& log)
    : vocabulary_(&vocabulary), rule_(read_rule(file)), index_(vocabulary, kTextKinds, memory), pairs_(&memory) {
    for (std::size_t i = 0; i < byte_tokens_.size(); ++i) {
        const char byte = static_cast<char>(i);
        byte_tokens_[i] = index_.find({&byte, 1});
        has_all_bytes_ = has_all_bytes_ && byte_tokens_[i] != kNoToken;
    }
    read_merges(file, memory, log);
}

std::size_t ByteBpe::slot(Token left, Token right) const noexcept {
    const std::uint64_t key = std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
    // The upper half of the product, scaled to the table's size, which then need not be a power of two.
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u >> 32) * pairs_.size() >> 32);
}

void ByteBpe::read_merges(const gguf::File& file, Memory& memory, const Log& log) {
    const auto merges = file.strings("tokenizer.ggml.merges", memory);
    if (!merges) throw Error(Status::bad_file, "tokenizer.ggml.merges is missing");
    if (merges->size() >= Merge::kNoRank) {
        throw Error(Status::bad_file, "tokenizer.ggml.merges: {} merges are too many", merges->size());
    }
    pairs_.resize(merges->size() + merges->size() / 2 + 1);
    std::size_t n_unused = 0;
    std::pmr::string bytes(&memory);
    for (std::size_t rank = 0; rank < merges->size(); ++rank) {
        const std::string_view text = (*merges)[rank];
        // The alphabet has no space, so that the first one separates the sides. The first character may be one, in
        // files which do not use the alphabet; such merges can never apply.
        const std::size_t space = text.find(' ', 1);
        bytes.clear();
        const bool readable = space != std::string_view::npos && append_gpt2_bytes(text.substr(0, space), bytes);
        const std::size_t n_left = bytes.size();
        if (space == std::string_view::npos || space + 1 == text.size()) {
            throw Error(Status::bad_file, "tokenizer.ggml.merges[{}]: '{}' is no pair", rank, text.substr(0, 64));
        }
        Token left = kNoToken, right = kNoToken, merged = kNoToken;
        if (readable && append_gpt2_bytes(text.substr(space + 1), bytes)) {
            const std::string_view both = bytes;
            left = index_.find(both.substr(0, n_left));
            right = index_.find(both.substr(n_left));
            merged = index_.find(both);
        }
        if (left == kNoToken || right == kNoToken || merged == kNoToken) {
            ++n_unused;
            continue;
        }
        std::size_t i = slot(left, right), n_probes = 0;
        while (pairs_[i].left != kNoToken && (pairs_[i].left != left || pairs_[i].right != right)) {
            i = i + 1 < pairs_.size() ? i + 1 : 0;
            if (++n_probes > TokenIndex::kMaxProbes) {
                throw Error(Status::bad_file, "tokenizer.ggml.merges: the pairs collide");
            }
        }
        // Of equal pairs the first has the say.
        if (pairs_[i].left == kNoToken) pairs_[i] = {left, right, {static_cast<std::uint32_t>(rank), merged}};
    }
    if (n_unused != 0) {
        log(LogLevel::warning, "tokenizer.ggml.merges: {} of {} merges name tokens that the vocabulary lacks", n_unused,
            merges->size());
    }
}

void ByteBpe::encode(std::string_view text, Merger& merger, std::pmr::vector<Token>& ids) const {
    std::pmr::string valid(ids.get_allocator().resource()), normal(ids.get_allocator().resource());
    // Many vocabularies leave out the bytes that UTF-8 does not use.
    if (!has_all_bytes_ && !utf8::is_valid(text)) {
        TextStream stream;
        stream.push(text, valid);
        stream.finish(valid);
        text = valid;
    }
    if (rule_->nfc && unicode::needs_nfc(text)) {
        unicode::append_nfc(text, normal);
        text = normal;
    }
    WordScanner scanner(*rule_, text);
    for (std::string_view word; scanner.next(word);) encode_word(word, merger, ids);
}

void ByteBpe::encode_word(std::string_view word, Merger& merger, std::pmr::vector<Token>& ids) const {
    if (word.size() == 1) {
        const Token token = byte_tokens_[static_cast<unsigned char>(word[0])];
        if (token != kNoToken) {
            ids.push_back(token);
            return;
        }
    }
    if (rule_->ignore_merges) {
        const Token token = index_.find(word);
        if (token != kNoToken) {
            ids.push_back(token);
            return;
        }
    }
    merger.symbols.resize(word.size() + 1);
    for (std::uint32_t i = 0; i < word.size(); ++i) {
        merger.symbols[i] = {i, byte_tokens_[static_cast<unsigned char>(word[i])], {}};
    }
    merger.symbols[word.size()] = {static_cast<std::uint32_t>(word.size()), kNoToken, {}};
    merger.run([this](const Symbol& left, const Symbol& right, std::uint32_t) -> Merge {
        std::size_t i = slot(left.token, right.token);
        while (pairs_[i].left != kNoToken) {
            if (pairs_[i].left == left.token && pairs_[i].right == right.token) return pairs_[i].merge;
            i = i + 1 < pairs_.size() ? i + 1 : 0;
        }
        return {};
    });
    for (std::size_t i = 0; i + 1 < merger.symbols.size(); ++i) {
        // A byte that the vocabulary lacks is the unknown token, or nothing where there is none.
        const Token token = merger.symbols[i].token;
        if (token != kNoToken) {
            ids.push_back(token);
        } else if (vocabulary_->unknown != kNoToken) {
            ids.push_back(vocabulary_->unknown);
        }
    }
}

}  // namespace linnet
