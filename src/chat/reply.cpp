// SPDX-License-Identifier: MIT
// One loop: find the next marker of the present section, pass on what is before it, switch. What may become a marker
// when more comes, waits; that is less than the longest marker.
#include "chat/reply.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "chat/parse_json.hpp"
#include "chat/print.hpp"
#include "chat/reply_calls.hpp"

namespace linnet::chat {

namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::size_t kMaxSpaces = 32;  // that a '~' of a marker stands for
constexpr std::size_t kPartial = std::string_view::npos;

// How many bytes at the start of `text` the marker takes; 0: it is not there; kPartial: perhaps, once more has come.
std::size_t match(std::string_view marker, std::string_view text) noexcept {
    std::size_t at = 0;
    for (const char c : marker) {
        if (c == '~') {
            const std::size_t most = at + kMaxSpaces;
            while (at < text.size() && at < most && kSpaces.find(text[at]) != std::string_view::npos) ++at;
            continue;
        }
        if (at == text.size()) return kPartial;
        if (text[at] != c) return 0;
        ++at;
    }
    return at;
}

std::size_t blank_prefix(std::string_view text) noexcept {
    return std::min(text.find_first_not_of(kSpaces), text.size());
}

bool is_streamed(Part part) noexcept { return part == Part::text || part == Part::reasoning; }
bool is_first(const Section& section) noexcept {
    return section.when == When::first || section.when == When::first_kept;
}
bool is_kept(const Section& section) noexcept { return section.when == When::kept || section.when == When::first_kept; }

constexpr std::uint64_t kToolsBytesPerByte = 64, kLeastBytes = 1 << 20, kLeastSteps = 100000;

}  // namespace

Reply::Reply(const ReplyFormat& format, std::string_view tools, Memory& memory)
    : memory_(memory),
      format_(format),
      tools_arena_(memory, kLeastBytes + kToolsBytesPerByte * tools.size(), kLeastSteps + 4 * tools.size()),
      tools_(none()),
      pending_(&memory),
      payload_(&memory),
      opening_(&memory),
      spaces_(&memory),
      recipient_(&memory),
      texts_(&memory),
      records_(&memory) {
    if (!tools.empty()) {
        tools_ = parse_json(tools_arena_, tools, "tools");
        if (!tools_.is(Kind::list)) throw Error(Status::invalid_argument, "tools must be an array");
    }
    if (format.starts_in_header) {
        section_ = &format.sections[0];
        part_ = Part::header;
    }
}

void Reply::begin_after(std::string_view text) {
    text = text.substr(0, text.find_last_not_of(kSpaces) + 1);
    for (const Section& section : format_.sections) {
        if (section.part != Part::reasoning || !text.ends_with(section.open)) continue;
        section_ = &section;
        part_ = section.part;
        after_marker_ = true;
    }
}

void Reply::feed(std::string_view bytes) {
    if (n_given_ == records_.size()) {
        records_.clear();
        texts_.clear();
        n_given_ = 0;
    }
    stream_.push(bytes, pending_);
    advance();
}

void Reply::finish() {
    if (finished_) return;
    finished_ = true;
    stream_.finish(pending_);
    advance();
    if (part() == Part::header) {
        give_back("a message has no channel");
    } else if (part() == Part::calls) {
        read_calls();
    }
    if (!spaces_.empty()) push(part() == Part::reasoning ? ReplyKind::reasoning : ReplyKind::text, spaces_);
    spaces_.clear();
}

ReplyEvent Reply::next() noexcept {
    if (n_given_ == records_.size()) return {};
    const Record& record = records_[n_given_++];
    const std::string_view all = std::string_view(texts_).substr(record.begin);
    return {record.kind, record.index, all.substr(0, record.text_size), all.substr(record.text_size, record.name_size),
            all.substr(record.text_size + record.name_size, record.id_size)};
}

void Reply::advance() {
    const std::string_view text = pending_;
    std::size_t done = 0;
    for (;;) {
        const Found found = find_marker(text.substr(done));
        if (found.size == 0) break;
        take_content(text.substr(done, found.begin));
        const std::string_view marker = text.substr(done + found.begin, found.size);
        done += found.begin + found.size;
        if (section_ != nullptr) leave();
        if (found.section != nullptr) enter(*found.section, marker);
    }
    const std::size_t ready = finished_ ? text.size() - done : waiting_from(text.substr(done));
    take_content(text.substr(done, ready));
    pending_.erase(0, done + ready);
}

// The leftmost marker that counts where we are. At one place the section's close comes first, then the longest.
Reply::Found Reply::find_marker(std::string_view text) const noexcept {
    const bool closes = section_ != nullptr && !section_->close.empty() && part() != Part::nothing;
    const std::size_t blank = fresh_ ? blank_prefix(text) : 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view rest = text.substr(i);
        Found best;
        bool may_be = false;
        const auto consider = [&](std::string_view marker, const Section* section) {
            const std::size_t size = match(marker, rest);
            if (size == kPartial) {
                may_be = true;
            } else if (size > best.size) {
                best = {section, i, size};
            }
        };
        if (closes) {
            consider(section_->close, nullptr);
        } else {
            for (const Section& section : format_.sections) {
                if (is_first(section) && !(fresh_ && section_ == nullptr && i <= blank)) continue;
                consider(section.open, &section);
            }
        }
        // A longer marker may still come of what is there: then it decides.
        if (may_be && !finished_) return {};
        if (best.size != 0) return best;
    }
    return {};
}

