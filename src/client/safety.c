// SPDX-License-Identifier: Apache-2.0
//
// Safety numbers of contacts, as digits and as what a QR code holds, and comparing what the other side shows (content/safety.h). Nothing here
// records that somebody was verified.
#include "client/inner.h"

#include "base/base64.h"
#include "content/safety.h"

static const char prefix[] = "whimbrel-safety:"; // of a code as text
enum { PREFIX = sizeof prefix - 1, CODE_ROOM = PREFIX + 4 * ((SAFETY_QR + 2) / 3) + 1 };

// The account's key of a contact. ERR_NOT_FOUND: there is no such contact, or nothing has come from them yet.
static enum err key_of(struct engine *e, int64_t contact, uint8_t key[32])
{
    e->db.err = ERR_OK;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT key FROM contact WHERE id = ?1 AND length(key) = 32");
    db_int(q, 1, contact);
    bool found = db_row(&e->db, q) && db_get_fixed(&e->db, q, 0, key, 32);
    db_done(q);
    return e->db.err != ERR_OK ? e->db.err : found ? ERR_OK : ERR_NOT_FOUND;
}

static struct span own_key(const struct engine *e) { return span_of(e->self.account_public, 32); }

enum err engine_safety(struct engine *e, int64_t contact, char number[61])
{
    uint8_t key[32];
    char mine[SAFETY_HALF + 1], theirs[SAFETY_HALF + 1];
    enum err x = key_of(e, contact, key);
    if (x == ERR_OK) x = safety_half(e->crypto, own_key(e), span_of(NULL, 0), mine);
    if (x == ERR_OK) x = safety_half(e->crypto, span_of(key, 32), span_of(NULL, 0), theirs);
    if (x == ERR_OK) safety_number(mine, theirs, number);
    return x;
}

static enum err fingerprints(struct engine *e, int64_t contact, uint8_t mine[SAFETY_FINGERPRINT],
                             uint8_t theirs[SAFETY_FINGERPRINT])
{
    uint8_t key[32];
    enum err x = key_of(e, contact, key);
    if (x == ERR_OK) x = safety_fingerprint(e->crypto, own_key(e), span_of(NULL, 0), mine);
    if (x == ERR_OK) x = safety_fingerprint(e->crypto, span_of(key, 32), span_of(NULL, 0), theirs);
    return x;
}

enum err engine_safety_code(struct engine *e, int64_t contact, char out[ENGINE_SAFETY_CODE])
{
    _Static_assert((int)CODE_ROOM <= (int)ENGINE_SAFETY_CODE, "a code fits");
    uint8_t mine[SAFETY_FINGERPRINT], theirs[SAFETY_FINGERPRINT], code[SAFETY_QR];
    enum err x = fingerprints(e, contact, mine, theirs);
    if (x != ERR_OK) return x;
    safety_qr(mine, theirs, code);
    memcpy(out, prefix, PREFIX);
    base64_encode(span_of(code, sizeof code), out + PREFIX);
    return ERR_OK;
}

static enum err compare_code(struct engine *e, int64_t contact, struct span text)
{
    uint8_t mine[SAFETY_FINGERPRINT], theirs[SAFETY_FINGERPRINT];
    struct buf code;
    buf_init(&code, 2 * SAFETY_QR);
    enum err x = fingerprints(e, contact, mine, theirs);
    if (x == ERR_OK) x = base64_decode(text, &code);
    if (x == ERR_LIMIT) x = ERR_MALFORMED;
    if (x == ERR_OK) x = safety_qr_check(buf_span(&code), mine, theirs);
    buf_wipe(&code);
    return x;
}

enum err engine_safety_compare(struct engine *e, int64_t contact, const char *shown)
{
    char number[SAFETY_DIGITS + 1];
    shown += strspn(shown, " \t\r\n");
    if (strncmp(shown, prefix, PREFIX) == 0) {
        size_t n = strcspn(shown + PREFIX, " \t\r\n");
        return compare_code(e, contact, span_of((const uint8_t *)shown + PREFIX, n));
    }
    size_t digits = 0, n = strlen(shown);
    for (size_t i = 0; i < n; i++) {
        bool digit = shown[i] >= '0' && shown[i] <= '9';
        digits += digit;
        if (!digit && strchr(" \t\r\n-", shown[i]) == NULL) return ERR_MALFORMED;
    }
    if (digits != SAFETY_DIGITS) return ERR_MALFORMED;
    enum err x = engine_safety(e, contact, number);
    return x != ERR_OK || safety_same(number, shown) ? x : ERR_UNAUTHENTICATED;
}
