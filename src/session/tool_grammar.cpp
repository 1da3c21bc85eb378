// SPDX-License-Identifier: MIT
// The format's form of a call, cut where control tokens are: what is before the last of the first run is the opening,
// and what is from one behind the arguments on is left to the host.
#include "session/tool_grammar.hpp"

#include <vector>

#include "base/error.hpp"
#include "chat/parse_json.hpp"
#include "chat/print.hpp"
#include "chat/tool_schema.hpp"

namespace linnet {

namespace {

using chat::Kind;
using chat::Value;

struct Tool {
    std::string name, schema;
    std::vector<std::string> texts;  // parameters that are strings whatever they look like
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

// Arguments are an object, whatever the schema says besides.
std::string schema_of(chat::Arena& arena, const Value& parameters) {
    if (!parameters.is(Kind::dict)) return R"({"type": "object"})";
    if (chat::field(parameters, "type").is(Kind::none)) {
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
        const Value function = chat::function_of(list.items[i]);
        const Value name = chat::field(function, "name"), parameters = chat::field(function, "parameters");
        if (!name.is(Kind::string) || !is_name(name.view_text())) {
            throw Error(Status::invalid_argument, "/{}/function/name is no name of a function", i);
        }
        Tool tool = {std::string(name.view_text()), schema_of(arena, parameters), {}};
        const Value properties = chat::field(parameters, "properties");
        for (std::size_t p = 0; properties.is(Kind::dict) && p < properties.dict->n; ++p) {
            const std::string_view key = properties.dict->entries[p].key.view_text();
            if (chat::typing_of(parameters, key) == chat::Typing::text) tool.texts.emplace_back(key);
        }
        tools.push_back(std::move(tool));
    }
    if (tools.empty()) throw Error(Status::invalid_argument, "tools has none");
    return tools;
}

// Markers that end a call wherever they stand in it.
std::vector<std::string_view> ends_of_calls(const chat::ReplyFormat& format) {
    std::vector<std::string_view> ends;
    bool open_ended = false;
    for (const chat::Section& section : format.sections) {
        if (section.part != chat::Part::calls && section.part != chat::Part::header) continue;
        if (section.part == chat::Part::calls && !section.close.empty()) ends.push_back(section.close);
        open_ended = open_ended || section.part == chat::Part::header || section.close.empty();
    }
    for (const chat::Section& section : format.sections) {
        const bool anywhere = section.when == chat::When::anywhere || section.when == chat::When::kept;
        if (open_ended && anywhere) ends.push_back(section.open);
    }
    return ends;
}

// What the notation has between the arguments' values.
std::vector<std::string_view> written_inside(const chat::CallForm& form) {
    if (form.notation == nullptr) return {};
    const constrain::Notation& notation = *form.notation;
    std::vector<std::string_view> texts = {notation.before_key, notation.after_key, notation.after_value};
    for (const constrain::TextForm& text : notation.texts) texts.insert(texts.end(), {text.open, text.close});
    return texts;
}

}  // namespace

ToolGrammar tool_grammar(const Tokenizer& tokenizer, const chat::ReplyFormat& format, std::string_view tools, bool many,
                         Memory& memory) {
    const chat::CallForm& form = format.form;
    if (form.middle.empty()) {
        throw Error(Status::unsupported, "the format '{}' has no tool calls", format.name);
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
    for (const std::string_view text : written_inside(form)) {
        if (controls(text) == 0) continue;
        throw Error(Status::unsupported, "the format '{}' has no grammar here: in {} there is a control token",
                    format.name, text);
    }
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
    std::vector<std::vector<std::string_view>> texts;
    for (const Tool& tool : read) texts.emplace_back(tool.texts.begin(), tool.texts.end());
    for (std::size_t i = 0; i < read.size(); ++i) {
        items.push_back({read[i].name, before[i], read[i].schema, after, texts[i]});
    }
    const std::vector<std::string_view> never = ends_of_calls(format);
    const bool whole_after = after.size() == form.after.size();
    constrain::Grammar::List list{.items = items,
                                  .open = list_open,
                                  .separator = form.separator,
                                  .close = whole_after ? until_control(form.list_close) : std::string_view(),
                                  .many = many && separable,
                                  .notation = form.notation,
                                  .never = never};
    try {
        return {constrain::Grammar::from_list(list, memory), std::move(opening)};
    } catch (const Error& error) {
        if (error.status() != Status::unsupported) throw;
        throw Error(error.status(), "{}, in the format '{}'", error.what(), format.name);
    }
}

}  // namespace linnet
