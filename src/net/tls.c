// SPDX-License-Identifier: Apache-2.0
//
// TLS 1.3 as this project uses it: no older version, no resumption (so that nothing links two connections and no ticket key is
// there to be taken), no early data, no certificate authorities: a client knows the key it wants. Invariant: errors that
// OpenSSL queues in a thread are cleared by whoever made the call.
#include "net/inner.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>

static bool pin_of(X509 *x, uint8_t out[32])
{
    uint8_t *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    bool ok = n > 0 && EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return ok;
}

// The hybrid group first where OpenSSL has it (3.5).
static bool set_groups(SSL_CTX *ctx)
{
    return SSL_CTX_set1_groups_list(ctx, "X25519MLKEM768:X25519:P-256:P-384") == 1 ||
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1;
}

static enum err new_context(const SSL_METHOD *method, bool client, struct net_tls **out)
{
    struct net_tls *t = mem_new(sizeof *t);
    SSL_CTX *ctx = t != NULL ? SSL_CTX_new(method) : NULL;
    bool ok = ctx != NULL && SSL_CTX_set_min_proto_version(ctx, client ? TLS1_VERSION : TLS1_3_VERSION) == 1 &&
              (client || set_groups(ctx)) && SSL_CTX_set_num_tickets(ctx, 0) == 1;
    if (!ok) {
        SSL_CTX_free(ctx);
        mem_free(t);
        ERR_clear_error();
        return ERR_MEMORY;
    }
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CLEANSE_PLAINTEXT);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    atomic_init(&t->refs, 1);
    t->ctx = ctx;
    ERR_clear_error();
    *out = t;
    return ERR_OK;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
                           unsigned n, void *arg)
{
    static const unsigned char http[] = "\x08http/1.1";
    (void)ssl;
    (void)arg;
    for (unsigned i = 0; i < n; i += 1U + in[i]) { // OpenSSL has checked the lengths
        if (in[i] != http[0] || memcmp(in + i + 1, http + 1, http[0]) != 0) continue;
        *out = in + i + 1;
        *out_n = in[i];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

// -------------------------------------------------------------------------------------------------------- servers

static int no_passphrase(char *out, int size, int writing, void *arg)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)arg;
    return -1; // nobody is there to be asked
}

static enum err read_key(const char *path, EVP_PKEY **out)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    *out = PEM_read_PrivateKey(f, NULL, no_passphrase, NULL);
    (void)fclose(f);
    return *out == NULL ? ERR_MALFORMED : ERR_OK;
}

// The certificate, and those that lead from it to an authority.
static enum err use_certificates(SSL_CTX *ctx, const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    (void)fclose(f);
    return SSL_CTX_use_certificate_chain_file(ctx, path) == 1 ? ERR_OK : ERR_MALFORMED;
}

enum err net_tls_server(const char *certificate, const char *key, struct net_tls **out)
{
    struct net_tls *t = NULL;
    EVP_PKEY *pair = NULL;
    *out = NULL;
    enum err e = new_context(TLS_server_method(), false, &t);
    if (e == ERR_OK) e = use_certificates(t->ctx, certificate);
    if (e == ERR_OK) e = read_key(key, &pair);
    if (e != ERR_OK) goto out;
    X509 *x = SSL_CTX_get0_certificate(t->ctx);
    e = ERR_INVALID;
    if (X509_check_private_key(x, pair) != 1 || SSL_CTX_use_PrivateKey(t->ctx, pair) != 1) goto out;
    if (!pin_of(x, t->pin)) goto out;
    (void)SSL_CTX_set_max_early_data(t->ctx, 0);
    SSL_CTX_set_alpn_select_cb(t->ctx, choose_protocol, NULL);
    *out = t;
    t = NULL;
    e = ERR_OK;
out:
    EVP_PKEY_free(pair);
    net_tls_unref(t);
    ERR_clear_error();
    return e;
}

// -------------------------------------------------------------------------------------------------------- clients
//
// A client's first message is, byte for byte but for what is random, that of curl with the same OpenSSL (docs/reach.md): so it offers
// older TLS and HTTP/2, which it does not speak. The former ends in check_pin, before anything else was sent; the latter no relay takes.

