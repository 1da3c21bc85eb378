// SPDX-License-Identifier: MIT
// Checked arithmetic at its edges: the last value that fits, and the first that does not.
#include "base/checked.hpp"

#include <cstdint>
#include <limits>
#include <string_view>

#include <doctest/doctest.h>

using linnet::checked_add;
using linnet::checked_mul;
using linnet::checked_round_up;
using linnet::Error;
using linnet::Status;

namespace {

constexpr auto kMax64 = std::numeric_limits<std::uint64_t>::max();

template <class Action>
bool overflows(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error.status() == Status::bad_file && std::string_view(error.what()).find("n_rows") == 0;
    }
    return false;
}

}  // namespace

TEST_CASE("sums, products and rounding that fit") {
    CHECK(checked_add<std::uint64_t>(kMax64 - 1, 1, "n_rows") == kMax64);
    CHECK(checked_mul<std::uint64_t>(kMax64 / 3, 3, "n_rows") == kMax64);
    CHECK(checked_mul<std::uint64_t>(kMax64, 0, "n_rows") == 0);
    CHECK(checked_add<std::uint32_t>(0xFFFFFFFEU, 1, "n_rows") == 0xFFFFFFFFU);
    CHECK(checked_round_up<std::uint64_t>(0, 32, "n_rows") == 0);
    CHECK(checked_round_up<std::uint64_t>(1, 32, "n_rows") == 32);
    CHECK(checked_round_up<std::uint64_t>(64, 32, "n_rows") == 64);
    CHECK(checked_round_up<std::uint64_t>(kMax64 - 31, 32, "n_rows") == kMax64 - 31);
}

TEST_CASE("what does not fit is an error that names the quantity") {
    CHECK(overflows([] { return checked_add<std::uint64_t>(kMax64, 1, "n_rows"); }));
    CHECK(overflows([] { return checked_mul<std::uint64_t>(kMax64 / 3 + 1, 3, "n_rows"); }));
    CHECK(overflows([] { return checked_mul<std::uint32_t>(65536, 65536, "n_rows"); }));
    CHECK(overflows([] { return checked_round_up<std::uint64_t>(kMax64 - 30, 32, "n_rows"); }));
    CHECK_FALSE(overflows([] { return checked_mul<std::uint64_t>(65536, 65536, "n_rows"); }));
}

TEST_CASE("unchecked rounding for validated sizes") {
    CHECK(linnet::round_up(33U, 32U) == 64U);
    CHECK(linnet::round_up(32U, 32U) == 32U);
    CHECK(linnet::div_up(33U, 32U) == 2U);
    CHECK(linnet::div_up(0U, 32U) == 0U);
    CHECK(linnet::div_up(kMax64, std::uint64_t{2}) == kMax64 / 2 + 1);
}
