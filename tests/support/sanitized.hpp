// SPDX-License-Identifier: MIT
// Whether a sanitizer watches the test. It is there for the memory accesses, which smaller work makes as well, and it
// makes everything some ten times slower.
#pragma once

namespace fixtures {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace fixtures
