// SPDX-License-Identifier: MIT
// The pre-tokenizers by name, as data. The facts are the regular expressions in the tokenizer.json files which Hugging
// Face publishes for these models; the names are those that converters write to tokenizer.ggml.pre.
#include "tokenizer/pre_tokenizer.hpp"

namespace linnet {
namespace {

using namespace unicode;
using Contractions = WordPattern::Contractions;

constexpr CharSet kNotNewlineLetterDigit{kAny, kNewline | kL | kN};
constexpr CharSet kNotSpaceLetterDigit{kAny, kSpace | kL | kN};

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
constexpr WordPattern kGpt2Words{
    .contractions = Contractions::lower,
    .prefix = {kBlank},
    .lower = kL,
    .max_digits = ~0u,
    .blank_before_digits = true,
    .symbols = kNotSpaceLetterDigit,
};

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
constexpr WordPattern kLlama3Words{
    .contractions = Contractions::any_case,
    .prefix = kNotNewlineLetterDigit,
    .lower = kL,
    .max_digits = 3,
    .symbols = kNotSpaceLetterDigit,
    .trail = kNewline,
    .newlines = true,
};

// The same with \p{N}.
constexpr WordPattern kQwen2Words{
    .contractions = Contractions::any_case,
    .prefix = kNotNewlineLetterDigit,
    .lower = kL,
    .max_digits = 1,
    .symbols = kNotSpaceLetterDigit,
    .trail = kNewline,
    .newlines = true,
};

// The same without a trail.
constexpr WordPattern kSeedCoderWords = [] {
    WordPattern pattern = kQwen2Words;
    pattern.trail = 0;
    return pattern;
}();

// Qwen 2's with marks in the words: [\p{L}\p{M}]+ and [^\s\p{L}\p{M}\p{N}]+.
constexpr WordPattern kQwen35Words{
    .contractions = Contractions::any_case,
    .prefix = kNotNewlineLetterDigit,
    .lower = kL | kM,
    .max_digits = 1,
    .symbols = {kAny, kSpace | kL | kM | kN},
    .trail = kNewline,
    .newlines = true,
};

// [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|
// [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|
// \p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
constexpr WordPattern kGpt4oWords{
    .contractions = Contractions::suffix,
    .prefix = kNotNewlineLetterDigit,
    .upper = kLu | kLt | kLm | kLo | kM,
    .lower = kLl | kLm | kLo | kM,
    .max_digits = 3,
    .symbols = kNotSpaceLetterDigit,
    .trail = kNewline | kSlash,
    .newlines = true,
};

// The same without contractions and with \p{N}.
constexpr WordPattern kTekkenWords{
    .prefix = kNotNewlineLetterDigit,
    .upper = kLu | kLt | kLm | kLo | kM,
    .lower = kLl | kLm | kLo | kM,
    .max_digits = 1,
    .symbols = kNotSpaceLetterDigit,
    .trail = kNewline | kSlash,
    .newlines = true,
};

// [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|
// \s*[\r\n]+|\s+(?!\S)|\s+
constexpr WordPattern kDeepseek3Words{
    .punctuated_word = true,
    .prefix = {kAny, kNewline | kL | kP | kS},
    .lower = kL | kM,
    .symbols = {kP | kS},
    .trail = kNewline,
    .newlines = true,
};

// The letters with case that DeepSeek LLM's expression lists one by one.
constexpr CharSet::Range kCasedLetters[] = {
    {0x41, 0x5A},       {0x61, 0x7A},       {0xB5, 0xB5},       {0xC0, 0xD6},       {0xD8, 0xF6},
    {0xF8, 0x1BA},      {0x1BC, 0x1BF},     {0x1C4, 0x293},     {0x295, 0x2AF},     {0x370, 0x373},
    {0x376, 0x376},     {0x377, 0x377},     {0x37B, 0x37D},     {0x37F, 0x37F},     {0x386, 0x386},
    {0x388, 0x38A},     {0x38C, 0x38C},     {0x38E, 0x3A1},     {0x3A3, 0x3F5},     {0x3F7, 0x481},
    {0x48A, 0x52F},     {0x531, 0x556},     {0x10A0, 0x10C5},   {0x13A0, 0x13F5},   {0x13F8, 0x13FD},
    {0x1C90, 0x1CBA},   {0x1CBD, 0x1CBF},   {0x1D00, 0x1D2B},   {0x1D6B, 0x1D77},   {0x1D79, 0x1D9A},
    {0x1E00, 0x1F15},   {0x1F18, 0x1F1D},   {0x1F20, 0x1F45},   {0x1F48, 0x1F4D},   {0x1F50, 0x1F57},
    {0x1F59, 0x1F59},   {0x1F5B, 0x1F5B},   {0x1F5D, 0x1F5D},   {0x1F5F, 0x1F7D},   {0x1F80, 0x1FB4},
    {0x1FB6, 0x1FBC},   {0x1FBE, 0x1FBE},   {0x1FC2, 0x1FC4},   {0x1FC6, 0x1FCC},   {0x1FD0, 0x1FD3},
    {0x1FD6, 0x1FDB},   {0x1FE0, 0x1FEC},   {0x1FF2, 0x1FF4},   {0x1FF6, 0x1FFC},   {0x2102, 0x2102},
    {0x2107, 0x2107},   {0x210A, 0x2113},   {0x2115, 0x2115},   {0x2119, 0x211D},   {0x2124, 0x2124},
    {0x2126, 0x2126},   {0x2128, 0x2128},   {0x212A, 0x212D},   {0x212F, 0x2134},   {0x2139, 0x2139},
    {0x213C, 0x213F},   {0x2145, 0x2149},   {0x214E, 0x214E},   {0x2183, 0x2183},   {0x2184, 0x2184},
    {0x2C00, 0x2C7B},   {0x2C7E, 0x2CE4},   {0x2CEB, 0x2CEE},   {0x2CF2, 0x2CF2},   {0x2CF3, 0x2CF3},
    {0xA640, 0xA66D},   {0xA680, 0xA69B},   {0xA722, 0xA76F},   {0xA771, 0xA787},   {0xA78B, 0xA78E},
    {0xAB70, 0xABBF},   {0xFB00, 0xFB06},   {0xFB13, 0xFB17},   {0xFF21, 0xFF3A},   {0xFF41, 0xFF5A},
    {0x10400, 0x1044F}, {0x104B0, 0x104D3}, {0x104D8, 0x104FB}, {0x10C80, 0x10CB2}, {0x10CC0, 0x10CF2},
    {0x118A0, 0x118DF}, {0x1E900, 0x1E943},
};
constexpr CharSet::Range kDeepseekPunctuation[] = {
    {0x21, 0x2F}, {0x3A, 0x7E}, {0x2018, 0x201F}, {0x3000, 0x3002}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF5E},
};
constexpr CharSet::Range kDeepseekEastAsian[] = {{0x0800, 0x9FA5}, {0xAC00, 0xD7FF}};
constexpr CharSet::Range kDeepseek3EastAsian[] = {{0x3040, 0x30FF}, {0x4E00, 0x9FA5}};

// The script of Chinese characters, Unicode 15.
constexpr CharSet::Range kHan[] = {
    {0x2E80, 0x2E99},   {0x2E9B, 0x2EF3},   {0x2F00, 0x2FD5},   {0x3005, 0x3005},   {0x3007, 0x3007},
    {0x3021, 0x3029},   {0x3038, 0x303B},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFA6D},
    {0xFA70, 0xFAD9},   {0x16FE2, 0x16FE3}, {0x16FF0, 0x16FF1}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B739},
    {0x2B740, 0x2B81D}, {0x2B820, 0x2CEA1}, {0x2CEB0, 0x2EBE0}, {0x2F800, 0x2FA1D}, {0x30000, 0x3134A},
    {0x31350, 0x323AF},
};

