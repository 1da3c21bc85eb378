// SPDX-License-Identifier: MIT
// Part of liblinnet.so only. The C++ runtime that is linked into it takes 72 kB when the library is loaded, its reserve
// for throwing when memory is out, and gives them back to nobody: a host that loads and unloads plugins would lose them
// each time. libstdc++ has a function for memory checkers that frees them; it is ours to call, as the runtime inside
// the library is used by nothing else.
#include <cstddef>

#ifdef __GLIBCXX__
namespace __gnu_cxx {
extern void __freeres();
}

namespace {

// Runs when the library is unloaded, after which nothing of it throws.
[[gnu::destructor]] void free_runtime() { __gnu_cxx::__freeres(); }

}  // namespace
#endif
