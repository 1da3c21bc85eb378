// SPDX-License-Identifier: MIT
// Version, status names and the filling of linnet_error.
#include <cstring>

#include "bindings/c/guard.hpp"

namespace linnet::c_api {

namespace {

constexpr linnet_status value(Status status) { return static_cast<linnet_status>(status); }
static_assert(value(Status::ok) == LINNET_OK);
static_assert(value(Status::invalid_argument) == LINNET_ERROR_INVALID_ARGUMENT);
static_assert(value(Status::out_of_memory) == LINNET_ERROR_OUT_OF_MEMORY);
static_assert(value(Status::io) == LINNET_ERROR_IO);
static_assert(value(Status::bad_file) == LINNET_ERROR_BAD_FILE);
static_assert(value(Status::unsupported) == LINNET_ERROR_UNSUPPORTED);
static_assert(value(Status::buffer_too_small) == LINNET_ERROR_BUFFER_TOO_SMALL);
static_assert(value(Status::cancelled) == LINNET_ERROR_CANCELLED);
static_assert(value(Status::context_full) == LINNET_ERROR_CONTEXT_FULL);
static_assert(value(Status::not_found) == LINNET_ERROR_NOT_FOUND);
static_assert(value(Status::busy) == LINNET_ERROR_BUSY);
static_assert(value(Status::stopped) == LINNET_STOPPED);
static_assert(value(Status::internal) == LINNET_ERROR_INTERNAL);

// The first n bytes of a text may end inside a character: how many of them are whole characters.
std::size_t whole_characters(const char* text, std::size_t n) noexcept {
    std::size_t start = n;
    while (start > 0 && n - start < 4 && (static_cast<unsigned char>(text[start - 1]) & 0xC0U) == 0x80U) --start;
    if (start == 0 || static_cast<unsigned char>(text[start - 1]) < 0xC0U) return n;
    const auto lead = static_cast<unsigned char>(text[start - 1]);
    const std::size_t size = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
    return n - (start - 1) < size ? start - 1 : n;
}

}  // namespace

linnet_status report(linnet_error* error, Status status, const char* text) noexcept {
    constexpr std::size_t kText = offsetof(linnet_error, text);
    if (error != nullptr && error->struct_size >= kText) {
        error->status = value(status);
        const std::size_t room =
            (error->struct_size < sizeof(linnet_error) ? error->struct_size : sizeof(linnet_error)) - kText;
        if (room > 0) {
            const std::size_t size = std::strlen(text);
            const std::size_t n = whole_characters(text, size < room ? size : room - 1);
            std::memcpy(error->text, text, n);
            error->text[n] = '\0';
        }
    }
    return value(status);
}

}  // namespace linnet::c_api

uint32_t linnet_abi_version(void) { return static_cast<uint32_t>(LINNET_ABI_MAJOR) << 16 | LINNET_ABI_MINOR; }

const char* linnet_version(void) { return LINNET_VERSION; }

const char* linnet_status_name(linnet_status status) {
    switch (status) {
        case LINNET_OK: return "LINNET_OK";
        case LINNET_ERROR_INVALID_ARGUMENT: return "LINNET_ERROR_INVALID_ARGUMENT";
        case LINNET_ERROR_OUT_OF_MEMORY: return "LINNET_ERROR_OUT_OF_MEMORY";
        case LINNET_ERROR_IO: return "LINNET_ERROR_IO";
        case LINNET_ERROR_BAD_FILE: return "LINNET_ERROR_BAD_FILE";
        case LINNET_ERROR_UNSUPPORTED: return "LINNET_ERROR_UNSUPPORTED";
        case LINNET_ERROR_BUFFER_TOO_SMALL: return "LINNET_ERROR_BUFFER_TOO_SMALL";
        case LINNET_ERROR_CANCELLED: return "LINNET_ERROR_CANCELLED";
        case LINNET_ERROR_CONTEXT_FULL: return "LINNET_ERROR_CONTEXT_FULL";
        case LINNET_ERROR_NOT_FOUND: return "LINNET_ERROR_NOT_FOUND";
        case LINNET_ERROR_BUSY: return "LINNET_ERROR_BUSY";
        case LINNET_STOPPED: return "LINNET_STOPPED";
        case LINNET_ERROR_INTERNAL: return "LINNET_ERROR_INTERNAL";
        default: return "unknown status";
    }
}