// [\p{Han}]+|, then as gpt-4o's with the trail [\r\n]*, where the letters of words are those && [^\p{Han}].
constexpr WordPattern kKimiWords = [] {
    WordPattern pattern = kGpt4oWords;
    pattern.apart.ranges = kHan;
    pattern.trail = kNewline;
    return pattern;
}();

// Before the words, which are gpt-4o's with \p{N}, a run of any of four sets that have no character in common.
constexpr CharSet::Range kYoutuHangul[] = {{0x3131, 0x318E}, {0xAC00, 0xD7A3}};
constexpr CharSet::Range kYoutuPunctuation[] = {
    {0x2014, 0x2014}, {0x2018, 0x2019}, {0x201C, 0x201D}, {0x2026, 0x2026}, {0x3001, 0x303F},
    {0xFE30, 0xFE4F}, {0xFF01, 0xFF01}, {0xFF0C, 0xFF0C}, {0xFF1A, 0xFF1B},
};
constexpr CharSet::Range kYoutuBopomofo[] = {{0x3105, 0x312F}};
constexpr WordPattern kYoutuWords = [] {
    WordPattern pattern = kGpt4oWords;
    pattern.max_digits = 1;
    return pattern;
}();

constexpr RunPattern kOneDigit{.set = {kN}, .max = 1};
constexpr RunPattern kThreeDigits{.set = {kN}, .max = 3};
constexpr RunPattern kThreeAsciiDigits{.set = {kAsciiDigit}, .min = 3, .max = 3};
constexpr RunPattern kPunctuationRun{.set = {kP | kAsciiPunct}};
constexpr RunPattern kOneNewline{.set = {kNewline}, .max = 1};
constexpr RunPattern kSpacedLetters{.set = {kL}, .space_before = true};
constexpr RunPattern kSpacedPunctuation{.set = {kP}, .space_before = true};
constexpr RunPattern kSpacedCasedLetters{.set = {0, 0, kCasedLetters}, .space_before = true};
constexpr RunPattern kSpacedDeepseekPunctuation{.set = {0, 0, kDeepseekPunctuation}, .space_before = true};
constexpr RunPattern kFinalSpaces{.set = {kSpace}, .at_end = true};
constexpr RunPattern kDeepseekEastAsianRun{.set = {0, 0, kDeepseekEastAsian}};
constexpr RunPattern kDeepseek3EastAsianRun{.set = {0, 0, kDeepseek3EastAsian}};
constexpr RunPattern kYoutuHangulRun{.set = {0, 0, kYoutuHangul}};
constexpr RunPattern kYoutuPunctuationRun{.set = {0, 0, kYoutuPunctuation}};
constexpr RunPattern kYoutuBopomofoRun{.set = {0, 0, kYoutuBopomofo}};

