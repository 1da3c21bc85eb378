// SPDX-License-Identifier: MIT
// linnet render and linnet jinja: templates applied line by line, one JSON object in, one out, flushed. They use the
// layer of templates and not linnet.h, because they must also work without a model. What a template fails with is an
// answer, {"error": ...}; a line that is no request gives one as well, and exit status 1.
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/memory.hpp"
#include "chat/conversation.hpp"
#include "chat/family.hpp"
#include "chat/parse_json.hpp"
#include "chat/strftime.hpp"
#include "chat/template.hpp"
#include "gguf/file.hpp"
#include "tokenizer/tokenizer.hpp"
#include "tools/clock.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/json_lines.hpp"
#include "tools/read_file.hpp"

namespace tools {

namespace {

namespace chat = linnet::chat;
namespace gguf = linnet::gguf;

struct Options {
    std::string model, file;
    bool jsonl = false;
};

// A template, the one for conversations with tools, and the texts that go with them.
struct Source {
    std::string text, with_tools, bos, eos;
};

// What cannot be asked, in contrast to what a template answers.
struct BadLine : std::runtime_error {
    using std::runtime_error::runtime_error;
};

Source read_model(const std::string& path, bool with_template, linnet::Memory& memory) {
    const auto file = gguf::File::open(path, true, memory);
    Source source;
    const linnet::Tokenizer tokenizer(file, memory, linnet::Log{});
    if (with_template) {
        const auto text = file.string("tokenizer.chat_template");
        const auto* const family =
            text ? nullptr : chat::family_of(tokenizer, file.string("general.architecture").value_or(""), memory);
        if (!text && family == nullptr) {
            throw std::runtime_error(path + ": no tokenizer.chat_template; give one with --template");
        }
        source.text = text ? std::string(*text) : chat::template_of(*family);
        source.with_tools = file.string("tokenizer.chat_template.tool_use").value_or(source.text);
    }
    if (tokenizer.bos() != linnet::kNoToken) source.bos = tokenizer.text(tokenizer.bos());
    if (tokenizer.eos() != linnet::kNoToken) source.eos = tokenizer.text(tokenizer.eos());
    return source;
}

std::optional<std::string_view> text_field(const chat::Value& line, std::string_view name) {
    const chat::Value* const value = chat::find(*line.dict, name);
    if (value == nullptr || value->is(chat::Kind::none)) return std::nullopt;
    if (!value->is(chat::Kind::string)) throw BadLine(fmt::format("{} must be a text", name));
    return value->view_text();
}

chat::RenderOptions render_options(const chat::Value& line) {
    chat::RenderOptions options;
    const auto now = text_field(line, "now");
    options.now = chat::parse_moment(now ? std::string(*now) : local_time());
    return options;
}

// Empty lines are passed over.
template <class Answer>
void answer_requests(linnet::Memory& memory, int& status, Answer answer) {
    std::string line;
    while (std::getline(std::cin, line)) {
        if (line.empty()) continue;
        Json result;
        try {
            chat::Arena arena(memory, (1 << 20) + 64 * std::uint64_t{line.size()},
                              1000 + 4 * std::uint64_t{line.size()});
            chat::Value request;
            try {
                request = chat::parse_json(arena, line, "line");
            } catch (const linnet::Error& error) {
                throw BadLine(error.what());
            }
            if (!request.is(chat::Kind::dict)) throw BadLine("a line must be a JSON object");
            const std::pmr::string text = answer(request, arena);
            result = {{"text", std::string_view(text)}};
        } catch (const linnet::Error& error) {
            result = {{"error", error.what()}};
        } catch (const BadLine& error) {
            result = {{"error", error.what()}};
            status = kExitFailure;
        }
        write_line(result);
    }
}

void render(const Options& options, int& status) {
    linnet::Memory memory;
    Source source;
    if (!options.model.empty()) source = read_model(options.model, options.file.empty(), memory);
    if (!options.file.empty()) {
        const chat::Family* const family = chat::find_family(options.file);
        if (!read_file(options.file, source.text)) {
            if (family == nullptr) throw std::runtime_error("cannot read " + options.file);
            source.text = chat::template_of(*family);
        }
        source.with_tools = source.text;
    }
    const auto parsed = chat::Template::parse(source.text, memory);
    const auto parsed_with_tools = chat::Template::parse(source.with_tools, memory);
    answer_requests(memory, status, [&](const chat::Value& line, chat::Arena& arena) {
        const chat::TokenTexts tokens = {text_field(line, "bos_token").value_or(source.bos),
                                         text_field(line, "eos_token").value_or(source.eos)};
        const auto& chosen = chat::field(line, "tools").n != 0 ? parsed_with_tools : parsed;
        return chat::render_conversation(chosen, line, tokens, render_options(line), arena);
    });
}

void jinja(int& status) {
    linnet::Memory memory;
    answer_requests(memory, status, [&](const chat::Value& line, chat::Arena& arena) {
        const auto text = text_field(line, "template");
        if (!text) throw BadLine("a line needs a template");
        const chat::Value* const context = chat::find(*line.dict, "context");
        if (context != nullptr && !context->is(chat::Kind::dict)) throw BadLine("context must be an object");
        return chat::Template::parse(*text, memory)
            .render(context != nullptr ? *context : chat::new_dict(arena), render_options(line), memory);
    });
}

}  // namespace

void add_render(CommandLine& line, int& status) {
    auto options = std::make_shared<Options>();
    const Command command = line.add(
        "render", "Turn conversations into the text that a model sees",
        "Reads conversations from the standard input, one JSON object a line, and writes {\"text\"} for each, "
        "rendered with the model's own chat template (for tools, when it has one) or with a given one. Fields: "
        "messages; tools, documents, "
        "add_generation_prompt, continue_final_message (ends the text after the last message, for the model to go "
        "on), extra (further variables, such as {\"enable_thinking\": false}), bos_token, eos_token (default: "
        "the model's), now (a time such as 2025-03-09T15:04:05; default: the local time). Where the template "
        "fails, the answer is {\"error\"}; a line that is no conversation gives that and exit status 1.",
        "echo '{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}], \"add_generation_prompt\": true}' | "
        "linnet render model.gguf --jsonl");
    command.add_option("MODEL", &options->model, "GGUF file; a vocabulary without tensors will do");
    command.add_option("--template", &options->file,
                       "Jinja file, or the name of a built-in template, instead of the model's");
    command.add_option("--jsonl", &options->jsonl, "Read and write one JSON object a line (the only form there is)");
    command.on_run([options, command, &status] {
        if (!command.given("MODEL") && !command.given("--template"))
            throw UsageError("render needs a MODEL or --template FILE");
        render(*options, status);
    });
}

void add_jinja(CommandLine& line, int& status) {
    auto options = std::make_shared<Options>();
    const Command command =
        line.add("jinja", "Try Jinja templates",
                 "Reads objects {\"template\", \"context\", \"now\"} from the standard input, one a line, and writes "
                 "{\"text\"} or {\"error\"} for each, with the environment that chat templates have: trim_blocks, "
                 "lstrip_blocks, tojson, raise_exception, strftime_now, and nothing else of the outside.",
                 "echo '{\"template\": \"{{ a + 1 }}\", \"context\": {\"a\": 1}}' | linnet jinja --jsonl");
    command.add_option("--jsonl", &options->jsonl, "Read and write one JSON object a line (the only form there is)");
    command.on_run([options, &status] { jinja(status); });
}

}  // namespace tools
