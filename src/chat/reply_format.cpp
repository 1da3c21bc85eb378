// SPDX-License-Identifier: MIT
// The formats, as the templates of the families show them and their publishers document them. UTF-8 bytes of DeepSeek's
// full-width bar and word mark are spelled out.
#include "chat/reply_format.hpp"

#include <algorithm>

namespace linnet::chat {

namespace {

#define LINNET_DS(a, b, c) "<\xef\xbd\x9c" a "\xe2\x96\x81" b "\xe2\x96\x81" c "\xef\xbd\x9c>"

#define LINNET_DS_SEP "<\xef\xbd\x9ctool\xe2\x96\x81sep\xef\xbd\x9c>"

constexpr Section kThink = {"<think>", "</think>", Part::reasoning, When::first};
constexpr Section kToolCall = {"<tool_call>", "</tool_call>", Part::calls};

constexpr Section kHarmony[] = {{"<|start|>", "<|message|>", Part::header},
                                {"<|end|>", "", Part::nothing},
                                {"<|call|>", "", Part::nothing},
                                {"<|return|>", "", Part::nothing}};
constexpr Section kGemma4[] = {{"<|channel>thought", "<channel|>", Part::reasoning, When::first},
                               {"<|tool_call>", "<tool_call|>", Part::calls},
                               {"<|tool_response>", "", Part::nothing}};
constexpr Section kDeepSeek[] = {kThink,
                                 {LINNET_DS("tool", "call", "begin"), LINNET_DS("tool", "call", "end"), Part::calls},
                                 {LINNET_DS("tool", "calls", "begin"), "", Part::nothing},
                                 {LINNET_DS("tool", "calls", "end"), "", Part::nothing}};
constexpr Section kKimi[] = {kThink,
                             {"<|tool_call_begin|>", "<|tool_call_end|>", Part::calls},
                             {"<|tool_calls_section_begin|>", "", Part::nothing},
                             {"<|tool_calls_section_end|>", "", Part::nothing}};
constexpr Section kMistral[] = {
    {"[THINK]", "[/THINK]", Part::reasoning, When::first}, kThink, {"[TOOL_CALLS]", "", Part::calls}};
constexpr Section kCommandR[] = {{"<|START_THINKING|>", "<|END_THINKING|>", Part::reasoning, When::first},
                                 {"<|START_ACTION|>", "<|END_ACTION|>", Part::calls},
                                 {"<|START_RESPONSE|>", "", Part::nothing},
                                 {"<|END_RESPONSE|>", "", Part::nothing}};
constexpr Section kLfm2[] = {kThink, {"<|tool_call_start|>", "<|tool_call_end|>", Part::calls}};
constexpr Section kPhi4[] = {kThink, {"<|tool_call|>", "<|/tool_call|>", Part::calls}};
constexpr Section kGranite3[] = {kThink,
                                 {"<|tool_call|>", "", Part::calls},
                                 {"<tool_call>", "", Part::calls},
                                 {"<response>", "", Part::nothing},
                                 {"</response>", "", Part::nothing}};
constexpr Section kNemotron[] = {kThink, {"<TOOLCALL>", "</TOOLCALL>", Part::calls}};
constexpr Section kApertus[] = {{"<|inner_prefix|>", "<|inner_suffix|>", Part::reasoning},
                                {"<|tools_prefix|>", "<|tools_suffix|>", Part::calls}};
constexpr Section kSeed[] = {{"<seed:think>", "</seed:think>", Part::reasoning, When::first},
                             {"<seed:tool_call>", "</seed:tool_call>", Part::calls}};
constexpr Section kMiniCpm[] = {kThink, {"<function~name=", "</function>", Part::calls, When::kept}};
constexpr Section kLlama3[] = {kThink,
                               {"<|python_tag|>", "", Part::calls},
                               {"{~\"name\"~:", "", Part::calls, When::first_kept},
                               {"{~\"type\"~:~\"function\"", "", Part::calls, When::first_kept}};
constexpr Section kGemma[] = {{"```tool_code", "```", Part::calls},
                              {"<start_function_call>", "<end_function_call>", Part::calls},
                              {"{~\"name\"~:", "", Part::calls, When::first_kept},
                              {"[{~\"name\"~:", "", Part::calls, When::first_kept}};
constexpr Section kFunctionGemma[] = {{"<start_function_call>", "<end_function_call>", Part::calls}};
constexpr Section kHermes[] = {kThink, kToolCall};

constexpr CallForm kTaggedJson = {"<tool_call>\n{\"name\": \"", "\", \"arguments\": ", "}\n</tool_call>", "", "\n", ""};
constexpr CallForm kNamed = {"{\"name\": \"", "\", \"arguments\": ", "}", "", ", ", ""};

constexpr CallForm listed(std::string_view open, std::string_view close) noexcept {
    CallForm form = kNamed;
    form.list_open = open;
    form.list_close = close;
    return form;
}

// Without control characters, but for those that are spaces.
#define LINNET_TEXT R"([^\x00-\x08\x0b\x0c\x0e-\x1f]*)"
// Without a line end at either end, which the reader would leave out.
#define LINNET_TEXT_INSIDE R"(([^\x00-\x08\x0a-\x0c\x0e-\x1f](\n*[^\x00-\x08\x0a-\x0c\x0e-\x1f])*)?)"
#define LINNET_NO_CDATA R"((?!<!\[CDATA\[))"
// No punctuation of any notation, and no space at either end.
constexpr std::string_view kKey = R"([^\x00-\x20<>"'{}()\[\]:,=](\x20*[^\x00-\x20<>"'{}()\[\]:,=])*)";

