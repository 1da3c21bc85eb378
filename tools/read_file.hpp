// SPDX-License-Identifier: MIT
// A file's whole text.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace tools {

// False when it cannot be read.
inline bool read_file(const std::string& path, std::string& text) {
    std::ifstream file(path, std::ios::binary);
    try {
        text.assign(std::istreambuf_iterator<char>(file), {});
    } catch (const std::ios_base::failure&) {
        return false;  // a folder
    }
    return static_cast<bool>(file);
}

}  // namespace tools
