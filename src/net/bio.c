// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's reads and writes, without I/O: it reads from the bytes that were just received and writes into the loop's buffer.
// There is one BIO a loop, which all of its connections share: only one of them has its turn at a time, and nothing of
// it stays here between turns. What it does not read is not kept: it has read everything when it asks for more.
#include "net/inner.h"

static int read_in(BIO *b, char *out, size_t max, size_t *n)
{
    struct net_io *io = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    *n = io->in.n < max ? io->in.n : max;
    if (*n == 0) {
        BIO_set_retry_read(b);
        return -1;
    }
    memcpy(out, io->in.p, *n);
    io->in.p += *n;
    io->in.n -= *n;
    return 1;
}

static int write_out(BIO *b, const char *bytes, size_t size, size_t *n)
{
    struct net_io *io = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    *n = size < sizeof io->out - io->out_n ? size : sizeof io->out - io->out_n;
    if (*n == 0) {
        BIO_set_retry_write(b);
        return -1;
    }
    memcpy(io->out + io->out_n, bytes, *n);
    io->out_n += *n;
    return 1;
}

static long control(BIO *b, int command, long number, void *p)
{
    (void)b;
    (void)number;
    (void)p;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int create(BIO *b)
{
    BIO_set_init(b, 1);
    return 1;
}

enum err net_bio_new(struct net_loop *l)
{
    l->bio_method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 127, "span");
    if (l->bio_method == NULL) return ERR_MEMORY;
    (void)BIO_meth_set_read_ex(l->bio_method, read_in);
    (void)BIO_meth_set_write_ex(l->bio_method, write_out);
    (void)BIO_meth_set_ctrl(l->bio_method, control);
    (void)BIO_meth_set_create(l->bio_method, create);
    l->bio = BIO_new(l->bio_method);
    if (l->bio == NULL) return ERR_MEMORY;
    BIO_set_data(l->bio, &l->io);
    return ERR_OK;
}

void net_bio_free(struct net_loop *l)
{
    (void)BIO_free(l->bio);
    BIO_meth_free(l->bio_method);
}
