// SPDX-License-Identifier: Apache-2.0
//
// vault/archive: a stream of bytes in one file, encrypted under a key that a passphrase seals (docs/client.md, "Archives"). What is cut off,
// changed, or put together from two archives is not read. It knows nothing of what the bytes mean.
#ifndef WHIMBREL_VAULT_ARCHIVE_H
#define WHIMBREL_VAULT_ARCHIVE_H

#include "vault/vault.h"

enum { ARCHIVE_PART = 64 << 10 }; // bytes that are sealed at once

struct archive_out;
struct archive_in;

// Begins an archive in a file that is not there yet. `secret` is a passphrase. ERR_REFUSED if the file is there; ERR_INVALID for a passphrase of
// no allowed length; ERR_IO, ERR_MEMORY.
enum err archive_create(const char *path, const struct vault_secret *secret, struct archive_out **out);
// The first error sticks until the end.
void archive_put(struct archive_out *a, struct span bytes);
// Ends it, on the disk, and frees `a`. After an error there is no file. `keep` false: nor then. ERR_IO.
enum err archive_close(struct archive_out *a, bool keep);

// ERR_NOT_FOUND; ERR_UNSUPPORTED: it is no archive, or of a newer version; ERR_UNAUTHENTICATED: the passphrase is wrong; ERR_CORRUPT; ERR_IO,
// ERR_MEMORY.
enum err archive_open(const char *path, const struct vault_secret *secret, struct archive_in **out);
// The next n bytes. ERR_CORRUPT if there are not so many, or they are not what was written; it sticks.
enum err archive_get(struct archive_in *a, void *to, size_t n);
// Whether all has been read, and it ends where it was ended.
bool archive_at_end(struct archive_in *a);
void archive_free(struct archive_in *a);

#endif
