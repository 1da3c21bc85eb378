// SPDX-License-Identifier: MIT
// Text <-> tokens of a model, and what is known about single tokens.
#include <algorithm>

#include "bindings/c/handles.hpp"
#include "bindings/c/texts.hpp"
#include "bindings/c/tokens.hpp"

namespace linnet::c_api {

namespace {

static_assert(std::is_same_v<Token, linnet_token>);

const Tokenizer& tokenizer_of(const linnet_model* model) {
    require_pointer(model, "model");
    return model->loaded->model.tokenizer();
}

// The model may know more ids than its vocabulary has texts (padding); those have none.
void require_token(const linnet_model* model, Token token) {
    const std::uint32_t n_vocab = model->loaded->model.spec().n_vocab;
    require(token >= 0 && static_cast<std::uint32_t>(token) < n_vocab, "token {} is not below n_vocab = {}", token,
            n_vocab);
}

std::uint32_t attributes_of(TokenKind kind) noexcept {
    switch (kind) {
        case TokenKind::control: return LINNET_TOKEN_CONTROL;
        case TokenKind::user_defined: return LINNET_TOKEN_USER_DEFINED;
        case TokenKind::byte: return LINNET_TOKEN_BYTE;
        case TokenKind::unused: return LINNET_TOKEN_UNUSED;
        case TokenKind::unknown: return LINNET_TOKEN_UNKNOWN;
        case TokenKind::normal: break;
    }
    return 0;
}

}  // namespace

TokenizeOptions tokenize_options(std::uint32_t flags) {
    require_flags(flags, LINNET_TOKENIZE_NO_SPECIAL | LINNET_TOKENIZE_PLAIN);
    TokenizeOptions options;
    options.add_special = (flags & LINNET_TOKENIZE_NO_SPECIAL) == 0;
    options.parse_special = (flags & LINNET_TOKENIZE_PLAIN) == 0;
    return options;
}

}  // namespace linnet::c_api

using namespace linnet;
using namespace linnet::c_api;

linnet_status linnet_tokenize(const linnet_model* model, const char* text, size_t size, uint32_t flags,
                              linnet_token* tokens, size_t capacity, size_t* n_tokens, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(n_tokens, "n_tokens");
        *n_tokens = 0;
        const Tokenizer& tokenizer = tokenizer_of(model);
        require_array(text, size, 1, "text");
        require_array(tokens, capacity, sizeof *tokens, "tokens");
        std::pmr::vector<Token> ids(&model->engine->memory);
        tokenizer.encode({text, size}, tokenize_options(flags), ids);
        *n_tokens = ids.size();
        if (capacity < ids.size()) {
            throw Error(Status::buffer_too_small, "tokens holds {}, {} are needed", capacity, ids.size());
        }
        std::copy(ids.begin(), ids.end(), tokens);
    });
}

linnet_status linnet_detokenize(const linnet_model* model, const linnet_token* tokens, size_t n_tokens, uint32_t flags,
                                char* buffer, size_t capacity, size_t* size, linnet_error* error) {
    return guard(error, [&] {
        require_buffer(buffer, capacity, size);
        const Tokenizer& tokenizer = tokenizer_of(model);
        require_array(tokens, n_tokens, sizeof *tokens, "tokens");
        require_flags(flags, LINNET_DETOKENIZE_SKIP_SPECIAL);
        const std::span<const Token> ids(tokens, n_tokens);
        for (const Token token : ids) require_token(model, token);
        Memory& memory = model->engine->memory;
        std::pmr::string bytes(&memory);
        tokenizer.decode(ids, (flags & LINNET_DETOKENIZE_SKIP_SPECIAL) != 0, bytes);
        std::pmr::string text(&memory);
        TextStream stream;
        stream.push(bytes, text);
        stream.finish(text);
        give_text(text, Terminated::no, buffer, capacity, size);
    });
}

linnet_status linnet_token_get_bytes(const linnet_model* model, linnet_token token, char* buffer, size_t capacity,
                                     size_t* size, linnet_error* error) {
    return guard(error, [&] {
        require_buffer(buffer, capacity, size);
        const Tokenizer& tokenizer = tokenizer_of(model);
        require_token(model, token);
        std::pmr::string bytes(&model->engine->memory);
        tokenizer.piece(token, true, bytes);
        give_text(bytes, Terminated::no, buffer, capacity, size);
    });
}

linnet_status linnet_token_get_attributes(const linnet_model* model, linnet_token token, uint32_t* attributes,
                                          linnet_error* error) {
    return guard(error, [&] {
        require_pointer(attributes, "attributes");
        *attributes = 0;
        const Tokenizer& tokenizer = tokenizer_of(model);
        require_token(model, token);
        *attributes = attributes_of(tokenizer.kind(token)) | (tokenizer.is_end(token) ? LINNET_TOKEN_END : 0U);
    });
}

linnet_status linnet_model_get_special_token(const linnet_model* model, int32_t which, linnet_token* token,
                                             linnet_error* error) {
    return guard(error, [&] {
        require_pointer(token, "token");
        *token = kNoToken;
        const Tokenizer& tokenizer = tokenizer_of(model);
        const Token tokens[] = {tokenizer.bos(), tokenizer.eos(), tokenizer.eot()};
        static_assert(LINNET_SPECIAL_BOS == 0 && LINNET_SPECIAL_EOS == 1 && LINNET_SPECIAL_EOT == 2);
        require(which >= 0 && which < 3, "which is {}, no LINNET_SPECIAL_*", which);
        *token = tokens[which];
    });
}
