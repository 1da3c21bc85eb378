// SPDX-License-Identifier: MIT
// Where fixtures live: a small set in the repository, the full one in ../shared when it is there.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#ifndef LINNET_SHARED_DIR
#define LINNET_SHARED_DIR "../shared"
#endif
#ifndef LINNET_FIXTURES_DIR
#define LINNET_FIXTURES_DIR "tests/fixtures"
#endif
#ifndef LINNET_MODELS_DIR
#define LINNET_MODELS_DIR "models"
#endif

namespace fixtures {

inline std::optional<std::filesystem::path> shared() {
    const char* named = std::getenv("LINNET_SHARED");
    std::filesystem::path path = named != nullptr ? named : LINNET_SHARED_DIR;
    if (std::filesystem::is_directory(path)) return path;
    return std::nullopt;
}

inline std::filesystem::path local() { return LINNET_FIXTURES_DIR; }
inline std::filesystem::path models() { return LINNET_MODELS_DIR; }

inline std::vector<std::byte> read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto* data = reinterpret_cast<const std::byte*>(text.data());
    return {data, data + text.size()};
}

}  // namespace fixtures
