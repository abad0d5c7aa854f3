// SPDX-License-Identifier: Apache-2.0
//
// Whom MLS may believe: a leaf is a device that its account has certified, and a leaf's successor is the same device.
#include "client/inner.h"

#include "base/utf8.h"

static const uint16_t extensions[] = {FORMAT_ROOM_EXTENSION, FORMAT_NAME_EXTENSION};

struct mls_leaf_params cred_leaf(struct engine *e)
{
    const struct self *s = &e->self;
    e->name_extension = (struct mls_extension){.type = FORMAT_NAME_EXTENSION, .data = out_span(span_str(s->name))};
    return (struct mls_leaf_params){
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = {s->cert, s->cert_n}},
        .signature_private = {s->device_private, sizeof s->device_private},
        .signature_public = {s->device_public, sizeof s->device_public},
        .extension_types = extensions,
        .extension_type_count = sizeof extensions / sizeof *extensions,
        .extensions = &e->name_extension,
        .extension_count = 1,
    };
}

static bool read_cert(struct engine *e, const struct mls_member *m, struct cert *out)
{
    return m->credential_type == MLS_CREDENTIAL_BASIC && cert_check(e->crypto, in_span(m->identity), out) == ERR_OK &&
           span_eq(out->device_key, in_span(m->signature_key));
}

bool cred_account(struct engine *e, const struct mls_member *m, uint8_t account[FORMAT_ID])
{
    struct cert c;
    return cert_read(in_span(m->identity), &c) == ERR_OK && account_id(e->crypto, c.account_key, account) == ERR_OK;
}

bool cred_is_own(struct engine *e, const struct mls_member *m)
{
    struct cert c;
    return cert_read(in_span(m->identity), &c) == ERR_OK && memcmp(c.device, e->self.device, FORMAT_DEVICE) == 0;
}

struct span cred_name(const struct mls_member *m)
{
    struct mls_span name = {0};
    bool fits = mls_extension_find(m->extensions, FORMAT_NAME_EXTENSION, &name) && name.size <= FORMAT_NAME_MAX &&
                utf8_ok(in_span(name));
    return fits ? in_span(name) : span_of(NULL, 0);
}

bool cert_same_device(const struct cert *a, const struct cert *b)
{
    return memcmp(a->account_key, b->account_key, FORMAT_KEY) == 0 && memcmp(a->device, b->device, FORMAT_DEVICE) == 0;
}

static bool check(void *arg, const struct mls_credential_check *c)
{
    struct cert now, before;
    if (!read_cert(arg, c->member, &now)) return false;
    return c->replaced == NULL || (read_cert(arg, c->replaced, &before) && cert_same_device(&now, &before));
}

static bool same_client(void *arg, const struct mls_member *a, const struct mls_member *b)
{
    struct cert x, y;
    (void)arg;
    return cert_read(in_span(a->identity), &x) == ERR_OK && cert_read(in_span(b->identity), &y) == ERR_OK &&
           cert_same_device(&x, &y);
}

static bool group_known(void *arg, struct mls_span group_id)
{
    struct engine *e =
        arg; // whoever has left, was removed, or cannot follow any more may come back, whatever one is asked into
    sqlite3_stmt *q = db_sql(&e->db, "SELECT 1 FROM chat WHERE group_id = ?1 AND state = ?2 AND behind >= 0");
    db_blob(q, 1, in_span(group_id));
    db_int(q, 2, CHAT_OPEN);
    bool known = db_row(&e->db, q);
    db_done(q);
    return known;
}

struct mls_config cred_config(struct engine *e)
{
    return (struct mls_config){
        .arg = e,
        .credential = check,
        .same_client = same_client,
        .group_known = group_known,
        .padding = 256,
        .past_psks = 1,
        .skipped_keys = 100,
    };
}
