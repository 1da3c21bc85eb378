// SPDX-License-Identifier: MIT
// linnet_reply: a reply read into text, reasoning and tool calls.
#include "chat/reply.hpp"
#include "bindings/c/handles.hpp"
#include "bindings/c/structs.hpp"
#include "session/chat.hpp"

struct linnet_reply {
    linnet_reply(std::shared_ptr<linnet::Engine> owner, std::shared_ptr<const linnet::c_api::LoadedModel> model,
                 const linnet::chat::ReplyFormat& format, std::string_view tools)
        : engine(std::move(owner)),
          loaded(std::move(model)),
          reply(format, tools, engine->memory),
          piece(&engine->memory) {}
    std::shared_ptr<linnet::Engine> engine;
    std::shared_ptr<const linnet::c_api::LoadedModel> loaded;
    linnet::chat::Reply reply;
    std::pmr::string piece;
    std::atomic<bool> entered{false};
};

namespace linnet::c_api {

namespace {

using chat::ReplyKind;
static_assert(static_cast<int>(ReplyKind::none) == LINNET_REPLY_NONE);
static_assert(static_cast<int>(ReplyKind::text) == LINNET_REPLY_TEXT);
static_assert(static_cast<int>(ReplyKind::reasoning) == LINNET_REPLY_REASONING);
static_assert(static_cast<int>(ReplyKind::tool_call) == LINNET_REPLY_TOOL_CALL);
static_assert(static_cast<int>(ReplyKind::warning) == LINNET_REPLY_WARNING);

// No marker is longer.
constexpr std::size_t kTail = 32;

// The end of the session's sequence as text, control tokens included.
std::pmr::string tail_of(const linnet_session& session) {
    std::pmr::string text(&session.engine->memory);
    std::span<const Token> tokens = session.session.tokens();
    if (tokens.size() > kTail) tokens = tokens.last(kTail);
    session.loaded->model.tokenizer().decode(tokens, false, text);
    return text;
}

template <class Body>
linnet_status with_reply(linnet_reply* reply, linnet_error* error, Body&& body) noexcept {
    return guard(error, [&] {
        require_pointer(reply, "reply");
        const Entered entered(reply->entered, "reply");
        body();
    });
}

void require_unfinished(const linnet_reply& reply) {
    require(!reply.reply.finished(), "the reply is finished: make another one");
}

}  // namespace

}  // namespace linnet::c_api

using namespace linnet;
using namespace linnet::c_api;

void linnet_reply_options_init(linnet_reply_options* options, uint32_t struct_size) {
    init_struct(options, struct_size);
}

linnet_status linnet_reply_create(const linnet_model* model, const linnet_reply_options* options, linnet_reply** reply,
                                  linnet_error* error) {
    return guard(error, [&] {
        require_pointer(reply, "reply");
        *reply = nullptr;
        require_pointer(model, "model");
        const auto given = read_options(options);
        require(given.reserved == 0, "linnet_reply_options: reserved is not zero");
        require_array(given.format, given.format_size, 1, "linnet_reply_options: format");
        require_array(given.chat_template, given.chat_template_size, 1, "linnet_reply_options: chat_template");
        require_array(given.tools, given.tools_size, 1, "linnet_reply_options: tools");
        const std::string_view tools(given.tools, given.tools_size);
        const chat::ReplyFormat& format = reply_format(model->loaded->model, {given.format, given.format_size},
                                                       {given.chat_template, given.chat_template_size}, !tools.empty());
        auto* const made = make_handle<linnet_reply>(model->engine, model->loaded, format, tools);
        std::unique_ptr<linnet_reply, void (*)(linnet_reply*)> owned(made, destroy_handle<linnet_reply>);
        if (given.session != nullptr) {
            const Entered entered(given.session->entered, "session");
            require(given.session->loaded == model->loaded, "linnet_reply_options: session is one of another model");
            made->reply.begin_after(tail_of(*given.session));
        }
        *reply = owned.release();
    });
}

void linnet_reply_destroy(linnet_reply* reply) { destroy_handle(reply); }

linnet_status linnet_reply_feed(linnet_reply* reply, const char* text, size_t size, linnet_error* error) {
    return with_reply(reply, error, [&] {
        require_array(text, size, 1, "text");
        require_unfinished(*reply);
        reply->reply.feed({text, size});
    });
}

linnet_status linnet_reply_feed_token(linnet_reply* reply, linnet_token token, linnet_error* error) {
    return with_reply(reply, error, [&] {
        const Tokenizer& tokenizer = reply->loaded->model.tokenizer();
        const std::uint32_t n_vocab = reply->loaded->model.spec().n_vocab;
        require(token >= 0 && static_cast<std::uint32_t>(token) < n_vocab, "token {} is not below n_vocab = {}", token,
                n_vocab);
        require_unfinished(*reply);
        if (tokenizer.is_end(token)) return;
        reply->piece.clear();
        tokenizer.piece(token, true, reply->piece);
        reply->reply.feed(reply->piece);
    });
}

linnet_status linnet_reply_finish(linnet_reply* reply, linnet_error* error) {
    return with_reply(reply, error, [&] { reply->reply.finish(); });
}

linnet_status linnet_reply_next(linnet_reply* reply, linnet_reply_event* event, linnet_error* error) {
    return with_reply(reply, error, [&] {
        require_output(event, "event");
        const chat::ReplyEvent found = reply->reply.next();
        linnet_reply_event result{};
        result.kind = static_cast<std::int32_t>(found.kind);
        result.index = found.index;
        result.text = found.text.data();
        result.text_size = found.text.size();
        result.name = found.name.data();
        result.name_size = found.name.size();
        result.id = found.id.data();
        result.id_size = found.id.size();
        write_struct(event, result);
    });
}
