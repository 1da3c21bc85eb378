// SPDX-License-Identifier: MIT
// The generation loop on the model that the project ships: whatever interrupts, splits or undoes a computation, tokens
// and logits are those of the plain run, which are those of an independent implementation (goldens).
#include "session/session.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "support/fixtures.hpp"
#include "support/golden.hpp"
#include "support/sanitized.hpp"

using linnet::Engine;
using linnet::EngineOptions;
using linnet::Error;
using linnet::Event;
using linnet::EventKind;
using linnet::Model;
using linnet::PassShape;
using linnet::Session;
using linnet::Status;
using linnet::Token;

namespace {

constexpr const char* kPrompt = "Once upon a time there was a little fox who";

std::shared_ptr<const Model> open_model(std::uint32_t n_threads = 2) {
    EngineOptions options;
    options.n_threads = n_threads;
    const auto engine = std::make_shared<Engine>(options);
    const std::string path = (fixtures::models() / "tiny-tales-6m-Q8_0.gguf").string();
    return std::make_shared<Model>(engine, linnet::gguf::File::open(path, true, engine->memory), linnet::LoadOptions());
}

// One for all tests: opening it is the slow part, and sessions share nothing else.
const std::shared_ptr<const Model>& shared_model() {
    static const std::shared_ptr<const Model> model = open_model();
    return model;
}

std::vector<Token> some_tokens(std::size_t n) {
    std::vector<Token> tokens(n);
    for (std::size_t i = 0; i < n; ++i) tokens[i] = static_cast<Token>(100 + i * 37 % 1000);
    return tokens;
}

template <class Action>
Status status_of(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error.status();
    }
    return Status::ok;
}

// Of this process: what other work of the machine does to the time that passes is not the library's.
double cpu_milliseconds() { return 1000.0 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

struct Run {
    std::vector<Token> tokens;
    std::string text;
    std::size_t n_progress = 0;
    std::size_t n_budget = 0;
    linnet::DoneReason reason = linnet::DoneReason::none;
};

// Steps until n_tokens are chosen or the text is done.
Run generate(Session& session, std::size_t n_tokens, std::uint64_t budget_us = 0) {
    Run run;
    while (run.tokens.size() < n_tokens && run.reason == linnet::DoneReason::none) {
        const Event event = session.step(budget_us);
        run.text += event.text;
        if (!event.text.empty()) CHECK(event.text.data()[event.text.size()] == '\0');
        CHECK(event.n_past + event.n_pending == session.tokens().size());
        if (event.kind == EventKind::token) run.tokens.push_back(event.token);
        if (event.kind == EventKind::progress) ++run.n_progress;
        if (event.kind == EventKind::budget) ++run.n_budget;
        if (event.kind == EventKind::done) run.reason = event.reason;
    }
    return run;
}

void prefill(Session& session, std::uint64_t budget_us = 0) {
    while (session.prefill(budget_us).n_pending != 0) {
    }
}

std::vector<float> logits_after(const std::vector<Token>& tokens) {
    Session session(shared_model(), {});
    session.append(tokens);
    prefill(session);
    return {session.logits().begin(), session.logits().end()};
}

std::vector<float> logits_of(const Session& session) { return {session.logits().begin(), session.logits().end()}; }

std::vector<Token> tokens_of(const Session& session) { return {session.tokens().begin(), session.tokens().end()}; }

// Null, with a message, where ../shared is not.
std::shared_ptr<const Model> sentencepiece_model() {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: ../shared, which has a model with a SentencePiece vocabulary, is not there");
        return nullptr;
    }
    EngineOptions options;
    options.n_threads = 1;
    const auto engine = std::make_shared<Engine>(options);
    const std::string path = (*shared / "goldens" / "llama" / "model-f32.gguf").string();
    return std::make_shared<Model>(engine, linnet::gguf::File::open(path, true, engine->memory), linnet::LoadOptions());
}

