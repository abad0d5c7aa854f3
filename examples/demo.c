// SPDX-License-Identifier: Apache-2.0
//
// mls-demo: three people make a group, talk, add a fourth, remove him, and heal after a device was copied. It prints who
// can read what and why, and ends with status 1 if anything is not as it says. It uses libmls as any program would, by
// mls.h alone; what a real one adds is a network that carries the bytes, and a disk for the keys.
#include <mls.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint16_t suite = MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519;

// One person with one device. Only `public_key` and `key_package` ever leave it.
struct person {
    const char *name;
    struct mls_client *client;
    struct mls_buf private_key, public_key;   // who I am
    struct mls_buf key_package, private_part; // how I can be added while I am away
    struct mls_group *group;
};

enum { ALICE, BOB, CAROL, DAVE, PEOPLE };
static struct person people[PEOPLE] = {{.name = "Alice"}, {.name = "Bob"}, {.name = "Carol"}, {.name = "Dave"}};

static struct mls_span span(struct mls_buf b) { return (struct mls_span){b.data, b.size}; }
static struct mls_span text(const char *s) { return (struct mls_span){(const uint8_t *)s, strlen(s)}; }
static bool same(struct mls_span a, struct mls_span b) { return a.size == b.size && memcmp(a.data, b.data, a.size) == 0; }

static void must(bool ok, const char *what)
{
    if (ok) return;
    printf("\nThis should not have happened: %s.\n", what);
    exit(1);
}

static void works(enum mls_error e) { must(e == MLS_OK, mls_error_text(e)); }

// --------------------------------------------------------------------------------------------------------- devices

// Whom to believe is the application's business. These people have compared keys when they met: name and key must be
// those of somebody in the address book.
static bool in_address_book(void *arg, const struct mls_credential_check *check)
{
    (void)arg;
    for (int i = 0; i < PEOPLE; i++) {
        if (same(check->member->identity, text(people[i].name)) &&
            same(check->member->signature_key, span(people[i].public_key)))
            return true;
    }
    return false;
}

static struct mls_leaf_params identity(const struct person *p)
{
    return (struct mls_leaf_params){.credential = {.type = MLS_CREDENTIAL_BASIC, .identity = text(p->name)},
                                    .signature_private = span(p->private_key),
                                    .signature_public = span(p->public_key)};
}

static void set_up(struct person *p)
{
    struct mls_config config = {.credential = in_address_book, .padding = 64};
    works(mls_client_new(&config, &p->client));
    works(mls_signature_keys(p->client, suite, &p->private_key, &p->public_key));
    struct mls_leaf_params me = identity(p);
    works(mls_key_package_new(p->client, suite, &me, NULL, 0, &p->key_package, &p->private_part));
}

static void put_away(struct person *p)
{
    mls_group_free(p->group);
    mls_buf_free(&p->private_key);
    mls_buf_free(&p->public_key);
    mls_buf_free(&p->key_package);
    mls_buf_free(&p->private_part);
    mls_client_free(p->client);
}

// -------------------------------------------------------------------------------------------------------- messages

static struct mls_buf say(struct person *from, const char *words)
{
    struct mls_buf message;
    works(mls_group_protect(from->group, text(words), (struct mls_span){0}, &message));
    printf("   %s writes: \"%s\"\n", from->name, words);
    return message;
}

static void can_read(struct mls_group *group, const char *name, struct mls_buf message)
{
    struct mls_received r;
    works(mls_group_receive(group, span(message), &r));
    printf("   %s reads: \"%.*s\"\n", name, (int)r.data.size, (const char *)r.data.data);
    mls_received_free(&r);
}

static void cannot_read(struct mls_group *group, const char *name, struct mls_buf message, const char *why)
{
    struct mls_received r;
    enum mls_error e = mls_group_receive(group, span(message), &r);
    must(e != MLS_OK, "a message opened for somebody who must not read it");
    printf("   %s cannot read it: %s.\n      (libmls says: %s)\n", name, why, mls_error_text(e));
}

// --------------------------------------------------------------------------------------------------------- commits

