// SPDX-License-Identifier: Apache-2.0
//
// group/records: what records.c and restore.c share: keys and the format's version. Keys are the kind, a number, and for
// what belongs to a past epoch a second number, all big-endian.
#ifndef WHIMBREL_GROUP_RECORDS_H
#define WHIMBREL_GROUP_RECORDS_H

#include "group/client.h"
#include "group/list.h"

enum { RECORD_FORMAT = 1, RECORD_KEY_MAX = 17, SECRET_KIND_SHIFT = 60 };

// The sum over everything that is stored. Works out the group's part of it, g->sum, if need be.
enum err record_sum(struct mls_group *g, uint64_t *out);

size_t record_key(uint8_t out[RECORD_KEY_MAX], enum record_kind kind, uint64_t number, const uint64_t *second);
void record_put_secrets(const struct algo *a, const struct epoch_secrets *s, struct buf *b);
// The opposite; the reader is at the secrets.
void record_read_secrets(const struct algo *a, struct tls_reader *r, struct epoch_secrets *out);

#endif
