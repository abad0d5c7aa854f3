// SPDX-License-Identifier: Apache-2.0
//
// The floors: which primitives each operation cannot do without, counted from RFC 9420. Left out on purpose is what an
// implementation does and the RFC does not force on it: copying, parsing, checks of public keys beyond the size, looking
// for duplicates, drawing randomness, keeping state. Bytes count where they are hashed, signed or encrypted.
#include "bench/mls.h"

void shape_of(const struct hall *h, const struct tree *t, uint32_t committer, uint32_t other, const struct nodes *added,
              struct shape *s)
{
    uint32_t level[TREE_MAX_LEVELS];
    size_t levels;
    double leaf_bytes = 0;
    struct nodes resolution = {0};
    struct buf bytes;
    path_filtered(t, committer, level, &levels);
    *s = (struct shape){.depth = math_depth(t->leaves), .levels = (double)levels, .members = t->members};
    for (size_t i = 0; i < levels; i++) {
        if (level[i] >= math_common_level(committer, other)) s->shared++;
        bench_check(tree_resolution(t, math_copath(committer, level[i]), added, &resolution), "resolution");
    }
    s->resolution = (double)resolution.n;
    nodes_free(&resolution);
    s->nodes = math_width(t->leaves);
    for (uint32_t i = 0; i < t->leaves; i++) leaf_bytes += (double)tree_leaf_raw(t, i).n;
    for (uint32_t i = 1; i < math_width(t->leaves); i += 2) s->parents += !tree_is_blank(t, i);
    buf_init(&bytes, TLS_VECTOR_MAX);
    bench_check(tree_encode(t, &bytes), "tree");
    s->tree_bytes = (double)bytes.n;
    buf_wipe(&bytes);
    s->leaf = leaf_bytes / t->members;
    s->context = (double)h->a->now.context.n;
    s->npk = algo_sizes(&h->algo)->npk;
    s->nh = (double)algo_nh(&h->algo);
}

// ---------------------------------------------------------------------------------------------------- the pieces

static void hashes(struct counts *c, double calls, double bytes)
{
    c->n[UNIT_HASH] += calls;
    c->n[UNIT_HASH_BYTE] += bytes;
}

// Calls that take an HMAC, and what they hash beyond a block.
static void kdfs(struct counts *c, double calls, double bytes)
{
    c->n[UNIT_KDF] += calls;
    c->n[UNIT_HASH_BYTE] += bytes;
}

static void aeads(struct counts *c, double calls, double bytes)
{
    c->n[UNIT_AEAD] += calls;
    c->n[UNIT_AEAD_BYTE] += bytes;
}

static void signs(struct counts *c, double calls, double bytes)
{
    c->n[UNIT_SIGN] += calls;
    c->n[UNIT_SIGN_BYTE] += bytes;
}

static void verifies(struct counts *c, double calls, double bytes)
{
    c->n[UNIT_VERIFY] += calls;
    c->n[UNIT_VERIFY_BYTE] += bytes;
}

// TreeHashInput of a parent: the node if it is set, and two hashes (§7.8).
static double parent_input(const struct shape *s, bool set) { return 2 * s->nh + 4 + (set ? s->npk + s->nh + 6 : 0); }

// The parent hashes of a path (§7.9), and the tree hashes from the leaf to the root (§7.8).
static void path_hashes(const struct shape *s, struct counts *c)
{
    hashes(c, s->levels, s->levels * (s->npk + 2 * s->nh + 6));
    hashes(c, s->depth + 1, s->leaf + 6 + s->levels * parent_input(s, true) + (s->depth - s->levels) * parent_input(s, false));
}

static void tree_hashes(const struct shape *s, struct counts *c)
{
    hashes(c, s->nodes, s->tree_bytes + s->nodes / 2 * (6 + parent_input(s, false)));
}

// A new epoch (§8): joiner, member and epoch secret; nine secrets of it; the confirmation tag; two transcript hashes.
static void new_epoch(const struct shape *s, double commit_bytes, struct counts *c)
{
    kdfs(c, 2 + 1 + 1 + 9 + 1, 2 * s->context);
    hashes(c, 2, commit_bytes + 3 * s->nh);
}

