// SPDX-License-Identifier: Apache-2.0
//
// The runner's client over mls.h, third part: groups that come from a group (branches, reinitialisations), and proposals
// from outside of one.
#include "capi.h"

namespace interop {

const std::shared_ptr<Member> &Member::parent() const { return s->parent; }
uint16_t Member::reinit_suite() const { return mls_group_reinit_suite(s->member()); }

static mls_related_params related_params(const mls_leaf_params &leaf, const std::vector<mls_span> &key_packages,
                                         bool force_path, bool tree_in_welcome)
{
    mls_related_params p{};
    p.leaf = leaf;
    p.key_packages = key_packages.data();
    p.key_package_count = key_packages.size();
    p.tree_in_welcome = tree_in_welcome;
    p.without_path = !force_path;
    return p;
}

static std::vector<mls_span> spans(const std::vector<std::string> &list)
{
    std::vector<mls_span> out;
    for (const std::string &one : list) out.push_back(span(one));
    return out;
}

Related Member::branch(const std::shared_ptr<Member> &old, const std::string &group_id,
                       const std::vector<Extension> &extensions, const std::vector<std::string> &key_packages,
                       bool force_path, bool tree_in_welcome)
{
    auto state = std::make_unique<State>();
    state->client = old->s->client;
    state->suite = old->s->suite;
    state->identity = old->s->identity;
    check(mls_signature_keys(state->client->raw, state->suite, state->signature_private.out(),
                             state->signature_public.out()));
    std::vector<mls_span> others = spans(key_packages);
    std::vector<mls_extension> list = list_of(extensions);
    mls_related_params p = related_params(state->leaf(), others, force_path, tree_in_welcome);
    p.group_id = span(group_id);
    p.extensions = list.data();
    p.extension_count = list.size();
    Buf welcome;
    mls_group *g;
    check(mls_group_branch(old->s->member(), &p, welcome.out(), &g));
    state->group.reset(g);
    Related out{std::unique_ptr<Member>(new Member(std::move(state))), welcome.str(), {}};
    if (!tree_in_welcome) out.tree = out.member->tree();
    return out;
}

std::unique_ptr<Member> Member::reinit_member(const std::shared_ptr<Member> &old)
{
    uint16_t suite = old->reinit_suite();
    if (suite == 0) throw Failure(Reason::invalid, "the group has not been reinitialised");
    auto state = std::make_unique<State>();
    state->client = old->s->client;
    state->suite = suite;
    state->identity = old->s->identity;
    state->parent = old;
    check(mls_signature_keys(state->client->raw, suite, state->signature_private.out(),
                             state->signature_public.out()));
    return std::unique_ptr<Member>(new Member(std::move(state)));
}

Related Member::reinit_welcome(const std::vector<std::string> &key_packages, bool force_path, bool tree_in_welcome)
{
    auto state = std::make_unique<State>();
    state->client = s->client;
    state->suite = s->suite;
    state->identity = s->identity;
    check(mls_signature_keys(state->client->raw, state->suite, state->signature_private.out(),
                             state->signature_public.out()));
    std::vector<mls_span> others = spans(key_packages);
    mls_related_params p = related_params(state->leaf(), others, force_path, tree_in_welcome);
    Buf welcome;
    mls_group *g;
    check(mls_group_reinit(s->parent->s->member(), &p, welcome.out(), &g));
    state->group.reset(g);
    Related out{std::unique_ptr<Member>(new Member(std::move(state))), welcome.str(), {}};
    if (!tree_in_welcome) out.tree = out.member->tree();
    return out;
}

void Member::join_related(Member &me, const std::shared_ptr<Member> &old, const std::string &welcome,
                          const std::string &tree)
{
    mls_group *g;
    for (const auto &psk : me.s->client->psks) old->s->client->psks.insert(psk);
    check(mls_group_join(old->s->client->raw, span(welcome), me.s->private_part.view(), span(tree), old->s->member(), &g));
    me.s->client = old->s->client;
    me.s->group.reset(g);
}

// ------------------------------------------------------------------------------------------- proposals from outside

std::unique_ptr<Member> Member::propose_self(const std::string &group_info, const std::string &identity,
                                             Habits habits, KeyPackage *proposal)
{
    mls_message_info info;
    check(mls_message_peek(span(group_info), &info));
    if (info.suite == 0) throw Failure(Reason::invalid, "no GroupInfo");
    auto member = std::make_unique<Member>(info.suite, identity, habits);
    KeyPackage mine = member->make_key_package();
    mls_external_proposal p{};
    p.suite = info.suite;
    p.group_id = info.group_id;
    p.epoch = info.epoch;
    p.proposal.type = MLS_PROPOSAL_ADD;
    p.proposal.key_package = span(mine.message);
    p.signature_private = member->s->signature_private.view();
    p.new_member = true;
    Buf message;
    check(mls_external_propose(member->s->client->raw, &p, message.out()));
    mine.message = message.str();
    *proposal = mine;
    return member;
}

std::string Member::external_sender() const
{
    Buf list;
    mls_leaf_params me = s->leaf();
    check(mls_external_sender_add({}, s->signature_public.view(), &me.credential, list.out()));
    return text(Reader(list.view()).vector());
}

// Where a key stands among the external senders of a group; `otherwise` if it does not.
static uint32_t sender_index(const mls_group *g, mls_span key, uint32_t otherwise)
{
    mls_span data;
    if (!mls_extension_find(mls_group_extensions(g), MLS_EXTENSION_EXTERNAL_SENDERS, &data)) return otherwise;
    Reader list(Reader(data).vector());
    for (uint32_t i = 0; !list.done(); i++) {
        mls_span one = list.vector();
        (void)list.u16();
        (void)list.vector();
        if (text(one) == text(key)) return i;
    }
    return otherwise;
}

std::string Member::propose_outside(const Outside &group, uint32_t signer_index, const Wish &wish) const
{
    mls_group *g;
    check(mls_group_observe(s->client->raw, span(group.group_info), span(group.tree), &g));
    Group seen(g);
    Proposal proposal(wish, g);
    mls_external_proposal p{};
    p.suite = mls_group_suite(g);
    p.group_id = mls_group_id(g);
    p.epoch = mls_group_epoch(g);
    p.proposal = proposal.p;
    p.signature_private = s->signature_private.view();
    p.sender_index = sender_index(g, s->signature_public.view(), signer_index);
    Buf message;
    check(mls_external_propose(s->client->raw, &p, message.out()));
    return message.str();
}

} // namespace interop
