// SPDX-License-Identifier: Apache-2.0
//
// vectors/make/kit: what every generator stands on: a trial whose first failure sticks and whose random bytes come from a
// seed, JSON that is put together member by member, and clients of libmls that live in this world.
#ifndef WHIMBREL_VECTORS_MAKE_KIT_H
#define WHIMBREL_VECTORS_MAKE_KIT_H

#include <jansson.h>

#include "group/group.h"
#include "vectors/trial.h"

// What is to be made.
struct plan {
    uint64_t seed;
    bool small;        // few cases, small trees, short histories
    bool no_grease;    // no GREASE values (RFC 9420 §13.5) in leaves and KeyPackages
    bool wide;         // also what RFC 9420 lets an application define: proposal types, credentials that are not basic
    uint32_t psk_age;  // how many epochs old a resumption PSK may be at most; 0: any number
};

// One type of vectors for one suite, or for none.
struct make {
    struct trial t;
    const struct plan *plan;
    json_t *cases; // the file's list
};

// Makes cases of one type and appends them.
typedef void generator(struct make *m);

// ---------------------------------------------------------------------------------------------------------- JSON

// A new object at the end of the list of cases, with the suite if there is one. Borrowed, as everything here; NULL after
// a failure, which the other functions take without complaint.
json_t *kit_case(struct make *m);
void kit_put(struct make *m, json_t *object, const char *key, json_t *take);
void kit_bytes(struct make *m, json_t *object, const char *key, struct span s);
void kit_number(struct make *m, json_t *object, const char *key, uint64_t v);
void kit_text(struct make *m, json_t *object, const char *key, const char *s);
void kit_null(struct make *m, json_t *object, const char *key);
json_t *kit_object(struct make *m, json_t *object, const char *key);
json_t *kit_list(struct make *m, json_t *object, const char *key);
void kit_append(struct make *m, json_t *list, json_t *take);
void kit_append_bytes(struct make *m, json_t *list, struct span s);
json_t *kit_append_object(struct make *m, json_t *list);
json_t *kit_append_list(struct make *m, json_t *list);

// -------------------------------------------------------------------------------------------------------- values

// Random bytes, which belong to the trial.
struct span kit_random(struct make *m, size_t n);
// A number below n (n > 0), and one from a range, both ends included.
uint32_t kit_below(struct make *m, uint32_t n);
uint32_t kit_range(struct make *m, uint32_t from, uint32_t to);
bool kit_coin(struct make *m);
struct secret kit_secret(struct make *m);
// Random hexadecimal text of n digits.
const char *kit_label(struct make *m, size_t n);
// A copy that belongs to the trial.
struct span kit_copy(struct make *m, struct span s);
// The bytes that a call of libmls has given, moved into the trial; the error fails it.
struct span kit_take(struct make *m, enum mls_error e, struct mls_buf *b, const char *step);
// A random key pair of the suite's KEM.
struct kit_keys {
    struct span sk, pk;
};
struct kit_keys kit_kem_keys(struct make *m);
struct kit_keys kit_signature_keys(struct make *m);

// ------------------------------------------------------------------------------------------------------- clients

// An application-defined proposal type, which clients support if the plan is wide, and an extension type which they
// always support.
enum { KIT_PROPOSAL = 0xF0A7, KIT_EXTENSION = 0xF0A8 };

// How a PSK is found: as in struct mls_config.
typedef bool kit_psk(void *arg, const struct mls_psk_id *id, struct mls_span *secret);
struct kit_client {
    struct make *m;
    kit_psk *psk;
    void *arg; // of psk
    struct mls_client *client;
};
// The struct stays where it is while the client lives; free that with mls_client_free.
void kit_client(struct make *m, struct kit_client *c, bool public_handshake, uint32_t padding, kit_psk *psk, void *arg);

#endif
