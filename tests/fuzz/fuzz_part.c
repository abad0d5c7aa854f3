// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as what a browser asks for of a file, and as what its sender has called it: a part lies inside the file, a type is one of few, and a
// name does not end the header that it stands in.
#include "kit.h"

#include "web/part.h"

void fuzz_open(void) {}

static void check_range(struct span value, uint64_t size)
{
    uint64_t from = 1, end = 0;
    enum part p = part_range(value, size, &from, &end);
    if (p == PART_SOME) must(from < end && end <= size);
    else must(from == 0 && end == size);
}

// Quoted once, and percent-encoded once: no other quotes, and nothing that ends a line.
static void check_disposition(const char *name, bool shown)
{
    struct buf b;
    size_t quotes = 0;
    buf_init(&b, 10000);
    part_disposition(name, shown, &b);
    must_ok(buf_end(&b));
    for (size_t i = 0; i < b.n; i++) {
        quotes += b.p[i] == '"';
        must(b.p[i] >= 0x20 && b.p[i] < 0x7f && b.p[i] != '\\');
    }
    must(quotes == 2);
    buf_wipe(&b);
}

void fuzz_one(struct span bytes)
{
    char name[1001];
    uint64_t v = 0;
    size_t n = bytes.n < 1000 ? bytes.n : 1000;
    if (n > 0) memcpy(name, bytes.p, n);
    name[n] = 0;
    check_range(bytes, 0);
    check_range(bytes, 100);
    check_range(bytes, (uint64_t)1 << 48);
    check_disposition(name, n % 2 == 0);
    const char *type = part_shown(bytes);
    must(type == NULL || span_eq(span_str(type), bytes));
    if (part_number(bytes, "/file/", &v)) must(bytes.n > 6 && v < 1000000000000000000);
}

void fuzz_seeds(const char *folder)
{
    kit_seed(folder, "range", span_str("bytes=5-9"));
    kit_seed(folder, "open", span_str("bytes=90-"));
    kit_seed(folder, "end", span_str("bytes=-7"));
    kit_seed(folder, "two", span_str("bytes=0-1,5-9"));
    kit_seed(folder, "type", span_str("image/png"));
    kit_seed(folder, "target", span_str("/file/12"));
    kit_seed(folder, "name", span_str("caf\xc3\xa9 \"x\"\r\n%.jpg"));
}
