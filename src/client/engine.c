// SPDX-License-Identifier: Apache-2.0
//
// An engine's life: making a profile, opening and closing it, and what it tells its owner.
#include "client/backup.h"
#include "client/inner.h"

#include <stdio.h>
#include <time.h>

enum { PACKAGES = 20 };

uint64_t engine_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

enum err sha256(struct engine *e, struct span bytes, uint8_t out[32])
{
    return crypto_hash(e->crypto, crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519), &bytes, 1, out);
}

// The class of an error of libmls is an error of ours.
enum err from_mls(enum mls_error m) { return m == MLS_OK ? ERR_OK : (enum err)mls_error_class(m); }

void engine_tell(struct engine *e, struct engine_event event)
{
    if (e->closing || (event.kind == ENGINE_WARNING && !warning_keep(e, &event))) return;
    e->event(e->arg, &event);
}

// --------------------------------------------------------------------------------------------------------- making one

const char *engine_wrong_name(const char *name)
{
    size_t n = strlen(name);
    return n == 0 || n > FORMAT_NAME_MAX ? "a name has 1 to 200 bytes" : NULL;
}

const char *engine_wrong_relay(const char *relay)
{
    struct link_address a;
    const char *why = NULL;
    return link_address_read(span_str(relay), &a, &why) == ERR_OK ? NULL : why;
}

static const char *check_new(const struct engine_new *n, char relay[RELAY_ROOM])
{
    struct link_address a;
    const char *wrong = engine_wrong_name(n->name), *why = NULL;
    if (wrong == NULL && n->password != NULL && strlen(n->password) > PASSWORD_MAX)
        wrong = "a hosting password has 128 characters at most";
    if (wrong == NULL) wrong = engine_wrong_relay(n->relay);
    if (wrong == NULL && link_address_read(span_str(n->relay), &a, &why) == ERR_OK) link_address_write(&a, relay);
    return wrong;
}

enum err self_make_device(struct engine *e)
{
    struct self *s = &e->self;
    const struct crypto_suite *suite = crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519);
    uint8_t seed[CRYPTO_SIG_SEED]; /* secret */
    struct buf cert;
    enum err x = e->world.random(e->world.arg, seed, sizeof seed);
    if (x == ERR_OK) x = crypto_sig_keygen(e->crypto, suite, seed, s->device_private, s->device_public);
    if (x == ERR_OK) x = e->world.random(e->world.arg, s->device, sizeof s->device);
    mem_wipe(seed, sizeof seed);
    const struct cert of = {.account_key = s->account_public,
                            .device_key = span_of(s->device_public, 32),
                            .device = s->device,
                            .created = engine_now()};
    buf_init(&cert, CERT_MAX);
    if (x == ERR_OK) x = cert_make(e->crypto, s->account_private, &of, &cert);
    if (x == ERR_OK) memcpy(s->cert, cert.p, s->cert_n = cert.n);
    buf_wipe(&cert);
    return x;
}

enum err self_store_device(struct engine *e)
{
    const struct self *s = &e->self;
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE self SET device = ?1, device_public = ?2, device_private = ?3, cert = ?4");
    db_blob(q, 1, span_of(s->device, FORMAT_DEVICE));
    db_blob(q, 2, span_of(s->device_public, 32));
    db_blob(q, 3, span_of(s->device_private, 32));
    db_blob(q, 4, span_of(s->cert, s->cert_n));
    (void)db_run(&e->db, q);
    return e->db.err;
}

static enum err make_self(struct engine *e, const struct engine_new *n)
{
    struct self *s = &e->self;
    const struct crypto_suite *suite = crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519);
    uint8_t seed[CRYPTO_SIG_SEED]; /* secret */
    (void)snprintf(s->name, sizeof s->name, "%s", n->name);
    (void)snprintf(s->password, sizeof s->password, "%s", n->password == NULL ? "" : n->password);
    uint8_t *const random[] = {s->inbox, s->inbox_key, s->package_key};
    enum err x = e->world.random(e->world.arg, seed, sizeof seed);
    if (x == ERR_OK) x = crypto_sig_keygen(e->crypto, suite, seed, s->account_private, s->account_public);
    for (size_t i = 0; x == ERR_OK && i < 3; i++) x = e->world.random(e->world.arg, random[i], 32);
    mem_wipe(seed, sizeof seed);
    return x == ERR_OK ? self_make_device(e) : x;
}

