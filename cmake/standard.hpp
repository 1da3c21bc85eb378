// SPDX-License-Identifier: MIT
// Standard headers that most files include, for LINNET_PRECOMPILE. Nothing includes this file: a file includes what it
// uses, and builds without precompiled headers see whether it does.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
