// SPDX-License-Identifier: Apache-2.0
//
// The world of a history: its random choices, the log of the delivery service, the facts of each epoch, and how a failure
// is told.
#include "model.h"

#include <stdarg.h>

uint64_t rng_next(struct rng *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15ULL); // splitmix64
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

uint32_t rng_below(struct rng *r, uint32_t n) { return (uint32_t)((rng_next(r) >> 32) * n >> 32); }
bool rng_chance(struct rng *r, uint32_t percent) { return rng_below(r, 100) < percent; }

void model_fail(const struct model *m, const char *file, int line, const char *format, ...)
{
    va_list args;
    const char *name = strrchr(file, '/');
    printf("not ok - seed %llu, step %u: ", (unsigned long long)m->seed, m->step);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n# %s:%d; again: test-model --seed %llu --count 1 --members %u --steps %u\n", name != NULL ? name + 1 : file,
           line, (unsigned long long)m->seed, m->members, m->step);
    exit(1);
}

void model_ok(const struct model *m, const char *file, int line, enum mls_error e, const char *what)
{
    if (e != MLS_OK) model_fail(m, file, line, "%s: %s (%s)", what, mls_error_name(e), mls_error_text(e));
}

void model_refused(const struct model *m, const char *file, int line, enum mls_error e, enum mls_error want,
                   const char *what)
{
    if (e == want) return;
    model_fail(m, file, line, "%s: %s where %s was to be", what, e == MLS_OK ? "accepted" : mls_error_name(e),
               mls_error_name(want));
}

struct mls_buf copy_of(struct mls_span s)
{
    struct mls_buf b = {.data = store_check(malloc(s.size + 1)), .size = s.size};
    if (s.size > 0) memcpy(b.data, s.data, s.size);
    return b;
}

// ------------------------------------------------------------------------------------------------- life and death

static uint16_t pick_suite(struct rng *r)
{
    uint16_t known[32];
    uint32_t n = 0;
    if (rng_chance(r, 70)) return 1;
    for (uint32_t suite = 1; suite <= UINT16_MAX && n < 32; suite++) {
        if (mls_suite_known((uint16_t)suite)) known[n++] = (uint16_t)suite;
    }
    return known[rng_below(r, n)];
}

void open_server(struct model *m)
{
    mls_buf_free(&m->server_private);
    mls_buf_free(&m->server_public);
    mls_buf_free(&m->server_extension);
    const struct person *p = &m->person[0];
    const struct mls_credential who = {.type = MLS_CREDENTIAL_BASIC, .identity = text_span("the server")};
    m->server = p->client;
    OK(m, mls_signature_keys(m->server, m->suite, &m->server_private, &m->server_public), "server's keys");
    OK(m, mls_external_sender_add((struct mls_span){0}, span(m->server_public), &who, &m->server_extension),
       "external_senders");
}

void model_open(struct model *m, uint64_t seed, uint32_t members, uint32_t steps)
{
    *m = (struct model){.seed = seed, .random = {seed}, .now = 1800000000};
    struct rng *r = &m->random;
    m->suite = pick_suite(r);
    // Most histories are of small groups, where the strange shapes of trees are dense; some reach the limit.
    uint32_t kind = rng_below(r, 10);
    uint32_t most = members < 2 ? 2 : members > 64 ? 64 : members;
    m->members = 2 + rng_below(r, kind < 6 ? (most < 9 ? most : 9) - 1 : kind < 9 ? (most < 34 ? most : 34) - 1 : most - 1);
    m->people = m->members + 8;
    m->steps = 30 + rng_below(r, 120);
    if (m->suite != 1 && m->steps > 60) m->steps = 60;
    if (steps > 0 && steps < m->steps) m->steps = steps;
    m->custom_path = rng_chance(r, 50);
    m->persistence_fails = rng_chance(r, 60);
    for (uint32_t i = 0; i < m->people; i++) person_open(m, &m->person[i], (int)i);
    open_server(m);
    m->members = members; // as asked for: what the line that repeats a failure says
}

static void facts_free(struct facts *f)
{
    struct mls_buf *all[] = {&f->authenticator, &f->tree_hash, &f->exported, &f->tree, &f->context};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) mls_buf_free(all[i]);
}

