// SPDX-License-Identifier: Apache-2.0
//
// The service, second half: reinitialisation, branches, and proposals from outside of a group.
#include "convert.h"

namespace interop {

using namespace mls_client;
using grpc::Status;

// ----------------------------------------------------------------------------------------------- reinitialisation

Status Service::ReInitProposal(Context *, const ReInitProposalRequest *in, ProposalResponse *out)
{
    return with(in->state_id(), [&](const Handle &member) {
        Wish wish{};
        wish.kind = Kind::reinit;
        wish.suite = u16(in->cipher_suite());
        wish.group_id = in->group_id();
        wish.extensions = extensions_of(in->extensions());
        out->set_proposal(member->propose(wish));
    });
}

Status Service::ReInitCommit(Context *context, const CommitRequest *in, CommitResponse *out)
{
    return Commit(context, in, out);
}

// The old group has ended; its member waits for the Welcome to the new one.
void Service::begin_reinit(const Handle &old, HandleReInitCommitResponse *out)
{
    Handle next = Member::reinit_member(old);
    out->set_key_package(next->make_key_package().message);
    out->set_epoch_authenticator(old->epoch_authenticator());
    out->set_reinit_id(keep(next));
}

Status Service::HandlePendingReInitCommit(Context *, const HandlePendingCommitRequest *in,
                                          HandleReInitCommitResponse *out)
{
    return with(in->state_id(), [&](const Handle &member) {
        member->handle_pending_commit();
        begin_reinit(member, out);
    });
}

Status Service::HandleReInitCommit(Context *, const HandleCommitRequest *in, HandleReInitCommitResponse *out)
{
    return with(in->state_id(), [&](const Handle &member) {
        member->handle_commit(strings_of(in->proposal()), in->commit());
        begin_reinit(member, out);
    });
}

void Service::tell(const Related &related, CreateSubgroupResponse *out)
{
    out->set_welcome(related.welcome);
    out->set_ratchet_tree(related.tree);
    out->set_epoch_authenticator(related.member->epoch_authenticator());
}

Status Service::ReInitWelcome(Context *, const ReInitWelcomeRequest *in, CreateSubgroupResponse *out)
{
    return with(in->reinit_id(), [&](const Handle &member) {
        Related made = member->reinit_welcome(strings_of(in->key_package()), in->force_path(), !in->external_tree());
        tell(made, out);
        out->set_state_id(keep(std::move(made.member)));
    });
}

Status Service::HandleReInitWelcome(Context *, const HandleReInitWelcomeRequest *in, JoinGroupResponse *out)
{
    return with(in->reinit_id(), [&](const Handle &member) {
        if (member->parent() == nullptr) throw Failure(Reason::invalid, "no reinitialisation has this number");
        Member::join_related(*member, member->parent(), in->welcome(), in->ratchet_tree());
        out->set_state_id(in->reinit_id());
        out->set_epoch_authenticator(member->epoch_authenticator());
    });
}

// ------------------------------------------------------------------------------------------------------ branches

Status Service::CreateBranch(Context *, const CreateBranchRequest *in, CreateSubgroupResponse *out)
{
    return with(in->state_id(), [&](const Handle &member) {
        Related made = Member::branch(member, in->group_id(), extensions_of(in->extensions()),
                                      strings_of(in->key_packages()), in->force_path(), !in->external_tree());
        tell(made, out);
        out->set_state_id(keep(std::move(made.member)));
    });
}

Status Service::HandleBranch(Context *, const HandleBranchRequest *in, HandleBranchResponse *out)
{
    return with(in->transaction_id(), [&](const Handle &member) {
        Member::join_related(*member, find(in->state_id()), in->welcome(), in->ratchet_tree());
        out->set_state_id(in->transaction_id());
        out->set_epoch_authenticator(member->epoch_authenticator());
    });
}

// ------------------------------------------------------------------------------------------- proposals from outside

Status Service::NewMemberAddProposal(Context *, const NewMemberAddProposalRequest *in,
                                     NewMemberAddProposalResponse *out)
{
    return run([&] {
        KeyPackage proposal;
        Handle member = Member::propose_self(in->group_info(), in->identity(), habits(false), &proposal);
        out->set_proposal(proposal.message);
        out->set_init_priv(proposal.init_key);
        out->set_encryption_priv(proposal.leaf_key);
        out->set_signature_priv(proposal.signature_key);
        out->set_transaction_id(keep(member));
    });
}

Status Service::CreateExternalSigner(Context *, const CreateExternalSignerRequest *in,
                                     CreateExternalSignerResponse *out)
{
    return run([&] {
        auto signer = std::make_shared<Member>(u16(in->cipher_suite()), in->identity(), habits(false));
        out->set_external_sender(signer->external_sender());
        out->set_signer_id(keep(signer));
    });
}

Status Service::AddExternalSigner(Context *, const AddExternalSignerRequest *in, ProposalResponse *out)
{
    return with(in->state_id(), [&](const Handle &member) {
        out->set_proposal(member->propose_external_sender(in->external_sender()));
    });
}

Status Service::ExternalSignerProposal(Context *, const ExternalSignerProposalRequest *in, ProposalResponse *out)
{
    return with(in->signer_id(), [&](const Handle &signer) {
        out->set_proposal(signer->propose_outside({in->group_info(), in->ratchet_tree()}, in->signer_index(),
                                                  wish_of(in->description())));
    });
}

} // namespace interop