// A step that chooses the token whose piece this is.
Event force(Session& session, std::string_view wanted) {
    const Model& model = session.model();
    const auto n_vocab = static_cast<Token>(model.spec().n_vocab);
    std::pmr::string piece;
    Token token = -1;
    while (piece != wanted && ++token < n_vocab) {
        piece.clear();
        model.tokenizer().piece(token, false, piece);
    }
    REQUIRE(token < n_vocab);
    const linnet::LogitBias biases[] = {{token, 1000.0F}};
    session.set_sampler(std::make_shared<linnet::Sampler>(
        model.spec().n_vocab, linnet::SamplerOptions{.biases = biases}, model.engine().memory));
    Event event = session.step(0);
    while (event.kind == EventKind::progress) event = session.step(0);
    CHECK(event.token == token);
    return event;
}

}  // namespace

TEST_CASE("greedy tokens are those of the golden") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: no goldens of the default model");
        return;
    }
    const golden::Golden golden = golden::load(*shared / "default-model/goldens/Q8_0");
    Session session(shared_model(), {});
    session.append(golden.tokens);
    // It holds an end token, behind which the golden goes on as a step after DONE does.
    while (session.tokens().size() < golden.tokens.size() + golden.greedy.size()) session.step(0);
    const auto chosen = session.tokens().subspan(golden.tokens.size());
    const auto parted = std::mismatch(chosen.begin(), chosen.end(), golden.greedy.begin()).first;
    const auto n_equal = static_cast<std::size_t>(parted - chosen.begin());
    CAPTURE(n_equal);
    CHECK(n_equal > 6);
    // 8-bit activations may decide otherwise where the two best tokens are about equal; there the texts part.
    if (parted != chosen.end()) CHECK(golden.margins[n_equal] < static_cast<float>(golden::kQ8Tolerance.max_abs));
    CHECK(std::any_of(chosen.begin(), chosen.end(),
                      [](Token token) { return shared_model()->tokenizer().is_end(token); }));
}

TEST_CASE("a sequence is computed in batches, each with its event, and the last goes on to a token") {
    Session session(shared_model(), {.n_ctx = 200, .n_batch = 16});
    session.append(some_tokens(50));
    CHECK(status_of([&] { (void)session.logits(); }) == Status::not_found);
    for (const std::uint32_t n_past : {16U, 32U, 48U}) {
        const Event event = session.step(0);
        CHECK(event.kind == EventKind::progress);
        CHECK(event.n_past == n_past);
        CHECK(event.n_pending == 50 - n_past);
        CHECK(event.token == linnet::kNoToken);
    }
    CHECK(status_of([&] { (void)session.logits(); }) == Status::not_found);
    const Event event = session.step(0);
    CHECK(event.kind == EventKind::token);
    CHECK(event.n_past == 50);
    CHECK(event.n_pending == 1);
    CHECK(session.tokens().back() == event.token);
    CHECK(logits_of(session) == logits_after(some_tokens(50)));
    CHECK(linnet::arg_max(session.logits()) == event.token);
}

TEST_CASE("budgets, batches and prefill in parts change neither tokens nor text") {
    Session whole(shared_model(), {});
    whole.append_text(kPrompt, {});
    const std::vector<Token> prompt = tokens_of(whole);
    const Run expected = generate(whole, 60);
    REQUIRE(expected.tokens.size() > 20);

    SUBCASE("slices of time") {
        Session session(shared_model(), {});
        session.append_text(kPrompt, {});
        const Run run = generate(session, 60, 1);
        CHECK(run.tokens == expected.tokens);
        CHECK(run.text == expected.text);
        CHECK(run.n_budget > run.tokens.size());
        CHECK(run.n_progress == 0);
    }
    SUBCASE("small batches") {
        Session session(shared_model(), {.n_batch = 3});
        session.append_text(kPrompt, {});
        const Run run = generate(session, 60);
        CHECK(run.tokens == expected.tokens);
        CHECK(run.n_progress == (prompt.size() - 1) / 3);
    }
    SUBCASE("token by token") {
        Session session(shared_model(), {});
        for (const Token token : prompt) {
            session.append({&token, 1});
            prefill(session, 50);
        }
        CHECK(generate(session, 60).tokens == expected.tokens);
    }
    SUBCASE("appended while a pass is under way") {
        Session session(shared_model(), {});
        const std::span<const Token> all(prompt);
        session.append(all.first(4));
        CHECK(session.prefill(1).kind == EventKind::budget);
        session.append(all.subspan(4));
        const Run run = generate(session, 60);
        CHECK(run.tokens == expected.tokens);
        CHECK(run.text == expected.text);
    }
    SUBCASE("truncated while a pass is under way") {
        Session session(shared_model(), {});
        session.append(prompt);
        session.append(some_tokens(5));
        CHECK(session.prefill(1).kind == EventKind::budget);
        session.truncate(prompt.size());
        CHECK(generate(session, 60).tokens == expected.tokens);
        Session other(shared_model(), {});  // what the pass computes goes
        other.append(some_tokens(20));
        CHECK(other.prefill(1).kind == EventKind::budget);
        other.truncate(0);
        other.append(prompt);
        CHECK(generate(other, 60).tokens == expected.tokens);
    }
    SUBCASE("another number of threads") {
        Session session(open_model(5), {.n_batch = 7});
        session.append_text(kPrompt, {});
        CHECK(generate(session, 60).tokens == expected.tokens);
    }
}

