// SPDX-License-Identifier: MIT
// The wall around the library: what an exported function does runs inside guard(), which turns every exception into a
// status and a text in the caller's linnet_error. Nothing passes it, and reporting needs no memory.
#pragma once

#include <atomic>
#include <new>
#include <utility>

#include "base/error.hpp"
#include "linnet.h"

namespace linnet::c_api {

// Fills `error` (may be null, or too short for a text) and returns `status`.
linnet_status report(linnet_error* error, Status status, const char* text) noexcept;

template <class Body>
linnet_status guard(linnet_error* error, Body&& body) noexcept {
    try {
        body();
        return LINNET_OK;
    } catch (const Error& failure) {
        return report(error, failure.status(), failure.what());
    } catch (const std::bad_alloc&) {
        return report(error, Status::out_of_memory, "out of memory");
    } catch (const std::exception& failure) {
        return report(error, Status::internal, failure.what());
    } catch (...) {
        return report(error, Status::internal, "unknown exception");
    }
}

template <class... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
    if (!condition) throw Error(Status::invalid_argument, format, std::forward<Args>(args)...);
}

inline void require_pointer(const void* pointer, const char* argument) {
    require(pointer != nullptr, "{} is null", argument);
}

// A pointer with a count or a length: null only when there is nothing to read; no object is larger than PTRDIFF_MAX.
inline void require_array(const void* pointer, std::size_t n, std::size_t element_size, const char* argument) {
    require(pointer != nullptr || n == 0, "{} is null but its size is {}", argument, n);
    require(n <= PTRDIFF_MAX / element_size, "the size of {}, {}, is larger than any object", argument, n);
}

inline void require_flags(std::uint32_t flags, std::uint32_t known) {
    require((flags & ~known) == 0, "flags has unknown bits: {:#x}", flags & ~known);
}

// Marks an object that only one caller at a time may use, for the duration of a call.
class Entered {
  public:
    Entered(std::atomic<bool>& flag, const char* object) : flag_(flag) {
        if (flag.exchange(true, std::memory_order_acquire)) {
            throw Error(Status::busy, "the {} is in use by another call", object);
        }
    }
    ~Entered() { flag_.store(false, std::memory_order_release); }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;

  private:
    std::atomic<bool>& flag_;
};

}  // namespace linnet::c_api
