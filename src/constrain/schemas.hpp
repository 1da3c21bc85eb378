// SPDX-License-Identifier: MIT
// The algebra of schemas: every schema, and every negation of one, is a ValueSet; conjunctions of schemas are interned,
// so that recursion ends. Both the positive and the negative meaning of each keyword are exact, or the keyword is
// refused by name.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "constrain/schema_document.hpp"
#include "constrain/schema_set.hpp"

namespace linnet::constrain {

class Schemas {
  public:
    // Alternatives of one value, and schemas inside of one another without a value in between, beyond which a schema is
    // refused.
    static constexpr std::size_t kMaxAlternatives = 200;
    static constexpr unsigned kMaxDepth = 200;
    // Sets of objects and arrays that are compared and met.
    static constexpr std::uint32_t kMaxWork = 200'000;

    Schemas(SchemaDocument& document, Dfa& dfa, const JsonTexts& texts);

    AllId all(const Json& schema, bool positive);
    AllId both(AllId one, AllId other);
    // Throws Error for what cannot be enforced and for a schema that is its own alternative.
    const ValueSet& values(AllId all);
    // True when no value is in the set as far as `depth` levels of values show.
    bool is_empty(AllId all, unsigned depth);
    // What the value under `key` has to satisfy besides `value`.
    AllId value_of(const ObjectSet& set, const std::string& key, AllId value);

    Dfa& dfa() noexcept { return dfa_; }
    Exprs& exprs() noexcept { return dfa_.exprs(); }
    const JsonTexts& texts() const noexcept { return texts_; }
    SchemaDocument& document() noexcept { return document_; }

  private:
    using Literal = std::uint32_t;  // 2 * index of a schema, + 1 for its negation
    enum class Progress : std::uint8_t { none, running, done };
    struct Entry {
        Progress progress = Progress::none;
        ValueSet values;
    };
    struct InProgress {};

    ValueSet everything() const;
    ValueSet nothing() const;
    ExprId meet(ExprId one, ExprId other, ExprId full, ExprId plain);
    ValueSet meet(const ValueSet& one, const ValueSet& other);
    ValueSet unite(ValueSet one, const ValueSet& other);
    std::optional<ArraySet> meet(const ArraySet& one, const ArraySet& other);
    std::optional<ObjectSet> meet(const ObjectSet& one, const ObjectSet& other);
    bool is_empty(const ValueSet& set, unsigned depth);
    bool is_empty(const ArraySet& set, unsigned depth);
    bool is_empty(const ObjectSet& set, unsigned depth);
    ExprId without(ExprId plain, ExprId expr) { return exprs().all_of(plain, exprs().negation(expr)); }

    void count_work();
    const ValueSet& evaluated(Literal literal);
    ValueSet evaluate(const Json& schema, bool positive);
    void check_keywords(const Json& schema) const;

    // Keywords that say something of one type: schema_keywords.cpp. The negations give what breaks one of them.
    void type(const Json& schema, ValueSet& values, bool positive);
    void numbers(const Json& schema, ValueSet& values, ValueSet& broken);
    void strings(const Json& schema, ValueSet& values, ValueSet& broken);
    void arrays(const Json& schema, ValueSet& values, ValueSet& broken);
    void objects(const Json& schema, ValueSet& values, ValueSet& broken);
    void array_items(const Json& schema, ArraySet& set, std::vector<ArraySet>& broken);
    void object_members(const Json& schema, ObjectSet& set, std::vector<ObjectSet>& broken);
    // Keywords made of schemas, and constants: schema_logic.cpp.
    ValueSet logic(const Json& schema, ValueSet values, bool positive);
    ValueSet one_of(const Json& list, const ValueSet& others, bool positive);
    ValueSet conditional(const Json& schema, bool positive);
    ValueSet dependencies(const Json& schema, const char* keyword, bool positive);
    ValueSet constant(const Json& schema, const Json& list, bool positive);
    const Json& constant_schema(const Json& value, const Json& origin);

    std::uint32_t count(const Json& schema, const char* key, std::uint32_t missing) const;
    const Json* list(const Json& schema, const char* key) const;
    const Json* schema_map(const Json& schema, const char* key) const;
    Decimal decimal(const Json& schema, const char* key) const;

    SchemaDocument& document_;
    Dfa& dfa_;
    const JsonTexts& texts_;
    std::vector<const Json*> schemas_;
    std::unordered_map<const Json*, std::uint32_t> schema_ids_;
    std::deque<Entry> literals_;
    std::vector<std::vector<Literal>> alls_;
    std::map<std::vector<Literal>, AllId> all_ids_;
    std::deque<Entry> all_values_;
    std::map<std::string, ExprId, std::less<>> patterns_;
    std::uint32_t work_ = 0;
    unsigned depth_ = 0;     // of evaluate()
    unsigned guessing_ = 0;  // inside of is_empty(): what is in progress counts as not empty
};

// The regular expression of a "format" that is enforced; empty when the format is not known to the specification.
// `known` tells a format that the specification has, but which is not enforced.
std::string_view format_pattern(std::string_view format, bool& known);

}  // namespace linnet::constrain
