// SPDX-License-Identifier: Apache-2.0
//
// Files of the engine: which links transfers may use, and what follows when one has ended. Invariant: what follows is stored in the
// transaction that stores the end.
#include "client/inner.h"

#include <stdio.h>

enum { FOLDER_ROOM = TRANSFER_PATH_MAX };

static struct link *link_to(void *arg, const char *relay)
{
    struct engine *e = arg;
    struct peer *p = e->closing ? NULL : e->peers;
    while (p != NULL && strcmp(p->relay, relay) != 0) p = p->next;
    if (p != NULL) return p->ready ? p->link : NULL;
    p = e->closing ? NULL : peer_get(e, relay);
    if (p != NULL) link_open(p->link);
    return NULL;
}

static enum err on_ended(void *arg, const struct transfer_info *i)
{
    (void)arg;
    (void)i;
    return ERR_OK;
}

static void on_told(void *arg, const struct transfer_info *i)
{
    (void)arg;
    (void)i;
}

enum err attach_open(struct engine *e, const char *folder)
{
    char files[FOLDER_ROOM];
    int n = snprintf(files, sizeof files, "%s/files", folder);
    if (n < 0 || (size_t)n >= sizeof files) return ERR_LIMIT;
    const struct transfer_host h = {.loop = e->loop,
                                    .db = &e->db,
                                    .crypto = e->crypto,
                                    .world = e->world,
                                    .folder = files,
                                    .arg = e,
                                    .link = link_to,
                                    .ended = on_ended,
                                    .told = on_told};
    return transfer_open(&h, &e->transfers);
}
