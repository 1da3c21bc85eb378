// SPDX-License-Identifier: MIT
// Tools of the sweep over all exports: handles to call with, and checks of what every kind of argument has in common.
#pragma once

#include <climits>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <set>

#include "api/api.hpp"

namespace sweep {

inline constexpr std::int32_t kInts[] = {INT_MIN, INT_MIN + 1, -1, 1000, INT_MAX};

// A struct with room behind it: what a newer header's struct would be.
template <class T>
struct Padded {
    T value;
    unsigned char tail[64];
};

struct Sweep {
    explicit Sweep(const std::string& path) : path_(path) {
        REQUIRE(linnet_engine_create(nullptr, &engine, nullptr) == LINNET_OK);
        REQUIRE(linnet_model_load(engine, path_.c_str(), nullptr, &model, nullptr) == LINNET_OK);
        REQUIRE(linnet_session_create(model, nullptr, &session, nullptr) == LINNET_OK);
        REQUIRE(linnet_sampler_create(model, nullptr, &sampler, nullptr) == LINNET_OK);
        linnet_model_info info{};
        info.struct_size = sizeof info;
        REQUIRE(linnet_model_get_info(model, &info, nullptr) == LINNET_OK);
        n_vocab = info.n_vocab;
        n_metadata = info.n_metadata;
    }
    ~Sweep() {
        linnet_engine_destroy(engine);
        linnet_model_destroy(model);
        linnet_session_destroy(session);
        linnet_sampler_destroy(sampler);
    }

    using Call = std::function<linnet_status(linnet_error*)>;

    // The status, with a text that holds `part`; and the same without an error struct and with ones that are too short.
    void refuses(const char* part, const Call& call, linnet_status expected = LINNET_ERROR_INVALID_ARGUMENT) {
        INFO("refusal naming: ", std::string(part));
        linnet_error error = LINNET_ERROR_INIT;
        CHECK(call(&error) == expected);
        CHECK(error.status == expected);
        const std::string text = error.text;
        CAPTURE(text);
        CHECK(text.find(part) != std::string::npos);
        CHECK(call(nullptr) == expected);
        for (const std::uint32_t size : {0U, 4U, 7U, 8U, 9U, 20U}) {
            std::memset(&error, 0x5a, sizeof error);
            error.struct_size = size;
            CHECK(call(&error) == expected);
            const auto* bytes = reinterpret_cast<const unsigned char*>(&error);
            for (std::size_t i = size < 8 ? 4 : size; i < sizeof error; ++i) REQUIRE(bytes[i] == 0x5a);
            if (size > 8) CHECK(std::strlen(error.text) < size - 8);
        }
    }

    // Sizes of an option struct: too small, absurd, larger with and without something in the tail.
    template <class T>
    void option_sizes(const char* name, std::uint32_t least, T valid,
                      const std::function<linnet_status(const T*, linnet_error*)>& call) {
        Padded<T> padded{};
        const auto with = [&](std::uint32_t size) {
            padded.value = valid;
            padded.value.struct_size = size;
            return [&](linnet_error* error) { return call(&padded.value, error); };
        };
        for (const std::uint32_t size : {0U, 1U, 4U, 7U, least - 4, 10U, 4097U, 0x5a5a5a5aU, UINT32_MAX}) {
            refuses(name, with(size));
        }
        CHECK(with(sizeof(T))(nullptr) == LINNET_OK);
        CHECK(with(sizeof(T) + 8)(nullptr) == LINNET_OK);
        CHECK(with(sizeof padded)(nullptr) == LINNET_OK);
        padded.tail[9] = 1;
        CHECK(with(sizeof(T) + 8)(nullptr) == LINNET_OK);  // not part of it
        refuses(name, with(sizeof padded));
    }

