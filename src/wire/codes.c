// SPDX-License-Identifier: Apache-2.0
//
// Codes of errors (docs/protocol.md §5): their names, and the sentences that a relay sends along for people. Programs go by
// the number; a sentence tells what to do, and nothing that the number does not tell.
#include "wire/wire.h"

static const struct {
    const char *name, *text;
} codes[WIRE_CODES] = {
    [WIRE_OK] = {"ok", "done"},
    [WIRE_E_MALFORMED] = {"malformed", "the message is none of this protocol"},
    [WIRE_E_UNSUPPORTED] = {"unsupported", "this relay does not have this type of message, or this version"},
    [WIRE_E_DENIED] = {"denied", "there is no such log, or this key may not do this with it"},
    [WIRE_E_STALE] = {"stale", "the log is in another epoch: read on, then try again"},
    [WIRE_E_EXISTS] = {"exists", "this id, tag or key is in use already"},
    [WIRE_E_NOT_FOUND] = {"not found", "there is no such blob, or this is not its key, or it has expired"},
    [WIRE_E_OFFSET] = {"offset", "the blob ends elsewhere: go on from there"},
    [WIRE_E_SEALED] = {"sealed", "the blob is sealed already, or not yet"},
    [WIRE_E_LIMIT] = {"limit", "this is more than the relay allows"},
    [WIRE_E_QUOTA] = {"quota", "the share of this hosting password is used up"},
    [WIRE_E_RATE] = {"rate", "too fast: wait, then try again"},
    [WIRE_E_HOSTING] = {"hosting", "creating needs a hosting password here, or this one is wrong"},
    [WIRE_E_UNAVAILABLE] = {"unavailable", "the relay cannot do this now, and has changed nothing: try later"},
    [WIRE_E_ENDED] = {"ended", "all that this key may read has been sent"},
};

static bool known(enum wire_code code) { return (unsigned)code < WIRE_CODES; }

const char *wire_code_name(enum wire_code code) { return known(code) ? codes[code].name : "unknown"; }

const char *wire_code_text(enum wire_code code) { return known(code) ? codes[code].text : "a code that there is not"; }
