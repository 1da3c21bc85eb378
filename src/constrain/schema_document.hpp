// SPDX-License-Identifier: MIT
// A JSON schema as read: the document, what "$ref" and its like point to, and where a part of it is (for messages).
#pragma once

#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "constrain/grammar.hpp"

namespace linnet::constrain {

using Json = nlohmann::ordered_json;

// The member of an object, null when `object` is none or has no such member.
inline const Json* member(const Json& object, const char* key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

class SchemaDocument {
  public:
    // Throws Error(invalid_argument) with line and column for what is no JSON, or nested or sized beyond the limits.
    SchemaDocument(std::string_view text, const GrammarLimits& limits);

    const Json& root() const noexcept { return root_; }
    // Keeps a schema that stands for a value of the document (a constant's members), at the place of `origin`.
    const Json& keep(Json schema, const Json& origin);
    // What the reference of `schema` under `keyword` points to. Throws Error(unsupported) when that is nowhere.
    const Json& resolve(const Json& schema, const char* keyword) const;
    // The JSON pointer of a part of the document, as the fragment of a URI: "#/properties/a".
    std::string pointer(const Json& part) const;
    // From 2019-09 on a "format" is a remark, unless the schema does not say which draft it follows.
    bool asserts_formats() const noexcept { return asserts_formats_; }
    // From draft 6 on 1.0 is an integer. Programs that read integers seldom agree, so that is only so in a schema that
    // says which draft it follows.
    bool has_integers_with_point() const noexcept { return has_integers_with_point_; }

    [[noreturn]] void fail(const Json& schema, std::string_view keyword, std::string_view why,
                           Status status = Status::unsupported) const;

  private:
    struct Resource {
        std::string uri;
        const Json* root;
        std::map<std::string, const Json*, std::less<>> anchors;
    };

    void index();
    const Json* find(const Resource& resource, std::string_view fragment) const;

    Json root_;
    std::deque<Json> kept_;
    std::unordered_map<const Json*, const Json*> origins_;  // of kept schemas
    std::vector<Resource> resources_;
    std::unordered_map<const Json*, std::uint32_t> resource_of_;  // of schemas with references
    bool asserts_formats_ = true;
    bool has_integers_with_point_ = false;
};

}  // namespace linnet::constrain
