// SPDX-License-Identifier: Apache-2.0
//
// The table of error classes: name, sentence, and what the caller can do next. Rooms with finer reasons keep their
// own tables and fall back on this one.
#include "base/base.h"

struct row {
    const char *name, *text, *next;
};

static const struct row table[ERR_CLASSES] = {
    [ERR_OK] = {"ERR_OK", "no error", "go on"},
    [ERR_MALFORMED] = {"ERR_MALFORMED", "the bytes do not decode", "drop them"},
    [ERR_UNAUTHENTICATED] = {"ERR_UNAUTHENTICATED", "a signature, MAC or AEAD tag is wrong", "drop the bytes"},
    [ERR_INVALID] = {"ERR_INVALID", "a rule of the protocol is broken", "drop the message"},
    [ERR_STALE] = {"ERR_STALE", "it belongs to an epoch or generation that has passed", "drop the message"},
    [ERR_NOT_FOUND] = {"ERR_NOT_FOUND", "it names something that is not here", "fetch that, then try again"},
    [ERR_UNSUPPORTED] = {"ERR_UNSUPPORTED", "a version, suite or type that this program does not have",
                         "update the program, or agree on another"},
    [ERR_REFUSED] = {"ERR_REFUSED", "the application's policy refused it", "drop the message"},
    [ERR_LIMIT] = {"ERR_LIMIT", "it is larger than a limit allows", "ask for less, or raise the limit"},
    [ERR_MEMORY] = {"ERR_MEMORY", "no memory", "free some, then try again: nothing has changed"},
    [ERR_MISUSE] = {"ERR_MISUSE", "the arguments contradict each other or the object's state", "mend the caller"},
    [ERR_RANDOM] = {"ERR_RANDOM", "the random source failed", "stop: no secret may be made without it"},
    [ERR_CRYPTO] = {"ERR_CRYPTO", "the cryptographic library failed", "check its installation"},
    [ERR_CORRUPT] = {"ERR_CORRUPT", "stored state does not restore", "use a backup, or join again"},
    [ERR_IO] = {"ERR_IO", "the operating system failed a read or write", "look at the disk or the connection"},
};

static const struct row *find(enum err e)
{
    static const struct row unknown = {"ERR_UNKNOWN", "an error without a name", "report it"};
    return (unsigned)e < ERR_CLASSES ? &table[e] : &unknown;
}

const char *err_name(enum err e) { return find(e)->name; }
const char *err_text(enum err e) { return find(e)->text; }
const char *err_next(enum err e) { return find(e)->next; }
