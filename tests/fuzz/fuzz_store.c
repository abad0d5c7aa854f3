// SPDX-License-Identifier: Apache-2.0
//
// Restoring from whatever a store gives. The records of a member at several moments of a history, and of another member,
// are lost, doubled, mixed, cut, patched or made up as the input says; and where it says so, the sum over them is then made
// to fit again, by this file's own reckoning, so that damage gets past it.
//
// Either there is an error and no group, or, with the sum that the store had, the group is one that was stored; or, with
// a sum made to fit, a group that may be of no use but works: it can be looked at, stored and restored, it receives
// messages, speaks and commits, or says why not, and after an error nothing has changed.
#include "base/siphash.h"
#include "party.h"

enum { MOMENTS = 8, RECORDS = 160, NOTES = 3 };

struct entry {
    struct span key, value;
};

// A moment of a member's life, and messages that it would then have received.
struct moment {
    struct store store;
    struct entry *v;
    size_t n;
    struct mls_buf note[NOTES];
};

static struct party party;
static struct moment moment[MOMENTS];
static size_t moments;

static struct {
    struct entry v[RECORDS];
    size_t n, at;
} list;

// ----------------------------------------------------------------------------------------------------- moments

static void keep_moment(size_t who)
{
    struct moment *m = &moment[moments++];
    must(moments <= MOMENTS);
    party_dump(party.p[who].group, &m->store);
    m->n = m->store.n;
    m->v = store_check(calloc(m->n, sizeof *m->v));
    for (size_t i = 0; i < m->n; i++) {
        const struct store_record *x = &m->store.v[i];
        m->v[i] = (struct entry){span_of(x->key, x->key_n), span_of(store_masked(x->value, x->n), x->n)}; // plain
    }
}

// What comes next: words of frank's, and a commit of carol's, which all merge.
static void go_on(size_t m)
{
    struct mls_commit c;
    const struct mls_span none = {0};
    must_ok(mls_group_protect(party.p[FRANK].group, kit_api(span_str("words")), none, &moment[m].note[0]));
    must_ok(mls_group_commit(party.p[CAROL].group, NULL, &c));
    moment[m].note[1] = c.message;
    c.message = (struct mls_buf){0};
    party_deliver(&party, CAROL, moment[m].note[1]);
    must_ok(mls_group_merge(party.p[CAROL].group, c.staged));
    c.staged = NULL;
    mls_commit_free(&c);
}

static void propose(size_t by, struct mls_proposal p)
{
    struct mls_buf message;
    must_ok(mls_group_propose(party.p[by].group, &p, (struct mls_span){0}, &message, NULL));
    party_deliver(&party, by, message);
    mls_buf_free(&message);
}

// Of three messages alice hears the last.
static void skip_some(void)
{
    struct mls_buf message[3];
    struct mls_received r;
    for (size_t i = 0; i < 3; i++) {
        must_ok(mls_group_protect(party.p[FRANK].group, kit_api(span_str("hello")), (struct mls_span){0}, &message[i]));
    }
    must_ok(mls_group_receive(party.p[ALICE].group, kit_api(kit_span(message[2])), &r));
    mls_received_free(&r);
    for (size_t i = 0; i < 3; i++) mls_buf_free(&message[i]);
}

void fuzz_open(void)
{
    const struct mls_proposal remove = {.type = MLS_PROPOSAL_REMOVE, .removed = ERIN};
    const struct mls_commit_params params = {.proposals = &remove, .proposal_count = 1};
    party_open(&party, party_config());
    keep_moment(ALICE);
    go_on(0);
    skip_some();
    keep_moment(ALICE);
    go_on(1);
    skip_some();
    propose(ALICE, (struct mls_proposal){.type = MLS_PROPOSAL_UPDATE});
    propose(ERIN, (struct mls_proposal){.type = MLS_PROPOSAL_PSK,
                                        .psk = {.type = MLS_PSK_EXTERNAL, .id = kit_api(span_str(KIT_PSK))}});
    keep_moment(ALICE);
    keep_moment(FRANK);
    party_commit(&party, CAROL, &params);
    keep_moment(ERIN); // who has been removed
    keep_moment(ALICE);
    propose(CAROL, (struct mls_proposal){.type = MLS_PROPOSAL_REINIT, .group_id = kit_api(span_str("next"))});
    party_commit(&party, FRANK, NULL);
    keep_moment(ALICE); // the group has ended
}

