// SPDX-License-Identifier: Apache-2.0
//
// A member receives anything. An input is a list of acts: bytes from nowhere; letters by a malicious member, an external
// sender or a newcomer, rightly signed, tagged and encrypted over content that the input makes up; proposals, commits and
// external commits that nobody has checked (plot.c); honest words in between. Two members receive them all.
//
// After an error nothing may have changed: no record, no waiting proposal, no secret. What one of the two accepts, the
// other must accept, but where a saboteur can treat them differently. What both accept must leave a group that is valid by
// the rules for joiners, in which they agree, and can go on.
#include "plot.h"

#include "tree/check.h"

enum { VICTIMS = 2, HELD = 3, ACTS = 12, STEPS = 6 };
static const size_t victim[VICTIMS] = {ALICE, FRANK};

static struct party party;
static struct plot plot;

// What has become of the party in this input.
static struct {
    struct store before[VICTIMS]; // the records before the act
    bool moved[PERSONS];          // the person's group is no more as it was stored
    struct mls_staged *held[VICTIMS][HELD];
    struct span last; // the last message that a letter made
    unsigned epochs;
} play;

static struct mls_group *group(size_t v) { return party.p[victim[v]].group; }

static bool active(size_t v) { return mls_group_active(group(v)); }

// ------------------------------------------------------------------------------------------------ comparing

// The state as it now stands is what the next error must leave behind.
static void settle(size_t v)
{
    store_free(&play.before[v]);
    party_dump(group(v), &play.before[v]);
    play.moved[victim[v]] = true;
}

// Errors that a saboteur can cause to one receiver alone: by what is encrypted to it, or by what it alone remembers. frank
// has no resumption PSK of an epoch before he came, which alice still has.
static bool may_differ(enum mls_error e)
{
    return e == MLS_E_PSK_UNKNOWN || e == MLS_E_PATH_SECRET || e == MLS_E_PATH_PUBLIC_KEY ||
           e == MLS_E_PATH_CIPHERTEXTS || e == MLS_E_MESSAGE_OWN || e == MLS_E_MESSAGE_CONFIRMATION_TAG ||
           e == MLS_E_CORRUPT || e == MLS_E_MESSAGE_MEMBERSHIP_TAG;
}

// Errors that bytes can never cause.
static void possible(enum mls_error e)
{
    enum mls_error class = mls_error_class(e);
    must(class != MLS_E_MEMORY && class != MLS_E_CRYPTO && class != MLS_E_RANDOM);
}

// Whoever is said to have sent it has a key that the plotter holds: nobody speaks in another's name.
static void check_sender(size_t v, const struct mls_received *r)
{
    struct mls_member m;
    if (r->sender_type != MLS_SENDER_MEMBER || r->epoch != mls_group_epoch(group(v))) return;
    must_ok(mls_group_member(group(v), r->sender, &m));
    for (size_t i = 0; i < PERSONS; i++) {
        if (i != MALLORY && i != GRACE) must(!span_eq(from_api(m.signature_key), kit_span(party.p[i].pk)));
    }
}

// Both receive it. Staged epochs are the caller's. Tells whether all who are active accepted it.
static bool offer(struct span message, struct mls_received r[VICTIMS], bool forged)
{
    enum mls_error e[VICTIMS];
    for (size_t v = 0; v < VICTIMS; v++) {
        struct span copy = kit_copy(message);
        e[v] = mls_group_receive(group(v), kit_api(copy), &r[v]);
        possible(e[v]);
        if (e[v] != MLS_OK || r[v].staged != NULL) party_unchanged(group(v), &play.before[v]);
        if (e[v] != MLS_OK) must(r[v].staged == NULL && r[v].data.data == NULL && r[v].proposal_ref.data == NULL);
        if (e[v] == MLS_OK && forged) check_sender(v, &r[v]);
        if (e[v] == MLS_OK && r[v].staged == NULL) settle(v);
    }
    bool all = e[0] == MLS_OK && e[1] == MLS_OK;
    if (active(0) && active(1) && mls_group_epoch(group(0)) == mls_group_epoch(group(1)) && !all) {
        bool leaves = (e[0] == MLS_OK && r[0].staged != NULL && mls_staged_removes_me(r[0].staged)) ||
                      (e[1] == MLS_OK && r[1].staged != NULL && mls_staged_removes_me(r[1].staged));
        must(leaves || may_differ(e[0]) || may_differ(e[1]) || (e[0] != MLS_OK && e[1] != MLS_OK));
    }
    return all;
}

static void forget(struct mls_received r[VICTIMS])
{
    for (size_t v = 0; v < VICTIMS; v++) mls_received_free(&r[v]);
}

// --------------------------------------------------------------------------------------------------- merging