constexpr Stage kGpt2[] = {{&kGpt2Words}};
constexpr Stage kLlama3[] = {{&kLlama3Words}};
constexpr Stage kQwen2[] = {{&kQwen2Words}};
constexpr Stage kQwen35[] = {{&kQwen35Words}};
constexpr Stage kGpt4o[] = {{&kGpt4oWords}};
constexpr Stage kTekken[] = {{&kTekkenWords}};
constexpr Stage kSeedCoder[] = {{&kSeedCoderWords}};
constexpr Stage kKimi[] = {{&kKimiWords}};
constexpr Stage kMiniCpm5[] = {{nullptr, &kThreeDigits}, {&kLlama3Words}};
constexpr Stage kYoutu[] = {
    {nullptr, &kYoutuHangulRun},
    {nullptr, &kYoutuPunctuationRun},
    {nullptr, &kYoutuBopomofoRun},
    {nullptr, &kDeepseek3EastAsianRun},
    {&kYoutuWords},
};
constexpr Stage kStarcoder[] = {{nullptr, &kOneDigit}, {&kGpt2Words}};
constexpr Stage kFalcon[] = {{nullptr, &kPunctuationRun}, {&kGpt2Words}, {nullptr, &kThreeAsciiDigits}};
constexpr Stage kDeepseekLlm[] = {
    {nullptr, &kOneNewline},  {nullptr, &kSpacedCasedLetters},   {nullptr, &kSpacedDeepseekPunctuation},
    {nullptr, &kFinalSpaces}, {nullptr, &kDeepseekEastAsianRun}, {nullptr, &kOneDigit},
};
constexpr Stage kDeepseekCoder[] = {
    {nullptr, &kOneNewline},           {nullptr, &kSpacedLetters}, {nullptr, &kSpacedPunctuation},
    {nullptr, &kDeepseekEastAsianRun}, {nullptr, &kOneDigit},
};
constexpr Stage kDeepseek3[] = {{nullptr, &kThreeDigits}, {nullptr, &kDeepseek3EastAsianRun}, {&kDeepseek3Words}};

