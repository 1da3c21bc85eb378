// SPDX-License-Identifier: MIT
// libFuzzer target for replies: the first byte chooses the format, the second one how the rest is split. Whatever it
// is, the events are the same as without the split, and no memory is left.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "chat/reply.hpp"

namespace {

namespace chat = linnet::chat;
using chat::ReplyKind;

constexpr std::string_view kTools =
    R"([{"function": {"name": "f", "parameters":
        {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}}}])";

std::string read(const chat::ReplyFormat& format, std::string_view text, std::size_t step) {
    linnet::Memory memory({}, 256 << 20);
    std::string log;
    {
        chat::Reply reply(format, kTools, memory);
        ReplyKind last = ReplyKind::none;
        const auto drain = [&] {
            for (auto event = reply.next(); event.kind != ReplyKind::none; event = reply.next()) {
                const bool joins = event.kind == last && (last == ReplyKind::text || last == ReplyKind::reasoning);
                last = event.kind;
                if (!joins) log.append(1, '\0').append(std::to_string(static_cast<int>(last)));
                log.append(event.name).append(event.id).append(event.text);
            }
        };
        for (std::size_t at = 0; at < text.size(); at += step) {
            reply.feed(text.substr(at, step));
            drain();
        }
        reply.finish();
        drain();
    }
    if (memory.used() != 0) __builtin_trap();
    return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto formats = chat::reply_formats();
    const chat::ReplyFormat& format = formats[data[0] % formats.size()];
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::size_t step = data[1] % 16 + 1U;
    if (read(format, text, step) != read(format, text, std::max<std::size_t>(text.size(), 1))) __builtin_trap();
    return 0;
}