// ---------------------------------------------------------------------------------------------------- the sum

static uint64_t hash_of(uint8_t kind, uint64_t number, struct span value)
{
    const uint64_t key[2] = {number, kind};
    return siphash(key, value);
}

static uint64_t number_at(struct span s, size_t at)
{
    uint64_t v = 0;
    for (size_t i = at; i < at + 8 && i < s.n; i++) v = v << 8 | s.p[i];
    return v;
}

// The sum of one secret tree's entries, whose records are of kinds `first` to `first` + 2.
static uint64_t sum_of_tree(uint8_t first, size_t number_from, uint64_t epoch, size_t nk)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < list.n; i++) {
        const struct entry *x = &list.v[i];
        union {
            struct secret secret;
            struct ratchet ratchet;
            struct message_key key;
        } u;
        if (x->key.n == 0 || x->key.p[0] < first || x->key.p[0] > first + 2) continue;
        if (number_from > 1 && number_at(x->key, 1) != epoch) continue;
        const uint8_t kind = (uint8_t)(x->key.p[0] - first);
        const size_t size[] = {sizeof u.secret, sizeof u.ratchet, sizeof u.key};
        memset(&u, 0, sizeof u);
        if (kind == SECRET_NODE && x->value.n <= sizeof u.secret) memcpy(&u.secret, x->value.p, x->value.n);
        if (kind == SECRET_RATCHET && x->value.n >= 4 && x->value.n - 4 <= sizeof u.secret) {
            u.ratchet.generation = (uint32_t)(number_at(span_of(x->value.p, 4), 0));
            memcpy(&u.ratchet.secret, x->value.p + 4, x->value.n - 4);
        }
        if (kind == SECRET_SKIPPED && x->value.n == nk + CRYPTO_NONCE) {
            memcpy(u.key.key, x->value.p, nk);
            memcpy(u.key.nonce, x->value.p + nk, CRYPTO_NONCE);
        }
        sum ^= hash_of(kind, number_at(x->key, number_from), span_of(&u, size[kind]));
    }
    return sum;
}

// The epoch and the suite stand in the group's record: version, suite, identifier<V>, epoch.
static bool core(const struct crypto_suite **suite, uint64_t *epoch)
{
    for (size_t i = 0; i < list.n; i++) {
        if (list.v[i].key.n == 0 || list.v[i].key.p[0] != RECORD_GROUP) continue;
        struct tls_reader r = tls_reader_of(list.v[i].value);
        (void)tls_u8(&r);
        *suite = crypto_suite(tls_u16(&r));
        (void)tls_vector(&r);
        *epoch = tls_u64(&r);
        return r.err == ERR_OK && *suite != NULL;
    }
    return false;
}

static uint64_t sum_all(const struct crypto_suite *suite, uint64_t epoch)
{
    const struct algo a = {party.p[ALICE].group->algo.crypto, suite};
    const size_t nk = algo_sizes(&a)->nk;
    uint64_t sum = 0, part = sum_of_tree(RECORD_SECRET, 1, 0, nk);
    sum ^= hash_of(RECORD_SECRET, epoch, span_of(&part, sizeof part));
    for (size_t i = 0; i < list.n; i++) {
        const struct entry *x = &list.v[i];
        uint8_t ref[CRYPTO_HASH_MAX];
        if (x->key.n == 0) continue;
        const uint8_t kind = x->key.p[0];
        const uint64_t number = number_at(x->key, 1);
        if (kind <= RECORD_KEY || kind == RECORD_UPDATE || kind == RECORD_PSK || kind == RECORD_PAST) {
            sum ^= hash_of(kind, number, x->value);
        }
        if (kind == RECORD_WAITING && label_ref_hash(&a, "MLS 1.0 Proposal Reference", x->value, ref) == ERR_OK) {
            sum ^= hash_of(kind, number, span_of(ref, algo_nh(&a)));
        }
        if (kind == RECORD_PAST) {
            part = sum_of_tree(RECORD_PAST_SECRET, 9, number, nk);
            sum ^= hash_of(RECORD_PAST_SECRET, number, span_of(&part, sizeof part));
        }
    }
    return sum;
}

