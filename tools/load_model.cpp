// SPDX-License-Identifier: MIT
// The small model is looked for around the program and in the current folder.
#include "tools/load_model.hpp"

#include <filesystem>

#include "tools/commands.hpp"
#include "tools/terminal.hpp"

namespace tools {

namespace {

namespace fs = std::filesystem;

constexpr const char* kSmallModel = "tiny-tales-6m-Q8_0.gguf";

// In models/ or share/linnet/models/ of a folder above the program (a build tree, an install prefix), or in models/ of
// the current folder.
std::string find_small_model() {
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    for (fs::path folder = program.parent_path(); !folder.empty(); folder = folder.parent_path()) {
        for (const char* place : {"models", "share/linnet/models"}) {
            const fs::path candidate = folder / place / kSmallModel;
            if (fs::is_regular_file(candidate, ignored)) return candidate.string();
        }
        if (folder == folder.root_path()) break;
    }
    const fs::path here = fs::path("models") / kSmallModel;
    if (fs::is_regular_file(here, ignored)) return here.string();
    throw UsageError(std::string(kSmallModel) + " was not found in a models folder: name a model");
}

}  // namespace

linnet::Model load_model(const linnet::Engine& engine, const ModelOptions& options) {
    Progress progress("loading");
    auto with_progress = model_options(options);
    with_progress.progress = [](void* user, std::uint64_t done, std::uint64_t total) -> std::int32_t {
        static_cast<Progress*>(user)->update(done, total);
        return 0;
    };
    with_progress.progress_user = &progress;
    return linnet::Model(engine, options.model.empty() ? find_small_model() : options.model, with_progress);
}

}  // namespace tools
