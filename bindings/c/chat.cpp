// SPDX-License-Identifier: MIT
// Conversations: rendered as text, and as the sequence of a session.
#include "session/chat.hpp"
#include "bindings/c/handles.hpp"
#include "bindings/c/structs.hpp"
#include "bindings/c/texts.hpp"

namespace linnet::c_api {

namespace {

std::string_view given_template(const linnet_chat_options* given) {
    const auto options = read_options(given);
    require(options.reserved == 0, "linnet_chat_options: reserved is not zero");
    require_array(options.chat_template, options.chat_template_size, 1, "linnet_chat_options: chat_template");
    return {options.chat_template, options.chat_template_size};
}

}  // namespace

}  // namespace linnet::c_api

using namespace linnet;
using namespace linnet::c_api;

void linnet_chat_options_init(linnet_chat_options* options, uint32_t struct_size) { init_struct(options, struct_size); }

linnet_status linnet_session_append_chat(linnet_session* session, const char* json, size_t size,
                                         const linnet_chat_options* options, size_t* n_reused, linnet_error* error) {
    return guard(error, [&] {
        if (n_reused != nullptr) *n_reused = 0;
        require_pointer(session, "session");
        require_array(json, size, 1, "json");
        const std::string_view chosen = given_template(options);
        const Entered entered(session->entered, "session");
        const std::size_t n = append_chat(session->session, {json, size}, chosen);
        if (n_reused != nullptr) *n_reused = n;
    });
}

linnet_status linnet_model_render_chat(const linnet_model* model, const char* json, size_t json_size,
                                       const linnet_chat_options* options, char* buffer, size_t capacity, size_t* size,
                                       linnet_error* error) {
    return guard(error, [&] {
        require_buffer(buffer, capacity, size);
        require_pointer(model, "model");
        require_array(json, json_size, 1, "json");
        const std::pmr::string text = render_chat(model->loaded->model, {json, json_size}, given_template(options));
        give_text(text, Terminated::no, buffer, capacity, size);
    });
}
