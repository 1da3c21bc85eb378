// SPDX-License-Identifier: MIT
// Reading schemas. Nesting is bounded before the parser sees the text; the document is walked with stacks of our own.
#include "constrain/schema_document.hpp"

#include <algorithm>

namespace linnet::constrain {

namespace {

void check_size(std::string_view text, const GrammarLimits& limits) {
    if (text.size() > limits.max_text) {
        throw Error(Status::unsupported, "schema: {} bytes, more than {}", text.size(), limits.max_text);
    }
    std::uint32_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > limits.max_nesting) {
                throw Error(Status::unsupported, "schema: nested deeper than {} at offset {}", limits.max_nesting, i);
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
}

Json parse(std::string_view text, const GrammarLimits& limits) {
    check_size(text, limits);
    try {
        return Json::parse(text);
    } catch (const Json::exception& error) {
        throw Error(Status::invalid_argument, "schema: {}", error.what());
    }
}

// `reference` relative to `base`, without fragments.
std::string absolute(std::string_view base, std::string_view reference) {
    if (reference.empty()) return std::string(base);
    const std::size_t colon = reference.find(':');
    if (colon != std::string_view::npos && colon < reference.find('/')) return std::string(reference);
    const std::size_t scheme = base.find("://");
    if (reference.front() == '/' && scheme != std::string_view::npos) {
        return std::string(base.substr(0, base.find('/', scheme + 3))).append(reference);
    }
    const std::size_t slash = base.rfind('/');
    return std::string(slash == std::string_view::npos ? std::string_view{} : base.substr(0, slash + 1))
        .append(reference);
}

std::string percent_decoded(std::string_view text) {
    std::string result;
    const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            result += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        } else {
            result += text[i];
        }
    }
    return result;
}

std::string unescaped(std::string_view token) {
    std::string result;
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (token[i] == '~' && i + 1 < token.size()) {
            result += token[++i] == '1' ? '/' : '~';
        } else {
            result += token[i];
        }
    }
    return result;
}

}  // namespace

SchemaDocument::SchemaDocument(std::string_view text, const GrammarLimits& limits) : root_(parse(text, limits)) {
    if (const Json* dialect = member(root_, "$schema"); dialect != nullptr && dialect->is_string()) {
        const auto& name = dialect->get_ref<const std::string&>();
        asserts_formats_ = name.find("2020-12") == std::string::npos && name.find("2019-09") == std::string::npos;
        has_integers_with_point_ =
            name.find("draft-04") == std::string::npos && name.find("draft-03") == std::string::npos;
        // The vocabulary of another dialect could give keywords other meanings.
        if (name.find("json-schema.org") == std::string::npos) fail(root_, "$schema", "this dialect is not known");
    }
    index();
}

void SchemaDocument::index() {
    struct Visit {
        const Json* part;
        std::uint32_t resource;
    };
    const Json* dialect = member(root_, "$schema");
    const bool old = dialect != nullptr && dialect->is_string() &&
                     dialect->get_ref<const std::string&>().find("draft-04") != std::string::npos;
    resources_.push_back({"", &root_, {}});
    std::vector<Visit> open = {{&root_, 0}};
    while (!open.empty()) {
        auto [part, resource] = open.back();
        open.pop_back();
        if (part->is_array()) {
            for (const Json& element : *part) open.push_back({&element, resource});
        }
        if (!part->is_object()) continue;
        const Json* id = member(*part, old ? "id" : "$id");
        if (id != nullptr && id->is_string()) {
            std::string uri = id->get<std::string>();
            const std::size_t hash = uri.find('#');
            if (hash != std::string::npos && hash + 1 < uri.size()) {  // draft 7's form of an anchor
                resources_[resource].anchors.emplace(uri.substr(hash + 1), part);
            }
            uri = absolute(resources_[resource].uri, std::string_view(uri).substr(0, hash));
            if (part == &root_) {
                resources_[0].uri = uri;
            } else if (hash != 0) {
                resource = static_cast<std::uint32_t>(resources_.size());
                resources_.push_back({uri, part, {}});
            }
        }
        for (const char* key : {"$anchor", "$dynamicAnchor"}) {
            const Json* anchor = member(*part, key);
            if (anchor != nullptr && anchor->is_string()) {
                resources_[resource].anchors.emplace(anchor->get<std::string>(), part);
            }
        }
        if (part->contains("$ref")) resource_of_[part] = resource;
        for (const auto& [key, value] : part->items()) {
            if (key == "const" || key == "enum" || key == "default" || key == "examples") continue;
            if (value.is_structured()) open.push_back({&value, resource});
        }
    }
}

