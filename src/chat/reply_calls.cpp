// SPDX-License-Identifier: MIT
// A cursor over the payload; which of the notations it is shows in its first characters. Nesting is bounded.
#include "chat/reply_calls.hpp"

#include <algorithm>
#include <optional>

#include "chat/parse_json.hpp"
#include "chat/tool_schema.hpp"

namespace linnet::chat {

namespace {

constexpr std::size_t kMaxName = 256;
constexpr std::string_view kSpaces = " \t\r\n";

bool is_space(char c) noexcept { return kSpaces.find(c) != std::string_view::npos; }

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t begin = text.find_first_not_of(kSpaces);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kSpaces) + 1 - begin);
}

bool is_name_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == ':' || c == '/';
}

class Payload {
  public:
    Payload(Arena& arena, std::string_view text, const Value& tools) : arena_(arena), text_(text), tools_(tools) {}

    std::vector<ToolCall> calls;

    void parse(std::string_view name) {
        skip();
        if (!name.empty()) {
            add(name, {}, json());
        } else if (next() == '{') {
            do {
                add_object(json());
            } while (take(',') || take(';') || next() == '{');
        } else if (next() == '[') {
            list();
        } else if (starts("<function")) {
            while (starts("<function")) tagged();
        } else if (take("call:")) {
            const std::string_view called = word();
            add(called, {}, literal(0));
            if (take("call:")) throw error("another call follows");
        } else {
            named();
        }
        skip();
        if (at_ != text_.size()) throw error("text follows the call");
        if (calls.empty()) throw error("there is no call");
    }

  private:
    Error error(std::string_view what) const {
        return Error(Status::invalid_argument, "tool call, byte {}: {}", at_, what);
    }

    // --- the cursor; all but starts() pass over spaces first
    void skip() noexcept {
        while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    }
    bool starts(std::string_view what) noexcept {
        skip();
        return text_.substr(at_, what.size()) == what;
    }
    bool take(std::string_view what) noexcept {
        if (!starts(what)) return false;
        at_ += what.size();
        return true;
    }
    bool take(char c) noexcept { return take(std::string_view(&c, 1)); }
    void expect(std::string_view what) {
        if (!take(what)) throw Error(Status::invalid_argument, "tool call, byte {}: no '{}'", at_, what);
    }
    char next() noexcept {
        skip();
        return at_ < text_.size() ? text_[at_] : '\0';
    }
    std::string_view until(std::string_view end) {
        const std::size_t found = text_.find(end, at_);
        if (found == std::string_view::npos) throw Error(Status::invalid_argument, "tool call: no '{}'", end);
        const std::string_view result = text_.substr(at_, found - at_);
        at_ = found + end.size();
        return result;
    }
    std::string_view word() noexcept {
        skip();
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
        return text_.substr(begin, at_ - begin);
    }

    // --- values
    // The next value, found by its brackets and strings; the parser then judges it.
    Value json() {
        skip();
        const std::size_t begin = at_;
        std::size_t depth = 0;
        for (bool in_string = false; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (in_string) {
                if (c == '\\') ++at_;
                in_string = c != '"';
            } else if (c == '"') {
                in_string = true;
            } else if (c == '{' || c == '[') {
                ++depth;
            } else if (c == '}' || c == ']') {
                if (depth <= 1) {
                    ++at_;
                    break;
                }
                --depth;
            }
        }
        at_ = std::min(at_, text_.size());
        return parse_json(arena_, text_.substr(begin, at_ - begin), "tool call");
    }