static void check_group(struct mls_group *g)
{
    struct check_rules rules = group_rules(g, buf_span(&g->now.extensions), false);
    struct store all;
    struct mls_group *again = NULL;
    rules.credential = NULL;
    // What a member accepts, a joiner must accept: the whole tree is held against §12.4.3.1.
    must_ok(check_tree(&g->algo, &rules, &g->tree));
    party_dump(g, &all);
    must_ok(store_restore(&all, party.client, &again));
    party_unchanged(again, &all);
    mls_group_free(again);
    store_free(&all);
}

static void merge(size_t v, struct mls_staged *s)
{
    bool leaves = mls_staged_removes_me(s), reinit = mls_staged_reinit(s);
    enum mls_error e = mls_group_merge(group(v), s);
    if (e != MLS_OK) { // another has been merged before
        must(e == MLS_E_STAGED_STALE);
        party_unchanged(group(v), &play.before[v]);
        mls_staged_free(s);
        return;
    }
    must(mls_group_proposal_count(group(v)) == 0 && active(v) == (!leaves && !reinit));
    settle(v);
    if (!leaves) check_group(group(v));
    settle(v);
}

// Keeps a staged epoch for later, in place of an older one.
static void hold(size_t v, struct mls_staged *s, uint8_t slot)
{
    struct mls_staged **at = &play.held[v][slot % HELD];
    mls_staged_free(*at);
    *at = s;
}

// Mallory goes on to what she has staged, if the others did.
static void follow(struct mls_staged *mine)
{
    struct mls_buf a, b;
    if (mine == NULL || !active(0)) {
        mls_staged_free(mine);
        return;
    }
    must_ok(mls_staged_epoch_authenticator(mine, &a));
    must_ok(mls_group_epoch_authenticator(group(0), &b));
    bool same = span_eq(kit_span(a), kit_span(b));
    mls_buf_free(&a);
    mls_buf_free(&b);
    if (!same || mine->next.reinit.n > 0 || mine->group != plot.g) {
        mls_staged_free(mine);
        return;
    }
    must_ok(mls_group_merge(plot.g, mine));
    play.moved[MALLORY] = true;
    plot.n_waiting = 0;
    play.epochs++;
}

// ------------------------------------------------------------------------------------------------------- acts

static void act_bytes(struct feed *f)
{
    struct mls_received r[VICTIMS];
    struct buf *b = kit_buf();
    buf_put(b, feed_u8(f) & 1 ? play.last : feed_bytes(f)); // the last letter again, or damaged, or anything
    feed_patch(f, feed_u8(f) % 4, b);
    if (offer(buf_span(b), r, false) && r[0].staged != NULL) {
        for (size_t v = 0; v < VICTIMS; v++) hold(v, r[v].staged, 0), r[v].staged = NULL;
    }
    forget(r);
}

// A letter with any content at all.
static void act_letter(struct feed *f)
{
    struct mls_received r[VICTIMS];
    uint8_t flags = feed_u8(f), from = feed_u8(f);
    struct letter l = letter_from(plot.g, (uint8_t)(1 + flags % 3), span_of(NULL, 0), span_of(plot.g->now.signature_key, 32));
    l.wire = flags & 8 ? WIRE_PUBLIC : WIRE_PRIVATE;
    l.sender_type = from & 0x80 ? (uint8_t)(1 + (from >> 4) % 4) : SENDER_MEMBER;
    if (from & 0x0f) l.sender = (from & 0x0fu) - 1;
    if (l.sender_type == SENDER_EXTERNAL) l.sk = kit_span(party.post_sk);
    if (flags & 16) l.epoch -= feed_u8(f) % 4;
    l.generation = flags & 32 ? feed_u8(f) : feed_u8(f) % 4;
    if (flags & 64) l.aad = feed_bytes(f);
    if (flags & 128) l.padding = feed_bytes(f);
    l.damage = f;
    uint8_t damage = feed_u8(f);
    l.inner = damage & 1;
    l.outer = (damage & 6) == 6;
    if ((damage & 24) == 24) l.content_type = feed_u8(f);
    if (l.tagged) l.tag = feed_bytes(f);
    struct buf *body = kit_buf();
    struct span said = feed_bytes(f);
    if (l.content_type == CONTENT_APPLICATION && (damage & 32) == 0) tls_put_vector(body, said);
    else buf_put(body, said);
    l.body = buf_span(body);
    letter_sign(plot.g, &l);
    play.last = letter_seal(plot.g, &l);
    if (offer(play.last, r, true) && r[0].content == MLS_CONTENT_APPLICATION) {
        must(span_eq(kit_span(r[0].data), kit_span(r[1].data)) && span_eq(kit_span(r[0].authenticated_data), l.aad));
        if ((damage & 39) == 0) must(span_eq(kit_span(r[0].data), said));
        forget(r);
        // RFC 9420 §9.2: the key is gone.
        must(!offer(play.last, r, true));
    }
    forget(r);
}