// In place of verifying a chain. Whoever has not the key gets no more than a ClientHello; that the server has it is proved by
// CertificateVerify, which OpenSSL checks after this (RFC 8446 §4.4.3).
static int check_pin(X509_STORE_CTX *chain, void *arg)
{
    const struct net_tls *t = arg;
    uint8_t pin[32];
    SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    if (ssl == NULL || SSL_version(ssl) != TLS1_3_VERSION) { // offered for the looks of it, and never taken
        X509_STORE_CTX_set_error(chain, X509_V_ERR_UNSPECIFIED);
        return 0;
    }
    X509 *x = X509_STORE_CTX_get0_cert(chain);
    bool ok = x != NULL && (!t->pinned || (pin_of(x, pin) && mem_equal(pin, t->pin, sizeof pin)));
    X509_STORE_CTX_set_error(chain, ok ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    return ok;
}

enum err net_tls_client(const uint8_t *pin, struct net_tls **out)
{
    static const unsigned char http[] = "\x02h2\x08http/1.1";
    struct net_tls *t = NULL;
    *out = NULL;
    enum err e = new_context(TLS_client_method(), true, &t);
    if (e != ERR_OK) return e;
    t->client = true;
    t->pinned = pin != NULL;
    if (pin != NULL) memcpy(t->pin, pin, sizeof t->pin);
    (void)SSL_CTX_set_options(t->ctx, SSL_OP_TLSEXT_PADDING);
    SSL_CTX_set_post_handshake_auth(t->ctx, 1);
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(t->ctx, check_pin, t);
    if (SSL_CTX_set_alpn_protos(t->ctx, http, sizeof http - 1) != 0) { // 0 is success
        net_tls_unref(t);
        return ERR_MEMORY;
    }
    *out = t;
    return ERR_OK;
}

struct net_tls *net_tls_ref(struct net_tls *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void net_tls_unref(struct net_tls *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
    SSL_CTX_free(t->ctx);
    mem_free(t);
}

// ------------------------------------------------------------------------------------------------------- signatures

// Ed25519 and Ed448 hash by themselves.
static const EVP_MD *hash_for(const EVP_PKEY *key)
{
    int id = EVP_PKEY_get_base_id(key);
    return id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448 ? NULL : EVP_sha256();
}

enum err net_tls_sign(const struct net_tls *server, struct span message, struct buf *key, struct buf *signature)
{
    uint8_t *der = NULL, *to;
    size_t n = 0;
    EVP_PKEY *pair = SSL_CTX_get0_privatekey(server->ctx);
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    int der_n = pair != NULL ? i2d_PUBKEY(pair, &der) : 0;
    bool ok = m != NULL && der_n > 0 && EVP_DigestSignInit(m, NULL, hash_for(pair), NULL, pair) == 1 &&
              EVP_DigestSign(m, NULL, &n, message.p, message.n) == 1;
    to = ok ? buf_grow(signature, n) : NULL;
    size_t room = n;
    ok = to != NULL && EVP_DigestSign(m, to, &n, message.p, message.n) == 1;
    if (ok) {
        signature->n -= room - n; // a signature of ECDSA may be shorter than the most
        buf_put(key, span_of(der, (size_t)der_n));
    }
    EVP_MD_CTX_free(m);
    OPENSSL_free(der);
    ERR_clear_error();
    return ok && key->err == ERR_OK ? ERR_OK : ERR_MEMORY;
}

enum err net_tls_check(const uint8_t pin[32], struct span message, struct span key, struct span signature)
{
    uint8_t hash[32];
    const uint8_t *der = key.p;
    EVP_PKEY *public = key.n <= 4096 ? d2i_PUBKEY(NULL, &der, (long)key.n) : NULL;
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    bool ok = public != NULL && m != NULL && der == key.p + key.n &&
              EVP_Digest(key.p, key.n, hash, NULL, EVP_sha256(), NULL) == 1 && mem_equal(hash, pin, sizeof hash) &&
              EVP_DigestVerifyInit(m, NULL, hash_for(public), NULL, public) == 1 &&
              EVP_DigestVerify(m, signature.p, signature.n, message.p, message.n) == 1;
    EVP_MD_CTX_free(m);
    EVP_PKEY_free(public);
    ERR_clear_error();
    return ok ? ERR_OK : ERR_UNAUTHENTICATED;
}

void net_tls_pin(const struct net_tls *t, uint8_t pin[32]) { memcpy(pin, t->pin, sizeof t->pin); }
