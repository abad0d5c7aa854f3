// SPDX-License-Identifier: Apache-2.0
//
// The runner's client over mls.h, second half: proposals and commits. The runner hands the proposals of an epoch to a
// member together with the commit that names them, the member's own among them.
#include "capi.h"

namespace interop {

std::vector<mls_extension> list_of(const std::vector<Extension> &extensions)
{
    std::vector<mls_extension> list;
    for (const Extension &x : extensions) list.push_back({x.type, span(x.data)});
    return list;
}

Proposal::Proposal(const Wish &wish, const mls_group *group)
{
    switch (wish.kind) {
    case Kind::add:
        p.type = MLS_PROPOSAL_ADD;
        p.key_package = span(wish.key_package);
        break;
    case Kind::update: p.type = MLS_PROPOSAL_UPDATE; break;
    case Kind::remove:
        p.type = MLS_PROPOSAL_REMOVE;
        p.removed = index_of(group, wish.removed);
        break;
    case Kind::external_psk:
        p.type = MLS_PROPOSAL_PSK;
        p.psk.type = MLS_PSK_EXTERNAL;
        p.psk.id = span(wish.psk_id);
        break;
    case Kind::resumption_psk:
        p.type = MLS_PROPOSAL_PSK;
        p.psk.type = MLS_PSK_RESUMPTION;
        p.psk.usage = MLS_PSK_APPLICATION;
        p.psk.group_id = mls_group_id(group);
        p.psk.epoch = wish.epoch;
        break;
    case Kind::extensions: p.type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS; break;
    case Kind::reinit:
        p.type = MLS_PROPOSAL_REINIT;
        p.group_id = span(wish.group_id);
        p.suite = wish.suite;
        break;
    }
    extensions = list_of(wish.extensions);
    p.extensions = extensions.data();
    p.extension_count = extensions.size();
}

std::string Member::propose(const Wish &wish)
{
    Buf message;
    Proposal proposal(wish, s->member());
    check(mls_group_propose(s->member(), &proposal.p, {}, message.out(), nullptr));
    return message.str();
}

std::string Member::propose_external_sender(const std::string &sender)
{
    Wish wish{};
    wish.kind = Kind::extensions;
    mls_span all = mls_group_extensions(s->member()), before{};
    mls_extension x;
    for (size_t at = 0; mls_extension_next(all, &at, &x);) {
        if (x.type == MLS_EXTENSION_EXTERNAL_SENDERS) before = x.data;
        else wish.extensions.push_back({x.type, text(x.data)});
    }
    Reader r(span(sender));
    mls_span key = r.vector();
    mls_credential credential{};
    credential.type = r.u16();
    credential.identity = r.vector();
    if (!r.done() || credential.type == MLS_CREDENTIAL_X509) throw Failure(Reason::unsupported, "an unusual sender");
    Buf data;
    check(mls_external_sender_add(before, key, &credential, data.out()));
    wish.extensions.push_back({MLS_EXTENSION_EXTERNAL_SENDERS, data.str()});
    return propose(wish);
}

// Takes a proposal to the group once. The member's own ones are known to it already.
void Member::State::observe_proposal(const std::string &message)
{
    if (seen.count(message) > 0) return;
    Received r;
    mls_message_info info;
    check(mls_message_peek(span(message), &info));
    if (info.content != MLS_CONTENT_PROPOSAL) throw Failure(Reason::invalid, "no proposal");
    mls_error e = mls_group_receive(member(), span(message), &r);
    if (e != MLS_E_MESSAGE_OWN) check(e);
    seen.insert(message);
}

Commit Member::commit(const std::vector<std::string> &by_reference, const std::vector<Wish> &by_value, bool force_path,
                      bool tree_in_welcome)
{
    std::vector<std::unique_ptr<Proposal>> owned;
    std::vector<mls_proposal> proposals;
    for (const std::string &message : by_reference) s->observe_proposal(message);
    for (const Wish &wish : by_value) {
        owned.push_back(std::make_unique<Proposal>(wish, s->member()));
        proposals.push_back(owned.back()->p);
    }
    mls_commit_params params{};
    params.proposals = proposals.data();
    params.proposal_count = proposals.size();
    params.without_path = !force_path;
    params.tree_in_welcome = tree_in_welcome;
    mls_commit made{};
    check(mls_group_commit(s->member(), &params, &made));
    Staged staged(made.staged);
    made.staged = nullptr;
    Commit out{text({made.message.data, made.message.size}), text({made.welcome.data, made.welcome.size}), {}};
    mls_commit_free(&made);
    if (!tree_in_welcome) {
        Buf tree;
        check(mls_staged_tree(staged.get(), tree.out()));
        out.tree = tree.str();
    }
    s->pending = std::move(staged);
    return out;
}

void Member::State::enter(Staged staged)
{
    check(mls_group_merge(member(), staged.get()));
    (void)staged.release(); // merging has freed it
    pending.reset();
    seen.clear();
}

void Member::handle_commit(const std::vector<std::string> &proposals, const std::string &message)
{
    for (const std::string &proposal : proposals) s->observe_proposal(proposal);
    Received r;
    check(mls_group_receive(s->member(), span(message), &r));
    if (r.content != MLS_CONTENT_COMMIT) throw Failure(Reason::invalid, "no commit");
    Staged staged(r.staged);
    r.staged = nullptr;
    s->enter(std::move(staged));
}

void Member::handle_pending_commit()
{
    if (s->pending == nullptr) throw Failure(Reason::not_found, "no commit is pending");
    s->enter(std::move(s->pending));
}

} // namespace interop
