// SPDX-License-Identifier: MIT
// What a schema allows, as it is written at a level of a value: JSON, or a family's notation of a call's arguments. A
// schema's expressions are about JSON; here they become expressions about what is written.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "constrain/notation.hpp"
#include "constrain/pattern.hpp"
#include "constrain/schemas.hpp"

namespace linnet::constrain {

enum class Level : std::uint8_t {
    inside,     // of another value, or everything where all is JSON
    arguments,  // the object of a call's arguments
    argument,   // the value of one
    text,       // likewise, and the reader takes it as a string whatever it looks like
};

class Spelling {
  public:
    // JSON, as it is.
    explicit Spelling(Schemas& schemas) : schemas_(schemas), exprs_(schemas.exprs()) {}
    // item: its notation. Numbers are those that a double can hold.
    Spelling(Schemas& schemas, const Grammar::List& list, const Grammar::List::Item& item);

    Level root() const noexcept { return is_json() ? Level::inside : Level::arguments; }
    // Of a member; key: as in JSON, empty when it is not known.
    Level member_of(Level level, std::string_view key) const;

    // Strings, numbers, booleans and null. Throws Error(unsupported) when there are strings and none can be written.
    ExprId scalar(const ValueSet& values, Level level);
    // Keys of members (strings as in JSON); kNone when none of them can be written.
    ExprId key(ExprId keys, Level level);
    // Throws Error(unsupported) when it cannot be written.
    ExprId named_key(std::string_view key, Level level);
    // Whether what comes between key and value is part of the key.
    bool has_own_keys(Level level) const noexcept {
        return level == Level::arguments || (!is_json() && notation_.all_texts);
    }
    ExprId comma() { return exprs_.literal(notation_.comma); }  // between arguments
    ExprId after(Level level);                                  // the value

  private:
    bool is_json() const noexcept { return notation_.key.empty(); }
    ExprId string(ExprId strings, Level level);
    ExprId number(ExprId numbers);
    ExprId pattern(std::string_view text) { return whole_pattern(exprs_, text); }

    Schemas& schemas_;
    Exprs& exprs_;
    bool plain_ = true;
    Notation notation_;
    std::span<const std::string_view> texts_;  // names of arguments that are Level::text
    ExprId clean_ = Exprs::kAny;               // texts that end nothing
};

}  // namespace linnet::constrain
