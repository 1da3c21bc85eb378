// SPDX-License-Identifier: MIT
// How families of models write their replies: markers around reasoning and tool calls. A format is data; what stands
// between the markers of a tool call is read by reply_calls.hpp, whatever the format.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "constrain/notation.hpp"

namespace linnet::chat {

enum class Part : std::uint8_t {
    text,
    reasoning,
    calls,
    header,   // says what the part after it is (gpt-oss)
    nothing,  // a marker by itself, which is left out
};

enum class When : std::uint8_t {
    anywhere,
    first,       // only before any other text of its part
    first_kept,  // likewise, and the marker is a piece of what it begins
    kept,        // anywhere, and a piece of what it begins
};

struct Section {
    // '~' stands for any spaces. Without `close` the section ends with the next marker, or with the reply.
    std::string_view open, close;
    Part part;
    When when = When::anywhere;
};

// What a call looks like, for grammars (session/tool_grammar.hpp): text around the name and the arguments.
struct CallForm {
    std::string_view before, middle, after;             // before NAME middle ARGUMENTS after
    std::string_view list_open, separator, list_close;  // around and between several calls
    const constrain::Notation* notation = nullptr;      // of the arguments; null: JSON
};

struct ReplyFormat {
    std::string_view name;
    std::string_view signs[3];  // a template has this format when it contains one of them
    std::span<const Section> sections;
    CallForm form;  // all empty: there are no calls
    bool starts_in_header = false;
};

// Most telling signs first; the last one, "text", knows no markers and has no sign.
std::span<const ReplyFormat> reply_formats() noexcept;
const ReplyFormat* find_reply_format(std::string_view name) noexcept;
const ReplyFormat& reply_format_of(std::string_view chat_template) noexcept;

}  // namespace linnet::chat