struct NamedRule {
    std::string_view name;
    PreTokenizerRule rule;
};

constexpr NamedRule kRules[] = {
    {"default", {kGpt2}},
    {"gpt-2", {kGpt2}},
    {"phi-2", {kGpt2}},
    {"roberta-bpe", {kGpt2}},
    {"gigachat", {kGpt2}},
    {"mellum", {kGpt2}},
    {"a.x-4.0", {kGpt2}},
    {"trillion", {kGpt2}},
    {"granite-docling", {kGpt2}},
    {"mpt", {.stages = kGpt2, .nfc = true}},
    {"olmo", {.stages = kGpt2, .nfc = true}},
    {"llama-bpe", {.stages = kLlama3, .ignore_merges = true, .add_bos = true}},
    {"llama3", {.stages = kLlama3, .ignore_merges = true, .add_bos = true}},
    {"llama-v3", {.stages = kLlama3, .ignore_merges = true, .add_bos = true}},
    {"lfm2", {.stages = kLlama3, .ignore_merges = true, .add_bos = true}},
    {"falcon3", {.stages = kLlama3, .ignore_merges = true, .add_bos = true}},
    {"pixtral", {.stages = kLlama3, .ignore_merges = true, .add_bos = true}},
    {"midm-2.0", {.stages = kLlama3, .ignore_merges = true, .add_bos = true}},
    {"minicpm5", {.stages = kMiniCpm5, .ignore_merges = true}},
    {"smaug-bpe", {kLlama3}},
    {"dbrx", {kLlama3}},
    {"glm4", {kLlama3}},
    {"chatglm-bpe", {kLlama3}},
    {"qwen2", {.stages = kQwen2, .nfc = true}},
    {"deepseek-r1-qwen", {.stages = kQwen2, .nfc = true}},
    {"megrez", {.stages = kQwen2, .nfc = true}},
    {"stablelm2", {.stages = kQwen2, .nfc = true}},
    {"f2llmv2", {.stages = kQwen2, .nfc = true}},
    {"qwen35", {.stages = kQwen35, .nfc = true}},
    {"seed-coder", {kSeedCoder}},
    {"gpt-4o", {kGpt4o}},
    {"llama4", {kGpt4o}},
    {"kanana2", {kGpt4o}},
    {"kimi-k2", {.stages = kKimi, .ignore_merges = true}},
    {"youtu", {.stages = kYoutu, .ignore_merges = true}},
    {"tekken", {.stages = kTekken, .ignore_merges = true, .add_bos = true}},
    {"starcoder", {kStarcoder}},
    {"smollm", {kStarcoder}},
    {"refact", {kStarcoder}},
    {"codeshell", {kStarcoder}},
    {"minerva-7b", {kStarcoder}},
    {"command-r", {.stages = kStarcoder, .nfc = true}},
    {"falcon", {kFalcon}},
    {"deepseek-llm", {kDeepseekLlm}},
    {"deepseek-coder", {kDeepseekCoder}},
    {"deepseek-v3", {kDeepseek3}},
    {"hunyuan-dense", {kDeepseek3}},
    {"joyai-llm", {kDeepseek3}},
};

}  // namespace

const PreTokenizerRule* find_pre_tokenizer(std::string_view name) noexcept {
    for (const NamedRule& named : kRules) {
        if (named.name == name) return &named.rule;
    }
    return nullptr;
}

}  // namespace linnet
