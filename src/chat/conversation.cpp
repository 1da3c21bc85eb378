// SPDX-License-Identifier: MIT
// The variables of a template as transformers sets them, and its rule for where a continued message ends.
#include "chat/conversation.hpp"

#include <algorithm>

#include "chat/letter_case.hpp"

namespace linnet::chat {

namespace {

// What a byte of the request adds to the limits.
constexpr std::uint64_t kStepsPerByte = 16, kBytesPerByte = 16;

Value checked(const Value& value, Kind kind, std::string_view what) {
    if (!value.is(kind)) {
        throw Error(Status::invalid_argument, "{} must be a {}, not a {}", what, type_name(kind),
                    type_name(value.kind));
    }
    return value;
}

Value list_or_none(const Value& request, std::string_view name) {
    const Value value = field(request, name);
    return value.is(Kind::none) ? value : checked(value, Kind::list, name);
}

bool flag(const Value& request, std::string_view name) {
    const Value value = field(request, name);
    return !value.is(Kind::none) && checked(value, Kind::boolean, name).boolean;
}

// The text of the last message; of a list of contents, its last text.
std::string_view final_text(const Value& messages) {
    if (messages.n == 0) throw Error(Status::invalid_argument, "continue_final_message: there is no message");
    const Value content = field(messages.items[messages.n - 1], "content");
    if (content.is(Kind::string)) return content.view_text();
    if (content.is(Kind::list)) {
        const auto blocks = content.span();
        for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
            const Value text = field(*block, "text");
            if (text.is(Kind::string)) return text.view_text();
        }
    }
    throw Error(Status::invalid_argument, "continue_final_message: the last message has no text");
}

// How much of `rendered` remains when it ends right after `message`. Spaces around it may have been trimmed.
std::size_t end_of_message(std::string_view rendered, std::string_view message) {
    const std::string_view whole = trim_left(message), core = trim_right(whole);
    const std::size_t at = rendered.rfind(core);
    if (at == std::string_view::npos) {
        throw Error(Status::invalid_argument, "continue_final_message: the template does not show the last message");
    }
    // Python compares with the message itself, spaces before it included.
    const bool is_kept = rendered.substr(at, whole.size()) == message;
    return at + (is_kept ? whole.size() : core.size());
}

}  // namespace

std::pmr::string render_conversation(const Template& chat_template, const Value& request, const TokenTexts& tokens,
                                     const RenderOptions& options, Arena& arena) {
    checked(request, Kind::dict, "the conversation");
    const Value messages = checked(field(request, "messages"), Kind::list, "messages");
    for (const Value& message : messages.span()) checked(message, Kind::dict, "a message");
    const Value context = new_dict(arena);
    const auto define = [&](std::string_view name, const Value& value) {
        set(arena, *context.dict, borrowed(name), value);
    };
    define("messages", messages);
    define("tools", list_or_none(request, "tools"));
    define("documents", list_or_none(request, "documents"));
    define("add_generation_prompt", boolean(flag(request, "add_generation_prompt")));
    define("bos_token", borrowed(tokens.bos));
    define("eos_token", borrowed(tokens.eos));
    const Value extra = field(request, "extra");
    if (!extra.is(Kind::none)) {
        for (const Entry& entry : checked(extra, Kind::dict, "extra").dict->span()) {
            set(arena, *context.dict, entry.key, entry.value);
        }
    }
    RenderOptions scaled = options;
    scaled.limits.steps += kStepsPerByte * arena.used();
    scaled.limits.value_bytes += kBytesPerByte * arena.used();
    scaled.limits.output_bytes += kBytesPerByte * arena.used();
    std::pmr::string text = chat_template.render(context, scaled, arena.memory());
    if (flag(request, "continue_final_message")) text.resize(end_of_message(text, final_text(messages)));
    return text;
}

}  // namespace linnet::chat