static enum err store_self(struct engine *e)
{
    const struct self *s = &e->self;
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(
        &e->db, "INSERT INTO self VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, zeroblob(32))");
    db_text(q, 1, span_str(s->name));
    db_blob(q, 2, span_of(s->account_public, 32));
    db_blob(q, 3, span_of(s->account_private, 32));
    db_blob(q, 4, span_of(s->device, FORMAT_DEVICE));
    db_blob(q, 5, span_of(s->device_public, 32));
    db_blob(q, 6, span_of(s->device_private, 32));
    db_blob(q, 7, span_of(s->cert, s->cert_n));
    db_text(q, 8, span_str(s->relay));
    db_text(q, 9, span_str(s->password));
    db_blob(q, 10, span_of(s->inbox, 32));
    db_blob(q, 11, span_of(s->inbox_key, 32));
    db_blob(q, 12, span_of(s->package_key, 32));
    (void)db_run(&e->db, q);
    work_add(e, &(struct work){.kind = WORK_MAKE_INBOX, .relay = s->relay});
    work_add(e, &(struct work){.kind = WORK_PACKAGES, .relay = s->relay});
    return db_commit(&e->db);
}

enum err engine_create(const char *folder, const struct vault_secret *secret, const struct engine_new *n,
                       const char **why)
{
    struct engine *e = mem_new(sizeof *e);
    if (e == NULL) return ERR_MEMORY;
    e->world = crypto_system_world();
    const char *wrong = check_new(n, e->self.relay);
    if (wrong == NULL) wrong = routes_check_new(n);
    enum err x = wrong == NULL ? crypto_new(&e->crypto) : ERR_INVALID;
    if (wrong != NULL) *why = wrong;
    if (x == ERR_OK) x = make_self(e, n);
    if (x == ERR_OK) x = vault_create(folder, secret, &client_tables, &e->vault);
    if (x == ERR_OK) {
        db_init(&e->db, vault_db(e->vault));
        x = store_self(e);
        if (x == ERR_OK) x = routes_make(e, n);
        if (x == ERR_OK) x = vault_keep(e->vault); // before that there is no profile
        db_wipe(&e->db);
    }
    vault_close(e->vault);
    crypto_free(e->crypto);
    mem_free_wiped(e, sizeof *e);
    return x;
}

// --------------------------------------------------------------------------------------------------------- open, close

static void take_text(struct db *d, sqlite3_stmt *q, int at, char *out, size_t room)
{
    struct span s = db_get(q, at);
    if (s.n >= room) d->err = ERR_CORRUPT;
    else if (s.n > 0) memcpy(out, s.p, s.n);
}

static enum err load_self(struct engine *e)
{
    struct self *s = &e->self;
    struct db *d = &e->db;
    sqlite3_stmt *q =
        db_sql(d, "SELECT name, account_public, account_private, device, device_public, device_private, cert, relay,"
                  " password, inbox, inbox_key, package_key, cursor, last FROM self");
    if (!db_row(d, q)) return d->err == ERR_OK ? ERR_CORRUPT : d->err;
    take_text(d, q, 0, s->name, sizeof s->name);
    (void)db_get_fixed(d, q, 1, s->account_public, 32);
    (void)db_get_fixed(d, q, 2, s->account_private, 32);
    (void)db_get_fixed(d, q, 3, s->device, FORMAT_DEVICE);
    (void)db_get_fixed(d, q, 4, s->device_public, 32);
    (void)db_get_fixed(d, q, 5, s->device_private, 32);
    struct span cert = db_get(q, 6);
    s->cert_n = cert.n < CERT_MAX ? cert.n : 0;
    memcpy(s->cert, cert.p, s->cert_n);
    take_text(d, q, 7, s->relay, sizeof s->relay);
    take_text(d, q, 8, s->password, sizeof s->password);
    (void)db_get_fixed(d, q, 9, s->inbox, 32);
    (void)db_get_fixed(d, q, 10, s->inbox_key, 32);
    (void)db_get_fixed(d, q, 11, s->package_key, 32);
    s->cursor = (uint64_t)db_get_int(q, 12);
    (void)db_get_fixed(d, q, 13, s->last, 32);
    db_done(q);
    return d->err == ERR_OK ? account_id(e->crypto, s->account_public, s->account) : d->err;
}