// Gives the record of the sum the value that fits the others.
static void mend_sum(void)
{
    const struct crypto_suite *suite = NULL;
    uint64_t epoch = 0;
    if (!core(&suite, &epoch)) return;
    struct buf *b = kit_buf();
    tls_put_u64(b, sum_all(suite, epoch));
    for (size_t i = 0; i < list.n; i++) {
        if (list.v[i].key.n > 0 && list.v[i].key.p[0] == RECORD_SUM) list.v[i].value = buf_span(b);
    }
}

// ------------------------------------------------------------------------------------------------------ damage

static const struct moment *pick_moment(struct feed *f) { return &moment[feed_u8(f) % moments]; }

static void put_entry(struct entry e)
{
    if (list.n < RECORDS) list.v[list.n++] = e;
}

static struct span patched(struct feed *f, struct span s, uint8_t n)
{
    struct buf *b = kit_buf();
    buf_put(b, s);
    feed_patch(f, n, b);
    return buf_span(b);
}

// Takes records of another moment, in place of those with the same key if there are any.
static void mix(struct feed *f, bool kinds)
{
    const struct moment *m = pick_moment(f);
    const uint8_t which = feed_u8(f);
    for (size_t i = 0; i < m->n; i++) {
        size_t at = 0;
        if (kinds ? m->v[i].key.p[0] != 1 + which % RECORD_PAST_SKIPPED : i != which % m->n) continue;
        while (at < list.n && !span_eq(list.v[at].key, m->v[i].key)) at++;
        if (at < list.n) list.v[at] = m->v[i];
        else put_entry(m->v[i]);
    }
}

static void make_up(struct feed *f)
{
    struct buf *key = kit_buf();
    const uint8_t kind = feed_u8(f);
    buf_put_u8(key, kind);
    tls_put_u64(key, feed_u16(f));
    if (kind >= RECORD_PAST_SECRET) tls_put_u64(key, feed_u16(f));
    put_entry((struct entry){buf_span(key), feed_bytes(f)});
}

static void damage(struct feed *f)
{
    const uint8_t how = feed_u8(f), which = feed_u8(f);
    if (list.n == 0 || how % 8 == 7) {
        make_up(f);
        return;
    }
    struct entry *x = &list.v[which % list.n];
    switch (how % 8) {
    case 0: *x = list.v[--list.n]; break;
    case 1: put_entry(*x); break;
    case 2: mix(f, false); break;
    case 3: mix(f, true); break;
    case 4: x->value = patched(f, x->value, 1 + (how >> 4 & 3)); break;
    case 5: x->key = patched(f, x->key, 1); break;
    case 6: x->value.n -= x->value.n > feed_u8(f) ? 1 + how / 8 % x->value.n : 0; break;
    }
}

// ----------------------------------------------------------------------------------------------------- restoring

static bool next(void *arg, struct mls_span *key, struct mls_span *value)
{
    (void)arg;
    if (list.at == list.n) return false;
    *key = kit_api(kit_copy(list.v[list.at].key));
    *value = kit_api(kit_copy(list.v[list.at++].value));
    return true;
}

static struct mls_group *restore(void)
{
    struct mls_group *g = NULL;
    list.at = 0;
    enum mls_error e = mls_group_restore(party.client, next, NULL, &g);
    must((e == MLS_OK) == (g != NULL));
    must(e == MLS_OK || e == MLS_E_CORRUPT || e == MLS_E_UNSUPPORTED);
    return g;
}

static void same_as_stored(struct mls_group *g)
{
    struct store all;
    bool same = false;
    party_dump(g, &all);
    for (size_t i = 0; i < moments; i++) same = same || store_difference(&moment[i].store, &all) == NULL;
    must(same);
    store_free(&all);
}

