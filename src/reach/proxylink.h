// SPDX-License-Identifier: Apache-2.0
//
// reach/proxylink: proxies as people pass them on: a line of text that says where one is, of which kind, and with which user and
// password. Reading, writing, and finding them in pasted text; no I/O, and no name is ever looked up.
//
//   tg://socks?server=HOST&port=N&user=U&pass=P     also tg:socks?..., https://t.me/socks?..., t.me/socks?...
//   socks5://U:P@HOST:N   socks5h://   socks://     names go to the proxy in either case; without a port it is 1080
//   http://U:P@HOST:N                               an HTTP proxy that does CONNECT; it must name its port
//   HOST:N   [IPV6]:N   U:P@HOST:N                  SOCKS5
//
// Users and passwords are percent-encoded (RFC 3986 §2.1); "+" is a plus. A `#label` behind an address is passed over. What is read is
// written again with the same meaning.
#ifndef WHIMBREL_REACH_PROXYLINK_H
#define WHIMBREL_REACH_PROXYLINK_H

#include "base/base.h"

enum {
    PROXYLINK_HOST_MAX = 253,
    PROXYLINK_CREDENTIAL_MAX = 255, // RFC 1929 §2 has one octet for each length
    PROXYLINK_READ_MAX = 4096,      // the longest text that is looked at as one link
    PROXYLINK_TEXT = 1900           // room for any written one, with its end
};

enum proxylink_kind { PROXYLINK_SOCKS5 = 1, PROXYLINK_HTTP = 2 };

struct proxylink {
    enum proxylink_kind kind;
    uint16_t port; // 1 to 65535
    char host[PROXYLINK_HOST_MAX +
              1];     // a name in small letters, or a numeric address without brackets, in its usual form
    bool credentials; // whether there are a user and a password; the user is then not empty
    char user[PROXYLINK_CREDENTIAL_MAX + 1];     /* secret */
    char password[PROXYLINK_CREDENTIAL_MAX + 1]; /* secret */
};

// Reads one link; space around it does not matter. ERR_MALFORMED, or ERR_UNSUPPORTED for a kind of proxy that Whimbrel does not use;
// *why is then a part of a sentence for people ("its port is missing").
enum err proxylink_read(struct span text, struct proxylink *out, const char **why);
// The same for the value of ALL_PROXY and its like, where an address without a scheme means HTTP, as curl has it.
enum err proxylink_read_variable(struct span text, struct proxylink *out, const char **why);

enum proxylink_form {
    PROXYLINK_URL = 1, // socks5h:// or http://
    PROXYLINK_TG = 2,  // tg://socks?
    PROXYLINK_WEB = 3  // https://t.me/socks?
};
// Writes a link, with user and password only where `credentials` says so. ERR_UNSUPPORTED: that form has no HTTP proxies.
enum err proxylink_write(const struct proxylink *p, enum proxylink_form form, bool credentials,
                         char out[PROXYLINK_TEXT]);

// Whether two links lead to the same proxy in the same way.
bool proxylink_same(const struct proxylink *a, const struct proxylink *b);

// What was found in a text.
struct proxylink_found {
    struct span text; // where it stands
    enum err err;     // ERR_OK; or it looks like a proxy's link, and `why` says what is wrong with it
    const char *why;
    struct proxylink link; // the caller wipes it
};
// The next link in a text of any length, which *rest becomes the part behind; false if there is none. Links are found among words,
// in brackets and in quotes. A web page's address is none; a HOST:N without a scheme must have a dot or brackets, or a line of its own.
bool proxylink_next(struct span *rest, struct proxylink_found *out);

#endif