// A proposal, for commits to refer to if it is accepted.
static void act_proposal(struct feed *f)
{
    struct mls_received r[VICTIMS];
    uint8_t flags = feed_u8(f);
    struct span raw = plot_proposal(&plot, f);
    struct letter l = letter_from(plot.g, CONTENT_PROPOSAL, raw, span_of(plot.g->now.signature_key, 32));
    l.generation = 4 + play.epochs;
    l.wire = flags & 1 ? WIRE_PUBLIC : WIRE_PRIVATE;
    if (flags & 2) {
        l.wire = WIRE_PUBLIC;
        l.sender_type = flags & 4 ? SENDER_EXTERNAL : SENDER_NEW_PROPOSAL;
        l.sender = 0;
        l.sk = flags & 4 ? kit_span(party.post_sk) : plot.package[flags >> 4 & 3].sk;
    }
    letter_sign(plot.g, &l);
    play.last = letter_seal(plot.g, &l);
    size_t waited = mls_group_proposal_count(group(0));
    if (offer(play.last, r, true)) {
        struct span ref = letter_reference(plot.g, &l);
        must(r[0].content == MLS_CONTENT_PROPOSAL && span_eq(kit_span(r[0].data), raw));
        must(span_eq(kit_span(r[0].proposal_ref), ref) && span_eq(kit_span(r[1].proposal_ref), ref));
        if (mls_group_proposal_count(group(0)) > waited && plot.n_waiting < PLOT_ITEMS) {
            plot.waiting[plot.n_waiting].raw = raw;
            plot.waiting[plot.n_waiting].reference = ref;
            plot.waiting[plot.n_waiting].sender_type = (enum sender_type)l.sender_type;
            plot.waiting[plot.n_waiting++].sender = l.sender;
        }
    }
    forget(r);
}

static void act_commit(struct feed *f, bool external)
{
    struct mls_received r[VICTIMS];
    struct mls_staged *mine = NULL;
    uint8_t then = feed_u8(f);
    play.last = plot_commit(&plot, f, external, &mine);
    bool all = offer(play.last, r, true);
    for (size_t v = 0; v < VICTIMS; v++) {
        struct mls_staged *s = r[v].staged;
        r[v].staged = NULL;
        if (s == NULL) continue;
        if ((then & 3) == 3 || !all) mls_staged_free(s); // it lost the race
        else if ((then & 3) == 2) hold(v, s, then >> 2);
        else merge(v, s);
    }
    if (all && (then & 3) < 2 && active(0) && active(1)) party_agree(group(0), group(1));
    if (all && (then & 3) < 2 && !external) follow(mine);
    else mls_staged_free(mine);
    forget(r);
}

static void act_held(struct feed *f)
{
    uint8_t slot = feed_u8(f) % HELD;
    if (play.held[0][slot] == NULL || play.held[1][slot] == NULL) return;
    for (size_t v = 0; v < VICTIMS; v++) {
        merge(v, play.held[v][slot]);
        play.held[v][slot] = NULL;
    }
}

// Whether both victims are in the same epoch of the same history. A commit that only one of them could follow parts them for good,
// and then epochs of one number mean nothing.
static bool are_together(void)
{
    const struct mls_group *a = group(0), *b = group(1);
    return active(0) && active(1) && span_eq(buf_span(&a->now.context), buf_span(&b->now.context));
}

// An honest member says something, which moves ratchets while other things are staged.
static void act_talk(struct feed *f)
{
    struct mls_buf message;
    struct mls_received r;
    size_t from = feed_u8(f) % VICTIMS;
    struct mls_group *to = group(1 - from);
    enum mls_error e = mls_group_protect(group(from), kit_api(span_str("hello")), (struct mls_span){0}, &message);
    must(e == MLS_OK || e == MLS_E_GROUP_INACTIVE || e == MLS_E_GROUP_PROPOSALS);
    if (e != MLS_OK) return;
    settle(from);
    if (are_together()) {
        must_ok(mls_group_receive(to, kit_api(kit_span(message)), &r));
        must(span_eq(kit_span(r.data), span_str("hello")));
        mls_received_free(&r);
        settle(1 - from);
    }
    mls_buf_free(&message);
}

static void act_drop(struct feed *f)
{
    (void)f;
    for (size_t v = 0; v < VICTIMS; v++) {
        must_ok(mls_group_drop_proposals(group(v), (struct mls_span){0}));
        settle(v);
    }
    plot.n_waiting = 0;
}

