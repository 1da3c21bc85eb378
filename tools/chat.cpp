// SPDX-License-Identifier: MIT
// linnet chat: a conversation in the terminal, or line by line without one, through linnet.h. The answer goes to stdout
// as it comes, reasoning dimmed (to stderr when stdout is no terminal); what the program itself says goes to stderr.
#include <atomic>
#include <csignal>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include <unistd.h>

#include "tools/clock.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/line_reader.hpp"
#include "tools/load_model.hpp"
#include "tools/read_file.hpp"

namespace tools {

namespace {

using Json = nlohmann::ordered_json;

struct Options : SessionOptions {
    std::string system, chat_template, extra;
    std::uint32_t n_tokens = 0;
    bool no_thinking = false;
    linnet::SamplerOptions sampler;
    bool sampler_given = false;
};

// Of the session that answers at the moment: what Ctrl-C stops. Null at the prompt.
std::atomic<linnet_session*> answering{nullptr};

void on_interrupt(int) {
    // The session is not destroyed while it answers, and cancelling stores one atomic flag.
    linnet_session_cancel(answering.load());
}

void catch_interrupts() {
    struct sigaction action {};
    action.sa_handler = on_interrupt;  // no SA_RESTART: reading a line shall notice
    sigaction(SIGINT, &action, nullptr);
}

std::string read_text(const std::string& path) {
    std::string text;
    if (!read_file(path, text)) throw std::runtime_error("cannot read " + path);
    return text;
}

// What was typed may be no UTF-8.
std::string text_of(const Json& value, int indent = -1) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// A file, or the name of a built-in template.
std::string read_template(const std::string& given) {
    return given.empty() || !std::ifstream(given) ? given : read_text(given);
}

// What the file recommends, where no sampling option was given.
void read_recommended(const linnet::Model& model, linnet::SamplerOptions& sampler) {
    const auto read = [&](const char* key, float otherwise) {
        try {
            return std::stof(model.metadata(key));
        } catch (const std::exception&) {
            return otherwise;
        }
    };
    sampler.temperature = read("general.sampling.temp", 0.7F);
    sampler.top_p = read("general.sampling.top_p", 0.95F);
}

// Text on stdout, reasoning dimmed; a line of its own for each.
class Display {
  public:
    void show(const linnet::ReplyEvent& event) {
        switch (event.kind) {
            case LINNET_REPLY_TEXT: begin(Style::text); return write(event.text);
            case LINNET_REPLY_REASONING: begin(Style::reasoning); return write(event.text);
            case LINNET_REPLY_TOOL_CALL:
                begin(Style::call);
                write("[calls " + std::string(event.name) + ' ' + std::string(event.text) + ']');
                return;
            default: begin(Style::none); std::cerr << "linnet: " << event.text << '\n';
        }
    }
    void end() { begin(Style::none); }

  private:
    enum class Style { none, text, reasoning, call };

    std::ostream& stream() const { return style_ == Style::reasoning && !terminal_ ? std::cerr : std::cout; }
    void begin(Style style) {
        if (style == style_ && style != Style::call) return;
        if (style_ != Style::none)
            stream() << (style_ == Style::reasoning && terminal_ ? "\x1b[0m\n" : "\n") << std::flush;
        style_ = style;
        if (style == Style::reasoning && terminal_) stream() << "\x1b[2m";
    }
    void write(std::string_view text) { stream() << text << std::flush; }

    bool terminal_ = ::isatty(STDOUT_FILENO) != 0;
    Style style_ = Style::none;
};

class Chat {
  public:
    explicit Chat(const Options& options)
        : options_(options),
          engine_(engine_options(options)),
          model_(load_model(engine_, options)),
          session_(model_, session_options(options)),
          template_(read_template(options.chat_template)) {
        linnet::SamplerOptions sampler = options.sampler;
        if (!options.sampler_given) read_recommended(model_, sampler);
        session_.set_sampler(linnet::Sampler(model_, sampler));
        if (!options.extra.empty()) extra_ = Json::parse(options.extra);
        if (options.no_thinking) extra_["enable_thinking"] = false;
        set_system(options.system);
    }

    int run() {
        catch_interrupts();  // before this, Ctrl-C ends the program
        LineReader reader;
        const bool terminal = ::isatty(STDIN_FILENO) != 0;
        if (terminal) std::cerr << "/help lists the commands, Ctrl-D ends.\n";
        for (std::string line;;) {
            if (terminal) std::cerr << "> " << std::flush;
            switch (reader.read(line)) {
                case LineReader::Result::end:
                    if (terminal) std::cerr << '\n';
                    return 0;
                case LineReader::Result::interrupted: std::cerr << "\n(/quit or Ctrl-D ends)\n"; continue;
                case LineReader::Result::line: break;
            }
            try {
                if (line.empty()) continue;
                if (line[0] == '/') {
                    if (!command(line)) return 0;
                } else {
                    ask(line);
                }
            } catch (const std::exception& error) {
                std::cerr << "linnet: " << error.what() << '\n';
                failed_ = !terminal;
            }
            if (failed_ || !std::cout) return kExitFailure;  // nobody would notice
        }
    }

