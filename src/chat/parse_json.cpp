// SPDX-License-Identifier: MIT
// A handler of nlohmann's event parser, which does not recurse: values are built on a stack of open lists and dicts.
#include "chat/parse_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace linnet::chat {

namespace {

using Json = nlohmann::json;

class Handler final : public nlohmann::json_sax<Json> {
  public:
    Handler(Arena& arena, std::string_view source, std::string_view what)
        : arena_(arena), source_(source), what_(what) {}

    Value result;

    bool null() override { return add(none()); }
    bool boolean(bool value) override { return add(chat::boolean(value)); }
    bool number_integer(number_integer_t value) override { return add(integer(value)); }
    bool number_unsigned(number_unsigned_t value) override {
        if (value <= INT64_MAX) return add(integer(static_cast<std::int64_t>(value)));
        return add_big(std::to_string(value));
    }
    bool number_float(number_float_t value, const string_t& text) override {
        if (text.find_first_of(".eE") == string_t::npos) return add_big(text);
        return add(real(value));
    }
    bool string(string_t& value) override { return add(chat::string(arena_, value)); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(new_dict(arena_)); }
    bool key(string_t& value) override {
        open_.back().key = chat::string(arena_, value);
        return true;
    }
    bool end_object() override { return close(open_.back().value); }
    bool start_array(std::size_t) override { return open(Value(Kind::list)); }
    bool end_array() override { return close(list(arena_, open_.back().items)); }

    bool parse_error(std::size_t position, const std::string& token, const Json::exception& error) override {
        const std::string_view before = source_.substr(0, std::min(position, source_.size()));
        const auto line = std::count(before.begin(), before.end(), '\n') + 1;
        const std::size_t column = std::max<std::size_t>(before.size() - (before.rfind('\n') + 1), 1);
        if (error.id == 406) {
            throw Error(Status::invalid_argument, "{}: line {}, column {}: the number {} is out of range", what_, line,
                        column, token);
        }
        throw Error(Status::invalid_argument, "{}: line {}, column {}: not JSON at '{}'", what_, line, column, token);
    }

  private:
    struct Open {
        Value value;  // a dict, or a list whose items are gathered
        Value key;
        std::vector<Value> items;
    };

    bool add_big(std::string_view digits) {
        Value value = chat::string(arena_, digits);
        value.kind = Kind::big;
        return add(value);
    }

    bool open(const Value& value) {
        if (open_.size() >= static_cast<std::size_t>(kMaxValueDepth)) {
            throw Error(Status::unsupported, "{}: JSON is nested more than {} deep", what_, kMaxValueDepth);
        }
        open_.push_back({value, {}, {}});
        return true;
    }

    bool close(const Value& value) {
        open_.pop_back();
        return add(value);
    }

    bool add(const Value& value) {
        arena_.spend(1);
        if (open_.empty()) {
            result = value;
        } else if (open_.back().value.is(Kind::dict)) {
            set(arena_, *open_.back().value.dict, open_.back().key, value);
        } else {
            open_.back().items.push_back(value);
        }
        return true;
    }

    Arena& arena_;
    std::string_view source_, what_;
    std::vector<Open> open_;
};

}  // namespace

Value parse_json(Arena& arena, std::string_view text, std::string_view what) {
    Handler handler(arena, text, what);
    Json::sax_parse(text.begin(), text.end(), &handler);
    return handler.result;
}

}  // namespace linnet::chat
