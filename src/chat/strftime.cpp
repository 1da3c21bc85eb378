// SPDX-License-Identifier: MIT
// strftime's directives. A "-" after "%" leaves out the padding, as the C library of GNU does.
#include "chat/strftime.hpp"

#include <array>
#include <charconv>
#include <string>

namespace linnet::chat {

namespace {

constexpr std::string_view kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
constexpr int kDaysBefore[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};

bool is_leap(int year) noexcept { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_in_month(int year, int month) noexcept {
    if (month == 12) return 31;
    const int days = kDaysBefore[month] - kDaysBefore[month - 1];
    return month == 2 && is_leap(year) ? days + 1 : days;
}

// From 0.
int day_of_year(const Moment& moment) noexcept {
    return kDaysBefore[moment.month - 1] + (moment.month > 2 && is_leap(moment.year) ? 1 : 0) + moment.day - 1;
}

// 0: Sunday. Years are above 0.
int day_of_week(int year, int day_in_year) noexcept {
    const int before = year - 1;
    return (before * 365 + before / 4 - before / 100 + before / 400 + day_in_year + 1) % 7;
}

struct IsoWeek {
    int year, week;
};

IsoWeek iso_week(const Moment& moment) noexcept {
    const auto weeks_in = [](int year) {
        const int first = day_of_week(year, 0);
        return first == 4 || (first == 3 && is_leap(year)) ? 53 : 52;
    };
    const int day = day_of_year(moment);
    const int weekday = (day_of_week(moment.year, day) + 6) % 7;  // 0: Monday
    const int week = (day - weekday + 10) / 7;
    if (week < 1) return {moment.year - 1, weeks_in(moment.year - 1)};
    if (week > weeks_in(moment.year)) return {moment.year + 1, 1};
    return {moment.year, week};
}

class Formatter {
  public:
    Formatter(Text& text, const Moment& moment) : text_(text), moment_(moment) {}

    void format(std::string_view format) {
        text_.arena().spend(1 + format.size());
        for (std::size_t i = 0; i < format.size(); ++i) {
            if (format[i] != '%' || i + 1 == format.size()) {
                text_.append(format[i]);
                continue;
            }
            ++i;
            padded_ = format[i] != '-' || i + 1 == format.size();
            if (!padded_) ++i;
            if (!directive(format[i])) {
                text_.append('%');
                if (!padded_) text_.append('-');
                text_.append(format[i]);
            }
        }
    }

  private:
    void number(int value, std::size_t width, char fill = '0') {
        const std::string digits = std::to_string(value);
        if (padded_ && digits.size() < width) text_.append(width - digits.size(), fill);
        text_.append(digits);
    }

    int weekday() const noexcept { return day_of_week(moment_.year, day_of_year(moment_)); }
    int hour12() const noexcept { return moment_.hour % 12 == 0 ? 12 : moment_.hour % 12; }

    bool directive(char letter) {
        const std::string_view day = kDays[weekday()], month = kMonths[moment_.month - 1];
        switch (letter) {
            case 'a': text_.append(day.substr(0, 3)); break;
            case 'A': text_.append(day); break;
            case 'b':
            case 'h': text_.append(month.substr(0, 3)); break;
            case 'B': text_.append(month); break;
            case 'c': format("%a %b %e %H:%M:%S %Y"); break;
            case 'C': number(moment_.year / 100, 2); break;
            case 'd': number(moment_.day, 2); break;
            case 'D':
            case 'x': format("%m/%d/%y"); break;
            case 'e': number(moment_.day, 2, ' '); break;
            case 'f': text_.append("000000"); break;
            case 'F': format("%Y-%m-%d"); break;
            case 'g': number(iso_week(moment_).year % 100, 2); break;
            case 'G': number(iso_week(moment_).year, 1); break;
            case 'H': number(moment_.hour, 2); break;
            case 'I': number(hour12(), 2); break;
            case 'j': number(day_of_year(moment_) + 1, 3); break;
            case 'k': number(moment_.hour, 2, ' '); break;
            case 'l': number(hour12(), 2, ' '); break;
            case 'm': number(moment_.month, 2); break;
            case 'M': number(moment_.minute, 2); break;
            case 'n': text_.append('\n'); break;
            case 'p': text_.append(moment_.hour < 12 ? "AM" : "PM"); break;
            case 'P': text_.append(moment_.hour < 12 ? "am" : "pm"); break;
            case 'r': format("%I:%M:%S %p"); break;
            case 'R': format("%H:%M"); break;
            case 'S': number(moment_.second, 2); break;
            case 't': text_.append('\t'); break;
            case 'T':
            case 'X': format("%H:%M:%S"); break;
            case 'u': number(weekday() == 0 ? 7 : weekday(), 1); break;
            case 'U': number((day_of_year(moment_) + 7 - weekday()) / 7, 2); break;
            case 'V': number(iso_week(moment_).week, 2); break;
            case 'w': number(weekday(), 1); break;
            case 'W': number((day_of_year(moment_) + 7 - (weekday() + 6) % 7) / 7, 2); break;
            case 'y': number(moment_.year % 100, 2); break;
            case 'Y': number(moment_.year, 1); break;
            case 'z':
            case 'Z': break;  // a local time without a zone
            case '%': text_.append('%'); break;
            default: return false;
        }
        return true;
    }

    Text& text_;
    const Moment& moment_;
    bool padded_ = true;
};

}  // namespace

Moment parse_moment(std::string_view text) {
    Moment moment;
    const std::array<int*, 6> fields = {&moment.year, &moment.month,  &moment.day,
                                        &moment.hour, &moment.minute, &moment.second};
    const auto bad = [&] { return Error(Status::invalid_argument, "'{}' is no time like 2025-03-09T15:04:05", text); };
    const char* p = text.data();
    const char* const end = p + text.size();
    std::size_t n = 0;
    for (; n < fields.size(); ++n) {
        constexpr std::string_view kBefore[] = {"", "-", "-", "T ", ":", ":"};
        if (n == 3 && p == end) break;
        if (n != 0) {
            if (p == end || kBefore[n].find(*p) == std::string_view::npos) throw bad();
            ++p;
        }
        const std::ptrdiff_t width = n == 0 ? 4 : 2;
        if (end - p < width || std::from_chars(p, p + width, *fields[n]).ptr != p + width) throw bad();
        p += width;
    }
    // Fractions of a second and a zone say nothing that strftime_now shows.
    const bool rest = p == end || *p == '.' || *p == '+' || *p == '-' || *p == 'Z';
    if (!rest || moment.year < 1 || moment.month < 1 || moment.month > 12 || moment.day < 1 ||
        moment.day > days_in_month(moment.year, moment.month) || moment.hour < 0 || moment.hour > 23 ||
        moment.minute < 0 || moment.minute > 59 || moment.second < 0 || moment.second > 60) {
        throw bad();
    }
    return moment;
}

Value format_moment(Arena& arena, const Moment& moment, std::string_view format) {
    Text text(arena);
    Formatter(text, moment).format(format);
    return text.finish();
}

}  // namespace linnet::chat