  private:
    struct Command {
        const char *name, *argument, *help;
        void (Chat::*run)(const std::string& argument);
    };
    static const Command kCommands[];

    // False: /quit.
    bool command(const std::string& line) {
        const std::size_t space = std::min(line.find(' '), line.size());
        const std::string name = line.substr(1, space - 1);
        const std::string argument = space < line.size() ? line.substr(space + 1) : "";
        if (name == "quit" || name == "exit") return false;
        if (name == "help") {
            help();
            return true;
        }
        for (const Command* entry = kCommands; entry->name != nullptr; ++entry) {
            if (name == entry->name) {
                (this->*entry->run)(argument);
                return true;
            }
        }
        throw std::runtime_error("no command /" + name + " (/help lists them)");
    }

    static void help() {
        for (const Command* entry = kCommands; entry->name != nullptr; ++entry) {
            std::string usage = std::string("/") + entry->name + ' ' + entry->argument;
            usage.resize(std::max<std::size_t>(usage.size(), 18), ' ');
            std::cerr << usage << entry->help << '\n';
        }
        std::cerr << "/quit             end (so does Ctrl-D); Ctrl-C stops an answer\n";
    }

    bool has_system() const { return !messages_.empty() && messages_[0]["role"] == "system"; }
    void set_system(const std::string& text) {
        if (has_system()) messages_.erase(messages_.begin());
        if (!text.empty()) messages_.insert(messages_.begin(), Json{{"role", "system"}, {"content", text}});
    }
    void reset(const std::string&) {
        const Json system = has_system() ? messages_[0] : Json();
        messages_ = Json::array();
        if (!system.is_null()) messages_.push_back(system);
    }
    // Returns whether there was an answer or a question of the user.
    bool drop_last(const char* role) {
        if (messages_.empty() || messages_.back()["role"] != role) return false;
        messages_.erase(messages_.end() - 1);
        return true;
    }
    void undo(const std::string&) {
        const bool answered = drop_last("assistant");
        if (!drop_last("user") && !answered) throw std::runtime_error("there is nothing to undo");
    }
    void retry(const std::string&) {
        (void)drop_last("assistant");
        if (messages_.empty() || messages_.back()["role"] != "user") throw std::runtime_error("nothing was asked yet");
        put();
        answer();
    }
    void think(const std::string& argument) {
        if (argument != "on" && argument != "off") throw std::runtime_error("/think on or /think off");
        extra_["enable_thinking"] = argument == "on";
    }
    void history(const std::string&) {
        for (const Json& message : messages_) {
            std::cout << message["role"].get<std::string>() << ": " << shown(message) << '\n';
        }
        std::cout << std::flush;
    }
    // The text, or in loaded conversations its parts and calls as JSON.
    static std::string shown(const Json& message) {
        const Json content = message.value("content", Json());
        std::string text = content.is_string() ? content.get<std::string>() : content.is_null() ? "" : text_of(content);
        if (message.contains("tool_calls")) text += text_of(message["tool_calls"]);
        return text;
    }
    void save(const std::string& path) {
        std::ofstream file(path, std::ios::binary);
        file << text_of(Json{{"messages", messages_}}, 2) << '\n';
        if (!file.flush()) throw std::runtime_error("cannot write " + path);
    }
    void load(const std::string& path) {
        const Json read = Json::parse(read_text(path));
        if (!read.contains("messages")) throw std::runtime_error(path + " has no \"messages\"");
        const std::string conversation = Json{{"messages", read.at("messages")}}.dump();
        (void)model_.render_chat(conversation, template_);  // refuses what is no conversation
        messages_ = read["messages"];
    }

    std::string request() const {
        Json request = {{"messages", messages_}, {"now", local_time()}, {"add_generation_prompt", true}};
        if (!extra_.empty()) request["extra"] = extra_;
        return text_of(request);
    }

