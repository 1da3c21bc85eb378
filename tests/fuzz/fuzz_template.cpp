// SPDX-License-Identifier: MIT
// libFuzzer target for chat templates: the input is a template, and after a zero byte a context in JSON. Whatever it
// is, it ends in a text or an Error within the limits, twice the same, and no memory is left.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/memory.hpp"
#include "chat/parse_json.hpp"
#include "chat/template.hpp"

namespace {

namespace chat = linnet::chat;

constexpr std::string_view kContext =
    R"({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi  \u00e9\n"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"x": [1, 2.5, null, true]}}}],
        "n": 3, "s": "text", "l": [3, 1, 2], "d": {"b": 1, "a": 2}, "add_generation_prompt": true})";
constexpr chat::Limits kLimits{.steps = 200000, .value_bytes = 1 << 20, .output_bytes = 1 << 20, .depth = 50};

std::string render(std::string_view source, std::string_view context) {
    linnet::Memory memory({}, 256 << 20);
    std::string result;
    try {
        chat::Arena arena(memory, 16 << 20, 1 << 20);
        const chat::Value values = chat::parse_json(arena, context, "context");
        const auto parsed = chat::Template::parse(source, memory);
        if (values.is(chat::Kind::dict)) {
            result = parsed.render(values, {kLimits, chat::Moment{2025, 3, 9, 15, 4, 5}}, memory);
        }
        if (result.size() > kLimits.output_bytes) __builtin_trap();
    } catch (const linnet::Error& error) {
        if (error.status() == linnet::Status::internal) __builtin_trap();
        result = error.what();
    }
    if (memory.used() != 0) __builtin_trap();
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t end = std::min(input.find('\0'), input.size());
    const std::string_view source = input.substr(0, end);
    const std::string_view context = end == input.size() ? kContext : input.substr(end + 1);
    if (render(source, context) != render(source, context)) __builtin_trap();
    return 0;
}
