// SPDX-License-Identifier: Apache-2.0
//
// group/test/spy: learns every secret that the key schedule, the secret tree and TreeKEM make, by standing between the
// library and its KDF (the linker's --wrap), and finds them in the process's memory and in records. What it learns stands
// in it under a mask, so that it never finds itself. It knows how secrets descend from each other, and nothing about who
// may still have them: that is the test's.
#ifndef WHIMBREL_GROUP_TEST_SPY_H
#define WHIMBREL_GROUP_TEST_SPY_H

#include "store.h"
#include "tree/label.h"

// Under a sanitizer memory is not searched: its shadow is terabytes of mostly nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SPY_BLIND 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SPY_BLIND 1
#endif
#endif
#ifndef SPY_BLIND
#define SPY_BLIND 0
#endif

enum { SPY_NONE = -1, SPY_WINDOW = 16, SPY_FORMS = 6 };

enum spy_claim {
    SPY_GONE, // nobody may have it: it must be found nowhere
    SPY_MAY,  // its owner may have it
    SPY_HAS,  // its owner has it: it must be found, or the search is worth nothing
};

// A secret. Of its bytes there are only masked windows: as they are, backwards, in words of 4 and 8 bytes, and as the two
// keys that HMAC makes of it.
struct spy_secret {
    int parent; // what it was derived from; SPY_NONE: from nothing that was seen before
    char label[28];
    uint64_t context; // hash of the context that it was derived under
    uint64_t pk;      // of a private key: hash of the public one
    size_t n;         // of the window
    uint8_t form[SPY_FORMS][SPY_WINDOW];
    enum spy_claim claim;
    size_t found;
};

struct spy {
    size_t n;
    struct spy_secret *v;
    bool keeps_memory, keeps_stack; // sabotage: mem_wipe leaves single secrets, mem_wipe_stack everything
    bool measures;                  // note how deep calls go, instead of learning
    size_t deepest, reach;          // bytes of stack below a call of mem_wipe_stack: in use before, wiped by it
};
extern struct spy spy;

void spy_open(void);
void spy_close(void);
// The secret with these bytes; SPY_NONE if it was never seen.
int spy_find(struct span bytes);
// What was derived from it under this label and context; SPY_NONE if nobody has done that.
int spy_child(int parent, const char *label, struct span context);
uint64_t spy_hash(struct span public);

// Counts every secret anew, in all memory of this process that can be written, or in the values of a store.
void spy_search_memory(void);
void spy_search_store(const struct store *s);
// Puts a learnt secret's window into `to`, as a leak would; tells how many bytes.
size_t spy_unmask(int secret, uint8_t to[SPY_WINDOW]);

// Fills the stack below with a pattern, so that a call's depth can be seen. spy.reach is set by the first call.
void spy_paint(void);

#endif