// One PrivateMessage (§6.3, §9): key, nonce and the next secret of a ratchet; key and nonce for the sender data.
static void private_message(double bytes, struct counts *c)
{
    kdfs(c, 3 + 2, 0);
    aeads(c, 2, bytes);
}

// GroupInfo with the tree: context, extensions, confirmation tag, signer, signature.
static double info_bytes(const struct shape *s) { return s->tree_bytes + s->context + s->nh + 90; }

// -------------------------------------------------------------------------------------------------- the operations

// From the root of the secret tree down to the leaf: each step derives the child below and, since the parent must go
// (§9.2), its sibling; then both ratchets.
void floor_first(const struct shape *s, struct counts *c) { kdfs(c, 2 * s->depth + 2, 0); }

struct counts floor_make(const struct shape *s, double bytes, double more)
{
    struct counts c = {0};
    c.n[UNIT_KEYGEN] = s->levels + 1;
    c.n[UNIT_SEAL] = s->resolution;
    kdfs(&c, 2 * s->levels, 0);                         // path secrets and node secrets (§7.4)
    if (s->resolution > 0) kdfs(&c, 1, s->context);     // what the seals have in common: the info
    signs(&c, 2, s->leaf + bytes + s->context);         // leaf, commit
    path_hashes(s, &c);
    hashes(&c, more, more * parent_input(s, s->parents > s->nodes / 4));
    new_epoch(s, bytes, &c);
    floor_first(s, &c);
    private_message(bytes, &c);
    return c;
}

struct counts floor_process(const struct shape *s, double bytes)
{
    struct counts c = {0};
    c.n[UNIT_OPEN] = 1;
    kdfs(&c, 0, s->context);
    c.n[UNIT_KEYGEN] = s->shared; // each derived key is compared with that of the path (§7.5)
    kdfs(&c, 2 * s->shared, 0);
    verifies(&c, 2, s->leaf + bytes + s->context);
    path_hashes(s, &c);
    new_epoch(s, bytes, &c);
    floor_first(s, &c);
    private_message(bytes, &c);
    return c;
}

void floor_invite(const struct shape *s, double n, double kp, struct counts *c)
{
    verifies(c, 2 * n, n * (s->leaf + kp)); // KeyPackage and its leaf (§10.1)
    hashes(c, n, n * kp);                   // KeyPackageRef, by which the Welcome names the new member
    c->n[UNIT_SEAL] += n;
    signs(c, 1, info_bytes(s));
    aeads(c, 1, info_bytes(s));
    kdfs(c, 3 + 1, info_bytes(s)); // welcome secret, key, nonce; the HPKE info is the encrypted GroupInfo
}

struct counts floor_join(const struct shape *s, double kp)
{
    struct counts c = {0};
    c.n[UNIT_OPEN] = 1;
    aeads(&c, 1, info_bytes(s));
    kdfs(&c, 1 + 3 + 1 + 9 + 1, info_bytes(s) + s->context); // member, welcome, epoch, secrets of it, tag; HPKE info
    c.n[UNIT_KEYGEN] = s->shared;
    kdfs(&c, s->shared > 0 ? 2 * s->shared - 1 : 0, 0);
    verifies(&c, s->members + 1, s->members * s->leaf + info_bytes(s));
    hashes(&c, 2, kp + 2 * s->nh); // KeyPackageRef, interim transcript hash
    tree_hashes(s, &c);
    hashes(&c, s->parents, s->parents * (s->npk + 2 * s->nh + 6)); // parent hashes (§7.9.2)
    return c;
}

// That the tree is whole is seen by its hash; the rest is reading.
struct counts floor_restore(const struct shape *s)
{
    struct counts c = {0};
    tree_hashes(s, &c);
    return c;
}

struct counts floor_protect(const struct shape *s)
{
    struct counts c = {0};
    signs(&c, 1, s->context + 100 + 40);
    private_message(100 + 80, &c);
    return c;
}

struct counts floor_unprotect(const struct shape *s)
{
    struct counts c = {0};
    verifies(&c, 1, s->context + 100 + 40);
    private_message(100 + 80, &c);
    return c;
}