void model_forget_facts(struct model *m)
{
    for (size_t i = 0; i < m->n_facts; i++) facts_free(&m->facts[i]);
    free(m->facts);
    m->facts = NULL;
    m->n_facts = 0;
    m->epoch = 0;
}

void model_close(struct model *m)
{
    for (uint32_t i = 0; i < m->people; i++) person_close(&m->person[i]);
    for (size_t i = 0; i < m->n_log; i++) {
        mls_buf_free(&m->log[i].message);
        mls_buf_free(&m->log[i].ref);
        free(m->log[i].changes.v);
    }
    model_forget_facts(m);
    for (size_t i = 0; i < LETTERS_MAX; i++) mls_buf_free(&m->letter[i].message);
    mls_buf_free(&m->server_private);
    mls_buf_free(&m->server_public);
    mls_buf_free(&m->server_extension);
    mls_buf_free(&m->group_id);
    free(m->log);
}

struct facts *model_next_epoch(struct model *m)
{
    size_t n = m->n_facts++;
    m->facts = store_check(realloc(m->facts, m->n_facts * sizeof *m->facts));
    if (n == 0) {
        m->facts[0] = (struct facts){0};
        for (size_t i = 0; i < LEAVES_MAX; i++) m->facts[0].roster[i] = NOBODY;
    } else {
        struct facts next = {0};
        memcpy(next.roster, m->facts[n - 1].roster, sizeof next.roster);
        m->facts[n] = next;
        m->epoch++;
    }
    return &m->facts[n];
}

struct entry *model_publish(struct model *m, struct entry e)
{
    m->log = store_check(realloc(m->log, (m->n_log + 1) * sizeof *m->log));
    m->log[m->n_log] = e;
    return &m->log[m->n_log++];
}

// -------------------------------------------------------------------------------------------------------- looking

bool has_group(const struct person *p) { return p->group != NULL; }
bool is_member(const struct person *p) { return p->place == MEMBER; }
bool is_outside(const struct person *p) { return p->place == OUTSIDE; }
bool is_current(const struct person *p)
{
    return p->place == MEMBER && p->epoch == p->model->epoch && mls_group_active(p->group);
}

struct person *model_pick(struct model *m, bool (*fits)(const struct person *p))
{
    uint32_t start = rng_below(&m->random, m->people);
    for (uint32_t i = 0; i < m->people; i++) {
        struct person *p = &m->person[(start + i) % m->people];
        if (fits(p)) return p;
    }
    return NULL;
}

uint32_t model_size(const struct model *m)
{
    uint32_t n = 0;
    for (size_t i = 0; i < LEAVES_MAX; i++) n += m->facts[m->epoch].roster[i] != NOBODY;
    return n;
}

uint32_t model_pick_leaf(struct model *m, uint32_t except)
{
    uint32_t start = rng_below(&m->random, LEAVES_MAX);
    for (uint32_t i = 0; i < LEAVES_MAX; i++) {
        uint32_t leaf = (start + i) % LEAVES_MAX;
        if (leaf != except && m->facts[m->epoch].roster[leaf] != NOBODY) return leaf;
    }
    return UINT32_MAX;
}

// Names are "p" and the number.
static int person_of(const struct model *m, struct mls_span identity)
{
    char name[16] = {0};
    if (identity.size < 2 || identity.size >= sizeof name) FAIL(m, "a member has no name of the model's");
    memcpy(name, identity.data, identity.size);
    return atoi(name + 1);
}

struct changes model_changes(struct model *m, const struct mls_staged *s)
{
    struct changes out = {0};
    struct mls_change c;
    for (size_t at = 0; mls_staged_next_change(s, &at, &c);) {
        out.v = store_check(realloc(out.v, (out.n + 1) * sizeof *out.v));
        out.v[out.n++] = (struct change){c.type, c.member.index, person_of(m, c.member.identity)};
    }
    return out;
}

bool changes_equal(const struct changes *a, const struct changes *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++) {
        if (a->v[i].type != b->v[i].type || a->v[i].leaf != b->v[i].leaf || a->v[i].person != b->v[i].person) return false;
    }
    return true;
}