TEST_CASE("a budget is kept: a long prompt is computed in slices of about that time") {
    Session session(shared_model(), {.n_ctx = 1024});
    session.append(some_tokens(1000));
    std::vector<double> spent;
    for (;;) {
        const double start = cpu_milliseconds();
        const Event event = session.prefill(2000);
        if (event.kind != EventKind::budget) break;
        spent.push_back(cpu_milliseconds() - start);
    }
    REQUIRE(spent.size() > 2);
    CHECK(logits_of(session) == logits_after(some_tokens(1000)));
    CHECK(median(spent) < 2 * (2.0 + 8.0));  // of two threads
}

TEST_CASE("cancelling: the next step, or the running one within 10 ms; then it goes on as if nothing was") {
    const std::vector<Token> tokens = some_tokens(1000);
    Session session(shared_model(), {.n_ctx = 1024, .n_batch = 1024});
    session.append(tokens);
    session.cancel();
    CHECK(status_of([&] { session.step(0); }) == Status::cancelled);
    CHECK(session.tokens().size() == 1000);

    std::vector<double> delays;
    for (int round = 0; round < 9; ++round) {
        std::atomic<double> asked{0.0};
        std::thread other([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            asked = cpu_milliseconds();
            session.cancel();
        });
        while (status_of([&] { session.prefill(0); }) != Status::cancelled) {
            session.truncate(0);
            session.append(tokens);
        }
        const double end = cpu_milliseconds();
        other.join();
        delays.push_back(end - asked);
    }
    CHECK(median(delays) < (fixtures::kSanitized ? 100.0 : 10.0));
    prefill(session);
    CHECK(logits_of(session) == logits_after(tokens));
    session.cancel();  // also where nothing is left to compute
    CHECK(status_of([&] { session.step(0); }) == Status::cancelled);
    CHECK(session.tokens().size() == 1000);
    CHECK(session.step(0).kind == EventKind::token);
}

