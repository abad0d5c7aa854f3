// SPDX-License-Identifier: Apache-2.0
//
// People in texts: names become links and links names; what is no whole name or link stays.
#include "cmd/mention.h"
#include "unit.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void sent_as(const char *text, const char *expected)
{
    static const struct mention_person people[] = {{"Ann", A}, {"Ann Lee", B}, {"", A}, {"[x]", A}};
    char *out = mention_sent(text, people, 4);
    assert_string_equal(out, expected);
    free(out);
}

static void names_become_links(void **state)
{
    (void)state;
    sent_as("", "");
    sent_as("@Ann", "[Ann](whimbrel:u/" A ")");
    sent_as("Tea, (@Ann Lee)?", "Tea, ([Ann Lee](whimbrel:u/" B "))?");
    sent_as("@Anna @ann x@Ann @", "@Anna @ann x@Ann @");
    sent_as("@[x]!", "[x](whimbrel:u/" A ")!");
}

static void written_as(const char *text, const char *expected)
{
    char *out = mention_written(text);
    assert_string_equal(out, expected);
    free(out);
}

static void links_become_names(void **state)
{
    (void)state;
    written_as("[Ann](whimbrel:u/" A "), and [@Bob](whimbrel:u/" B ").", "@Ann, and @Bob.");
    written_as("[Ann](https://example.org) [Ann](whimbrel:u/abc) [](whimbrel:u/" A ") [Ann](whimbrel:u/" A,
               "[Ann](https://example.org) [Ann](whimbrel:u/abc) [](whimbrel:u/" A ") [Ann](whimbrel:u/" A);
    written_as("[a [Ann](whimbrel:u/" A ")", "[a @Ann");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_become_links), cmocka_unit_test(links_become_names)};
    return unit_run("mention", tests);
}