// The others get the commit, check it, and enter the new epoch; then so does the one who made it. Whoever it removes learns
// that, and stays behind.
static void deliver(struct person *from, struct mls_commit *c)
{
    for (struct person *p = people; p < people + PEOPLE; p++) {
        struct mls_received r;
        if (p == from || p->group == NULL) continue;
        works(mls_group_receive(p->group, span(c->message), &r));
        if (mls_staged_removes_me(r.staged)) {
            printf("   %s's device learns that it is out.\n", p->name);
        } else {
            works(mls_group_merge(p->group, r.staged));
            r.staged = NULL; // it was taken
        }
        mls_received_free(&r);
    }
    works(mls_group_merge(from->group, c->staged));
    c->staged = NULL;
}

static void add(struct person *by, struct person *const *who, size_t count)
{
    struct mls_proposal adds[PEOPLE];
    struct mls_commit c;
    for (size_t i = 0; i < count; i++) {
        adds[i] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = span(who[i]->key_package)};
    }
    struct mls_commit_params params = {.proposals = adds, .proposal_count = count, .tree_in_welcome = true};
    works(mls_group_commit(by->group, &params, &c));
    deliver(by, &c);
    printf("   The invitation has %zu bytes. Only whom it is for can open it.\n", c.welcome.size);
    for (size_t i = 0; i < count; i++) {
        works(mls_group_join(who[i]->client, span(c.welcome), span(who[i]->private_part), (struct mls_span){0}, NULL,
                             &who[i]->group));
    }
    mls_commit_free(&c);
}

// The epoch authenticator is made of the group's secrets and all that was agreed on: equal means the same group.
static void compare(const char *closing)
{
    struct mls_buf first = {0}, mine;
    printf("   Epoch %llu. Each device works out the same check value:\n",
           (unsigned long long)mls_group_epoch(people[ALICE].group));
    for (struct person *p = people; p < people + PEOPLE; p++) {
        if (p->group == NULL) continue;
        works(mls_group_epoch_authenticator(p->group, &mine));
        printf("      %-6s", p->name);
        for (size_t i = 0; i < 12; i++) printf("%s%02x", i % 2 == 0 ? " " : "", mine.data[i]);
        printf("\n");
        if (first.data == NULL) {
            first = mine;
        } else {
            must(same(span(first), span(mine)), "two devices disagree about their group");
            mls_buf_free(&mine);
        }
    }
    mls_buf_free(&first);
    printf("   %s\n", closing);
}

// ------------------------------------------------------------------------------------------------------ a stolen copy

// What a thief finds on a disk that is not encrypted: every record of a group's state.
struct loot {
    struct mls_buf key[64], value[64];
    size_t count, next;
};

static struct mls_buf copy_of(struct mls_span s)
{
    struct mls_buf b = {malloc(s.size + 1), s.size};
    must(b.data != NULL, "there is no memory");
    memcpy(b.data, s.data, s.size);
    return b;
}

static bool grab(void *arg, struct mls_span key, struct mls_span value)
{
    struct loot *l = arg;
    if (value.data == NULL) return true; // a record that is gone
    if (l->count == 64) return false;
    l->key[l->count] = copy_of(key);
    l->value[l->count++] = copy_of(value);
    return true;
}

static bool hand_over(void *arg, struct mls_span *key, struct mls_span *value)
{
    struct loot *l = arg;
    if (l->next == l->count) return false;
    *key = span(l->key[l->next]);
    *value = span(l->value[l->next++]);
    return true;
}

// This demo has stored nothing yet, so the changes since the last time are all there is.
static struct mls_group *steal(struct person *from)
{
    struct loot l = {0};
    struct mls_group *copy = NULL;
    works(mls_group_changes(from->group, grab, &l));
    works(mls_group_restore(from->client, hand_over, &l, &copy));
    for (size_t i = 0; i < l.count; i++) {
        free(l.key[i].data);
        free(l.value[i].data);
    }
    return copy;
}

// ------------------------------------------------------------------------------------------------------------ the story

