// SPDX-License-Identifier: MIT
// Failure inside the library: one exception type which carries a status code and a text that names what is wrong.
// It is thrown on cold paths only (loading, parsing, argument checks) and never leaves bindings/c.
#pragma once

#include <cstdint>
#include <exception>
#include <utility>

#include "base/format.hpp"

namespace linnet {

// The values are those of linnet_status in linnet.h (bindings/c checks that) and are never renumbered.
enum class Status : std::int32_t {
    ok = 0,
    invalid_argument = 1,
    out_of_memory = 2,
    io = 3,
    bad_file = 4,
    unsupported = 5,
    buffer_too_small = 6,
    cancelled = 7,
    context_full = 8,
    not_found = 9,
    busy = 10,
    stopped = 11,
    internal = 12,
};

// The text lives inside the object, so that throwing needs no memory beyond the exception itself.
class Error final : public std::exception {
  public:
    template <class... Args>
    explicit Error(Status status, fmt::format_string<Args...> format, Args&&... args) : status_(status) {
        text_[format_into({text_, kCapacity - 1}, format, fmt::make_format_args(args...))] = '\0';
    }

    Status status() const noexcept { return status_; }
    const char* what() const noexcept override { return text_; }

  private:
    static constexpr std::size_t kCapacity = 480;
    Status status_;
    char text_[kCapacity];
};

}  // namespace linnet
