// SPDX-License-Identifier: Apache-2.0
//
// What a message costs whoever receives it, in a group of two and in one of a thousand: entries are given to the engine as a relay would push
// them, and it does all that it does with them: MLS, history, cursor, commit. Members have real certificates. Measured is processor
// time, in turns, so that both groups meet the same machine.
#include "bench/engine/engine.h"

#include "mls_commit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { CROWD = 1000, ROUNDS = 60, TOGETHER = 32, WARM = 8 };

struct group {
    struct chat *sender, *receiver;
    uint64_t seq;
    double us[2][ROUNDS]; // a message that comes alone, and one of many
};

static char folder[200];
static struct net_loop *loop;

static double processor(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void on_event(void *arg, const struct engine_event *e)
{
    (void)arg;
    if (e->kind == ENGINE_WARNING) fprintf(stderr, "bench-engine: %s\n", e->text);
}

static struct engine *open_person(const char *name)
{
    const struct link_address nobody = {.host = "127.0.0.1", .port = 9, .secret = "nobody"};
    const struct engine_settings s = {.link = {.retry_ms = 100000}};
    char relay[LINK_ADDRESS_TEXT], home[300];
    const char *why = "";
    struct engine *e = NULL;
    link_address_write(&nobody, relay);
    const struct engine_new n = {.name = name, .relay = relay};
    (void)snprintf(home, sizeof home, "%s/%s", folder, name);
    engine_check(mkdir(home, 0700) == 0 && engine_create(home, &bench_ring, &n, &why) == ERR_OK, "profile");
    engine_check(engine_open(loop, home, &bench_ring, &s, on_event, NULL, &e) == ERR_OK, "opening a profile");
    return e;
}

static void keys(struct engine *e, uint8_t private_key[32], uint8_t public_key[32])
{
    uint8_t seed[CRYPTO_SIG_SEED];
    engine_check(e->world.random(e->world.arg, seed, sizeof seed) == ERR_OK, "random");
    engine_check(crypto_sig_keygen(e->crypto, crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519), seed, private_key,
                                   public_key) == ERR_OK,
                 "keys");
}

// A KeyPackage of somebody who is there for the number.
static void extra(struct engine *e, struct mls_buf *package)
{
    uint8_t account[32], account_public[32], device[32], device_public[32], id[FORMAT_DEVICE];
    struct mls_buf private_part = {0};
    struct mls_leaf_params leaf = cred_leaf(e);
    struct buf cert;
    keys(e, account, account_public);
    keys(e, device, device_public);
    engine_check(e->world.random(e->world.arg, id, sizeof id) == ERR_OK, "random");
    const struct cert of = {
        .account_key = account_public, .device_key = span_of(device_public, 32), .device = id, .created = 1};
    buf_init(&cert, CERT_MAX);
    engine_check(cert_make(e->crypto, account, &of, &cert) == ERR_OK, "certificate");
    leaf.credential.identity = out_span(buf_span(&cert));
    leaf.signature_private = (struct mls_span){device, sizeof device};
    leaf.signature_public = (struct mls_span){device_public, sizeof device_public};
    engine_check(mls_key_package_new(e->mls, e->settings.suite, &leaf, NULL, 0, package, &private_part) == MLS_OK,
                 "KeyPackage");
    mls_buf_free(&private_part);
    buf_wipe(&cert);
}

static void join(struct engine *e, struct engine *sender, struct mls_span welcome, struct mls_span private_part,
                 struct chat **out)
{
    static const uint8_t zeros[32];
    struct buf link, invite;
    buf_init(&link, FORMAT_LINK_MAX);
    buf_init(&invite, FORMAT_LINK_MAX);
    engine_check(engine_invite(sender, INVITE_PERSONAL, "", &link) == ERR_OK, "invite");
    engine_check(invite_from_link(span_str((const char *)link.p), &invite) == ERR_OK, "invite");
    const struct intro i = {.invite_key = zeros,
                            .invite = buf_span(&invite),
                            .welcome = in_span(welcome),
                            .log_key = zeros,
                            .chain = zeros};
    db_begin(&e->db);
    engine_check(chat_join(e, &i, in_span(private_part), 0, CHAT_OPEN, out) == ERR_OK, "joining");
    engine_check(db_commit(&e->db) == ERR_OK, "joining");
    chat_saved(*out);
    buf_wipe(&link);
    buf_wipe(&invite);
}

