// SPDX-License-Identifier: MIT
// Opens GGUF bytes both from memory and through a read callback and checks what holds for every file, valid or not:
// the two agree, memory stays below the file's size and a constant, nothing leaks, it takes less than a second.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "support/gguf_builder.hpp"

namespace gguf_test {

// Two tables of 65536 entries, which File never exceeds; for small files their entries are fewer than their bytes.
inline std::uint64_t allowed_peak(std::uint64_t file_size) {
    const std::uint64_t tables = 12 << 20;
    return file_size + std::min<std::uint64_t>(tables, 1024 + 8 * file_size);
}

struct Outcome {
    linnet::Status status = linnet::Status::ok;
    std::string message;
    bool operator==(const Outcome&) const = default;
};

inline Outcome outcome(const Bytes& bytes, bool addressable) {
    linnet::Memory memory;
    Outcome result;
    const auto begin = std::chrono::steady_clock::now();
    try {
        const auto file = open(addressable ? linnet::Source::from_memory(bytes) : readable(bytes), memory);
        for (const linnet::gguf::Value& value : file.values()) CHECK(file.find(value.key) == &value);
    } catch (const linnet::Error& error) {
        result = {error.status(), error.what()};
    }
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
    CHECK(memory.peak() <= allowed_peak(bytes.size()));
    CHECK(memory.used() == 0);
    return result;
}

inline Outcome outcome(const Bytes& bytes) {
    const Outcome result = outcome(bytes, true);
    CHECK(outcome(bytes, false) == result);
    return result;
}

inline void check_refused(const Bytes& bytes, linnet::Status status, const std::string& part) {
    const Outcome result = outcome(bytes);
    CHECK(static_cast<int>(result.status) == static_cast<int>(status));
    CHECK_MESSAGE(result.message.find(part) != std::string::npos, "'" << result.message << "' lacks '" << part << "'");
}

}  // namespace gguf_test

// Macros so that a failure shows the file and line of the case.
#define CHECK_REFUSED(bytes, status, part)             \
    do {                                               \
        INFO("refused: " #bytes);                      \
        gguf_test::check_refused(bytes, status, part); \
    } while (false)
#define CHECK_OPENS(bytes) CHECK(gguf_test::outcome(bytes).message == "")
