// SPDX-License-Identifier: MIT
//
// Linnet for C++17 and later: owning classes over linnet.h, header-only, so that C++ programs have its stable ABI, too.
// Nothing here crosses the library's boundary but what linnet.h declares.
//
//   linnet::Engine engine;
//   linnet::Model model(engine, "model.gguf");
//   linnet::Session session(model);
//   session.append("Once upon a time");
//   session.generate(64, [](const linnet::Event& event) { std::cout << event.text; });
//
// - A failed call throws linnet::Error, which carries the status. Constructors throw, too.
// - Objects are movable, not copyable, and may be destroyed in any order. A moved-from object may only be destroyed or
//   assigned to.
// - Thread-safety is that of linnet.h: a Model may be shared, a Session is for one thread at a time but for cancel().
#ifndef LINNET_HPP
#define LINNET_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "linnet.h"

namespace linnet {
// Inline, so that it never meets the names inside the library when that is linked statically.
inline namespace cpp_api_v1 {

using Token = linnet_token;

class Error : public std::runtime_error {
  public:
    Error(linnet_status status, const char* text)
        : std::runtime_error(std::string(linnet_status_name(status)) + ": " + text), status_(status) {}
    linnet_status status() const noexcept { return status_; }

  private:
    linnet_status status_;
};

namespace detail {

// Calls f(args..., &error); throws on failure.
template <class Function, class... Args>
void call(Function* f, Args... args) {
    linnet_error error = LINNET_ERROR_INIT;
    const linnet_status status = f(args..., &error);
    if (status != LINNET_OK) throw Error(status, error.text);
}

template <class T, void (*destroy)(T*)>
struct Destroy {
    void operator()(T* handle) const noexcept { destroy(handle); }
};
template <class T, void (*destroy)(T*)>
using Handle = std::unique_ptr<T, Destroy<T, destroy>>;

// An option struct with its size set and the rest default.
template <class T, void (*init)(T*, std::uint32_t)>
struct Options : T {
    Options() noexcept : T() { init(this, sizeof(T)); }
};

template <class T>
T sized() noexcept {
    T value{};
    value.struct_size = sizeof(T);
    return value;
}

inline std::vector<linnet_text> texts(const std::vector<std::string_view>& views) {
    std::vector<linnet_text> result;
    result.reserve(views.size());
    for (const std::string_view view : views) result.push_back({view.data(), view.size()});
    return result;
}

// Two calls: the first one asks for the size. extra: room for a terminator.
template <class Call>
std::string text(std::size_t extra, Call&& give) {
    linnet_error error = LINNET_ERROR_INIT;
    std::size_t size = 0;
    linnet_status status = give(nullptr, std::size_t{0}, &size, &error);
    std::string result;
    if (status == LINNET_ERROR_BUFFER_TOO_SMALL) {
        result.resize(size + extra);
        status = give(&result[0], result.size(), &size, &error);
        result.resize(size);
    }
    if (status != LINNET_OK) throw Error(status, error.text);
    return result;
}

}  // namespace detail

// Fields as in linnet.h; made with their defaults.
using EngineOptions = detail::Options<linnet_engine_options, linnet_engine_options_init>;
using ModelOptions = detail::Options<linnet_model_options, linnet_model_options_init>;
using SessionOptions = detail::Options<linnet_session_options, linnet_session_options_init>;
using EmbedOptions = detail::Options<linnet_embed_options, linnet_embed_options_init>;
using SamplerOptions = detail::Options<linnet_sampler_options, linnet_sampler_options_init>;
using ChatOptions = detail::Options<linnet_chat_options, linnet_chat_options_init>;
using ToolOptions = detail::Options<linnet_tool_options, linnet_tool_options_init>;
using ReplyOptions = detail::Options<linnet_reply_options, linnet_reply_options_init>;

// chat_template: Jinja source or the name of a built-in one; must outlive the options. Empty: the model's.
inline ChatOptions chat_options(std::string_view chat_template) noexcept {
    ChatOptions options;
    options.chat_template = chat_template.data();
    options.chat_template_size = chat_template.size();
    return options;
}

class Engine {
  public:
    Engine() : Engine(EngineOptions()) {}
    explicit Engine(const EngineOptions& options) {
        linnet_engine* made = nullptr;
        detail::call(linnet_engine_create, &options, &made);
        handle_.reset(made);
    }

    linnet_engine_info info() const {
        auto result = detail::sized<linnet_engine_info>();
        detail::call(linnet_engine_get_info, handle_.get(), &result);
        return result;
    }
    linnet_memory_plan plan(const std::string& path, const ModelOptions& model = ModelOptions(),
                            const SessionOptions& session = SessionOptions()) const {
        auto result = detail::sized<linnet_memory_plan>();
        detail::call(linnet_plan, handle_.get(), path.c_str(), &model, &session, &result);
        return result;
    }

    linnet_engine* get() const noexcept { return handle_.get(); }

  private:
    detail::Handle<linnet_engine, linnet_engine_destroy> handle_;
};

class Model {
  public:
    Model(const Engine& engine, const std::string& path, const ModelOptions& options = ModelOptions()) {
        linnet_model* made = nullptr;
        detail::call(linnet_model_load, engine.get(), path.c_str(), &options, &made);
        handle_.reset(made);
    }
    // The bytes of a GGUF file; for how long they are needed: linnet_model_load_buffer.
    static Model from_buffer(const Engine& engine, const void* data, std::uint64_t size,
                             const ModelOptions& options = ModelOptions()) {
        linnet_model* made = nullptr;
        detail::call(linnet_model_load_buffer, engine.get(), data, size, &options, &made);
        return Model(made);
    }
    static Model from_sources(const Engine& engine, const std::vector<linnet_source>& sources,
                              const ModelOptions& options = ModelOptions()) {
        linnet_model* made = nullptr;
        detail::call(linnet_model_load_sources, engine.get(), sources.data(),
                     static_cast<std::uint32_t>(sources.size()), &options, &made);
        return Model(made);
    }

    linnet_model_info info() const {
        auto result = detail::sized<linnet_model_info>();
        detail::call(linnet_model_get_info, handle_.get(), &result);
        return result;
    }
    // Throws Error(LINNET_ERROR_NOT_FOUND).
    std::string metadata(const std::string& key) const {
        return detail::text(1, [&](char* buffer, std::size_t capacity, std::size_t* size, linnet_error* error) {
            return linnet_model_get_metadata(handle_.get(), key.c_str(), buffer, capacity, size, error);
        });
    }
    std::string metadata_key(std::uint32_t index) const {
        return detail::text(1, [&](char* buffer, std::size_t capacity, std::size_t* size, linnet_error* error) {
            return linnet_model_get_metadata_key(handle_.get(), index, buffer, capacity, size, error);
        });
    }

    std::vector<Token> tokenize(std::string_view text, std::uint32_t flags = 0) const {
        std::vector<Token> tokens(text.size() + 8);  // more than any tokeniser needs, as a rule
        for (;;) {
            linnet_error error = LINNET_ERROR_INIT;
            std::size_t n = 0;
            const linnet_status status = linnet_tokenize(handle_.get(), text.data(), text.size(), flags, tokens.data(),
                                                         tokens.size(), &n, &error);
            tokens.resize(n);
            if (status == LINNET_OK) return tokens;
            if (status != LINNET_ERROR_BUFFER_TOO_SMALL) throw Error(status, error.text);
        }
    }
    std::string detokenize(const std::vector<Token>& tokens, std::uint32_t flags = 0) const {
        return detail::text(0, [&](char* buffer, std::size_t capacity, std::size_t* size, linnet_error* error) {
            return linnet_detokenize(handle_.get(), tokens.data(), tokens.size(), flags, buffer, capacity, size, error);
        });
    }
    std::string token_bytes(Token token) const {
        return detail::text(0, [&](char* buffer, std::size_t capacity, std::size_t* size, linnet_error* error) {
            return linnet_token_get_bytes(handle_.get(), token, buffer, capacity, size, error);
        });
    }
    std::uint32_t token_attributes(Token token) const {
        std::uint32_t attributes = 0;
        detail::call(linnet_token_get_attributes, handle_.get(), token, &attributes);
        return attributes;
    }
    // -1: the model has none. which: LINNET_SPECIAL_*.
    Token special_token(std::int32_t which) const {
        Token token = -1;
        detail::call(linnet_model_get_special_token, handle_.get(), which, &token);
        return token;
    }

    // All floats of linnet_embed, one vector after the other.
    std::vector<float> embed(const std::vector<std::string>& texts,
                             const EmbedOptions& options = EmbedOptions()) const {
        std::vector<linnet_text> views;
        views.reserve(texts.size());
        for (const std::string& text : texts) views.push_back({text.data(), text.size()});
        const linnet_model* model = handle_.get();
        std::size_t n = 0;
        linnet_error error = LINNET_ERROR_INIT;
        linnet_status status = linnet_embed(model, &options, views.data(), views.size(), nullptr, 0, &n, &error);
        std::vector<float> result;
        if (status == LINNET_ERROR_BUFFER_TOO_SMALL) {
            result.resize(n);
            status = linnet_embed(model, &options, views.data(), views.size(), result.data(), n, &n, &error);
        }
        if (status != LINNET_OK) throw Error(status, error.text);
        return result;
    }
    // The text that the model sees of a conversation in JSON; chat_template as in chat_options.
    std::string render_chat(std::string_view json, std::string_view chat_template = {}) const {
        const ChatOptions options = chat_options(chat_template);
        return detail::text(0, [&](char* buffer, std::size_t capacity, std::size_t* size, linnet_error* error) {
            return linnet_model_render_chat(handle_.get(), json.data(), json.size(), &options, buffer, capacity, size,
                                            error);
        });
    }

    linnet_model* get() const noexcept { return handle_.get(); }

  private:
    explicit Model(linnet_model* made) noexcept : handle_(made) {}
    detail::Handle<linnet_model, linnet_model_destroy> handle_;
};

class Sampler {
  public:
    explicit Sampler(const Model& model, const SamplerOptions& options = SamplerOptions()) {
        linnet_sampler* made = nullptr;
        detail::call(linnet_sampler_create, model.get(), &options, &made);
        handle_.reset(made);
    }

    void reset() { detail::call(linnet_sampler_reset, handle_.get()); }
    Token sample(const float* logits, std::size_t n_logits) {
        Token token = -1;
        detail::call(linnet_sampler_sample, handle_.get(), logits, n_logits, &token);
        return token;
    }

    linnet_sampler* get() const noexcept { return handle_.get(); }

  private:
    detail::Handle<linnet_sampler, linnet_sampler_destroy> handle_;
};

// What text may be generated. kind: LINNET_GRAMMAR_*.
class Grammar {
  public:
    Grammar(const Model& model, std::int32_t kind, std::string_view text) {
        linnet_grammar* made = nullptr;
        detail::call(linnet_grammar_create, model.get(), kind, text.data(), text.size(), &made);
        handle_.reset(made);
    }
    // Calls of the tools, JSON as in a conversation: linnet_grammar_create_tools.
    static Grammar of_tools(const Model& model, std::string_view tools, const ToolOptions& options = ToolOptions()) {
        linnet_grammar* made = nullptr;
        detail::call(linnet_grammar_create_tools, model.get(), tools.data(), tools.size(), &options, &made);
        return Grammar(made);
    }
    // What has to be appended before it: "" but for tools.
    std::string opening() const {
        return detail::text(0, [&](char* buffer, std::size_t capacity, std::size_t* size, linnet_error* error) {
            return linnet_grammar_get_opening(handle_.get(), buffer, capacity, size, error);
        });
    }

    linnet_grammar* get() const noexcept { return handle_.get(); }

  private:
    explicit Grammar(linnet_grammar* made) noexcept : handle_(made) {}
    detail::Handle<linnet_grammar, linnet_grammar_destroy> handle_;
};

// `text` is valid until the next call on the session.
struct Event {
    std::int32_t kind = 0;  // LINNET_EVENT_*
    Token token = -1;
    std::int32_t reason = 0;  // LINNET_DONE_*
    std::string_view text;
    std::uint32_t n_past = 0;
    std::uint32_t n_pending = 0;

    Event() = default;
    explicit Event(const linnet_event& event) noexcept
        : kind(event.kind),
          token(event.token),
          reason(event.reason),
          text(event.text == nullptr ? "" : event.text, event.text_size),
          n_past(event.n_past),
          n_pending(event.n_pending) {}
    bool done() const noexcept { return kind == LINNET_EVENT_DONE; }
};

class Session {
  public:
    explicit Session(const Model& model, const SessionOptions& options = SessionOptions()) {
        linnet_session* made = nullptr;
        detail::call(linnet_session_create, model.get(), &options, &made);
        handle_.reset(made);
    }

    void append(std::string_view text, std::uint32_t flags = 0) {
        detail::call(linnet_session_append_text, handle_.get(), text.data(), text.size(), flags);
    }
    void append(const std::vector<Token>& tokens) {
        detail::call(linnet_session_append_tokens, handle_.get(), tokens.data(), tokens.size());
    }
    // The whole conversation in JSON; returns how many tokens of the sequence stayed. chat_template as in chat_options.
    std::size_t append_chat(std::string_view json, std::string_view chat_template = {}) {
        const ChatOptions options = chat_options(chat_template);
        std::size_t n_reused = 0;
        detail::call(linnet_session_append_chat, handle_.get(), json.data(), json.size(), &options, &n_reused);
        return n_reused;
    }
    void set_sampler(const Sampler& sampler) { detail::call(linnet_session_set_sampler, handle_.get(), sampler.get()); }
    void set_greedy() {
        detail::call(linnet_session_set_sampler, handle_.get(), static_cast<linnet_sampler*>(nullptr));
    }

    void set_grammar(const Grammar& grammar) { detail::call(linnet_session_set_grammar, handle_.get(), grammar.get()); }
    void set_no_grammar() {
        detail::call(linnet_session_set_grammar, handle_.get(), static_cast<linnet_grammar*>(nullptr));
    }

    // Texts are views: linnet_session_set_stops copies them.
    void set_stops(const std::vector<std::string_view>& texts, const std::vector<Token>& tokens = {}) {
        const auto given = detail::texts(texts);
        detail::call(linnet_session_set_stops, handle_.get(), given.data(), given.size(), tokens.data(), tokens.size());
    }
    void append_fim(std::string_view prefix, std::string_view suffix) {
        detail::call(linnet_session_append_fim, handle_.get(), prefix.data(), prefix.size(), suffix.data(),
                     suffix.size());
    }
    // What the model thought of the last token (-1: see linnet.h), and the n_top most probable ones.
    struct LogProbs {
        linnet_logprob chosen;
        std::vector<linnet_logprob> top;
    };
    LogProbs logprobs(std::size_t n_top = 0) {
        LogProbs result{{-1, 0.0F}, std::vector<linnet_logprob>(n_top)};
        detail::call(linnet_session_get_logprobs, handle_.get(), &result.chosen, result.top.data(), n_top);
        return result;
    }
    // Log-probability of each continuation.
    std::vector<linnet_continuation_score> score(const std::vector<std::string_view>& continuations,
                                                 std::uint32_t flags = 0) {
        const auto given = detail::texts(continuations);
        std::vector<linnet_continuation_score> result(given.size());
        detail::call(linnet_score, handle_.get(), given.data(), given.size(), flags, result.data());
        return result;
    }

    Event step(std::uint64_t budget_us = 0) {
        auto event = detail::sized<linnet_event>();
        detail::call(linnet_session_step, handle_.get(), budget_us, &event);
        return Event(event);
    }
    Event prefill(std::uint64_t budget_us = 0) {
        auto event = detail::sized<linnet_event>();
        detail::call(linnet_session_prefill, handle_.get(), budget_us, &event);
        return Event(event);
    }

    // Gives each event to `use(const Event&)`, which may return false to stop, until DONE or max_tokens (0: no limit).
    // Returns false when stopped. What `use` throws comes out of here.
    template <class Use>
    bool generate(std::uint32_t max_tokens, Use&& use) {
        struct Context {
            std::remove_reference_t<Use>* use;
            std::exception_ptr thrown;
        } context{&use, nullptr};
        const linnet_event_callback callback = [](void* user, const linnet_event* event) -> std::int32_t {
            auto& c = *static_cast<Context*>(user);
            try {
                if constexpr (std::is_void_v<decltype((*c.use)(Event(*event)))>) {
                    (*c.use)(Event(*event));
                    return 0;
                } else {
                    return (*c.use)(Event(*event)) ? 0 : 1;
                }
            } catch (...) {  // must not pass through the library
                c.thrown = std::current_exception();
                return 1;
            }
        };
        linnet_error error = LINNET_ERROR_INIT;
        const linnet_status status = linnet_session_generate(handle_.get(), max_tokens, callback, &context, &error);
        if (context.thrown) std::rethrow_exception(context.thrown);
        if (status != LINNET_OK && status != LINNET_STOPPED) throw Error(status, error.text);
        return status == LINNET_OK;
    }

    class Events;
    // for (const Event& event : session.events()): steps until DONE, which is the last event.
    Events events(std::uint64_t budget_us = 0);

    // From any thread.
    void cancel() noexcept { linnet_session_cancel(handle_.get()); }
    void truncate(std::size_t n_tokens) { detail::call(linnet_session_truncate, handle_.get(), n_tokens); }

    std::vector<Token> tokens() const {
        const Token* tokens = nullptr;
        std::size_t n = 0;
        detail::call(linnet_session_get_tokens, static_cast<const linnet_session*>(handle_.get()), &tokens, &n);
        return n == 0 ? std::vector<Token>() : std::vector<Token>(tokens, tokens + n);
    }
    std::vector<float> logits() const {
        const float* logits = nullptr;
        std::size_t n = 0;
        detail::call(linnet_session_get_logits, handle_.get(), &logits, &n);
        return std::vector<float>(logits, logits + n);
    }

    linnet_session* get() const noexcept { return handle_.get(); }

  private:
    detail::Handle<linnet_session, linnet_session_destroy> handle_;
};

// An input range: one pass, each step taken as the loop asks for it.
class Session::Events {
  public:
    struct End {};
    class Iterator {
      public:
        Iterator(Session& session, std::uint64_t budget_us) : session_(&session), budget_us_(budget_us) { ++*this; }
        const Event& operator*() const noexcept { return event_; }
        const Event* operator->() const noexcept { return &event_; }
        Iterator& operator++() {
            at_end_ = event_.done();
            if (!at_end_) event_ = session_->step(budget_us_);
            return *this;
        }
        bool operator!=(End) const noexcept { return !at_end_; }

      private:
        Session* session_;
        std::uint64_t budget_us_;
        Event event_;
        bool at_end_ = false;
    };

    Events(Session& session, std::uint64_t budget_us) noexcept : session_(session), budget_us_(budget_us) {}
    Iterator begin() const { return Iterator(session_, budget_us_); }
    End end() const noexcept { return {}; }

  private:
    Session& session_;
    std::uint64_t budget_us_;
};

// Views are valid until the next call on the reply.
struct ReplyEvent {
    std::int32_t kind = LINNET_REPLY_NONE;  // LINNET_REPLY_*
    std::uint32_t index = 0;
    std::string_view text, name, id;
};

// One reply of a model, read into text, reasoning and tool calls.
class Reply {
  public:
    explicit Reply(const Model& model, const ReplyOptions& options = ReplyOptions()) {
        linnet_reply* made = nullptr;
        detail::call(linnet_reply_create, static_cast<const linnet_model*>(model.get()), &options, &made);
        handle_.reset(made);
    }

    void feed(std::string_view text) { detail::call(linnet_reply_feed, handle_.get(), text.data(), text.size()); }
    void feed(Token token) { detail::call(linnet_reply_feed_token, handle_.get(), token); }
    void finish() { detail::call(linnet_reply_finish, handle_.get()); }
    // kind is LINNET_REPLY_NONE when more has to be fed first.
    ReplyEvent next() {
        auto event = detail::sized<linnet_reply_event>();
        detail::call(linnet_reply_next, handle_.get(), &event);
        ReplyEvent result;
        result.kind = event.kind;
        result.index = event.index;
        if (event.text_size != 0) result.text = std::string_view(event.text, event.text_size);
        if (event.name_size != 0) result.name = std::string_view(event.name, event.name_size);
        if (event.id_size != 0) result.id = std::string_view(event.id, event.id_size);
        return result;
    }

    linnet_reply* get() const noexcept { return handle_.get(); }

  private:
    detail::Handle<linnet_reply, linnet_reply_destroy> handle_;
};

inline Session::Events Session::events(std::uint64_t budget_us) { return Events(*this, budget_us); }

}  // namespace cpp_api_v1
}  // namespace linnet

#endif  // LINNET_HPP
