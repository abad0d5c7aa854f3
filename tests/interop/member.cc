// SPDX-License-Identifier: Apache-2.0
//
// The runner's client over mls.h, first half: errors, keys, ways into a group, looking at it, application messages, and
// restarting from stored records. Proposals and commits are in proposals.cpp, everything between groups in between.cpp.
#include "capi.h"

namespace interop {

void check(mls_error e)
{
    if (e == MLS_OK) return;
    Reason why = Reason::invalid;
    switch (mls_error_class(e)) {
    case MLS_E_NOT_FOUND: why = Reason::not_found; break;
    case MLS_E_UNSUPPORTED: why = Reason::unsupported; break;
    case MLS_E_MEMORY:
    case MLS_E_RANDOM:
    case MLS_E_CRYPTO:
    case MLS_E_CORRUPT: why = Reason::internal; break;
    default: break;
    }
    throw Failure(why, std::string(mls_error_name(e)) + ": " + mls_error_text(e));
}

std::vector<uint16_t> suites(bool post_quantum_too)
{
    std::vector<uint16_t> all;
    for (uint32_t id = 1; id <= UINT16_MAX; id++) {
        bool registered = id <= MLS_256_DHKEMP384_AES256GCM_SHA384_P384;
        if ((registered || post_quantum_too) && mls_suite_known(static_cast<uint16_t>(id))) {
            all.push_back(static_cast<uint16_t>(id));
        }
    }
    return all;
}

// ------------------------------------------------------------------------------------------------------ clients

static bool accept(void *, const mls_credential_check *) { return true; }

static bool find_psk(void *arg, const mls_psk_id *id, mls_span *secret)
{
    const auto *client = static_cast<const Client *>(arg);
    if (id->type != MLS_PSK_EXTERNAL) return false;
    auto at = client->psks.find(text(id->id));
    if (at == client->psks.end()) return false;
    *secret = span(at->second);
    return true;
}

Client::Client(Habits habits)
{
    mls_config c{};
    c.arg = this;
    c.credential = accept;
    c.psk = find_psk;
    c.past_epochs = 64;
    c.past_psks = 1024;
    c.skipped_keys = 1024;
    c.padding = 32;
    c.ignore_lifetime = true;
    c.max_lifetime = UINT64_MAX;
    c.public_handshake = !habits.encrypt_handshake;
    c.no_grease = !habits.grease;
    check(mls_client_new(&c, &raw));
}

// ------------------------------------------------------------------------------------------------------- reading

uint8_t Reader::u8()
{
    if (left.size < 1) throw Failure(Reason::invalid, "too short");
    uint8_t v = *left.data;
    left = {left.data + 1, left.size - 1};
    return v;
}

uint16_t Reader::u16()
{
    uint16_t high = u8();
    return static_cast<uint16_t>(high << 8 | u8());
}

mls_span Reader::vector()
{
    uint8_t first = u8();
    size_t n = first & 0x3f;
    if (first >> 6 == 3) throw Failure(Reason::invalid, "no vector length");
    for (int more = (1 << (first >> 6)) - 1; more > 0; more--) n = n << 8 | u8();
    if (n > left.size) throw Failure(Reason::invalid, "too short");
    mls_span v{left.data, n};
    left = {left.data + n, left.size - n};
    return v;
}

// -------------------------------------------------------------------------------------------------------- keys

Member::Member(std::unique_ptr<State> state) : s(std::move(state)) {}
Member::~Member() = default;

Member::Member(uint16_t suite, const std::string &identity, Habits habits) : s(std::make_unique<State>())
{
    s->client = std::make_shared<Client>(habits);
    s->suite = suite;
    s->identity = identity;
    check(mls_signature_keys(s->client->raw, suite, s->signature_private.out(), s->signature_public.out()));
}

mls_leaf_params Member::State::leaf() const
{
    mls_leaf_params p{};
    p.credential.type = MLS_CREDENTIAL_BASIC;
    p.credential.identity = span(identity);
    p.signature_private = signature_private.view();
    p.signature_public = signature_public.view();
    return p;
}

mls_group *Member::State::member() const
{
    if (group == nullptr) throw Failure(Reason::not_found, "not in a group");
    return group.get();
}

KeyPackage Member::make_key_package()
{
    Buf message;
    mls_private_part part;
    mls_leaf_params leaf = s->leaf();
    check(mls_key_package_new(s->client->raw, s->suite, &leaf, nullptr, 0, message.out(), s->private_part.out()));
    check(mls_private_part_read(s->private_part.view(), &part));
    return {message.str(), text(part.init_key), text(part.leaf_key), text(part.signature_key)};
}

void Member::store_psk(const Psk &psk) { s->client->psks[psk.id] = psk.secret; }

// ---------------------------------------------------------------------------------------------- ways into a group

void Member::create_group(const std::string &group_id)
{
    mls_group *g;
    mls_leaf_params leaf = s->leaf();
    check(mls_group_new(s->client->raw, s->suite, span(group_id), &leaf, nullptr, 0, &g));
    s->group.reset(g);
}

void Member::join(const std::string &welcome, const std::string &tree, Habits habits)
{
    // How handshake messages travel is known only now.
    auto client = std::make_shared<Client>(habits);
    client->psks = s->client->psks;
    mls_group *g;
    check(mls_group_join(client->raw, span(welcome), s->private_part.view(), span(tree), nullptr, &g));
    s->client = client;
    s->group.reset(g);
}

static Group observe(const Client &client, const Outside &from)
{
    mls_group *g;
    check(mls_group_observe(client.raw, span(from.group_info), span(from.tree), &g));
    return Group(g);
}

uint32_t index_of(const mls_group *g, const std::string &identity)
{
    mls_member m;
    for (uint32_t at = 0; mls_group_next_member(g, &at, &m);) {
        if (m.credential_type == MLS_CREDENTIAL_BASIC && text(m.identity) == identity) return m.index;
    }
    throw Failure(Reason::not_found, "no member has this identity");
}

std::unique_ptr<Member> Member::join_external(const Outside &from, const std::string &identity, bool remove_prior,
                                              const std::vector<Psk> &psks, Habits habits, std::string *commit)
{
    Group seen = observe(Client(habits), from);
    auto member = std::make_unique<Member>(mls_group_suite(seen.get()), identity, habits);
    std::vector<mls_psk_id> ids;
    for (const Psk &psk : psks) {
        mls_psk_id id{};
        id.type = MLS_PSK_EXTERNAL;
        id.id = span(psk.id);
        ids.push_back(id);
        member->store_psk(psk);
    }
    mls_external_join join{};
    join.group_info = span(from.group_info);
    join.tree = span(from.tree);
    join.leaf = member->s->leaf();
    join.resync = remove_prior;
    if (remove_prior) join.resync_index = index_of(seen.get(), identity);
    join.psks = ids.data();
    join.psk_count = ids.size();
    Buf message;
    mls_group *g;
    check(mls_group_join_external(member->s->client->raw, &join, message.out(), &g));
    member->s->group.reset(g);
    *commit = message.str();
    return member;
}

// --------------------------------------------------------------------------------------------- looking at a group

std::string Member::group_info(bool with_tree) const
{
    Buf b;
    check(mls_group_info(s->member(), with_tree, true, b.out()));
    return b.str();
}

std::string Member::tree() const
{
    Buf b;
    check(mls_group_tree(s->member(), b.out()));
    return b.str();
}

std::string Member::epoch_authenticator() const
{
    Buf b;
    mls_group *g = s->member();
    if (!mls_group_active(g) && mls_group_reinit_suite(g) == 0) return {};
    check(mls_group_epoch_authenticator(g, b.out()));
    return b.str();
}

std::string Member::secret(const std::string &label, const std::string &context, size_t size) const
{
    Buf b;
    check(mls_group_export(s->member(), label.c_str(), span(context), size, b.out()));
    return b.str();
}

// -------------------------------------------------------------------------------------------- application messages

std::string Member::protect(const std::string &data, const std::string &authenticated_data)
{
    Buf b;
    check(mls_group_protect(s->member(), span(data), span(authenticated_data), b.out()));
    return b.str();
}

Plaintext Member::unprotect(const std::string &message)
{
    Received r;
    mls_message_info info;
    check(mls_message_peek(span(message), &info));
    if (info.content != MLS_CONTENT_APPLICATION) throw Failure(Reason::invalid, "no application message");
    check(mls_group_receive(s->member(), span(message), &r));
    return {text({r.data.data, r.data.size}), text({r.authenticated_data.data, r.authenticated_data.size})};
}

// --------------------------------------------------------------------------------------------------- restarting

static bool keep_record(void *arg, mls_span key, mls_span value)
{
    auto *records = static_cast<std::map<std::string, std::string> *>(arg);
    if (value.data == nullptr) records->erase(text(key));
    else (*records)[text(key)] = text(value);
    return true;
}

struct Replay {
    std::map<std::string, std::string>::const_iterator at, end;
};

static bool next_record(void *arg, mls_span *key, mls_span *value)
{
    auto *r = static_cast<Replay *>(arg);
    if (r->at == r->end) return false;
    *key = span(r->at->first);
    *value = span(r->at->second);
    ++r->at;
    return true;
}

void Member::restart()
{
    if (s->group == nullptr) return;
    Buf saved;
    mls_group *g;
    check(mls_group_changes(s->group.get(), keep_record, &s->records));
    mls_group_saved(s->group.get());
    if (s->pending != nullptr) check(mls_staged_save(s->pending.get(), saved.out()));
    bool was_pending = s->pending != nullptr;
    s->pending.reset();
    s->group.reset();
    Replay replay{s->records.begin(), s->records.end()};
    check(mls_group_restore(s->client->raw, next_record, &replay, &g));
    s->group.reset(g);
    if (!was_pending) return;
    mls_staged *staged;
    check(mls_staged_restore(g, saved.view(), &staged));
    s->pending.reset(staged);
}

} // namespace interop
