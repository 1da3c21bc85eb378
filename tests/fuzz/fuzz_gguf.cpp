// SPDX-License-Identifier: MIT
// libFuzzer target for the GGUF reader: the input is opened from memory and through a read callback. Both must say the
// same, everything that an opened file offers is touched, memory stays bounded and nothing leaks.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "support/gguf_builder.hpp"
#include "support/gguf_walk.hpp"

namespace {

// The text of everything in the file, or why it was refused.
std::string read(linnet::Source source, std::uint64_t size) {
    linnet::Memory memory;
    std::string text;
    try {
        text = gguf_test::walk(gguf_test::open(std::move(source), memory));
    } catch (const linnet::Error& error) {
        text = fmt::format("status {}: {}", static_cast<int>(error.status()), error.what());
        // The input is all there is: only its content can be at fault.
        const bool expected =
            error.status() == linnet::Status::bad_file || error.status() == linnet::Status::unsupported;
        if (!expected) __builtin_trap();
    }
    // Tables are at most 12 MB, and 8 bytes per byte of the file.
    if (memory.peak() > size + std::min<std::uint64_t>(12 << 20, 1024 + 8 * size)) __builtin_trap();
    if (memory.used() != 0) __builtin_trap();
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto* begin = reinterpret_cast<const std::byte*>(data);
    const gguf_test::Bytes bytes(begin, begin + size);
    const std::string text = read(linnet::Source::from_memory(bytes), size);
    if (read(gguf_test::readable(bytes), size) != text) __builtin_trap();
    return 0;
}
