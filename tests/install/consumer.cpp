// SPDX-License-Identifier: MIT
// A C++ host of the installed library, through the header-only wrapper.
#include <cstdio>
#include <linnet.hpp>

int main() {
    linnet_engine* engine = nullptr;
    if (linnet_abi_version() >> 16 != LINNET_ABI_MAJOR) return 1;
    if (linnet_engine_create(nullptr, &engine, nullptr) != LINNET_OK) return 2;
    linnet_engine_destroy(engine);
    std::printf("linnet %s\n", linnet_version());
    return 0;
}
