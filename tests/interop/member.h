// SPDX-License-Identifier: Apache-2.0
//
// interop/member: what the interop runner calls a client, a state or a signer, in C++ over the C interface of mls.h: one
// identity with its keys, which may wait for a Welcome, be a member of a group, or only sign proposals from outside. Bytes
// are std::string. It knows nothing of gRPC (its generated code claims the name mls_client), and no policy: it accepts
// every credential. Everything that fails throws Failure, and then nothing has changed.
#ifndef WHIMBREL_INTEROP_MEMBER_H
#define WHIMBREL_INTEROP_MEMBER_H

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace interop {

enum class Reason { not_found, invalid, unsupported, internal };

class Failure : public std::runtime_error {
public:
    Failure(Reason why, const std::string &text) : std::runtime_error(text), reason(why) {}
    Reason reason;
};

struct Extension {
    uint16_t type;
    std::string data;
};

struct Psk {
    std::string id, secret;
};

// How a client behaves where RFC 9420 leaves the choice.
struct Habits {
    bool encrypt_handshake; // proposals and commits travel as PrivateMessage
    bool grease;            // sprinkle GREASE values (§13.5), which not every implementation ignores
};

enum class Kind { add, update, remove, external_psk, resumption_psk, extensions, reinit };

// A proposal to make. Fields that its kind does not use are ignored.
struct Wish {
    Kind kind;
    std::string key_package;
    std::string removed; // an identity
    std::string psk_id;
    uint64_t epoch = 0; // of a resumption PSK
    std::vector<Extension> extensions;
    std::string group_id; // of a reinit
    uint16_t suite = 0;   // of a reinit
};

struct KeyPackage {
    std::string message; // an MLSMessage; of a new member's proposal: that
    std::string init_key, leaf_key, signature_key; // private
};

struct Outside {
    std::string group_info, tree; // tree: if it is not in the GroupInfo
};

struct Commit {
    std::string message, welcome, tree; // tree: if it is not in the Welcome
};

struct Plaintext {
    std::string data, authenticated_data;
};

class Member;

struct Related {
    std::unique_ptr<Member> member;
    std::string welcome, tree;
};

std::vector<uint16_t> suites(bool post_quantum_too);

class Member {
public:
    Member(uint16_t suite, const std::string &identity, Habits habits);
    ~Member();
    Member(const Member &) = delete;
    Member &operator=(const Member &) = delete;

    // Ways into a group.
    void create_group(const std::string &group_id);
    KeyPackage make_key_package();
    void join(const std::string &welcome, const std::string &tree, Habits habits);
    // Returns the new member and its commit.
    static std::unique_ptr<Member> join_external(const Outside &from, const std::string &identity, bool remove_prior,
                                                 const std::vector<Psk> &psks, Habits habits, std::string *commit);

    // A group's state.
    std::string group_info(bool with_tree) const;
    std::string tree() const;
    std::string epoch_authenticator() const; // empty when removed
    std::string secret(const std::string &label, const std::string &context, size_t size) const;
    void store_psk(const Psk &psk);

    // Messages.
    std::string protect(const std::string &data, const std::string &authenticated_data);
    Plaintext unprotect(const std::string &message);
    std::string propose(const Wish &wish);
    std::string propose_external_sender(const std::string &sender); // adds it to those that the group has
    Commit commit(const std::vector<std::string> &by_reference, const std::vector<Wish> &by_value, bool force_path,
                  bool tree_in_welcome);
    void handle_commit(const std::vector<std::string> &proposals, const std::string &message);
    void handle_pending_commit();

    // Groups that come from this one. `old` must outlive what comes of it.
    uint16_t reinit_suite() const;
    static Related branch(const std::shared_ptr<Member> &old, const std::string &group_id,
                          const std::vector<Extension> &extensions, const std::vector<std::string> &key_packages,
                          bool force_path, bool tree_in_welcome);
    static std::unique_ptr<Member> reinit_member(const std::shared_ptr<Member> &old);
    Related reinit_welcome(const std::vector<std::string> &key_packages, bool force_path, bool tree_in_welcome);
    // Joins as the one whose KeyPackage was made in `me`, in a group that continues that of `old`.
    static void join_related(Member &me, const std::shared_ptr<Member> &old, const std::string &welcome,
                             const std::string &tree);
    const std::shared_ptr<Member> &parent() const;

    // From outside of a group.
    static std::unique_ptr<Member> propose_self(const std::string &group_info, const std::string &identity,
                                                Habits habits, KeyPackage *proposal);
    std::string external_sender() const; // ExternalSender, encoded
    std::string propose_outside(const Outside &group, uint32_t signer_index, const Wish &wish) const;

    // Forgets the group and restores it, and a pending commit, from what was stored.
    void restart();

private:
    struct State;
    explicit Member(std::unique_ptr<State> state);
    std::unique_ptr<State> s;
};

} // namespace interop

#endif
