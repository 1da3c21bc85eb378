// SPDX-License-Identifier: MIT
// The probes: conversations with words that nothing else says, and what of them must be found in the rendering.
#include "chat/adapt.hpp"

#include <algorithm>

#include "chat/parse_json.hpp"
#include "chat/print.hpp"

namespace linnet::chat {

namespace {

// Small, so that a template which never ends costs little more than without probes.
constexpr Limits kLimits{.steps = 100'000, .value_bytes = 1 << 20, .output_bytes = 1 << 18, .depth = 100};
constexpr Moment kSomeTime{2025, 1, 1, 12, 0, 0};

constexpr std::string_view kParts =
    R"({"messages": [{"role": "user", "content": [{"type": "text", "text": "word7"}]}]})";
constexpr std::string_view kObject = R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant",
    "content": "", "tool_calls": [{"id": "abcdefghi", "type": "function", "function": {"name": "f",
    "arguments": {"key7": "word7"}}}]}]})";
constexpr std::string_view kText = R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant",
    "content": "", "tool_calls": [{"id": "abcdefghi", "type": "function", "function": {"name": "f",
    "arguments": "{\"key7\": \"word7\"}"}}]}]})";

class Adapter {
  public:
    Adapter(const Template& chat_template, const TokenTexts& tokens, Arena& arena)
        : template_(chat_template), tokens_(tokens), arena_(arena) {}

    void adapt_contents(const Value& messages) {
        const auto is_list = [](const Value& message) { return is_text_list(field(message, "content")); };
        if (std::none_of(messages.span().begin(), messages.span().end(), is_list) || shows_lists()) return;
        for (const Value& message : messages.span()) {
            if (is_list(message)) put(message, "content", joined(field(message, "content")));
        }
    }

    void adapt_arguments(const Value& messages) {
        bool texts = false, objects = false;
        for_each_function(messages, [&](const Value& function) {
            texts = texts || field(function, "arguments").is(Kind::string);
            objects = objects || field(function, "arguments").is(Kind::dict);
        });
        if (!texts && !objects) return;
        const bool shows_objects = shows(kObject, "word7") && shows(kObject, "key7");
        if (!shows_objects && (!objects || !shows(kText, R"({"key7": "word7"})"))) return;
        for_each_function(messages, [&](const Value& function) {
            const Value arguments = field(function, "arguments");
            if (arguments.is(Kind::string) && shows_objects) {
                const Value object = parsed(arguments.view_text());
                if (object.is(Kind::dict)) put(function, "arguments", object);
            } else if (arguments.is(Kind::dict) && !shows_objects) {
                Text text(arena_);
                append_json(text, arguments, {});
                put(function, "arguments", text.finish());
            }
        });
    }

  private:
    void put(const Value& dict, std::string_view name, const Value& value) {
        set(arena_, *dict.dict, borrowed(name), value);
    }
    static bool is_text_list(const Value& content) noexcept {
        return content.is(Kind::list) &&
               std::all_of(content.span().begin(), content.span().end(), [](const Value& part) {
                   const Value type = field(part, "type");
                   return type.is(Kind::string) && type.view_text() == "text";
               });
    }
    template <class Use>
    void for_each_function(const Value& messages, Use use) {
        for (const Value& message : messages.span()) {
            const Value calls = field(message, "tool_calls");
            if (!calls.is(Kind::list)) continue;
            for (const Value& call : calls.span()) use(field(call, "function"));
        }
    }

    // What the template makes of a probe, nothing when it fails.
    std::pmr::string probe(std::string_view json) {
        try {
            Arena arena(arena_.memory(), 1 << 20, 10'000);
            const Value request = parse_json(arena, json, "probe");
            return render_conversation(template_, request, tokens_, {kLimits, kSomeTime}, arena);
        } catch (const Error& error) {
            if (error.status() == Status::out_of_memory) throw;
            return std::pmr::string(&arena_.memory());
        }
    }
    bool shows(std::string_view json, std::string_view words) {
        return probe(json).find(words) != std::pmr::string::npos;
    }
    // And not the list as Python or JSON writes it.
    bool shows_lists() {
        const std::pmr::string text = probe(kParts);
        return text.find("word7") != std::pmr::string::npos && text.find("'type'") == std::pmr::string::npos &&
               text.find("\"type\"") == std::pmr::string::npos;
    }

    Value joined(const Value& parts) {
        Text text(arena_);
        for (std::size_t i = 0; i < parts.n; ++i) {
            if (i != 0) text.append('\n');
            text.append(field(parts.items[i], "text").view_text());
        }
        return text.finish();
    }
    Value parsed(std::string_view text) {
        try {
            return parse_json(arena_, text, "arguments");
        } catch (const Error& error) {
            if (error.status() != Status::invalid_argument) throw;
            return none();
        }
    }

    const Template& template_;
    const TokenTexts& tokens_;
    Arena& arena_;
};

}  // namespace

void adapt(const Template& chat_template, const TokenTexts& tokens, Request& request, Arena& arena) {
    Adapter adapter(chat_template, tokens, arena);
    adapter.adapt_contents(request.messages);
    adapter.adapt_arguments(request.messages);
}

}  // namespace linnet::chat
