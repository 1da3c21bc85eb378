// SPDX-License-Identifier: MIT
// What the tests of templates share: rendering a template with a context given as JSON, and what it fails with.
#pragma once

#include <memory_resource>
#include <string>
#include <string_view>

#include "base/memory.hpp"
#include "chat/conversation.hpp"
#include "chat/parse_json.hpp"
#include "chat/template.hpp"

namespace chat_test {

namespace chat = linnet::chat;

// The time at which the fixtures were made.
inline constexpr chat::Moment kNow{2025, 3, 9, 15, 4, 5};

struct Outcome {
    std::string text, error;
    linnet::Status status = linnet::Status::ok;
};

template <class Make>
Outcome outcome(Make make) {
    linnet::Memory memory;
    Outcome result;
    try {
        result.text = make(memory);
    } catch (const linnet::Error& error) {
        result.error = error.what();
        result.status = error.status();
    }
    if (memory.used() != 0) result.error += " (and leaks memory)";
    return result;
}

inline Outcome render(std::string_view source, std::string_view context = "{}", const chat::Limits& limits = {}) {
    return outcome([&](linnet::Memory& memory) {
        chat::Arena arena(memory, 1 << 28, 1 << 28);
        const chat::Value values = chat::parse_json(arena, context, "context");
        const auto parsed = chat::Template::parse(source, memory);
        return std::string(parsed.render(values, {limits, kNow}, memory));
    });
}

}  // namespace chat_test