const Json& SchemaDocument::keep(Json schema, const Json& origin) {
    const Json& kept = kept_.emplace_back(std::move(schema));
    origins_[&kept] = &origin;
    return kept;
}

const Json* SchemaDocument::find(const Resource& resource, std::string_view fragment) const {
    if (!fragment.empty() && fragment[0] != '/') {
        const auto anchor = resource.anchors.find(fragment);
        return anchor == resource.anchors.end() ? nullptr : anchor->second;
    }
    const Json* part = resource.root;
    while (!fragment.empty()) {
        const std::size_t end = std::min(fragment.find('/', 1), fragment.size());
        const std::string token = unescaped(fragment.substr(1, end - 1));
        fragment.remove_prefix(end);
        if (part->is_object()) {
            const auto found = part->find(token);
            if (found == part->end()) return nullptr;
            part = &*found;
        } else if (part->is_array()) {
            std::size_t index = 0;
            if (token.empty() || token.size() > 6) return nullptr;
            for (const char c : token) {
                if (c < '0' || c > '9') return nullptr;
                index = index * 10 + static_cast<std::size_t>(c - '0');
            }
            if (index >= part->size()) return nullptr;
            part = &(*part)[index];
        } else {
            return nullptr;
        }
    }
    return part;
}

const Json& SchemaDocument::resolve(const Json& schema, const char* keyword) const {
    const Json& value = *member(schema, keyword);
    if (!value.is_string()) fail(schema, keyword, "not a string", Status::invalid_argument);
    const std::string_view reference = value.get_ref<const std::string&>();
    const std::size_t hash = std::min(reference.find('#'), reference.size());
    const std::string fragment = hash < reference.size() ? percent_decoded(reference.substr(hash + 1)) : "";
    const auto known = resource_of_.find(&schema);
    const Resource& here = resources_[known == resource_of_.end() ? 0 : known->second];
    const Json* target = nullptr;
    if (hash == 0) {
        target = find(here, fragment);
        if (target == nullptr) target = find(resources_[0], fragment);
    } else {
        const std::string uri = absolute(here.uri, reference.substr(0, hash));
        for (const Resource& resource : resources_) {
            if (target == nullptr && resource.uri == uri) target = find(resource, fragment);
        }
    }
    if (target == nullptr) {
        fail(schema, keyword, format_text("'{}' is not in the document", reference.substr(0, 100)));
    }
    return *target;
}

std::string SchemaDocument::pointer(const Json& part) const {
    struct Visit {
        const Json* part;
        std::size_t parent;
        std::string token;
    };
    const Json* target = &part;
    for (auto origin = origins_.find(target); origin != origins_.end(); origin = origins_.find(target)) {
        target = origin->second;
    }
    std::vector<Visit> visits = {{&root_, 0, ""}};
    for (std::size_t i = 0; i < visits.size(); ++i) {
        const Json& at = *visits[i].part;
        if (&at == target) {
            std::string result;
            for (std::size_t j = i; j != 0; j = visits[j].parent)
                result = format_text("/{}{}", visits[j].token, result);
            return format_text("#{}", result);
        }
        std::size_t n = 0;
        for (const auto& [key, value] : at.items()) {
            std::string token = at.is_array() ? format_text("{}", n++) : "";
            if (at.is_object()) {
                for (const char c : key) token += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
            }
            if (value.is_structured() || &value == target) visits.push_back({&value, i, std::move(token)});
        }
    }
    return "#";
}

void SchemaDocument::fail(const Json& schema, std::string_view keyword, std::string_view why, Status status) const {
    const std::string place = pointer(schema);
    throw Error(status, "schema: {}: '{}': {}", std::string_view(place).substr(0, 200), keyword, why);
}

}  // namespace linnet::constrain
