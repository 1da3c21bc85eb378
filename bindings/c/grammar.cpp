// SPDX-License-Identifier: MIT
// linnet_grammar, and sessions under one. The index of the vocabulary belongs to the model, whose handle the grammar
// keeps; a session keeps the grammar.
#include "base/workers.hpp"
#include "bindings/c/handles.hpp"
#include "bindings/c/structs.hpp"
#include "bindings/c/texts.hpp"
#include "session/chat.hpp"
#include "session/tool_grammar.hpp"

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

void require_vocabulary(const linnet_model& model) {
    if (model.loaded->model.tokenizer().n_vocab() == 0) {
        throw Error(Status::unsupported, "the model has no vocabulary, which grammars need");
    }
}

linnet_grammar* make_grammar(const linnet_model& model, ToolGrammar made) {
    require(!made.grammar.allows_nothing(), "the grammar allows no text");
    model.loaded->trie();
    std::shared_ptr<const SharedGrammar> shared =
        make_shared_in<SharedGrammar>(model.engine, model.loaded, std::move(made.grammar), std::move(made.opening));
    return make_handle<linnet_grammar>(model.engine, std::move(shared));
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
        require_vocabulary(*model);
        Memory& memory = model->engine->memory;
        *grammar = make_grammar(*model, {compile(kind, {text, size}, memory), std::pmr::string(&memory)});
    });
}

void linnet_tool_options_init(linnet_tool_options* options, uint32_t struct_size) { init_struct(options, struct_size); }

linnet_status linnet_grammar_create_tools(linnet_model* model, const char* tools, size_t size,
                                          const linnet_tool_options* options, linnet_grammar** grammar,
                                          linnet_error* error) {
    return guard(error, [&] {
        require_pointer(grammar, "grammar");
        *grammar = nullptr;
        require_pointer(model, "model");
        require_array(tools, size, 1, "tools");
        const auto given = read_options(options);
        require_flags(given.flags, LINNET_TOOLS_SEVERAL);
        require_array(given.format, given.format_size, 1, "linnet_tool_options: format");
        require_array(given.chat_template, given.chat_template_size, 1, "linnet_tool_options: chat_template");
        require_vocabulary(*model);
        const Model& inside = model->loaded->model;
        const chat::ReplyFormat& format = reply_format(inside, {given.format, given.format_size},
                                                       {given.chat_template, given.chat_template_size}, true);
        *grammar = make_grammar(*model, tool_grammar(inside.tokenizer(), format, {tools, size},
                                                     (given.flags & LINNET_TOOLS_SEVERAL) != 0, model->engine->memory));
    });
}

linnet_status linnet_grammar_get_opening(const linnet_grammar* grammar, char* buffer, size_t capacity, size_t* size,
                                         linnet_error* error) {
    return guard(error, [&] {
        require_buffer(buffer, capacity, size);
        require_pointer(grammar, "grammar");
        give_text(grammar->shared->opening, Terminated::no, buffer, capacity, size);
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
