// SPDX-License-Identifier: MIT
// The format's form of a call, cut where control tokens are: what is before the last of the first run is the opening,
// and what is from one behind the arguments on is left to the host.
#include "session/tool_grammar.hpp"

#include <vector>

#include "base/error.hpp"
#include "chat/parse_json.hpp"
#include "chat/print.hpp"

namespace linnet {

namespace {

using chat::Kind;
using chat::Value;

struct Tool {
    std::string name, schema;
};

bool is_control(TokenKind kind) noexcept { return kind == TokenKind::control || kind == TokenKind::unknown; }

// Where the last control token that is written in `text` ends, 0: there is none. first: where the first one begins.
std::size_t after_controls(const Tokenizer& tokenizer, std::string_view text, Memory& memory, std::size_t& first) {
    std::pmr::vector<Token> ids(&memory);
    tokenizer.encode(text, {.add_special = false}, ids);
    std::size_t end = 0;
    first = text.size();
    for (const Token id : ids) {
        if (!is_control(tokenizer.kind(id))) continue;
        const std::size_t at = text.find(tokenizer.text(id), end);
        if (at == std::string_view::npos) continue;
        if (end == 0) first = at;
        end = at + tokenizer.text(id).size();
    }
    return end;
}

bool is_name(std::string_view name) noexcept {
    constexpr std::string_view kChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/";
    return !name.empty() && name.size() <= 256 && name.find_first_not_of(kChars) == std::string_view::npos;
}

Value field(const Value& dict, std::string_view name) noexcept {
    const Value* const found = dict.is(Kind::dict) ? chat::find(*dict.dict, name) : nullptr;
    return found != nullptr ? *found : chat::none();
}

// Arguments are an object, whatever the schema says besides.
std::string schema_of(chat::Arena& arena, const Value& parameters) {
    if (!parameters.is(Kind::dict)) return R"({"type": "object"})";
    if (field(parameters, "type").is(Kind::none)) {
        chat::set(arena, *parameters.dict, chat::borrowed("type"), chat::borrowed("object"));
    }
    chat::Text text(arena);
    chat::append_json(text, parameters, {});
    return std::string(text.view());
}

std::vector<Tool> read_tools(std::string_view json, Memory& memory) {
    chat::Arena arena(memory, (1 << 20) + 256 * std::uint64_t{json.size()}, 100000 + 16 * std::uint64_t{json.size()});
    const Value list = chat::parse_json(arena, json, "tools");
    if (!list.is(Kind::list)) throw Error(Status::invalid_argument, "tools must be an array");
    std::vector<Tool> tools;
    for (std::size_t i = 0; i < list.n; ++i) {
        const Value inner = field(list.items[i], "function");
        const Value& function = inner.is(Kind::dict) ? inner : list.items[i];
        const Value name = field(function, "name");
        if (!name.is(Kind::string) || !is_name(name.view_text())) {
            throw Error(Status::invalid_argument, "/{}/function/name is no name of a function", i);
        }
        tools.push_back({std::string(name.view_text()), schema_of(arena, field(function, "parameters"))});
    }
    if (tools.empty()) throw Error(Status::invalid_argument, "tools has none");
    return tools;
}

}  // namespace

ToolGrammar tool_grammar(const Tokenizer& tokenizer, const chat::ReplyFormat& format, std::string_view tools, bool many,
                         Memory& memory) {
    const chat::CallForm& form = format.form;
    if (form.middle.empty()) {
        throw Error(Status::unsupported, "the format '{}' has no grammar: its arguments are not JSON", format.name);
    }
    const std::vector<Tool> read = read_tools(tools, memory);
    const auto controls = [&](std::string_view text) {
        std::size_t first = 0;
        return after_controls(tokenizer, text, memory, first);
    };
    const auto until_control = [&](std::string_view text) {
        std::size_t first = 0;
        (void)after_controls(tokenizer, text, memory, first);
        return text.substr(0, first);
    };
    // One tool: its name may belong to the opening.
    const bool named = controls(form.middle) != 0;
    if (named && read.size() > 1) {
        throw Error(Status::unsupported, "the format '{}' has control tokens behind the name: give one tool",
                    format.name);
    }
    std::string begin = std::string(form.list_open) + std::string(form.before);
    if (named) begin += read[0].name + std::string(form.middle);
    const std::size_t cut = controls(begin);
    std::pmr::string opening(std::string_view(begin).substr(0, cut), &memory);

    // What of the list's opening and of the text before the name the grammar still has to write.
    const std::string_view list_open = std::string_view(form.list_open).substr(std::min(cut, form.list_open.size()));
    const std::size_t cut_before = cut - std::min(cut, form.list_open.size());
    const bool separable = controls(form.before) == 0 && controls(form.after) == 0 && controls(form.separator) == 0 &&
                           !named && !(form.list_close.empty() && form.separator.empty());
    const std::string_view after = until_control(form.after);
    std::vector<std::string> before;
    std::vector<constrain::Grammar::List::Item> items;
    for (const Tool& tool : read) {
        const std::string whole = std::string(form.before) + tool.name + std::string(form.middle);
        before.push_back(whole.substr(std::min(cut_before, whole.size())));
    }
    for (std::size_t i = 0; i < read.size(); ++i) items.push_back({read[i].name, before[i], read[i].schema, after});
    const bool whole_after = after.size() == form.after.size();
    constrain::Grammar::List list{.items = items,
                                  .open = list_open,
                                  .separator = form.separator,
                                  .close = whole_after ? until_control(form.list_close) : std::string_view(),
                                  .many = many && separable};
    return {constrain::Grammar::from_list(list, memory), std::move(opening)};
}

}  // namespace linnet