TEST_CASE(
    "truncating: what is kept is not computed again, beyond windows it is, and results are those of a fresh run") {
    // The model's windows are 128 positions: after 600 tokens the ones before position 64 have left all caches.
    const std::vector<Token> all = some_tokens(600);
    Session session(shared_model(), {.n_ctx = 800, .n_batch = 64});
    session.append(all);
    prefill(session);
    for (const std::size_t n : {600U, 599U, 580U, 400U, 64U, 1U}) {
        CAPTURE(n);
        session.truncate(n);
        CHECK(session.tokens().size() == n);
        if (n < 600) CHECK(status_of([&] { (void)session.logits(); }) == Status::not_found);
        const Event first = session.prefill(0);
        CHECK((first.n_pending == 0) == (n >= 580 || n <= 64));  // else all of it anew, by 64
        if (first.n_pending != 0) CHECK(first.n_past == 64);
        prefill(session);
        const std::vector<Token> kept(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
        CHECK(logits_of(session) == logits_after(kept));
    }
    session.truncate(0);
    CHECK(session.tokens().empty());
    CHECK(status_of([&] { session.step(0); }) == Status::invalid_argument);
    CHECK(status_of([&] { session.prefill(0); }) == Status::invalid_argument);
    session.append(all);
    prefill(session);
    CHECK(logits_of(session) == logits_after(all));
    CHECK(status_of([&] { session.truncate(601); }) == Status::invalid_argument);
}

TEST_CASE("taking back a chosen token gives it again") {
    Session session(shared_model(), {});
    session.append_text(kPrompt, {});
    const std::size_t n_prompt = session.tokens().size();
    const Run first = generate(session, 10);
    session.truncate(n_prompt + 9);
    const Run last = generate(session, 1);
    CHECK(last.tokens.front() == first.tokens.back());
    session.truncate(n_prompt);
    CHECK(generate(session, 10).tokens == first.tokens);
}

TEST_CASE("the context fills up, says so, and can be used again after truncation") {
    Session session(shared_model(), {.n_ctx = 20});
    CHECK(status_of([&] { session.append(some_tokens(21)); }) == Status::context_full);
    CHECK(session.tokens().empty());
    session.append(some_tokens(18));
    const std::vector<Token> before = tokens_of(session);
    CHECK(status_of([&] { session.append(some_tokens(3)); }) == Status::context_full);
    CHECK(status_of([&] { session.append_text(std::string(4000, 'x'), {}); }) == Status::context_full);
    CHECK(tokens_of(session) == before);
    session.append(some_tokens(2));  // exactly
    CHECK(session.step(0).reason == linnet::DoneReason::context_full);
    session.truncate(18);
    CHECK(session.step(0).kind == EventKind::token);
    CHECK(session.step(0).kind == EventKind::token);
    for (int i = 0; i < 2; ++i) {
        const Event event = session.step(0);
        CHECK(event.kind == EventKind::done);
        CHECK(event.reason == linnet::DoneReason::context_full);
        CHECK(event.token == linnet::kNoToken);
    }
    const std::vector<Token> full = tokens_of(session);
    CHECK(full.size() == 20);
    prefill(session);  // the last one, for a host that wants its logits
    CHECK(logits_of(session) == logits_after(full));
    session.truncate(18);
    CHECK(session.step(0).token == full[18]);
}

TEST_CASE("an end token is in the sequence, its text is not, and the next step goes on behind it") {
    linnet::Memory memory;  // outlives the session, which holds the sampler
    Session session(shared_model(), {.n_ctx = 400});
    session.append_text(kPrompt, {});
    const Token end = shared_model()->tokenizer().eos();
    REQUIRE(shared_model()->tokenizer().is_end(end));
    const linnet::LogitBias biases[] = {{end, 1000.0F}};
    session.set_sampler(std::make_shared<linnet::Sampler>(shared_model()->spec().n_vocab,
                                                          linnet::SamplerOptions{.biases = biases}, memory));
    const std::size_t n_prompt = session.tokens().size();
    const Event event = session.step(0);
    CHECK(event.kind == EventKind::done);
    CHECK(event.reason == linnet::DoneReason::end_token);
    CHECK(event.token == end);
    CHECK(event.text.empty());
    CHECK(session.tokens().size() == n_prompt + 1);
    CHECK(session.tokens().back() == end);
    session.set_sampler(nullptr);
    const std::vector<Token> so_far = tokens_of(session);
    const Event next = session.step(0);
    CHECK(next.n_past == n_prompt + 1);
    CHECK(linnet::arg_max(logits_after(so_far)) == next.token);
}

TEST_CASE("text: whole characters, the same as the tokens say") {
    linnet::Memory memory;  // outlives the session, which holds the sampler
    Session session(shared_model(), {.n_ctx = 400});
    session.append_text(kPrompt, {});
    const std::size_t n_prompt = session.tokens().size();
    // At this temperature nearly any token comes: bytes of characters that are never finished as well.
    session.set_sampler(std::make_shared<linnet::Sampler>(
        shared_model()->spec().n_vocab, linnet::SamplerOptions{.temperature = 50.0F, .seed = 3}, memory));
    std::string text;
    for (int i = 0; i < 300; ++i) {
        const Event event = session.step(0);
        text += event.text;
        if (event.kind == EventKind::done) break;
    }
    const std::size_t n_end = session.tokens().size();
    text += session.finish(linnet::DoneReason::max_tokens).text;
    CHECK(session.tokens().size() == n_end);
    std::pmr::string raw;
    for (const Token token : session.tokens().subspan(n_prompt)) shared_model()->tokenizer().piece(token, false, raw);
    std::pmr::string expected;
    linnet::TextStream stream;
    stream.push(raw, expected);
    stream.finish(expected);
    CHECK(text == std::string_view(expected));
    CHECK(session.finish(linnet::DoneReason::max_tokens).text.empty());
}

TEST_CASE("text: an unfinished character waits, is replaced at the end, and joins no other text") {
    Session session(shared_model(), {.n_ctx = 100});
    session.append_text(kPrompt, {});
    CHECK(force(session, "\xc3").text.empty());
    CHECK(force(session, "\xa9").text == "\xc3\xa9");
    CHECK(force(session, "\xc3").text.empty());
    CHECK(session.finish(linnet::DoneReason::max_tokens).text == "\xef\xbf\xbd");
    for (const bool by_append : {false, true}) {
        CHECK(force(session, "\xc3").text.empty());
        if (by_append) {
            session.append(some_tokens(1));
        } else {
            session.truncate(session.tokens().size() - 1);
        }
        CHECK(force(session, "\xa9").text == "\xef\xbf\xbd");
    }
}

TEST_CASE("text: the space that SentencePiece puts in front is not shown at the start of a sequence") {
    const auto model = sentencepiece_model();
    if (model == nullptr) return;
    Session session(model, {.n_ctx = 16});
    session.append(std::vector<Token>{model->tokenizer().bos()});
    CHECK(force(session, " the").text == "the");
    CHECK(force(session, " the").text == " the");
}

TEST_CASE("appending: ids are checked, BOS stands only at the start") {
    Session session(shared_model(), {});
    const auto n_vocab = static_cast<Token>(shared_model()->spec().n_vocab);
    for (const Token bad : {-1, n_vocab}) {
        const std::vector<Token> tokens = {5, bad};
        CHECK(status_of([&] { session.append(tokens); }) == Status::invalid_argument);
    }
    CHECK(session.tokens().empty());
    session.append({});
    session.append_text("", {.add_special = false});
    CHECK(session.tokens().empty());
    CHECK(status_of([&] { session.step(0); }) == Status::invalid_argument);
    session.append_text("The cat", {});
    session.append_text(" sat.", {});
    const Token bos = shared_model()->tokenizer().bos();
    CHECK(session.tokens()[0] == bos);
    CHECK(std::count(session.tokens().begin(), session.tokens().end(), bos) == 1);
    CHECK(!shared_model()->tokenizer().is_end(session.tokens().back()));
}

TEST_CASE("appending: a text in parts is that text") {
    const auto check = [](const std::shared_ptr<const Model>& model) {
        const linnet::Tokenizer& tokenizer = model->tokenizer();
        const auto text_of = [&](std::span<const Token> tokens) {
            std::pmr::string text;
            tokenizer.decode(tokens, true, text);
            return text;
        };
        Session session(model, {.n_ctx = 128});
        for (const char* part : {"The ", "mod", "el", " and", "  two"}) session.append_text(part, {});
        CHECK(text_of(session.tokens()) == "The model and  two");

        // After a special token a text begins anew.
        std::pmr::vector<Token> alone;
        tokenizer.encode("the model", {.add_special = false}, alone);
        session.append(std::vector<Token>{tokenizer.eos()});
        session.append_text("the model", {});
        CHECK(std::ranges::equal(session.tokens().last(alone.size()), alone));
        session.truncate(0);
        session.append_text("the model", {.add_special = false});
        CHECK(std::ranges::equal(session.tokens(), alone));
    };
    check(shared_model());
    if (const auto model = sentencepiece_model()) check(model);
}

TEST_CASE("a sampler's penalties look at the whole sequence: what was appended, and not what was taken back") {
    linnet::Memory memory;  // outlives the session, which holds the sampler
    Session session(shared_model(), {});
    const linnet::SamplerOptions options = {.frequency_penalty = 1000.0F, .penalty_window = 400};
    session.set_sampler(std::make_shared<linnet::Sampler>(shared_model()->spec().n_vocab, options, memory));
    session.append_text(kPrompt, {});
    const std::size_t n_prompt = session.tokens().size();
    const Run first = generate(session, 40);
    std::vector<Token> sorted = tokens_of(session);
    std::sort(sorted.begin() + 1, sorted.end());
    const std::vector<Token> prompt(session.tokens().begin(),
                                    session.tokens().begin() + static_cast<std::ptrdiff_t>(n_prompt));
    for (std::size_t i = 0; i < first.tokens.size(); ++i) {  // no token comes twice, nor one of the prompt
        CHECK(std::count(first.tokens.begin(), first.tokens.end(), first.tokens[i]) == 1);
        CHECK(std::count(prompt.begin(), prompt.end(), first.tokens[i]) == 0);
    }
    session.truncate(n_prompt);
    CHECK(generate(session, 40).tokens == first.tokens);
    // Another sampler sees all of it as well.
    const std::vector<Token> so_far = tokens_of(session);
    linnet::SamplerOptions biased = options;
    const linnet::LogitBias biases[] = {{so_far[n_prompt + 1], 500.0F}};
    biased.biases = biases;
    session.set_sampler(std::make_shared<linnet::Sampler>(shared_model()->spec().n_vocab, biased, memory));
    CHECK(std::count(so_far.begin(), so_far.end(), generate(session, 1).tokens.front()) == 0);

    const auto other = std::make_shared<linnet::Sampler>(10U, linnet::SamplerOptions(), memory);
    CHECK(status_of([&] { session.set_sampler(other); }) == Status::invalid_argument);
}

TEST_CASE("scores: continuations that fit exactly, and a sampler that has seen nothing of them") {
    linnet::Memory memory;  // outlives the session, which holds the sampler
    const std::vector<Token> all = some_tokens(24);
    const std::vector<std::span<const Token>> fitting = {std::span(all).subspan(18, 3)};
    const std::vector<std::span<const Token>> longer = {std::span(all).subspan(18, 4)};
    double expected = 0.0, score = 0.0;
    Session wide(shared_model(), {.n_ctx = 100});
    wide.append(std::span(all).first(18));
    wide.score(fitting, {&expected, 1});
    Session session(shared_model(), {.n_ctx = 20});
    session.append(std::span(all).first(18));
    session.score(fitting, {&score, 1});  // its last token is never computed
    CHECK(score == expected);
    CHECK(score < 0.0);
    CHECK(status_of([&] { session.score(longer, {&score, 1}); }) == Status::context_full);

    const Token often = 300;
    const linnet::LogitBias biases[] = {{often, 500.0F}};
    const linnet::SamplerOptions options = {.frequency_penalty = 1000.0F, .biases = biases};
    wide.set_sampler(std::make_shared<linnet::Sampler>(shared_model()->spec().n_vocab, options, memory));
    CHECK(wide.step(0).token == often);
    wide.score(fitting, {&score, 1});
    CHECK(wide.step(0).token != often);  // chosen once already
}

TEST_CASE("a session takes exactly what its plan says, and stepping it nothing") {
    linnet::Memory& memory = shared_model()->engine().memory;
    for (const PassShape& shape :
         {PassShape{}, PassShape{.n_ctx = 7, .n_batch = 3}, PassShape{.n_ctx = 1000, .kv_type = linnet::KvType::f32}}) {
        const std::uint64_t before = memory.used();
        const linnet::Forward::Sizes plan =
            Session::plan(shared_model()->spec(), shape, shared_model()->engine().workers.size(),
                          shared_model()->tokenizer().max_piece_size());
        {
            Session session(shared_model(), shape);
            CHECK(memory.used() - before == plan.kv_bytes + plan.scratch_bytes);
            session.append(some_tokens(5));
            const std::uint64_t n_allocations = memory.n_allocations();
            generate(session, 100, 300);
            session.truncate(3);
            generate(session, 2);
            CHECK(memory.n_allocations() == n_allocations);
        }
        CHECK(memory.used() == before);
    }
}
