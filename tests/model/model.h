// SPDX-License-Identifier: Apache-2.0
//
// The model test: random histories of a group, played through the public interface, beside a model of what must be. The
// model knows who is a member at which leaf, who has received what, and which key is used up; it knows nothing of how the
// library does it. All members of an epoch must arrive at the same facts. Everything random comes from one seed.
#ifndef WHIMBREL_TESTS_MODEL_H
#define WHIMBREL_TESTS_MODEL_H

#include "mls.h"
#include "store.h"

enum { PEOPLE_MAX = 80, LEAVES_MAX = 256, PSKS = 4, LETTERS_MAX = 48, NOBODY = -1 };
enum { EXTENSION_CUSTOM = 0xF0A0, PROPOSAL_CUSTOM = 0xF1A0 };

struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n); // 0 … n - 1
bool rng_chance(struct rng *r, uint32_t percent);

// --------------------------------------------------------------------------------------------- what has happened

// A change of an epoch's leaves, as a staged commit tells it.
struct change {
    enum mls_change_type type;
    uint32_t leaf;
    int person;
};
struct changes {
    struct change *v;
    size_t n;
};

// What all members of an epoch must have. `said` counts the application messages of each leaf.
struct facts {
    bool known; // the first member to get there has set everything else but the roster, which is the model's own
    struct mls_buf authenticator, tree_hash, exported, tree, context;
    int roster[LEAVES_MAX]; // the person at each leaf, or NOBODY
    bool has_senders, has_custom; // external_senders; something that limited people do not support
    uint32_t said[LEAVES_MAX];
};

// What the delivery service has accepted, in its order: proposals, and the one commit that ends an epoch.
struct entry {
    bool commit;
    uint64_t epoch;
    int by; // NOBODY: from outside
    uint32_t leaf;
    bool private; // under the handshake ratchet of its sender, with this generation
    uint32_t generation;
    struct mls_buf message;
    uint16_t type; // of a proposal
    int target;    // whom an Add adds
    uint32_t removed;
    struct mls_buf ref; // once known
    struct changes changes; // of a commit
    bool reinit;
};

// An application message, and who has not heard it yet.
struct letter {
    uint64_t epoch;
    uint32_t leaf, generation;
    int from;
    struct mls_buf message;
    uint8_t text[64], aad[16];
    size_t text_n, aad_n;
    bool pending[PEOPLE_MAX];
};

// ------------------------------------------------------------------------------------------------------ people

enum place { OUTSIDE, INVITED, MEMBER, REMOVED, STRANDED }; // STRANDED: in the tree, but without a state

// What one member has made of one sender's application ratchet in one epoch.
struct hearing {
    uint64_t epoch;
    uint32_t leaf, head, kept[8], n;
};

struct model;
struct person {
    struct model *model;
    int id;
    char name[16];
    struct mls_client *client;
    struct mls_config config;
    struct rng random;
    bool limited; // does not support the custom extension and proposal
    bool knows[PSKS];
    struct mls_buf signature_private, signature_public; // of the KeyPackage that is out
    struct mls_buf key_package, private_part;
    struct mls_buf welcome, tree;
    enum place place;
    struct mls_group *group;
    struct store store;
    uint64_t epoch, since; // since: the first epoch that it has been in
    uint32_t leaf;
    uint32_t generation; // of its next private handshake message
    size_t next;         // in the log
    size_t *deferred, n_deferred; // proposals that it has passed over
    size_t *known, n_known;       // proposals that wait in its group
    struct mls_staged *staged;    // an own commit that is out
    struct mls_buf saved;         // the same as bytes
    struct hearing *heard;
    size_t n_heard;
    size_t lives; // how often the group has come back from the store
};

struct model {
    uint64_t seed;
    struct rng random;
    uint16_t suite;
    uint32_t people, members, steps, step; // how many people there are; the size the group tends to
    bool custom_path, persistence_fails;
    struct person person[PEOPLE_MAX];
    struct mls_client *server; // an external sender
    struct mls_buf server_private, server_public, server_extension;
    struct mls_buf group_id;
    uint64_t epoch; // the latest
    struct facts *facts; // by epoch
    size_t n_facts;
    struct entry *log;
    size_t n_log;
    struct letter letter[LETTERS_MAX];
    uint64_t now;
    bool over; // the group was reinitialised
    struct {
        size_t commits, lost, seen, proposals, letters, heard, restarts, rollbacks, joins, resyncs, removed, reinits, branches;
        size_t most;
    } count;
};

// ------------------------------------------------------------------------------------------------------ model.c

