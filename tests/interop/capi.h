// SPDX-License-Identifier: Apache-2.0
//
// interop/capi: owners for the objects of mls.h, so that leaving a scope by an exception frees them; and the inside of
// Member, for the two files that implement it. Not included by anything that includes gRPC.
#ifndef WHIMBREL_INTEROP_CAPI_H
#define WHIMBREL_INTEROP_CAPI_H

#include <map>
#include <set>

#include "member.h"
#include "mls.h"

namespace interop {

// Throws what the library reports, with its name and sentence.
void check(mls_error e);

inline mls_span span(const std::string &s)
{
    return {reinterpret_cast<const uint8_t *>(s.data()), s.size()};
}

inline std::string text(mls_span s)
{
    return s.size == 0 ? std::string() : std::string(reinterpret_cast<const char *>(s.data), s.size);
}

// An mls_buf to be filled through out(), and wiped at the end.
class Buf {
public:
    Buf() = default;
    ~Buf() { mls_buf_free(&b); }
    Buf(const Buf &) = delete;
    Buf &operator=(const Buf &) = delete;
    mls_buf *out()
    {
        mls_buf_free(&b);
        return &b;
    }
    mls_span view() const { return {b.data, b.size}; }
    std::string str() const { return text(view()); }
    bool empty() const { return b.size == 0; }

private:
    mls_buf b{};
};

struct FreeGroup {
    void operator()(mls_group *g) const { mls_group_free(g); }
};
struct FreeStaged {
    void operator()(mls_staged *s) const { mls_staged_free(s); }
};
using Group = std::unique_ptr<mls_group, FreeGroup>;
using Staged = std::unique_ptr<mls_staged, FreeStaged>;

struct Received : mls_received {
    Received() : mls_received{} {}
    ~Received() { mls_received_free(this); }
    Received(const Received &) = delete;
    Received &operator=(const Received &) = delete;
};

// A client of the library with the external PSKs that it knows.
class Client {
public:
    explicit Client(Habits habits);
    ~Client() { mls_client_free(raw); }
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;
    mls_client *raw = nullptr;
    std::map<std::string, std::string> psks;
};

// Reads fields of the TLS presentation language as RFC 9420 §2.1 has them; throws at the end of the bytes.
class Reader {
public:
    explicit Reader(mls_span s) : left(s) {}
    uint8_t u8();
    uint16_t u16();
    mls_span vector();
    bool done() const { return left.size == 0; }

private:
    mls_span left;
};

struct Member::State {
    std::shared_ptr<Client> client; // outlives the group
    uint16_t suite = 0;
    std::string identity;
    Buf signature_private, signature_public;
    Buf private_part;               // of the KeyPackage that waits for its Welcome
    std::shared_ptr<Member> parent; // of a reinitialised group that waits for its Welcome
    Group group;
    Staged pending;                 // the own commit
    std::set<std::string> seen;     // proposals of this epoch
    std::map<std::string, std::string> records;

    mls_leaf_params leaf() const;
    mls_group *member() const; // throws when there is no group
    void observe_proposal(const std::string &message);
    void enter(Staged staged);
};

// The leaf index of the member with this identity.
uint32_t index_of(const mls_group *g, const std::string &identity);

// A Wish as the C interface takes it; borrows from the wish.
struct Proposal {
    Proposal(const Wish &wish, const mls_group *group);
    mls_proposal p{};
    std::vector<mls_extension> extensions;
};
std::vector<mls_extension> list_of(const std::vector<Extension> &extensions);

} // namespace interop

#endif