using constrain::Notation;
constexpr Notation kPython = {.before_key = "",
                              .after_key = "=",
                              .after_value = "",
                              .comma = ", ",
                              .key = R"([A-Za-z0-9_.:/\-]+)",
                              .python = true};
constexpr Notation gemma(std::string_view quote) noexcept {
    return {.before_key = "",
            .after_key = ":",
            .after_value = "",
            .comma = ",",
            .key = kKey,
            .texts = {{quote, quote, LINNET_TEXT}},
            .all_texts = true,
            .never = {quote}};
}
constexpr Notation kGemmaText = gemma("<|\"|>"), kGemmaEscape = gemma("<escape>");
constexpr Notation tags(std::string_view before_key, std::string_view after_key, std::string_view after_value,
                        std::string_view text, std::string_view close) noexcept {
    return {.before_key = before_key,
            .after_key = after_key,
            .after_value = after_value,
            .comma = "",
            .key = kKey,
            .texts = {{"", "", text}},
            .never = {close}};
}
constexpr Notation kQwenTags =
    tags("<parameter=", ">\n", "\n</parameter>\n", LINNET_NO_CDATA LINNET_TEXT, "</parameter>");
constexpr Notation kSeedTags =
    tags("<parameter=", ">", "</parameter>\n", LINNET_NO_CDATA LINNET_TEXT_INSIDE, "</parameter>");
constexpr Notation kGlmTags =
    tags("<arg_key>", "</arg_key>\n<arg_value>", "</arg_value>\n", LINNET_TEXT, "</arg_value>");
// What has a '<', a '&' or a line end, the model was told to write as CDATA.
constexpr Notation kMiniCpmTags = {
    .before_key = "<param name=\"",
    .after_key = "\">",
    .after_value = "</param>",
    .comma = "",
    .key = kKey,
    .texts = {{"", "", R"([^\x00-\x08\x0a-\x1f<&]*)"}, {"<![CDATA[", "]]>", LINNET_TEXT}},
    .never = {"</param>", "]]>"}};

constexpr CallForm tagged(const Notation& notation, std::string_view before, std::string_view middle,
                          std::string_view after) noexcept {
    return {before, middle, after, "", "\n", "", &notation};
}

