// SPDX-License-Identifier: Apache-2.0
//
// vault: a profile's database: one SQLite file, encrypted as a whole under a random key, and beside it a small file that holds
// that key, sealed once for each way to open the profile: a passphrase (Argon2id), or a secret that the system's keyring keeps.
// docs/client.md has the formats. The vault knows no tables: whoever opens it brings them, as migrations.
//
// One process opens a vault at a time. Memory that SQLite frees is wiped; the key is gone when the vault is closed.
#ifndef WHIMBREL_VAULT_H
#define WHIMBREL_VAULT_H

#include "base/base.h"

#include <sqlite3.h>

struct vault;

enum {
    VAULT_SECRET = 32, // bytes of a keyring's secret
    VAULT_PASSPHRASE_MAX = 1024,
    VAULT_PASSES = 3, // Argon2id, as RFC 9106 §4 recommends where memory is short
    VAULT_MEMORY_KIB = 256 << 10,
    // What a file of keys may ask for, whoever wrote it: a gigabyte, and the work of 64 passes over 256 MiB.
    VAULT_MEMORY_KIB_MAX = 1 << 20,
    VAULT_PASSES_MAX = 64,
    VAULT_WORK_MAX = VAULT_PASSES_MAX * VAULT_MEMORY_KIB, // passes times KiB
};

enum vault_kind { VAULT_PASSPHRASE = 1, VAULT_KEYRING = 2 };
struct vault_secret {
    enum vault_kind kind;
    struct span bytes; /* secret */ // a passphrase of 1 to VAULT_PASSPHRASE_MAX bytes, or VAULT_SECRET random ones
    uint32_t passes, memory_kib;    // for a passphrase that is set; zeros: the values above
};

// How tables come to be: migration i makes version i + 1 of them out of version i. All that are missing run when a vault is opened,
// in one transaction. A list only grows.
struct vault_migrations {
    const char *const *sql;
    size_t n;
};

// Begins a vault in a folder that is there and has none, and opens it. Until it is kept it is no vault: closing it, or a crash, leaves
// nothing that could be opened, and another attempt begins anew. ERR_REFUSED if there is one, or a database without its keys;
// ERR_INVALID for a secret of no allowed length; ERR_IO; ERR_MEMORY, also where Argon2id does not get its memory.
enum err vault_create(const char *folder, const struct vault_secret *secret, const struct vault_migrations *m,
                      struct vault **out);
// What was stored in it so far is there for good, and so is the vault. ERR_IO.
enum err vault_keep(struct vault *v);
// Opens one. ERR_NOT_FOUND: there is none. ERR_UNAUTHENTICATED: the secret is wrong. ERR_INVALID: this vault does not open by a
// secret of this kind. ERR_REFUSED: another process has it open. ERR_UNSUPPORTED: it is of a newer version, or another program's.
// ERR_CORRUPT: it is damaged. ERR_IO, ERR_MEMORY.
enum err vault_open(const char *folder, const struct vault_secret *secret, const struct vault_migrations *m,
                    struct vault **out);
void vault_close(struct vault *v);

// The database, for the vault's life: WAL, a sync at every commit, foreign keys on, temporary tables in memory.
sqlite3 *vault_db(struct vault *v);
// A second connection that reads only, and sees one moment from its first read in a transaction on, whatever is written meanwhile. The caller closes
// it, before the vault is. ERR_IO, ERR_MEMORY.
enum err vault_view(struct vault *v, sqlite3 **out);
// Sets the secret of a kind anew, or adds it. The old passphrase opens the vault no longer. Of a vault that was kept: else ERR_MISUSE,
// here and in the next.
enum err vault_set_secret(struct vault *v, const struct vault_secret *secret);
// Takes one away; ERR_MISUSE for the last one, ERR_NOT_FOUND if there is none.
enum err vault_drop_secret(struct vault *v, enum vault_kind kind);
// Which kinds open the vault in this folder, as bits 1 << kind. Needs no secret.
enum err vault_kinds(const char *folder, unsigned *kinds);

// Whether a secret is one that opens this vault. ERR_UNAUTHENTICATED: it is not; ERR_INVALID: none of its kind opens it; ERR_MEMORY.
enum err vault_check_secret(const struct vault *v, const struct vault_secret *secret);
// Under which name the system's keyring keeps the secret of the vault in this folder, as hexadecimal digits and a NUL: another one each time
// that the secret is set. ERR_NOT_FOUND: none opens it; ERR_NOT_FOUND, ERR_CORRUPT, ERR_UNSUPPORTED and ERR_IO as vault_open. Needs no secret.
enum { VAULT_KEYRING_NAME = 33 };
enum err vault_keyring_name(const char *folder, char out[VAULT_KEYRING_NAME]);

// What an error of vault_open means and what to do, for people; never NULL.
const char *vault_text(enum err e);

#endif
