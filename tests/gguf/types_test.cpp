// SPDX-License-Identifier: MIT
// The tables of types. Sizes are proven by the fixtures (file_test.cpp: they tile the files); here is what no
// fixture has.
#include <doctest/doctest.h>

#include <set>
#include <string_view>

#include "gguf/types.hpp"

using namespace linnet::gguf;

TEST_CASE("tensor types are found by id and by name") {
    std::set<std::string_view> names;
    for (std::uint32_t id = 0; id < 1000; ++id) {
        const TensorTypeInfo* info = find_type(static_cast<TensorType>(id));
        if (info == nullptr) continue;
        CHECK(static_cast<std::uint32_t>(info->type) == id);
        CHECK(find_type(info->name) == info);
        CHECK(names.insert(info->name).second);
        CHECK(info->block_size > 0);
        CHECK(info->block_bytes > 0);
    }
    CHECK(names.size() == 32);
    CHECK(find_type("Q8_1") == nullptr);
    CHECK(find_type("Q8_K") == nullptr);
    CHECK(find_type("") == nullptr);
    CHECK(find_type("q4_0") == nullptr);
}

TEST_CASE("value types have the sizes of the format") {
    const std::size_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    for (std::uint32_t id = 0; id < 13; ++id) {
        CHECK(scalar_size(static_cast<ValueType>(id)) == sizes[id]);
        CHECK(name(static_cast<ValueType>(id)) != "unknown");
    }
    CHECK(name(ValueType::boolean) == "bool");
    for (const std::uint32_t id : {13U, 255U, 0xffffffffU}) {
        CHECK(scalar_size(static_cast<ValueType>(id)) == 0);
        CHECK(name(static_cast<ValueType>(id)) == "unknown");
    }
}
