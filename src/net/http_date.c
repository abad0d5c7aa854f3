// SPDX-License-Identifier: Apache-2.0
//
// Dates of HTTP (RFC 9110 §5.6.7): written in the one preferred form, read in all three that there are. No library's time
// functions, which go by a locale and a zone: days are counted in the proleptic Gregorian calendar, from 1970 to 9999.
#include "net/http.h"

#include <stdio.h>

static const char day_name[7][10] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
static const char month_name[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

enum { LAST_YEAR = 9999, DAY = 86400 };

static bool is_leap(unsigned year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static unsigned days_of(unsigned year, unsigned month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month] + (month == 1 && is_leap(year) ? 1U : 0U);
}

// Days from 1970-01-01 to the first of January.
static uint64_t days_before(unsigned year)
{
    unsigned y = year - 1;
    return 365ULL * (year - 1970) + y / 4 - y / 100 + y / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

void http_date(uint64_t seconds, char out[30])
{
    uint64_t last = (days_before(LAST_YEAR + 1)) * DAY - 1;
    if (seconds > last) seconds = last;
    uint64_t days = seconds / DAY;
    unsigned s = (unsigned)(seconds % DAY), year = 1970 + (unsigned)(days / 366), month = 0;
    while (days_before(year + 1) <= days) year++;
    unsigned day = (unsigned)(days - days_before(year));
    while (day >= days_of(year, month)) day -= days_of(year, month++);
    (void)snprintf(out, 30, "%.3s, %02u %s %04u %02u:%02u:%02u GMT", day_name[(days + 3) % 7], (day + 1) % 100,
                   month_name[month], year % 10000, s / 3600 % 24, s / 60 % 60, s % 60);
}

// ------------------------------------------------------------------------------------------------------- reading

struct text {
    const uint8_t *p;
    size_t n;
    bool bad;
};

static void expect(struct text *t, const char *what)
{
    size_t n = strlen(what);
    if (t->n < n || memcmp(t->p, what, n) != 0) {
        t->bad = true;
        return;
    }
    t->p += n;
    t->n -= n;
}

// Exactly so many digits; the first may be a space where the form pads with one.
static unsigned number(struct text *t, size_t digits, bool padded)
{
    unsigned v = 0;
    if (t->n < digits) t->bad = true;
    for (size_t i = 0; i < digits && !t->bad; i++) {
        uint8_t c = t->p[i] == ' ' && padded && i == 0 ? '0' : t->p[i];
        if (c < '0' || c > '9') t->bad = true;
        v = v * 10 + c - '0';
    }
    if (t->bad) return 0;
    t->p += digits;
    t->n -= digits;
    return v;
}

static unsigned month(struct text *t)
{
    for (unsigned i = 0; i < 12 && t->n >= 3; i++) {
        if (memcmp(t->p, month_name[i], 3) != 0) continue;
        expect(t, month_name[i]);
        return i;
    }
    t->bad = true;
    return 0;
}

static unsigned clock_time(struct text *t)
{
    unsigned h = number(t, 2, false);
    expect(t, ":");
    unsigned m = number(t, 2, false);
    expect(t, ":");
    unsigned s = number(t, 2, false);
    if (h > 23 || m > 59 || s > 60) t->bad = true; // 60: a leap second
    return h * 3600 + m * 60 + s;
}

// Which day of the week it begins with, and in which form: *whole is set for a name that is written out.
static void week_day(struct text *t, bool *whole)
{
    for (unsigned i = 0; i < 7; i++) {
        size_t n = strlen(day_name[i]);
        *whole = t->n >= n && memcmp(t->p, day_name[i], n) == 0;
        if (!*whole && (t->n < 3 || memcmp(t->p, day_name[i], 3) != 0)) continue;
        t->p += *whole ? n : 3;
        t->n -= *whole ? n : 3;
        return;
    }
    t->bad = true;
}

bool http_read_date(struct span s, uint64_t *seconds)
{
    struct text t = {s.p, s.n, false};
    bool whole = false;
    unsigned day, mon, year, time;
    *seconds = 0;
    week_day(&t, &whole);
    if (t.bad || t.n == 0) return false;
    if (t.p[0] == ' ') { // asctime: Sun Nov  6 08:49:37 1994
        expect(&t, " ");
        mon = month(&t);
        expect(&t, " ");
        day = number(&t, 2, true);
        expect(&t, " ");
        time = clock_time(&t);
        expect(&t, " ");
        year = number(&t, 4, false);
        if (whole) t.bad = true;
    } else { // Sun, 06 Nov 1994 08:49:37 GMT, or RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
        expect(&t, ", ");
        day = number(&t, 2, false);
        expect(&t, whole ? "-" : " ");
        mon = month(&t);
        expect(&t, whole ? "-" : " ");
        year = number(&t, whole ? 2 : 4, false);
        if (whole) year += year < 70 ? 2000 : 1900; // nothing that is served is older
        expect(&t, " ");
        time = clock_time(&t);
        expect(&t, " GMT");
    }
    if (t.bad || t.n > 0 || year < 1970 || day < 1 || day > days_of(year, mon)) return false;
    uint64_t days = days_before(year) + day - 1;
    for (unsigned i = 0; i < mon; i++) days += days_of(year, i);
    *seconds = days * DAY + time;
    return true;
}
