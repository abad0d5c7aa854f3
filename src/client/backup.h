// SPDX-License-Identifier: Apache-2.0
//
// client/backup: all that a profile holds as one encrypted archive, and a profile made of one (docs/client.md, "Archives"). Invariant: while an
// archive is written the engine goes on, and what is in it is how all was when that began.
#ifndef WHIMBREL_CLIENT_BACKUP_H
#define WHIMBREL_CLIENT_BACKUP_H

#include "client/client.h"

// How far it is, in a measure of its own: `done` is at most `size`. ENGINE_BACKUP.
struct engine_progress {
    uint64_t done, size;
};

// Begins to write the account, what was said, and the files that are here into an archive that is not there yet, under a passphrase of its own;
// `folder` is the profile's. It is written from the loop, piece by piece. `done` is called once, with ERR_OK when it is on the disk; ERR_REFUSED: it
// was stopped, by engine_backup_stop or because the engine is closed; ERR_IO. After an error there is no file. Errors here, and nobody is called:
// ERR_MISUSE: one is under way; ERR_REFUSED: there is such a file; ERR_INVALID: a passphrase of no allowed length; ERR_IO.
typedef void engine_backed(void *arg, enum err e);
enum err engine_backup(struct engine *e, const char *folder, const char *path, struct span passphrase,
                       engine_backed *done, void *arg);
void engine_backup_stop(struct engine *e); // nothing, if none is under way

// Makes a profile of an archive, in a folder that has none: the same account with a fresh device, which others have to add to their
// conversations again. Whatever engine it was written by must not go on. It takes as long as the disk does. Errors as archive_open's of the archive,
// as vault_create's of the profile; ERR_UNSUPPORTED: it is of a newer version.
enum err engine_restore(const char *folder, const struct vault_secret *secret, const char *path,
                        struct span passphrase);

#endif