    // A question that cannot be put is forgotten; it stays when the answer fails or is stopped, with what came of it.
    void ask(const std::string& text) {
        messages_.push_back({{"role", "user"}, {"content", text}});
        try {
            put();
        } catch (const std::exception&) {
            (void)drop_last("user");
            throw;
        }
        answer();
    }
    void put() {
        try {
            (void)session_.append_chat(request(), template_);
        } catch (const linnet::Error& error) {
            if (error.status() != LINNET_ERROR_CONTEXT_FULL) throw;
            throw std::runtime_error(std::string(error.what()) + " (/undo, /reset, or a larger --ctx)");
        }
    }
    void answer() {
        linnet::ReplyOptions options;
        options.chat_template = template_.data();
        options.chat_template_size = template_.size();
        options.session = session_.get();
        linnet::Reply reply(model_, options);
        Json message = {{"role", "assistant"}, {"content", ""}};
        Display display;
        const auto drain = [&] {
            for (auto event = reply.next(); event.kind != LINNET_REPLY_NONE; event = reply.next()) {
                display.show(event);
                note(event, message);
            }
        };
        answering = session_.get();
        std::string trouble;
        try {
            session_.generate(options_.n_tokens, [&](const linnet::Event& event) {
                if (event.token >= 0) reply.feed(event.token);
                drain();
                if (event.reason == LINNET_DONE_CONTEXT_FULL)
                    trouble = "the context is full (/reset, or a larger --ctx)";
                return static_cast<bool>(std::cout);
            });
        } catch (const linnet::Error& error) {
            if (error.status() != LINNET_ERROR_CANCELLED) trouble = error.what();
        }
        answering = nullptr;
        reply.finish();
        drain();
        display.end();
        messages_.push_back(message);
        if (!trouble.empty()) throw std::runtime_error(trouble);
    }

    static void note(const linnet::ReplyEvent& event, Json& message) {
        const auto append = [&](const char* key) {
            message[key] = message.value(key, std::string()) + std::string(event.text);
        };
        if (event.kind == LINNET_REPLY_TEXT) append("content");
        if (event.kind == LINNET_REPLY_REASONING) append("reasoning_content");
        if (event.kind != LINNET_REPLY_TOOL_CALL) return;
        Json& calls = message["tool_calls"];
        const std::string id = event.id.empty() ? "call_" + std::to_string(event.index) : std::string(event.id);
        calls.push_back({{"id", id},
                         {"type", "function"},
                         {"function", {{"name", event.name}, {"arguments", Json::parse(event.text)}}}});
    }

    const Options& options_;
    linnet::Engine engine_;
    linnet::Model model_;
    linnet::Session session_;
    std::string template_;
    Json messages_ = Json::array(), extra_ = Json::object();
    bool failed_ = false;
};

const Chat::Command Chat::kCommands[] = {
    {"system", "TEXT", "set the system's message; without TEXT: none", &Chat::set_system},
    {"reset", "", "begin anew, with the same system's message", &Chat::reset},
    {"undo", "", "forget the last question and its answer", &Chat::undo},
    {"retry", "", "answer the last question once more", &Chat::retry},
    {"think", "on|off", "whether the model may reason, where its template asks", &Chat::think},
    {"history", "", "show the conversation", &Chat::history},
    {"save", "FILE", "write the conversation as JSON", &Chat::save},
    {"load", "FILE", "go on with a conversation that was saved", &Chat::load},
    {nullptr, nullptr, nullptr, nullptr},
};

}  // namespace

void add_chat(CommandLine& line, int& status) {
    auto options = std::make_shared<Options>();
    const Command command = line.add(
        "chat", "Talk with a model",
        "A conversation in the terminal. Each line is a message; lines that begin with / are commands (/help). The "
        "model's own chat template is used, or a built-in one of its family. Reasoning is shown dimmed. Ctrl-C "
        "stops the answer, Ctrl-D ends. When the standard input is no terminal, its lines are the messages, the "
        "standard output has the answers and nothing else, and the first error ends with exit status 1. Without "
        "sampling options those that the file recommends are used, or a temperature of 0.7 with top-p 0.95.",
        "linnet chat model.gguf --system \"Answer in one sentence.\"");
    command.add_option("MODEL", &options->model, "GGUF file (default: the small model that comes with Linnet)");
    command.add_option("-s,--system", &options->system, "The system's message");
    command.add_option("--template", &options->chat_template, "Jinja file, or the name of a built-in template");
    command.add_option("--extra", &options->extra, "Variables for the template, a JSON object");
    command.add_option("--no-think", &options->no_thinking, "Ask for no reasoning, where the template has a way");
    command.add_option("-n,--tokens", &options->n_tokens, "At most this many tokens an answer; 0: until its end",
                       {.show_default = true});
    linnet::SamplerOptions& sampler = options->sampler;
    command.add_option("--temp", &sampler.temperature, "Temperature; 0: always the most probable token");
    command.add_option("--top-k", &sampler.top_k, "Keep the k most probable tokens; 0: all");
    command.add_option("--top-p", &sampler.top_p, "Keep the fewest tokens that reach this probability; 0: all");
    command.add_option("--min-p", &sampler.min_p, "Drop tokens below this share of the most probable one; 0: none");
    command.add_option("--seed", &sampler.seed, "Seed of the draws");
    add_engine_options(command, *options);
    add_session_options(command, *options);
    add_mapped_option(command, *options);
    command.on_run([options, &status, command] {
        for (const char* option : {"--temp", "--top-k", "--top-p", "--min-p"}) {
            options->sampler_given = options->sampler_given || command.given(option);
        }
        status = Chat(*options).run();
    });
}

}  // namespace tools
