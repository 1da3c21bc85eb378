// SPDX-License-Identifier: MIT
// Words go from bytes to tokens by merges alone; texts are looked up where a model takes whole words first.
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
    : vocabulary_(&vocabulary),
      rule_(read_rule(file)),
      index_(vocabulary, kTextKinds, memory),
      merges_(file, vocabulary, index_, memory, log) {
    for (std::size_t i = 0; i < byte_tokens_.size(); ++i) {
        const char byte = static_cast<char>(i);
        byte_tokens_[i] = index_.find({&byte, 1});
        has_all_bytes_ = has_all_bytes_ && byte_tokens_[i] != kNoToken;
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
    merger.run([this](const Symbol& left, const Symbol& right, std::uint32_t) {
        return merges_.find(left.token, right.token);
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
