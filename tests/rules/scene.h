// SPDX-License-Identifier: Apache-2.0
//
// tests/rules/scene: one rule of RFC 9420, one test. A scene is a real group with a malicious member in it. Each row of a
// table names an error, a section and a play; the play is run twice on the same group: first the forger breaks exactly
// one rule, and the receivers must answer with exactly that error and be as they were before; then it forges the same
// thing without the flaw, which must be accepted. So no test passes for the wrong reason, and after each refusal a valid
// message is seen to be processed. tools/coverage reads the tables.
#ifndef WHIMBREL_TESTS_RULES_SCENE_H
#define WHIMBREL_TESTS_RULES_SCENE_H

#include "cast.h"
#include "group/group.h"
#include "group/list.h"

// Types of the private-use ranges that every member of a scene supports, and some that nobody does.
enum {
    SCENE_EXTENSION = 0xF0E1, // in use in the GroupContext
    SCENE_REQUIRED = 0xF0E2,  // an extension that required_capabilities names
    SCENE_PROPOSAL = 0xF0A1,  // custom, required, needs no path, external senders may
    SCENE_PATH = 0xF0A2,      // custom, needs a path, external senders may not
    SCENE_BADGE = 0xF0C1,     // a credential type that is required, not in use
    SCENE_PASS = 0xF0C2,      // one that is supported, not in use
    SCENE_FOREIGN = 0xF0FF,   // of whatever kind: supported by nobody
};

#define SCENE_REFUSED "refused" // the identity that the application does not accept

enum scene_options {
    SCENE_P256 = 1,        // a suite whose keys can be invalid
    SCENE_PAST = 2,        // past epochs and their PSKs are kept
    SCENE_EMPTY = 4,       // no group yet
    SCENE_PLAIN = 8,       // a group without extensions
    SCENE_ONE_CLIENT = 16, // identities decide whether two leaves are of the same client
    SCENE_KNOWN = 32,      // the application says which groups it is in
    SCENE_PRIVATE = 64,    // handshake messages are encrypted
};

enum { ALICE, MALLORY, CAROL, DAVE, MEMBERS, ERIN = MEMBERS, FRANK, CAST = 40 }; // erin, frank and the rest are outside

struct scene;
struct rule {
    enum mls_error error; // MLS_OK: a behaviour that has no error
    const char *section;  // of RFC 9420
    const char *what;     // how it is broken
    void (*play)(struct scene *s);
    void (*spoil)(struct scene *s, struct leaf *l); // of plays about leaves
    unsigned options;                               // enum scene_options
    int arg;                                        // the play's own
};

struct scene {
    const struct rule *rule;
    bool wrong;       // now the rule is broken
    bool known;       // what the application says then
    struct span any;  // what it takes for every PSK that it is asked for; empty: it has one of its own
    unsigned victims; // bits of those who can notice it, if not everybody can
    struct cast_world world;
    struct mls_config config;
    struct mls_client *client;
    uint16_t suite;
    struct cast_member m[CAST];
    size_t n;                                 // members that have been named
    struct mls_buf post_private, post_public; // the external sender's
    struct mls_buf post;                      // the external_senders extension's data
    struct mls_buf required;                  // required_capabilities
    struct buf *scratch[2000];                // what spans of a play point into
    size_t n_scratch;
};

// Runs every row; a row's name in the output is its error and what it says.
int rules_run(const char *name, const struct rule *rules, size_t n);

// ---------------------------------------------------------------------------------------------------- members

struct mls_leaf_params scene_leaf(struct scene *s, size_t who);
// A fresh KeyPackage of somebody, kept in the cast_member, and as bare bytes.
struct span scene_key_package(struct scene *s, size_t who);
struct mls_group *scene_group(struct scene *s, size_t who);
// Found by alice, the other members added; all parent nodes filled by later commits.
void scene_found(struct scene *s);
// An honest commit of these proposals (or of none) by somebody; everybody follows, those who are added join.
void scene_commit(struct scene *s, size_t by, const struct mls_proposal *p, size_t n);
void scene_commit_params(struct scene *s, size_t by, const struct mls_commit_params *params);
// Somebody joins by an external commit, with a GroupInfo of host's.
void scene_join_outside(struct scene *s, size_t host, size_t who);
// A proposal of somebody's, delivered to everybody.
void scene_propose(struct scene *s, size_t by, const struct mls_proposal *p);
void scene_add(struct scene *s, size_t by, size_t who);
void scene_remove(struct scene *s, size_t by, size_t who);
// Everybody active is in the same epoch.
void scene_agree(struct scene *s);
// Somebody says something, and everybody else reads it.
void scene_talk(struct scene *s, size_t from);

// --------------------------------------------------------------------------------------------------- verdicts

// Holds a result against the rule: its error while it is broken, MLS_OK otherwise.
void scene_verdict(const struct scene *s, enum mls_error e);

// What can be seen of a group's state; compared byte by byte, and by its records.
struct snapshot {
    struct mls_buf part[6];
    uint64_t epoch;
    size_t proposals;
    bool active;
};
void snapshot_take(struct mls_group *g, struct snapshot *out);
// Asserts that nothing has changed, also that no record has to be stored, and wipes the snapshot.
void snapshot_same(struct mls_group *g, struct snapshot *before);

// Offers a message to one member. Wrong: the verdict, and that nothing has changed; *out is empty then.
bool scene_offer(struct scene *s, size_t to, struct span message, struct mls_received *out);
// The same without a verdict: the message must be accepted.
void scene_deliver(struct scene *s, size_t to, struct span message, struct mls_received *out);
// Offers a commit to everybody but its maker: accepted, it is merged, and all agree with what the maker has staged, which
// is then merged too. Broken, only the victims are asked. Takes `staged`.
void scene_offer_commit(struct scene *s, size_t from, struct span message, struct mls_staged *staged);
// Offers a proposal to everybody but its maker.
void scene_offer_proposal(struct scene *s, size_t from, struct span message);
// The same without a verdict: everybody must accept it.
void scene_deliver_proposal(struct scene *s, size_t from, struct span message);

// ----------------------------------------------------------------------------------------------------- bytes

// A buffer that lives as long as the scene.
struct buf *scene_buf(struct scene *s);
struct span scene_copy(struct scene *s, struct span bytes);
// A list of types, as capabilities have it; ends with 0.
struct span scene_types(struct scene *s, const uint16_t *types);
// The list without one type, or with one more.
struct span scene_without(struct scene *s, struct span types, uint16_t type);
struct span scene_with(struct scene *s, struct span types, uint16_t type);
static inline struct mls_span scene_api(struct span x) { return (struct mls_span){x.p, x.n}; }
static inline struct span scene_span(struct mls_buf b) { return span_of(b.data, b.size); }

#endif