    // As Python and Gemma write values: also single quotes, True, bare keys, <|"|> around strings.
    Value literal(int depth) {
        if (depth > kMaxValueDepth) throw error("nested too deep");
        for (const std::string_view quote : {"<|\"|>", "<escape>"}) {
            if (take(quote)) return string(arena_, until(quote));
        }
        if (next() == '"' || next() == '\'') return quoted();
        if (take('[')) {
            std::vector<Value> items;
            while (!take(']')) {
                if (!items.empty()) expect(",");
                if (take(']')) break;
                items.push_back(literal(depth + 1));
            }
            return list_of(items);
        }
        if (take('{')) {
            const Value dict = new_dict(arena_);
            for (bool first = true; !take('}'); first = false) {
                if (!first) expect(",");
                if (take('}')) break;
                const bool bare = next() != '"' && next() != '\'' && next() != '<';
                const Value key = bare ? string(arena_, key_word()) : literal(kMaxValueDepth);
                expect(":");
                set(arena_, *dict.dict, key, literal(depth + 1));
            }
            return dict;
        }
        return bare();
    }
    // Up to the colon.
    std::string_view key_word() {
        skip();
        const std::size_t end = std::min(text_.find_first_of(":,}", at_), text_.size());
        const std::string_view key = trimmed(text_.substr(at_, end - at_));
        if (key.empty()) throw error("a key is missing");
        at_ = end;
        return key;
    }
    Value list_of(const std::vector<Value>& items) { return chat::list(arena_, items); }
    Value bare() {
        skip();
        const std::size_t begin = at_;
        while (at_ < text_.size() && (is_name_char(text_[at_]) || text_[at_] == '+')) ++at_;
        const std::string_view text = text_.substr(begin, at_ - begin);
        if (text == "True") return boolean(true);
        if (text == "False") return boolean(false);
        if (text == "None") return none();
        return parse_json(arena_, text, "tool call");
    }
    Value quoted() {
        const char quote = text_[at_++];
        Text result(arena_);
        while (at_ < text_.size() && text_[at_] != quote) {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
                escaped(result);
            } else {
                result.append(text_[at_++]);
            }
        }
        if (at_ == text_.size()) throw error("a string does not end");
        ++at_;
        return result.finish();
    }
    void escaped(Text& result) {
        const char c = text_[at_ + 1];
        constexpr std::string_view kNames = "ntrbf'\"\\/", kMeant = "\n\t\r\b\f'\"\\/";
        const std::size_t known = kNames.find(c);
        if (known != std::string_view::npos) {
            result.append(kMeant[known]);
            at_ += 2;
        } else if (c == 'u' && at_ + 6 <= text_.size()) {
            // One or two halves, as JSON writes them.
            const bool pair = text_.substr(at_ + 6, 2) == "\\u" && at_ + 12 <= text_.size() &&
                              (text_[at_ + 2] == 'd' || text_[at_ + 2] == 'D');
            const std::size_t size = pair ? 12 : 6;
            const std::string json_text = '"' + std::string(text_.substr(at_, size)) + '"';
            result.append(parse_json(arena_, json_text, "tool call").view_text());
            at_ += size;
        } else {
            result.append('\\');  // Python keeps what it does not know
            ++at_;
        }
    }

    // A parameter's text without quotes: what it is says the tool's schema, or else its looks.
    Value untyped(std::string_view function, std::string_view key, std::string_view text) {
        const Typing typing = typing_of(parameters_of(tools_, function), key);
        if (typing == Typing::text) return string(arena_, text);
        const std::string_view core = trimmed(text);
        if (typing == Typing::other && (core == "True" || core == "False")) return boolean(core == "True");
        if (typing == Typing::other && core == "None") return none();
        try {
            const bool looks = !core.empty() && core.front() != '"';
            if (looks) return parse_json(arena_, core, "tool call");
        } catch (const Error&) {
            if (core.front() != '{' && core.front() != '[') return string(arena_, text);
            Payload inner(arena_, core, tools_);
            try {
                const Value value = inner.literal(0);
                if (inner.at_ == core.size()) return value;
            } catch (const Error&) {
                // Then it is text.
            }
        }
        return string(arena_, text);
    }

    // --- calls
    void add(std::string_view name, std::string_view id, const Value& arguments) {
        if (name.empty() || name.size() > kMaxName || !std::all_of(name.begin(), name.end(), is_name_char)) {
            throw error("no name of a function");
        }
        if (!arguments.is(Kind::dict)) throw error("the arguments are no object");
        calls.push_back({name, id, arguments});
    }

    // {"name": ..., "arguments": {...}} under the names that families have for them, or {NAME: {...}}.
    void add_object(const Value& call) {
        if (!call.is(Kind::dict)) throw error("a call is no object");
        const Value inner = field(call, "function");
        const Value& body = inner.is(Kind::dict) ? inner : call;
        Value name = inner.is(Kind::string) ? inner : none(), arguments = none(), id = none();
        for (const std::string_view key : {"name", "tool_name"}) {
            if (name.is(Kind::none)) name = field(body, key);
        }
        for (const std::string_view key : {"arguments", "parameters", "args"}) {
            if (arguments.is(Kind::none)) arguments = field(body, key);
        }
        for (const std::string_view key : {"id", "tool_call_id"}) {
            if (!id.is(Kind::string)) id = field(call, key);
        }
        if (name.is(Kind::none) && call.dict->n == 1) {
            name = call.dict->entries[0].key;
            arguments = call.dict->entries[0].value;
        }
        if (!name.is(Kind::string)) throw error("a call has no name");
        if (arguments.is(Kind::none)) arguments = new_dict(arena_);
        if (arguments.is(Kind::string)) arguments = parse_json(arena_, arguments.view_text(), "tool call's arguments");
        add(name.view_text(), id.is(Kind::string) ? id.view_text() : std::string_view(), arguments);
    }

    // Of JSON objects, or of calls as Python writes them.
    void list() {
        const std::size_t begin = at_;
        take('[');
        if (next() == '{' || next() == ']') {
            at_ = begin;
            const Value items = json();
            for (const Value& item : items.span()) add_object(item);
            return;
        }
        do {
            python_call(word());
        } while (take(','));
        expect("]");
    }

    void python_call(std::string_view name) {
        expect("(");
        const Value arguments = new_dict(arena_);
        for (bool first = true; !take(')'); first = false) {
            if (!first) expect(",");
            if (take(')')) break;
            const std::string_view key = word();
            if (key.empty()) throw error("an argument has no name");
            expect("=");
            set(arena_, *arguments.dict, string(arena_, key), literal(0));
        }
        add(name, {}, arguments);
    }

    // <function=NAME><parameter=KEY>VALUE</parameter></function>, or <function name="NAME"><param name="KEY">. The last
    // closing tag may be the section's and missing here.
    void tagged() {
        const bool quoted_names = take("<function name=\"");
        if (!quoted_names) expect("<function=");
        const std::string_view end = quoted_names ? "\">" : ">";
        const std::string_view open = quoted_names ? "<param name=\"" : "<parameter=";
        const std::string_view close = quoted_names ? "</param>" : "</parameter>";
        const std::string_view name = trimmed(until(end));
        const Value arguments = new_dict(arena_);
        while (take(open)) {
            const std::string_view key = trimmed(until(end));
            std::string_view value = until(close);
            // One line end on each side belongs to the tags.
            if (value.starts_with('\n')) value.remove_prefix(1);
            if (value.ends_with('\n')) value.remove_suffix(1);
            constexpr std::string_view kCdata = "<![CDATA[", kCdataEnd = "]]>";
            if (value.starts_with(kCdata) && value.ends_with(kCdataEnd)) {
                value.remove_prefix(kCdata.size());
                value.remove_suffix(kCdataEnd.size());
                set(arena_, *arguments.dict, string(arena_, key), string(arena_, value));
            } else {
                set(arena_, *arguments.dict, string(arena_, key), untyped(name, key, value));
            }
        }
        if (next() != '\0') expect("</function>");
        add(name, {}, arguments);
    }

    // A name, a separator, the arguments; before the name there may be the word "function".
    void named() {
        std::string_view name = word(), id;
        if (next() == '(') {
            python_call(name);
            return;
        }
        if (take("[CALL_ID]")) id = trimmed(until("[ARGS]"));
        const bool is_kimi = take("<|tool_call_argument_begin|>");
        if (!is_kimi && !take("[ARGS]")) take("<\xef\xbd\x9ctool\xe2\x96\x81sep\xef\xbd\x9c>");
        if (name == "function" && is_name_char(next())) name = word();
        if (starts("<arg_key>")) return pairs(name);
        // functions.NAME:INDEX is the call's id.
        if (is_kimi && name.starts_with("functions.")) {
            id = name;
            name.remove_prefix(10);
            name = name.substr(0, name.find(':'));
        }
        const bool fenced = take("```json") || take("```");
        add(name, id, next() == '\0' ? new_dict(arena_) : json());
        if (fenced) expect("```");
    }

    void pairs(std::string_view name) {
        const Value arguments = new_dict(arena_);
        while (take("<arg_key>")) {
            const std::string_view key = trimmed(until("</arg_key>"));
            expect("<arg_value>");
            set(arena_, *arguments.dict, string(arena_, key), untyped(name, key, until("</arg_value>")));
        }
        add(name, {}, arguments);
    }

    Arena& arena_;
    std::string_view text_;
    const Value& tools_;
    std::size_t at_ = 0;
};

}  // namespace

std::vector<ToolCall> parse_tool_calls(Arena& arena, std::string_view payload, std::string_view name,
                                       const Value& tools) {
    Payload cursor(arena, payload, tools);
    cursor.parse(name);
    return std::move(cursor.calls);
}

}  // namespace linnet::chat
