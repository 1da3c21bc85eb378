// SPDX-License-Identifier: MIT
#include "gguf/cursor.hpp"

namespace linnet::gguf {

Label::Label(std::string_view kind, std::uint64_t number) noexcept : Label(kind) { append(" #{}", number); }

Label::Label(std::string_view kind, std::string_view name) noexcept : Label(kind) {
    append(" '");
    for (const char c : name.substr(0, kShown)) {
        if (c >= 0x20 && c < 0x7f) {
            text_[size_++] = c;
        } else {
            append("\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    append(name.size() > kShown ? "...'" : "'");
}

}  // namespace linnet::gguf