// An honest commit, of whatever waits.
static void act_heal(struct feed *f)
{
    struct mls_commit c;
    struct mls_received r;
    size_t from = feed_u8(f) % VICTIMS, to = 1 - from;
    enum mls_error e = mls_group_commit(group(from), NULL, &c);
    possible(e);
    if (!active(from)) {
        must(e == MLS_E_GROUP_INACTIVE);
        return;
    }
    must(e == MLS_OK || mls_group_proposal_count(group(from)) > 0);
    settle(from); // a private commit takes a step of the ratchet
    if (e != MLS_OK) return;
    bool together = are_together();
    if (together) {
        e = mls_group_receive(group(to), kit_api(kit_span(c.message)), &r);
        together = e == MLS_OK;
        must(together || e == MLS_E_PSK_UNKNOWN); // frank lacks what mallory has proposed
        if (together) merge(to, r.staged);
        else party_unchanged(group(to), &play.before[to]);
        r.staged = NULL;
        mls_received_free(&r);
    }
    merge(from, c.staged);
    c.staged = NULL;
    if (together && active(to)) party_agree(group(from), group(to));
    plot.n_waiting = 0;
    mls_commit_free(&c);
}

// ---------------------------------------------------------------------------------------------------- the fuzzer

void fuzz_open(void)
{
    party_open(&party, party_config());
    plot_open(&plot, &party);
    for (size_t v = 0; v < VICTIMS; v++) store_copy(&play.before[v], &party.p[victim[v]].store);
}

static void begin(void)
{
    plot.g = party.p[MALLORY].group;
    plot.n_waiting = 0;
    play.last = span_of(NULL, 0);
    play.epochs = 0;
}

static void end(void)
{
    for (size_t v = 0; v < VICTIMS; v++) {
        for (size_t i = 0; i < HELD; i++) {
            mls_staged_free(play.held[v][i]);
            play.held[v][i] = NULL;
        }
        if (!play.moved[victim[v]]) continue;
        store_free(&play.before[v]);
        store_copy(&play.before[v], &party.p[victim[v]].store);
    }
    for (size_t i = 0; i < PERSONS; i++) {
        if (play.moved[i]) party_restore(&party, i);
        play.moved[i] = false;
    }
}

void fuzz_one(struct span input)
{
    struct feed f = {input.p, input.n};
    begin();
    for (int i = 0; i < ACTS && f.n > 0 && play.epochs < STEPS; i++) {
        switch (feed_u8(&f) % 10) {
        case 0: act_bytes(&f); break;
        case 1: act_letter(&f); break;
        case 2:
        case 3: act_proposal(&f); break;
        case 4:
        case 5: act_commit(&f, false); break;
        case 6: act_commit(&f, true); break;
        case 7: act_held(&f); break;
        case 8: act_talk(&f); break;
        case 9:
            if (feed_u8(&f) & 1) act_drop(&f);
            else act_heal(&f);
            break;
        }
    }
    end();
}

void fuzz_seeds(const char *folder)
{
    static const struct {
        const char *name, *bytes;
        uint8_t n;
    } seeds[] = {
        {"application", "\x01\x00\x00\x00\x00\x05hello\x08\x00\x01\x08", 15},
        {"past", "\x01\x30\x00\x01\x00\x00\x05hello\x08\x00", 14},
        {"commit", "\x04\x00\x00\x00\x00\x08\x01\x04\x01\x00\x01\x00\x09\x00", 14},
        {"remove", "\x02\x00\x03\x02\x04\x00\x04\x00\x00\x08\x00", 11},
        {"add", "\x02\x01\x01\x00\x00\x04\x00\x04\x00\x00\x09\x00\x01", 13},
        {"psk", "\x02\x01\x04\x00\x04\x00\x04\x01\x00\x09\x00\x00", 12},
        {"update", "\x02\x00\x02\x00\x09\x00\x00\x08\x01", 9},
        {"external", "\x06\x00\x00\x00\x00\x09\x00\x00\x08\x00", 10},
        {"resync", "\x06\x00\x01\x00\x08\x01\x00\x09\x00\x00", 10},
        {"sender", "\x02\x06\x08\x02\x04\x00\x04\x00\x00\x09\x00\x00", 12},
        {"newcomer", "\x02\x02\x01\x00\x00\x04\x00\x04\x00\x00\x09\x00\x00", 13},
        {"extensions", "\x04\x00\x01\x00\x07\x02\x02\x00\x00\x09\x00\x00\x08\x00", 14},
        {"reinit", "\x04\x00\x01\x00\x05\x02it\x01\x01\x00\x00\x09\x00\x00", 15},
        {"held", "\x04\x02\x00\x00\x00\x08\x00\x01\x00\x00\x00\x00\x02hi\x07\x00\x08\x01", 19},
        {"custom", "\x04\x00\x01\x00\x09\x04what\x00\x09\x00\x00", 13},
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        kit_seed(folder, seeds[i].name, span_of(seeds[i].bytes, seeds[i].n));
    }
}
