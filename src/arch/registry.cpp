// SPDX-License-Identifier: MIT
// The list of architectures, generated from the names of this folder's files.
#include "arch/arch_spec.hpp"
#include "base/error.hpp"

namespace linnet::arch {

#define LINNET_ARCH(id) extern const ArchSpec arch_##id;
#include "linnet_arch_list.hpp"
#undef LINNET_ARCH

namespace {

constexpr const ArchSpec* kAll[] = {
#define LINNET_ARCH(id) &arch_##id,
#include "linnet_arch_list.hpp"
#undef LINNET_ARCH
};

}  // namespace

std::span<const ArchSpec* const> all() noexcept { return kAll; }

const ArchSpec& find(std::string_view name) {
    for (const ArchSpec* spec : kAll) {
        if (spec->name == name) return *spec;
    }
    // Files "mmproj-*.gguf" of any model.
    if (name == "clip") {
        throw Error(Status::unsupported,
                    "key 'general.architecture' is 'clip': the file is the vision or audio tower of a model, which "
                    "Linnet does not run; the model's text part, a file of its own, does");
    }
    throw Error(Status::unsupported, "key 'general.architecture': '{}' is not an architecture that Linnet knows", name);
}

}  // namespace linnet::arch
