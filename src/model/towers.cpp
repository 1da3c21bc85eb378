// SPDX-License-Identifier: MIT
#include "model/towers.hpp"
namespace linnet {

namespace {

struct Tower {
    std::string_view prefix;  // of its tensors' names, as llama.cpp's converter writes them
    std::string_view name;
};
constexpr Tower kTowers[] = {
    {"v.", "vision tower"},
    {"a.", "audio tower"},
    {"mm.", "projector of images and sound"},
    {"resampler.", "projector of images and sound"},
};

}  // namespace

std::string_view tower_of(std::string_view tensor) noexcept {
    for (const Tower& tower : kTowers) {
        if (tensor.starts_with(tower.prefix)) return tower.name;
    }
    return {};
}

void log_towers(const gguf::File& file, const Log& log) {
    for (const Tower& tower : kTowers) {
        std::size_t n = 0;
        for (const gguf::TensorInfo& tensor : file.tensors()) n += tensor.name.starts_with(tower.prefix) ? 1 : 0;
        if (n == 0) continue;
        log(LogLevel::info, "the file's {} is ignored ({} tensors '{}*'): only text runs", tower.name, n, tower.prefix);
    }
}

}  // namespace linnet
