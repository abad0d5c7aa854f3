// SPDX-License-Identifier: Apache-2.0
//
// Progress on a terminal (progress.h): what it is, a bar, how much of how much, how fast, and how long it will take.
#include "cmd/progress.h"

#include <string.h>
#include <time.h>

enum { BAR_MOST = 30, EVERY_MS = 100, SURE_MS = 2000 };

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *size_text(uint64_t bytes, char out[SIZE_TEXT])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t u = 0;
    double v = (double)bytes;
    while (v >= 999.5 && u + 1 < sizeof units / sizeof *units) v /= 1000, u++;
    (void)snprintf(out, SIZE_TEXT, u == 0 || v >= 99.95 ? "%.0f %s" : "%.1f %s", v, units[u]);
    return out;
}

static void time_text(int64_t seconds, char out[SIZE_TEXT])
{
    if (seconds >= 3600) (void)snprintf(out, SIZE_TEXT, "%d h %02d", (int)(seconds / 3600 % 1000), (int)(seconds / 60 % 60));
    else (void)snprintf(out, SIZE_TEXT, "%d:%02d", (int)(seconds / 60), (int)(seconds % 60));
}

static void print_bar(const struct text *t, uint64_t done, uint64_t size, size_t columns)
{
    size_t full = done >= size ? columns : (size_t)((double)done / (double)size * (double)columns);
    for (size_t i = 0; i < columns; i++) fputs(i < full ? "\xe2\x96\x88" : "\xe2\x96\x91", t->to);
}

void progress_line(const struct text *t, const char *what, uint64_t from, uint64_t done, uint64_t size, int64_t ms)
{
    char a[SIZE_TEXT], b[SIZE_TEXT], left[SIZE_TEXT] = "", figures[100];
    double rate = ms > SURE_MS && done > from ? (double)(done - from) * 1000 / (double)ms : 0; // bytes a second
    if (rate > 0 && size > done) time_text((int64_t)((double)(size - done) / rate) + 1, left);
    if (size > 0)
        (void)snprintf(figures, sizeof figures, "%3.0f %%  %s of %s%s%s", (double)done * 100 / (double)size, size_text(done, a),
                       size_text(size, b), left[0] != 0 ? "  " : "", left);
    else (void)snprintf(figures, sizeof figures, "%s", size_text(done, a));
    size_t width = t->width == SIZE_MAX ? 80 : t->width - 1, n = strlen(figures);
    size_t bar = size > 0 && width > n + 30 ? width - n - 24 : 0;
    if (bar > BAR_MOST) bar = BAR_MOST;
    size_t room = width > n + bar + 4 ? width - n - bar - 4 : 0;
    if (room > 4) {
        size_t names = text_width(what);
        text_cell(t, what, names < room ? names : room);
        fputs("  ", t->to);
    }
    if (bar > 0) print_bar(t, done, size, bar);
    fprintf(t->to, "%s%s", bar > 0 ? " " : "", figures);
}

void progress_begin(struct progress *p, bool on)
{
    *p = (struct progress){.t = text_errors(), .began = now_ms()};
    p->on = on && p->t.height > 0;
}

void progress_show(struct progress *p, const char *what, uint64_t done, uint64_t size)
{
    int64_t now = now_ms();
    if (!p->on || (p->shown && now - p->last < EVERY_MS && done < size)) return;
    if (!p->shown) p->from = done;
    p->shown = true;
    p->last = now;
    fputs("\r\033[K", p->t.to);
    progress_line(&p->t, what, p->from, done, size, now - p->began);
    (void)fflush(p->t.to);
}

void progress_end(struct progress *p)
{
    if (p->shown) fputs("\r\033[K", p->t.to);
    (void)fflush(p->t.to);
    p->shown = false;
}
