// SPDX-License-Identifier: MIT
// Runs of complete characters are copied as they are; only what an unfinished piece leaves behind waits.
#include <algorithm>

#include "tokenizer/tokenizer.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet {

void TextStream::push(std::string_view piece, std::pmr::string& text) {
    const char* p = piece.data();
    const char* const end = p + piece.size();
    // Byte by byte until what waits is a character, or cannot become one.
    while (n_pending_ > 0 && p != end) {
        pending_[n_pending_] = *p;
        const utf8::Char c = utf8::read(pending_, pending_ + n_pending_ + 1);
        if (c.status == utf8::Status::invalid) {
            // The new byte is what broke it, and is looked at again by itself.
            text.append(utf8::kReplacementText);
            n_pending_ = 0;
            break;
        }
        ++p;
        ++n_pending_;
        if (c.status == utf8::Status::valid) {
            text.append(pending_, n_pending_);
            n_pending_ = 0;
        }
    }
    while (p != end) {
        const char* const begin = p;
        utf8::Char c{};
        while (p != end) {
            c = utf8::read(p, end);
            if (c.status != utf8::Status::valid) break;
            p += c.size;
        }
        text.append(begin, static_cast<std::size_t>(p - begin));
        if (p == end) break;
        if (c.status == utf8::Status::truncated) {
            n_pending_ = c.size;
            std::copy(p, end, pending_);
            break;
        }
        text.append(utf8::kReplacementText);
        p += c.size;
    }
}

void TextStream::finish(std::pmr::string& text) {
    if (n_pending_ > 0) text.append(utf8::kReplacementText);
    n_pending_ = 0;
}

}  // namespace linnet