static void create_and_talk(struct mls_buf *early)
{
    printf("\n1. Alice makes a group and adds Bob and Carol.\n");
    struct mls_leaf_params me = identity(&people[ALICE]);
    works(mls_group_new(people[ALICE].client, suite, (struct mls_span){0}, &me, NULL, 0, &people[ALICE].group));
    add(&people[ALICE], (struct person *[]){&people[BOB], &people[CAROL]}, 2);
    compare("They are equal: all three are in the same group, and nobody sits between them.");

    printf("\n2. They talk.\n");
    *early = say(&people[ALICE], "Tea at six?");
    printf("   The server carries %zu bytes, and reads none of the words: ...", early->size);
    for (size_t i = early->size - 12; i < early->size; i++) printf(" %02x", early->data[i]);
    printf("\n");
    can_read(people[BOB].group, "Bob", *early);
    can_read(people[CAROL].group, "Carol", *early);
}

static void add_and_remove(const struct mls_buf *early)
{
    printf("\n3. Bob adds Dave.\n");
    add(&people[BOB], (struct person *[]){&people[DAVE]}, 1);
    compare("Dave has it too. He is in.");
    cannot_read(people[DAVE].group, "Dave has a copy of Alice's first message, but", *early,
                "it is from before his time");
    struct mls_buf hello = say(&people[CAROL], "Welcome, Dave!");
    can_read(people[DAVE].group, "Dave", hello);
    mls_buf_free(&hello);

    printf("\n4. Dave leaves his phone in a taxi. Carol removes it.\n");
    struct mls_commit c;
    struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = mls_group_own_index(people[DAVE].group)};
    struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
    works(mls_group_commit(people[CAROL].group, &params, &c));
    deliver(&people[CAROL], &c);
    mls_commit_free(&c);
    struct mls_group *lost = people[DAVE].group;
    people[DAVE].group = NULL;
    compare("The value is new, and the lost phone cannot work it out.");
    struct mls_buf after = say(&people[ALICE], "Dave, we will call you at home.");
    can_read(people[BOB].group, "Bob", after);
    cannot_read(lost, "The lost phone still has its old keys, but", after,
                "this message is under keys that it was never given");
    mls_buf_free(&after);
    mls_group_free(lost);
}

static void heal(void)
{
    struct mls_commit c;
    printf("\n5. A thief copies every key on Bob's device, and Bob does not notice.\n");
    struct mls_group *stolen = steal(&people[BOB]);
    struct mls_buf before = say(&people[ALICE], "Shall we say seven?");
    can_read(people[BOB].group, "Bob", before);
    can_read(stolen, "The thief", before);
    printf("   No encryption helps against a copied key. But it need not stay useful:\n");

    printf("\n6. Bob's device renews its keys, as each device does from time to time.\n");
    works(mls_group_commit(people[BOB].group, NULL, &c)); // a commit of nothing but new keys
    deliver(&people[BOB], &c);
    compare("Healed. The new secrets went to Alice's and Carol's keys, not to Bob's stolen ones.");
    cannot_read(stolen, "The thief sees the renewal pass, but", c.message, "nothing in it is for the stolen keys");
    struct mls_buf after = say(&people[CAROL], "Seven is fine.");
    can_read(people[BOB].group, "Bob", after);
    cannot_read(stolen, "The thief", after, "the stolen keys belong to an epoch that is over");

    printf("   (Had the thief spoken in Bob's name, the others would have seen it, and would remove the device instead.)\n");

    mls_buf_free(&before);
    mls_buf_free(&after);
    mls_commit_free(&c);
    mls_group_free(stolen);
}

int main(void)
{
    struct mls_buf early;
    printf("Four people, one conversation, and a server that cannot read it.\n"
           "Cipher suite: %s,\nwhich is made to hold against quantum computers too.\n",
           mls_suite_name(suite));
    for (int i = 0; i < PEOPLE; i++) set_up(&people[i]);
    create_and_talk(&early);
    add_and_remove(&early);
    heal();
    mls_buf_free(&early);
    for (int i = 0; i < PEOPLE; i++) put_away(&people[i]);
    printf("\nAll went as told. This was libmls alone; the code is examples/demo.c.\n");
    return 0;
}