    // Sizes of an output struct: nothing is written beyond it.
    template <class T>
    void output_sizes(const char* name, std::uint32_t least,
                      const std::function<linnet_status(T*, linnet_error*)>& call) {
        Padded<T> padded;
        const auto with = [&](std::uint32_t size) {
            std::memset(static_cast<void*>(&padded), 0x5a, sizeof padded);
            padded.value.struct_size = size;
            return [&](linnet_error* error) { return call(&padded.value, error); };
        };
        for (const std::uint32_t size : {0U, 1U, 4U, 7U, least - 4, 4097U, UINT32_MAX}) refuses(name, with(size));
        for (std::uint32_t size = least; size <= sizeof padded; size += 4) {
            CAPTURE(size);
            CHECK(with(size)(nullptr) == LINNET_OK);
            CHECK(padded.value.struct_size == size);
            const auto* bytes = reinterpret_cast<const unsigned char*>(&padded);
            for (std::size_t i = size < sizeof(T) ? size : sizeof(T); i < sizeof padded; ++i) REQUIRE(bytes[i] == 0x5a);
        }
    }

    std::string path_;
    linnet_engine* engine = nullptr;
    linnet_model* model = nullptr;
    linnet_session* session = nullptr;
    linnet_sampler* sampler = nullptr;
    std::uint32_t n_vocab = 0;
    std::uint32_t n_metadata = 0;
};

template <class T>
T sized() {
    T value{};
    value.struct_size = sizeof value;
    return value;
}

template <class T>
void check_init(void (*init)(T*, std::uint32_t)) {
    init(nullptr, sizeof(T));
    for (const std::uint32_t size :
         {std::uint32_t{4}, static_cast<std::uint32_t>(sizeof(T)), static_cast<std::uint32_t>(sizeof(Padded<T>))}) {
        Padded<T> padded;
        std::memset(static_cast<void*>(&padded), 0x5a, sizeof padded);
        init(&padded.value, size);
        CHECK(padded.value.struct_size == size);
        const auto* bytes = reinterpret_cast<const unsigned char*>(&padded);
        for (std::size_t i = 4; i < size; ++i) REQUIRE(bytes[i] == 0);
        for (std::size_t i = size; i < sizeof padded; ++i) REQUIRE(bytes[i] == 0x5a);
    }
    T untouched{};
    untouched.struct_size = 77;
    init(&untouched, 3);
    CHECK(untouched.struct_size == 77);
}

// Text out into a caller's buffer: exact, one less, none.
inline void check_text(Sweep& sweep, bool terminated,
                       const std::function<linnet_status(char*, std::size_t, std::size_t*, linnet_error*)>& give) {
    std::size_t size = 7;
    linnet_status status = give(nullptr, 0, &size, nullptr);
    REQUIRE((status == LINNET_OK || status == LINNET_ERROR_BUFFER_TOO_SMALL));
    const std::size_t needed = size + (terminated ? 1 : 0);
    REQUIRE(needed > 0);
    std::string buffer(needed + 2, '\x5a');
    std::size_t again = 0;
    CHECK(give(buffer.data(), needed - 1, &again, nullptr) == LINNET_ERROR_BUFFER_TOO_SMALL);
    CHECK(again == size);
    CHECK(buffer == std::string(needed + 2, '\x5a'));
    CHECK(give(buffer.data(), needed, &again, nullptr) == LINNET_OK);
    CHECK(again == size);
    CHECK(buffer[needed] == '\x5a');
    if (terminated) CHECK(buffer[size] == '\0');
    sweep.refuses("size", [&](linnet_error* e) { return give(buffer.data(), needed, nullptr, e); });
    sweep.refuses("buffer", [&](linnet_error* e) { return give(nullptr, needed, &again, e); });
    sweep.refuses("buffer", [&](linnet_error* e) { return give(buffer.data(), SIZE_MAX, &again, e); });
}

// Each export by name.
using Table = std::map<std::string, std::function<void(Sweep&)>>;

// Adds the tests of the exports of one part of linnet.h.
void add_engine(Table& table);
void add_model(Table& table);
void add_tokens(Table& table);
void add_sampler(Table& table);
void add_session(Table& table);
void add_structure(Table& table);
void add_chat(Table& table);
void add_reply(Table& table);
void add_embed(Table& table);
void add_tools(Table& table);

}  // namespace sweep