// All relays at which something is followed or to be done.
static void open_peers(struct engine *e)
{
    struct peer *own = peer_get(e, e->self.relay);
    for (struct chat *c = e->chats; c != NULL; c = c->next) peer_open(c->peer);
    if (own != NULL) peer_open(own);
    peer_open_all(e);
}

enum err engine_open(struct net_loop *loop, const char *folder, const struct vault_secret *secret,
                     const struct engine_settings *s, void (*event)(void *arg, const struct engine_event *e), void *arg,
                     struct engine **out)
{
    struct engine *e = mem_new(sizeof *e);
    if (e == NULL) return ERR_MEMORY;
    *e = (struct engine){.loop = loop, .settings = *s, .event = event, .arg = arg, .world = crypto_system_world()};
    if (e->settings.suite == 0) e->settings.suite = MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519;
    if (e->settings.packages == 0) e->settings.packages = PACKAGES;
    enum err x = vault_open(folder, secret, &client_tables, &e->vault);
    if (x == ERR_OK) db_init(&e->db, vault_db(e->vault));
    if (x == ERR_OK) x = crypto_new(&e->crypto);
    if (x == ERR_OK) x = load_self(e);
    if (x == ERR_OK) history_init(&e->history, &e->db, e->self.account);
    e->history.gone = attach_gone;
    e->history.gone_arg = e;
    if (x == ERR_OK) {
        const struct mls_config config = cred_config(e);
        x = from_mls(mls_client_new(&config, &e->mls));
    }
    if (x == ERR_OK) x = routes_open(e, folder);
    if (x == ERR_OK) x = chat_load_all(e);
    if (x == ERR_OK) x = attach_open(e, folder);
    if (x != ERR_OK) {
        engine_close(e);
        return x;
    }
    *out = e;
    open_peers(e);
    transfer_wake(e->transfers);
    clock_tidy(e);
    clock_end(e);
    e->owing = true;
    receipt_soon(e);
    renew_start(e);
    behind_start(e);
    return ERR_OK;
}

void engine_close(struct engine *e)
{
    if (e == NULL) return;
    e->closing = true;
    batch_close(e);
    engine_backup_stop(e);
    arrive_stop(e);
    clock_stop(e);
    work_answered(e);
    renew_stop(e);
    peer_free_all(e);
    routes_close(e);
    transfer_close(e->transfers);
    chat_free_all(e);
    mls_client_free(e->mls);
    crypto_free(e->crypto);
    db_wipe(&e->db);
    vault_close(e->vault);
    mem_free_wiped(e, sizeof *e);
}

void engine_wake(struct engine *e)
{
    for (struct peer *p = e->peers; p != NULL; p = p->next) peer_open(p);
}

struct vault *engine_vault(struct engine *e) { return e->vault; }

void engine_self(const struct engine *e, struct engine_self *out)
{
    const struct peer *own = e->peers;
    while (own != NULL && (own->circuit != 0 || strcmp(own->relay, e->self.relay) != 0)) own = own->next;
    *out = (struct engine_self){.account = e->self.account,
                                .name = e->self.name,
                                .relay = e->self.relay,
                                .connected = own != NULL && own->ready};
}

const uint8_t *engine_account(const struct engine *e) { return e->self.account; }

uint64_t engine_waiting(struct engine *e)
{
    uint64_t n = 0;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT count(*) FROM work");
    if (db_row(&e->db, q)) n = (uint64_t)db_get_int(q, 0);
    db_done(q);
    return n;
}