static void make_group(struct engine *sender, struct engine *receiver, size_t members, struct group *out)
{
    struct mls_buf *packages = calloc(members, sizeof *packages), private_part = {0};
    struct mls_proposal *proposals = calloc(members, sizeof *proposals);
    struct mls_leaf_params leaf = cred_leaf(receiver);
    struct mls_commit made = {0};
    size_t n = members - 1;
    engine_check(packages != NULL && proposals != NULL, "memory");
    db_begin(&sender->db);
    engine_check(chat_new(sender, ROOM_GROUP, span_str("Crowd"), NULL, 0, &out->sender) == ERR_OK, "group");
    engine_check(db_commit(&sender->db) == ERR_OK, "group");
    engine_check(mls_key_package_new(receiver->mls, receiver->settings.suite, &leaf, NULL, 0, &packages[0],
                                     &private_part) == MLS_OK,
                 "KeyPackage");
    for (size_t i = 1; i < n; i++) extra(sender, &packages[i]);
    for (size_t i = 0; i < n; i++)
        proposals[i] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = {packages[i].data, packages[i].size}};
    const struct mls_commit_params params = {.proposals = proposals, .proposal_count = n, .tree_in_welcome = true};
    engine_check(mls_group_commit(out->sender->mls, &params, &made) == MLS_OK, "commit");
    engine_check(mls_group_merge(out->sender->mls, made.staged) == MLS_OK, "commit");
    made.staged = NULL;
    join(receiver, sender, (struct mls_span){made.welcome.data, made.welcome.size},
         (struct mls_span){private_part.data, private_part.size}, &out->receiver);
    mls_commit_free(&made);
    for (size_t i = 0; i < n; i++) mls_buf_free(&packages[i]);
    mls_buf_free(&private_part);
    free(packages);
    free(proposals);
}

// Entries with so many messages, as the relay would push them.
static void write_entries(struct group *g, size_t n, struct buf *out)
{
    static const uint8_t zeros[32];
    struct chat *c = g->sender;
    for (size_t i = 0; i < n; i++) {
        struct mls_buf message = {0};
        struct buf content, data;
        buf_init(&content, CONTENT_MESSAGE_MAX);
        buf_init(&data, CONTENT_MESSAGE_MAX + 200);
        engine_check(say_text(c->e, c->id, span_str("As many words as people write when they meet for tea."), 0,
                              &content) == ERR_OK,
                     "content");
        said_encode(&(struct said){.chain = zeros, .content = buf_span(&content)}, &data);
        engine_check(mls_group_protect(c->mls, out_span(buf_span(&data)), (struct mls_span){0}, &message) == MLS_OK,
                     "protecting");
        const struct wire_entry x = {
            .seq = ++g->seq, .time = engine_now(), .payload = span_of(message.data, message.size)};
        wire_put_entry(out, &x);
        mls_buf_free(&message);
        buf_wipe(&content);
        buf_wipe(&data);
    }
}

static double receive(struct group *g, size_t n)
{
    struct buf list;
    buf_init(&list, 1 << 20);
    write_entries(g, n, &list);
    double from = processor();
    chat_entries(g->receiver, buf_span(&list));
    double us = (processor() - from) / (double)n;
    engine_check(g->receiver->cursor == g->seq, "receiving");
    buf_wipe(&list);
    return us;
}

void bench_crowd(const struct bench_options *o)
{
    static struct group groups[2];
    static const size_t sizes[2] = {2, CROWD}, many[2] = {1, TOGETHER};
    (void)o;
    engine_folder("crowd", folder);
    engine_check(net_loop_new(&loop) == ERR_OK, "loop");
    struct engine *sender = open_person("sender"), *receiver = open_person("receiver");
    for (int k = 0; k < 2; k++) make_group(sender, receiver, sizes[k], &groups[k]);
    for (int k = 0; k < 2; k++) (void)receive(&groups[k], WARM);
    for (size_t i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < 2; k++) {
            for (int m = 0; m < 2; m++) groups[k].us[m][i] = receive(&groups[k], many[m]);
        }
    }
    for (int m = 0; m < 2; m++) {
        double two = engine_quantile(groups[0].us[m], ROUNDS, 0.5), all = engine_quantile(groups[1].us[m], ROUNDS, 0.5);
        printf("crowd: a message that comes %s: %.0f us of processor time in a group of 2, %.0f us in one of %d (%.2f"
               " times)\n",
               m == 0 ? "alone       " : "with 31 more", two, all, CROWD, all / two);
    }
    engine_close(sender);
    engine_close(receiver);
    engine_folder_remove(folder);
}
