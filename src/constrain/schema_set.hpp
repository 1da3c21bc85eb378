// SPDX-License-Identifier: MIT
// Sets of JSON values, as a schema describes them: per type, united over alternatives. Values inside of values (of
// properties, of elements) are named by the conjunction of schemas that they have to satisfy, not looked into.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "constrain/expr.hpp"

namespace linnet::constrain {

// A conjunction of schemas and negated schemas: an id of Schemas.
using AllId = std::uint32_t;
inline constexpr AllId kEverything = 0, kNothing = 1;

struct ArraySet {
    struct Contains {
        std::uint32_t from = 0;  // index at which it begins to look
        AllId value = kEverything;
        AllId other = kEverything;  // the negation
        std::uint32_t min = 0, max = Exprs::kUnbounded;
    };
    std::vector<AllId> prefix;
    AllId rest = kEverything;
    std::uint32_t min = 0, max = Exprs::kUnbounded;
    std::vector<Contains> contains;
    bool unique = false;
    const void* unique_at = nullptr;  // the schema that asks for it
};

struct ObjectSet {
    struct Named {
        std::string key;  // as in the JSON text, with quotes
        AllId value = kEverything;
        bool required = false;
    };
    struct Keyed {
        ExprId keys;
        AllId value;
    };
    std::vector<Named> named;   // in the order of the schema
    std::vector<Keyed> keyed;   // what keys of a kind imply
    std::vector<Keyed> exists;  // there is a key of this kind with such a value
    std::uint32_t min = 0, max = Exprs::kUnbounded;
};

struct ValueSet {
    ExprId string, number, boolean, null;
    std::vector<ArraySet> arrays;
    std::vector<ObjectSet> objects;
};

}  // namespace linnet::constrain
