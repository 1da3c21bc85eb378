// SPDX-License-Identifier: MIT
// linnet_grammar, and sessions under one. The index of the vocabulary belongs to the model, whose handle the grammar
// keeps; a session keeps the grammar.
#include "base/workers.hpp"
#include "bindings/c/handles.hpp"

namespace linnet::c_api {

namespace {

using constrain::Grammar;

Grammar compile(std::int32_t kind, std::string_view text, Memory& memory) {
    switch (kind) {
        case LINNET_GRAMMAR_JSON_SCHEMA: return Grammar::from_schema(text, memory);
        case LINNET_GRAMMAR_JSON_SCHEMA_COMPACT: return Grammar::from_schema(text, memory, constrain::Spaces::none);
        case LINNET_GRAMMAR_GBNF: return Grammar::from_gbnf(text, memory);
        case LINNET_GRAMMAR_REGEX: return Grammar::from_regex(text, memory);
        case LINNET_GRAMMAR_CHOICES: return Grammar::from_choices(text, memory);
        default: throw Error(Status::invalid_argument, "kind is {}, no LINNET_GRAMMAR_*", kind);
    }
}

}  // namespace

std::shared_ptr<const constrain::TokenTrie> LoadedModel::trie() const {
    const std::lock_guard lock(trie_mutex_);
    if (!trie_) trie_.emplace(model.tokenizer(), model.engine().memory);
    return {std::shared_ptr<const void>(), &*trie_};
}

}  // namespace linnet::c_api

using namespace linnet;
using namespace linnet::c_api;

linnet_status linnet_grammar_create(linnet_model* model, int32_t kind, const char* text, size_t size,
                                    linnet_grammar** grammar, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(grammar, "grammar");
        *grammar = nullptr;
        require_pointer(model, "model");
        require_array(text, size, 1, "text");
        if (model->loaded->model.tokenizer().n_vocab() == 0) {
            throw Error(Status::unsupported, "the model has no vocabulary, which grammars need");
        }
        Grammar compiled = compile(kind, {text, size}, model->engine->memory);
        require(!compiled.allows_nothing(), "the grammar allows no text");
        model->loaded->trie();
        std::shared_ptr<const SharedGrammar> shared =
            make_shared_in<SharedGrammar>(model->engine, model->loaded, std::move(compiled));
        *grammar = make_handle<linnet_grammar>(model->engine, std::move(shared));
    });
}

void linnet_grammar_destroy(linnet_grammar* grammar) { destroy_handle(grammar); }

linnet_status linnet_session_set_grammar(linnet_session* session, linnet_grammar* grammar, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(session, "session");
        const Entered entered(session->entered, "session");
        if (grammar == nullptr) return session->session.set_grammar(nullptr, nullptr);
        const std::shared_ptr<const SharedGrammar>& shared = grammar->shared;
        require(shared->model == session->loaded, "the grammar was made for another model");
        session->session.set_grammar({shared, &shared->grammar}, shared->model->trie());
    });
}
