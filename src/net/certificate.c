// SPDX-License-Identifier: Apache-2.0
//
// A key and a self-signed certificate (RFC 5280) for a server whose clients know its key. Not a certificate authority: whoever
// has a certificate from one puts its files in the place of these.
#include "net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

enum { DAYS = 3650 };

static bool is_address(const char *host)
{
    unsigned char address[16];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

// A name as it stands in a URL and in a certificate: others than ASCII ones in their xn-- form (RFC 5890).
static bool is_name(const char *host)
{
    size_t n = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    return n > 0 && n <= 253 && host[n] == 0 && host[0] != '.' && host[0] != '-';
}

static bool add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool ok = ext != NULL && X509_add_ext(x, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static bool fill(X509 *x, EVP_PKEY *key, const char *host)
{
    char alt[300];
    unsigned char serial[16];
    if (RAND_bytes(serial, sizeof serial) != 1) return false;
    serial[0] = (serial[0] & 0x7f) | 0x40; // positive, and of its full length
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    bool ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
    BN_free(number);
    X509_NAME *name = X509_get_subject_name(x);
    // A common name has 64 characters at most (RFC 5280, appendix A); the alternative name is what counts.
    int n = (int)strlen(host);
    (void)snprintf(alt, sizeof alt, "%s:%s", is_address(host) ? "IP" : "DNS", host);
    return ok && X509_set_version(x, X509_VERSION_3) == 1 && X509_gmtime_adj(X509_getm_notBefore(x), -86400) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(x), DAYS, 0, NULL) != NULL && X509_set_pubkey(x, key) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)host, n < 64 ? n : 64, -1, 0) == 1 &&
           X509_set_issuer_name(x, name) == 1 && add_extension(x, NID_subject_alt_name, alt) &&
           add_extension(x, NID_basic_constraints, "critical,CA:FALSE") && X509_sign(x, key, EVP_sha256()) > 0;
}

static FILE *create(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (f == NULL && fd >= 0) close(fd);
    return f;
}

static bool finish(FILE *f, bool ok)
{
    if (f == NULL) return false;
    ok = ok && fflush(f) == 0 && fsync(fileno(f)) == 0;
    return fclose(f) == 0 && ok;
}

enum err net_tls_generate(const char *host, const char *certificate, const char *key)
{
    if (!is_address(host) && !is_name(host)) return ERR_INVALID;
    enum err e = ERR_CRYPTO;
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    if (pair == NULL || x == NULL || !fill(x, pair, host)) goto out;
    e = ERR_IO;
    FILE *f = create(key, 0600);
    if (!finish(f, f != NULL && PEM_write_PrivateKey(f, pair, NULL, NULL, 0, NULL, NULL) == 1)) goto out;
    f = create(certificate, 0644);
    if (!finish(f, f != NULL && PEM_write_X509(f, x) == 1)) goto out;
    e = ERR_OK;
out:
    X509_free(x);
    EVP_PKEY_free(pair);
    ERR_clear_error();
    return e;
}
