// SPDX-License-Identifier: MIT
// A template is compiled for each rendering: it takes less time than one token, and a model stays immutable.
#include "session/chat.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "chat/adapt.hpp"
#include "chat/conversation.hpp"
#include "chat/family.hpp"
#include "chat/request.hpp"
#include "chat/template.hpp"

namespace linnet {

namespace {

// A conversation of more bytes has more tokens than any context.
constexpr std::size_t kMaxJsonSize = 64 << 20;

// What values of a request may take for each of its bytes, and what any may take.
constexpr std::uint64_t kBytesPerByte = 64, kStepsPerByte = 8, kLeastBytes = 1 << 20, kLeastSteps = 1000;

// Names have no braces, and templates without any would say the same to every conversation.
bool is_name(std::string_view text) noexcept { return text.size() <= 64 && text.find('{') == std::string_view::npos; }

std::string_view text_of(const Tokenizer& tokenizer, Token token) {
    return token == kNoToken ? std::string_view() : tokenizer.text(token);
}

// Whether rendering gives `text`; a template that fails does not.
template <class Render>
bool is_same(Render render, std::string_view text) {
    try {
        return render() == text;
    } catch (const Error& error) {
        if (error.status() == Status::out_of_memory) throw;
        return false;
    }
}

}  // namespace

ChatTemplate chat_template(const Model& model, std::string_view given, bool with_tools) {
    Memory& memory = model.engine().memory;
    const auto builtin = [&](const chat::Family& family) {
        return ChatTemplate{std::pmr::string(chat::template_of(family), &memory), family.name};
    };
    if (!given.empty()) {
        if (!is_name(given)) return {std::pmr::string(given, &memory), {}};
        const chat::Family* const family = chat::find_family(given);
        if (family != nullptr) return builtin(*family);
        throw Error(Status::not_found, "there is no built-in chat template '{}'", given);
    }
    const gguf::File& file = model.file();
    auto own = with_tools ? file.string("tokenizer.chat_template.tool_use") : std::nullopt;
    if (!own) own = file.string("tokenizer.chat_template");
    if (own) return {std::pmr::string(*own, &memory), {}};
    const chat::Family* const family = chat::family_of(model.tokenizer(), model.spec().architecture, memory);
    if (family != nullptr) return builtin(*family);
    throw Error(Status::not_found, "the model has no chat template and belongs to no family that is known: give one");
}

std::pmr::string render_chat(const Model& model, std::string_view json, std::string_view given_template) {
    if (json.size() > kMaxJsonSize) {
        throw Error(Status::invalid_argument, "a conversation of {} bytes is larger than {}", json.size(),
                    kMaxJsonSize);
    }
    Memory& memory = model.engine().memory;
    chat::Arena arena(memory, kLeastBytes + kBytesPerByte * json.size(), kLeastSteps + kStepsPerByte * json.size());
    chat::Request request = chat::parse_request(arena, json);
    const ChatTemplate chosen = chat_template(model, given_template, request.tools.n != 0);
    const auto parsed = chat::Template::parse(chosen.source, memory);
    const Tokenizer& tokenizer = model.tokenizer();
    const chat::TokenTexts tokens = {text_of(tokenizer, tokenizer.bos()), text_of(tokenizer, tokenizer.eos())};
    chat::adapt(parsed, tokens, request, arena);
    const auto render = [&] {
        return chat::render_conversation(parsed, request.conversation, tokens, {{}, request.now}, arena);
    };
    std::pmr::string text = render();
    // What changes nothing is not shown: the model would answer as if it had not been given.
    for (const std::string_view name : {"tools", "documents"}) {
        const chat::Value shown = chat::field(request.conversation, name);
        if (shown.n == 0) continue;
        chat::set(arena, *request.conversation.dict, chat::borrowed(name), chat::none());
        if (is_same(render, text)) {
            throw Error(Status::unsupported,
                        "/{}: the {}chat template{} shows none of them: leave them out, or give one "
                        "that does",
                        name, chosen.builtin.empty() ? "" : "built-in ",
                        chosen.builtin.empty() ? "" : format_text(" '{}'", chosen.builtin));
        }
        chat::set(arena, *request.conversation.dict, chat::borrowed(name), shown);
    }
    return text;
}

std::size_t append_chat(Session& session, std::string_view json, std::string_view given_template) {
    const Model& model = session.model();
    std::pmr::vector<Token> tokens(&model.engine().memory);
    {
        const std::pmr::string text = render_chat(model, json, given_template);
        model.tokenizer().encode(text, {.add_special = false}, tokens);
    }
    const std::uint32_t n_ctx = session.shape().n_ctx;
    if (tokens.size() > n_ctx) {
        throw Error(Status::context_full, "the conversation has {} tokens, more than n_ctx = {}", tokens.size(), n_ctx);
    }
    const std::span<const Token> held = session.tokens();
    const auto differ = std::mismatch(tokens.begin(), tokens.end(), held.begin(), held.end()).first;
    const auto n_same = static_cast<std::size_t>(differ - tokens.begin());
    session.truncate(n_same);
    session.append(std::span<const Token>(tokens).subspan(n_same));
    return n_same;
}

const chat::ReplyFormat& reply_format(const Model& model, std::string_view name, std::string_view given_template,
                                      bool with_tools) {
    if (name.empty()) return chat::reply_format_of(chat_template(model, given_template, with_tools).source);
    const chat::ReplyFormat* const format = chat::find_reply_format(name);
    if (format == nullptr) throw Error(Status::not_found, "there is no format of replies '{}'", name);
    return *format;
}

}  // namespace linnet
