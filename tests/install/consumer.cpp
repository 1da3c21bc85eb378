// SPDX-License-Identifier: MIT
// A C++ host of the installed library, through the header-only wrapper: an engine comes and goes, a failure is thrown.
#include <cstdio>
#include <linnet.hpp>

int main() {
    if (linnet_abi_version() >> 16 != LINNET_ABI_MAJOR) return 1;
    const linnet::Engine engine;
    try {
        const linnet::Model model(engine, "no such file");
        return 2;
    } catch (const linnet::Error& error) {
        std::printf("linnet %s: %s\n", linnet_version(), error.what());
    }
    return 0;
}
