// SPDX-License-Identifier: Apache-2.0
//
// A town: several people with engines and vaults on disk, and a relay over TCP, all in one process and on one loop. What is waited for is a
// condition, looked at ten times a second, for a minute at most.
#ifndef WHIMBREL_TESTS_CLIENT_TOWN_H
#define WHIMBREL_TESTS_CLIENT_TOWN_H

#include "relay/test/scene.h"

#include "client/inner.h"

struct town;
struct person {
    struct town *town;
    char name[20];
    char folder[100];
    struct engine *e;
    unsigned warnings;
    char warning[300];
};

enum { PEOPLE_MAX = 256 };
struct town {
    struct scene scene;
    struct net_loop *loop;
    struct net_timer tick;
    char folder[64], address[LINK_ADDRESS_TEXT];
    struct engine_settings settings; // of everybody; changes count from the next person_open on
    struct person person[PEOPLE_MAX];
    size_t people;
    bool (*until)(struct town *t);
    unsigned ticks;
};

// So many people, who do not know each other: alice, bob, carol, dave, then p4 and so on. With settings: the usual ones are
// suite 0x0001 and five key packages.
struct town *town_open(size_t people);
struct town *town_open_with(size_t people, const struct engine_settings *s);
void town_close(struct town *t);
void person_open(struct person *p);
// Everybody is closed and opened again.
void town_reopen(struct town *t);
// Runs everything until something is so.
void wait_for(struct town *t, bool (*until)(struct town *t));
// Whether nobody has anything to do.
bool is_quiet(struct town *t);

// ------------------------------------------------------------------------------------------------------ what people see

struct seen {
    char text[4000]; // a line a message, those of one's own begin with "I: "
    char notices[2000]; // likewise
    size_t n;
    bool queued;
};
struct seen read_chat(struct person *p, int64_t chat);
// The newest conversation; all zeros if there is none.
struct history_chat newest(struct person *p);
void say(struct person *p, int64_t chat, const char *text);
// Somebody gives an invitation to somebody else, who takes it: the contact that this one has now.
int64_t meet(struct town *t, size_t from, size_t to, uint8_t flags);

struct state {
    enum contact_state state;
    char name[100];
    int64_t id;
};
// Whether alice, bob and carol are in a conversation of three, each in the newest, and nobody has anything to do.
bool three_are_joined(struct town *t);
// The one number that a statement finds in somebody's vault.
size_t count(struct person *p, const char *sql);
struct state contact_of_person(struct person *p, const struct person *whom);

#endif
