// SPDX-License-Identifier: Apache-2.0
//
// Jobs: made from a message, freed after the answer. The message is copied, because a job outlives the buffer in which
// its bytes arrived. It may hold an access key, so it is wiped.
#include "relay/job.h"

#include "relay/core.h"

enum err job_new(struct session *s, struct span message, struct job **out)
{
    struct job *j = mem_new(sizeof *j + message.n);
    if (j == NULL) return ERR_MEMORY;
    j->size = sizeof *j + message.n;
    j->session = s;
    if (message.n > 0) {
        memcpy(j->message, message.p, message.n);
        enum err e = wire_read_request(span_of(j->message, message.n), &j->request);
        if (e != ERR_OK) {
            mem_free_wiped(j, j->size);
            return e;
        }
    }
    buf_init(&j->out, WIRE_FRAME_MAX);
    j->now = relay_now();
    *out = j;
    return ERR_OK;
}

void job_free(struct job *j)
{
    if (j == NULL) return;
    buf_wipe(&j->out);
    mem_free_wiped(j, j->size);
}