// clang-format off
constexpr ReplyFormat kFormats[] = {
    {"gpt-oss", {"<|channel|>"}, kHarmony,
     {"<|channel|>commentary to=functions.", " <|constrain|>json<|message|>", "", "", "", ""}, true},
    {"gemma-4", {"<|tool_call>"}, kGemma4,
     {"call:", "{", "}", "<|tool_call>", "<tool_call|><|tool_call>", "<tool_call|>", &kGemmaText}},
    {"deepseek-v3", {"['type'] + '" LINNET_DS_SEP "'"}, kDeepSeek,
     {LINNET_DS("tool", "call", "begin") "function" LINNET_DS_SEP, "\n```json\n",
      "\n```" LINNET_DS("tool", "call", "end"), LINNET_DS("tool", "calls", "begin"), "\n",
      LINNET_DS("tool", "calls", "end")}},
    {"deepseek", {LINNET_DS("tool", "call", "begin")}, kDeepSeek,
     {LINNET_DS("tool", "call", "begin"), LINNET_DS_SEP,
      LINNET_DS("tool", "call", "end"), LINNET_DS("tool", "calls", "begin"), "", LINNET_DS("tool", "calls", "end")}},
    {"kimi", {"<|tool_calls_section_begin|>"}, kKimi,
     {"<|tool_call_begin|>functions.", ":0<|tool_call_argument_begin|>", "<|tool_call_end|>",
      "<|tool_calls_section_begin|>", "", "<|tool_calls_section_end|>"}},
    {"mistral-args", {"[ARGS]"}, kMistral, {"[TOOL_CALLS]", "[ARGS]", "", "", "", ""}},
    {"mistral", {"[TOOL_CALLS]"}, kMistral, listed("[TOOL_CALLS][", "]")},
    {"command-r", {"<|START_ACTION|>"}, kCommandR,
     {"{\"tool_call_id\": \"0\", \"tool_name\": \"", "\", \"parameters\": ", "}", "<|START_ACTION|>[\n    ", ",\n    ",
      "\n]<|END_ACTION|>"}},
    {"lfm2", {"<|tool_call_start|>", "<|tool_list_start|>", "List of tools: ["}, kLfm2,
     {"", "(", ")", "<|tool_call_start|>[", ", ", "]<|tool_call_end|>", &kPython}},
    {"phi-4-mini", {"<|/tool|>"}, kPhi4, listed("<|tool_call|>[", "]<|/tool_call|>")},
    {"granite-3", {"<|tool_call|>"}, kGranite3, listed("<|tool_call|>[", "]")},
    {"nemotron", {"<TOOLCALL>"}, kNemotron, listed("<TOOLCALL>[", "]</TOOLCALL>")},
    {"apertus", {"<|tools_prefix|>"}, kApertus, {"{\"", "\": ", "}", "<|tools_prefix|>[", ", ", "]<|tools_suffix|>"}},
    {"seed-oss", {"<seed:tool_call>"}, kSeed,
     tagged(kSeedTags, "<seed:tool_call>\n<function=", ">\n", "</function>\n</seed:tool_call>")},
    {"qwen3-coder", {"<function="}, kHermes,
     tagged(kQwenTags, "<tool_call>\n<function=", ">\n", "</function>\n</tool_call>")},
    {"glm-4", {"<arg_key>"}, kHermes, tagged(kGlmTags, "<tool_call>", "\n", "</tool_call>")},
    {"minicpm", {"<param name"}, kMiniCpm, tagged(kMiniCpmTags, "<function name=\"", "\">", "</function>")},
    {"llama-3", {"<|python_tag|>", "ipython"}, kLlama3, {"{\"name\": \"", "\", \"parameters\": ", "}", "", "", ""}},
    {"function-gemma", {"<start_function_call>"}, kFunctionGemma,
     {"call:", "{", "}", "<start_function_call>", "<end_function_call><start_function_call>", "<end_function_call>",
      &kGemmaEscape}},
    {"gemma", {"<start_of_turn>"}, kGemma, {"{\"name\": \"", "\", \"parameters\": ", "}", "", "", ""}},
    {"hermes", {"<tool_call>", "<think>", "<|im_start|>"}, kHermes, kTaggedJson},
    {"text", {}, {}, {}},
};
// clang-format on

}  // namespace

std::span<const ReplyFormat> reply_formats() noexcept { return kFormats; }

const ReplyFormat* find_reply_format(std::string_view name) noexcept {
    const auto* const found =
        std::find_if(std::begin(kFormats), std::end(kFormats), [&](const ReplyFormat& f) { return f.name == name; });
    return found == std::end(kFormats) ? nullptr : found;
}

const ReplyFormat& reply_format_of(std::string_view chat_template) noexcept {
    const auto has = [&](std::string_view sign) {
        return !sign.empty() && chat_template.find(sign) != std::string_view::npos;
    };
    for (const ReplyFormat& format : kFormats) {
        if (std::any_of(std::begin(format.signs), std::end(format.signs), has)) return format;
    }
    return kFormats[std::size(kFormats) - 1];
}

}  // namespace linnet::chat
