// SPDX-License-Identifier: MIT
#include "model/unused_parts.hpp"

#include <charconv>

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
constexpr std::string_view kDraft = "prediction of further tokens";

// Of "blk.<layer>.<name>"; 0 for other names.
std::size_t layer_of(std::string_view tensor) noexcept {
    constexpr std::string_view kPrefix = "blk.";
    std::size_t layer = 0;
    if (tensor.starts_with(kPrefix)) {
        const char* begin = tensor.data() + kPrefix.size();
        std::from_chars(begin, tensor.data() + tensor.size(), layer);
    }
    return layer;
}

}  // namespace

std::string_view unused_part(std::string_view tensor, const arch::ModelSpec& spec) noexcept {
    for (const Tower& tower : kTowers) {
        if (tensor.starts_with(tower.prefix)) return tower.name;
    }
    const std::size_t n_layers = spec.layers.size();
    const std::size_t layer = layer_of(tensor);
    return layer >= n_layers && layer < n_layers + spec.n_draft_layers ? kDraft : std::string_view{};
}

void log_unused_parts(const gguf::File& file, const arch::ModelSpec& spec, const Log& log) {
    for (const Tower& tower : kTowers) {
        std::size_t n = 0;
        for (const gguf::TensorInfo& tensor : file.tensors()) n += tensor.name.starts_with(tower.prefix) ? 1 : 0;
        if (n == 0) continue;
        log(LogLevel::info, "the file's {} is ignored ({} tensors '{}*'): only text runs", tower.name, n, tower.prefix);
    }
    if (spec.n_draft_layers != 0) {
        log(LogLevel::info, "the file's {} is ignored ({} layers from 'blk.{}.*' on)", kDraft, spec.n_draft_layers,
            spec.layers.size());
    }
}

}  // namespace linnet