// Where what has to wait begins.
std::size_t Reply::waiting_from(std::string_view text) const noexcept {
    const bool closes = section_ != nullptr && !section_->close.empty();
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view rest = text.substr(i);
        const auto may_be = [&](std::string_view marker) { return match(marker, rest) == kPartial; };
        if (closes ? may_be(section_->close)
                   : std::any_of(format_.sections.begin(), format_.sections.end(),
                                 [&](const Section& section) { return may_be(section.open); })) {
            return i;
        }
    }
    return text.size();
}

void Reply::take_content(std::string_view text) {
    if (text.empty()) return;
    if (is_streamed(part())) return give_text(part() == Part::text ? ReplyKind::text : ReplyKind::reasoning, text);
    payload_.append(text);
    if (payload_.size() > kMaxCallBytes) give_back("a tool call is too long");
}

// Spaces beside markers are no text; others are.
void Reply::give_text(ReplyKind kind, std::string_view text) {
    if (after_marker_) text.remove_prefix(blank_prefix(text));
    if (text.empty()) return;
    const std::size_t end = text.find_last_not_of(kSpaces) + 1;
    if (end != 0) {
        push(kind, spaces_);
        push(kind, text.substr(0, end));
        spaces_.clear();
        fresh_ = after_marker_ = false;
    }
    spaces_.append(text.substr(end));
}

void Reply::enter(const Section& section, std::string_view marker) {
    spaces_.clear();
    payload_.clear();
    opening_.assign(marker);
    fresh_ = after_marker_ = true;
    if (section.part == Part::nothing) return;
    section_ = &section;
    part_ = section.part;
    if (is_kept(section)) {
        payload_.swap(opening_);
        opening_.clear();
    }
}

// The section is over: what was gathered is read.
void Reply::leave() {
    spaces_.clear();
    fresh_ = after_marker_ = true;
    if (part_ == Part::header) return read_header();
    if (part_ == Part::calls) read_calls();
    section_ = nullptr;
}

// gpt-oss: ROLE to=RECIPIENT<|channel|>CHANNEL FORMAT, in any order; the message behind it has no close of its own.
void Reply::read_header() {
    static constexpr Section kMessage = {"", "", Part::text};
    section_ = &kMessage;
    part_ = payload_.find("analysis") != std::string::npos ? Part::reasoning : Part::text;
    const std::size_t to = payload_.find("to=");
    if (to != std::string::npos) {
        std::string_view name = std::string_view(payload_).substr(to + 3);
        name = name.substr(0, name.find_first_of(" <\n"));
        if (name.starts_with("functions.")) name.remove_prefix(10);
        recipient_.assign(name);
        part_ = Part::calls;
    }
    opening_.append(payload_).append("<|message|>");
    payload_.clear();
}

void Reply::read_calls() {
    try {
        Arena arena(memory_, kLeastBytes + 64 * std::uint64_t{payload_.size()},
                    kLeastSteps + 64 * std::uint64_t{payload_.size()});
        const std::vector<ToolCall> calls = parse_tool_calls(arena, payload_, recipient_, tools_);
        std::vector<std::string> arguments;
        for (const ToolCall& call : calls) {
            Text text(arena);
            append_json(text, call.arguments, {});
            arguments.emplace_back(text.view());
        }
        for (std::size_t i = 0; i < calls.size(); ++i) {
            push(ReplyKind::tool_call, arguments[i], calls[i].name, calls[i].id);
            ++n_calls_;
        }
        payload_.clear();
        recipient_.clear();
    } catch (const Error& error) {
        if (error.status() == Status::out_of_memory) throw;
        give_back(error.what());
    }
}

// What was gathered is text after all.
void Reply::give_back(std::string_view reason) {
    const bool closed = part_ == Part::calls && section_ != nullptr && !finished_ && payload_.size() <= kMaxCallBytes;
    push(ReplyKind::text, opening_);
    push(ReplyKind::text, payload_);
    if (closed) push(ReplyKind::text, section_->close);
    push(ReplyKind::warning, reason);
    payload_.clear();
    opening_.clear();
    recipient_.clear();
    section_ = nullptr;
    fresh_ = after_marker_ = false;
}

void Reply::push(ReplyKind kind, std::string_view text, std::string_view name, std::string_view id) {
    const bool streamed = kind == ReplyKind::text || kind == ReplyKind::reasoning;
    if (streamed && text.empty()) return;
    if (streamed && n_given_ < records_.size() && records_.back().kind == kind) {
        texts_.append(text);
        records_.back().text_size += text.size();
        return;
    }
    records_.push_back(
        {kind, kind == ReplyKind::tool_call ? n_calls_ : 0, texts_.size(), text.size(), name.size(), id.size()});
    texts_.append(text).append(name).append(id);
}

}  // namespace linnet::chat