// Says what is wrong, with seed and step, and ends the program.
_Noreturn void model_fail(const struct model *m, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define FAIL(m, ...) model_fail((m), __FILE__, __LINE__, __VA_ARGS__)
#define CHECK(m, condition, ...) ((condition) ? (void)0 : FAIL((m), __VA_ARGS__))
#define OK(m, e, what) model_ok((m), __FILE__, __LINE__, (e), (what))
#define REFUSED(m, e, want, what) model_refused((m), __FILE__, __LINE__, (e), (want), (what))
void model_ok(const struct model *m, const char *file, int line, enum mls_error e, const char *what);
void model_refused(const struct model *m, const char *file, int line, enum mls_error e, enum mls_error want,
                   const char *what);

void model_open(struct model *m, uint64_t seed, uint32_t members, uint32_t steps);
void model_close(struct model *m);
void model_forget_facts(struct model *m);
// The facts of the epoch after the latest, to be filled.
struct facts *model_next_epoch(struct model *m);
struct entry *model_publish(struct model *m, struct entry e);
// A person picked at random, for whom `fits` is true; NULL if there is none.
struct person *model_pick(struct model *m, bool (*fits)(const struct person *p));
bool is_current(const struct person *p);   // an active member that has entered the latest epoch
bool is_member(const struct person *p);
bool is_outside(const struct person *p);
bool has_group(const struct person *p);
uint32_t model_size(const struct model *m); // members of the latest epoch
// A leaf of the latest epoch picked at random, not `except`; UINT32_MAX if there is none.
uint32_t model_pick_leaf(struct model *m, uint32_t except);
struct changes model_changes(struct model *m, const struct mls_staged *s);
bool changes_equal(const struct changes *a, const struct changes *b);

static inline struct mls_span span(struct mls_buf b) { return (struct mls_span){b.data, b.size}; }
static inline struct mls_span text_span(const char *s) { return (struct mls_span){(const uint8_t *)s, strlen(s)}; }
static inline bool same_bytes(struct mls_buf a, struct mls_buf b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
struct mls_buf copy_of(struct mls_span s);

// ----------------------------------------------------------------------------------------------------- person.c

void person_open(struct model *m, struct person *p, int id);
void person_close(struct person *p);
struct mls_leaf_params person_leaf(const struct person *p);
// What changes in its leaf if it gets another application_id; *name has to live as long.
void person_new_name(const struct person *p, struct mls_leaf_params *leaf, struct mls_extension *name);
// New signature keys, for the suite.
void person_keys(struct person *p, uint16_t suite);
void person_key_package(struct person *p, uint16_t suite);
void person_drop_key_package(struct person *p);
// Stores what has changed. false: the database refused, the group is as it was before, and so nothing has happened.
bool person_persist(struct person *p);
void person_restart(struct person *p);
// Enters the model's epoch after a merge or a join: all facts must be those of the other members.
void person_enter(struct person *p, uint64_t epoch);
void person_joined(struct person *p, uint32_t leaf, uint64_t epoch, size_t next);
void person_drop_pending(struct person *p);
// Leaves the group behind altogether.
void person_forget(struct person *p);

// ------------------------------------------------------------------------------------------------------- steps

void speak(struct model *m);
void hear(struct model *m, int times);
void eavesdrop(struct model *m); // removed members try to read on
void propose(struct model *m);
void propose_from_outside(struct model *m);
bool is_known(const struct person *p, const struct entry *e);
void know(struct person *p, size_t entry);
void race(struct model *m);
void process(struct person *p); // the next thing in its queue
bool is_behind(const struct person *p);
void catch_up(struct model *m); // everybody
void try_join(struct person *p); // by the Welcome that it has
bool join_from_outside(struct model *m, struct person *p, bool resync, struct entry *out, struct mls_group **group);
void branch(struct model *m);
bool reinit(struct model *m); // false: the history ends here
void open_server(struct model *m);
void play(struct model *m);

// What a proposal by value says and needs to live as long as it.
struct wish {
    struct mls_proposal p;
    struct mls_extension extensions[3];
    struct mls_leaf_params leaf;
    struct mls_buf buf[3];
    int target;
};
void wish_free(struct wish *w);
// A proposal of this type that is valid in the latest epoch by itself; false if there is none now.
bool wish_make(struct model *m, struct person *by, uint16_t type, struct wish *w);

// Checks a ratchet tree by the book; tree_hash is what the members say.
void oracle(const struct model *m, struct mls_span tree, struct mls_span tree_hash, const struct mls_group *g);

#endif
