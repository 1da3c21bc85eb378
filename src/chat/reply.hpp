// SPDX-License-Identifier: MIT
// A model's reply, read while it comes: text, reasoning and tool calls as events. However the bytes are split, the
// events are the same once neighbours of one kind are joined. What cannot be read as a tool call is text, with a
// warning; nothing that was given out is ever taken back.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.hpp"
#include "chat/reply_format.hpp"
#include "chat/value.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet::chat {

enum class ReplyKind : std::int32_t { none = 0, text = 1, reasoning = 2, tool_call = 3, warning = 4 };

struct ReplyEvent {
    ReplyKind kind = ReplyKind::none;
    std::uint32_t index = 0;     // of a tool call in its reply
    std::string_view text = {};  // complete UTF-8; of a tool call its arguments, a JSON object
    std::string_view name = {}, id = {};
};

class Reply {
  public:
    // A tool call (or what precedes a message in gpt-oss's format) of more bytes is text.
    static constexpr std::size_t kMaxCallBytes = 1 << 20;

    // tools: JSON, a list as in a conversation, or empty: tells strings from numbers in formats that do not. All memory
    // comes from `memory`. Throws Error(invalid_argument) for tools that are none.
    Reply(const ReplyFormat& format, std::string_view tools, Memory& memory);

    // Before anything is fed: the prompt ended with `text`. When that is a marker, the reply begins behind it.
    void begin_after(std::string_view text);

    void feed(std::string_view bytes);
    void finish();  // the reply is complete: what waited is given out
    bool finished() const noexcept { return finished_; }

    // The oldest event that has not been given yet; kind none when there is none. Valid until the next call.
    ReplyEvent next() noexcept;

  private:
    struct Record {
        ReplyKind kind;
        std::uint32_t index;
        std::size_t begin, text_size, name_size, id_size;  // of texts_: text, name, id
    };
    struct Found {
        const Section* section = nullptr;  // null with size 0: none; null else: the current one's close
        std::size_t begin = 0, size = 0;
    };

    void advance();
    Found find_marker(std::string_view text) const noexcept;
    std::size_t waiting_from(std::string_view text) const noexcept;
    void take_content(std::string_view text);
    void enter(const Section& section, std::string_view marker);
    void leave();
    void read_header();
    void read_calls();
    void give_text(ReplyKind kind, std::string_view text);
    void give_back(std::string_view reason);
    void push(ReplyKind kind, std::string_view text, std::string_view name = {}, std::string_view id = {});
    Part part() const noexcept { return section_ == nullptr ? Part::text : part_; }

    Memory& memory_;
    const ReplyFormat& format_;
    Arena tools_arena_;
    Value tools_;
    TextStream stream_;
    const Section* section_ = nullptr;  // null: text between sections
    Part part_ = Part::text;            // of the section; a header says which it is
    bool fresh_ = true;                 // the part has no text yet
    bool after_marker_ = false;         // spaces are left out
    bool finished_ = false;
    std::uint32_t n_calls_ = 0;
    std::pmr::string pending_;    // not understood yet
    std::pmr::string payload_;    // of the section, when it is read as a whole
    std::pmr::string opening_;    // the marker that began it
    std::pmr::string spaces_;     // that go out when text follows them
    std::pmr::string recipient_;  // the function that a header named
    std::pmr::string texts_;      // of records_
    std::pmr::vector<Record> records_;
    std::size_t n_given_ = 0;
};

}  // namespace linnet::chat