// What a call said, and whether the group is as it was if it was an error.
static bool went(struct mls_group *g, struct store *before, enum mls_error e)
{
    const enum mls_error class = mls_error_class(e);
    must(class != MLS_E_MEMORY && class != MLS_E_RANDOM);
    if (e != MLS_OK) {
        party_unchanged(g, before);
        return false;
    }
    store_free(before);
    party_dump(g, before);
    return true;
}

static void look(struct mls_group *g)
{
    struct mls_member m;
    struct mls_buf b;
    uint32_t count = 0;
    for (uint32_t at = 0; mls_group_next_member(g, &at, &m);) count++;
    must(count == mls_group_member_count(g));
    must_ok(mls_group_tree(g, &b));
    mls_buf_free(&b);
    enum mls_error e = mls_group_export(g, "label", (struct mls_span){0}, 32, &b);
    must(e == MLS_OK || (e == MLS_E_GROUP_INACTIVE && !mls_group_active(g)));
    mls_buf_free(&b);
}

static void use(struct mls_group *g, const struct moment *m)
{
    struct store all;
    struct mls_group *again = NULL;
    struct mls_buf b;
    struct mls_commit c;
    struct mls_received r;
    party_dump(g, &all);
    look(g);
    must_ok(store_restore(&all, party.client, &again));
    party_unchanged(again, &all);
    mls_group_free(again);
    for (size_t i = 0; i < NOTES; i++) {
        enum mls_error e = mls_group_receive(g, kit_api(kit_copy(kit_span(m->note[i]))), &r);
        if (r.staged != NULL) {
            party_unchanged(g, &all);
            mls_staged_free(r.staged);
            r.staged = NULL;
        } else {
            went(g, &all, e);
        }
        mls_received_free(&r);
    }
    if (went(g, &all, mls_group_protect(g, kit_api(span_str("hello")), (struct mls_span){0}, &b))) mls_buf_free(&b);
    if (went(g, &all, mls_group_commit(g, NULL, &c))) {
        went(g, &all, mls_group_merge(g, c.staged));
        c.staged = NULL;
        mls_commit_free(&c);
        look(g);
    }
    store_free(&all);
}

// ---------------------------------------------------------------------------------------------------- the fuzzer

void fuzz_one(struct span input)
{
    struct feed f = {input.p, input.n};
    const uint8_t how = feed_u8(&f);
    const struct moment *m = pick_moment(&f);
    list.n = 0;
    for (size_t i = 0; i < m->n && (how & 2) == 0; i++) put_entry(m->v[i]);
    for (unsigned n = 0; n < 24 && f.n > 0; n++) damage(&f);
    const bool mended = how & 1;
    if (mended) mend_sum();
    struct mls_group *g = restore();
    must(g != NULL || input.n > 2 || how & 2); // with nothing done to it, it restores, mended or not
    if (g == NULL) return;
    if (!mended) same_as_stored(g);
    use(g, m);
    mls_group_free(g);
}

void fuzz_seeds(const char *folder)
{
    char name[16];
    for (uint8_t i = 0; i < moments; i++) { // each moment as it was, and with each kind of damage
        const uint8_t whole[] = {0, i}, mended[] = {1, i};
        snprintf(name, sizeof name, "whole-%u", i);
        kit_seed(folder, name, span_of(whole, sizeof whole));
        snprintf(name, sizeof name, "mended-%u", i);
        kit_seed(folder, name, span_of(mended, sizeof mended));
    }
    for (uint8_t how = 0; how < 8; how++) {
        const uint8_t one[] = {0, 2, how, (uint8_t)(5 * how), 3, 7, 1, 0, 9};
        const uint8_t two[] = {1, 2, how, (uint8_t)(3 * how), 3, 9, 4, 0, 5};
        snprintf(name, sizeof name, "damaged-%u", how);
        kit_seed(folder, name, span_of(one, sizeof one));
        snprintf(name, sizeof name, "both-%u", how);
        kit_seed(folder, name, span_of(two, sizeof two));
    }
}
