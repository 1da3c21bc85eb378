// SPDX-License-Identifier: MIT
// Conversations for a model: its own chat template, its special tokens, and a session that keeps what it has computed
// of a conversation that goes on.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <string>
#include <string_view>

#include "chat/reply_format.hpp"
#include "model/model.hpp"
#include "session/session.hpp"

namespace linnet {

struct ChatTemplate {
    std::pmr::string source;
    std::string_view builtin;  // the family's name when it is a built-in one
};

// The template that `given` stands for: a family's name (chat/family.hpp) or a template; empty: the model's own (that
// for tools, when it has one and `with_tools`), else that of the family it belongs to. Throws Error(not_found).
ChatTemplate chat_template(const Model& model, std::string_view given, bool with_tools);

// The text that the model sees of the conversation, which is JSON (linnet.h: linnet_session_append_chat). Temporary
// memory comes from the engine's. Throws Error; unsupported when the template shows nothing of its tools or documents.
std::pmr::string render_chat(const Model& model, std::string_view json, std::string_view given_template);

// Makes the session's sequence the conversation's tokens. Returns how many of its tokens stay as they were. Throws
// Error with the sequence as before.
std::size_t append_chat(Session& session, std::string_view json, std::string_view given_template);

// How the model writes its replies: the format `name`, or else that of its template. Throws Error(not_found) for names.
const chat::ReplyFormat& reply_format(const Model& model, std::string_view name, std::string_view given_template,
                                      bool with_tools);

}  // namespace linnet
