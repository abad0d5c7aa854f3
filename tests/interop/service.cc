// SPDX-License-Identifier: Apache-2.0
//
// The service, first half: numbers and failures, ways into a group, looking at it, messages, proposals and commits. What
// lies between groups is in service_between.cc. Responses are filled only by calls that succeed.
#include "convert.h"

namespace interop {

using namespace mls_client;
using grpc::Status;

// ---------------------------------------------------------------------------------------------- numbers, failures

uint32_t Service::keep(Handle member)
{
    if (options.restart) member->restart();
    members[++last] = std::move(member);
    return last;
}

Service::Handle &Service::find(uint32_t id)
{
    auto at = members.find(id);
    if (at == members.end()) throw Failure(Reason::not_found, "no client, state or signer has this number");
    return at->second;
}

static grpc::StatusCode code_of(Reason why)
{
    switch (why) {
    case Reason::not_found: return grpc::StatusCode::NOT_FOUND;
    case Reason::invalid: return grpc::StatusCode::INVALID_ARGUMENT;
    case Reason::unsupported: return grpc::StatusCode::UNIMPLEMENTED;
    case Reason::internal: break;
    }
    return grpc::StatusCode::INTERNAL;
}

Status Service::run(const std::function<void()> &call)
{
    const std::lock_guard<std::mutex> one_at_a_time(lock);
    try {
        call();
        return Status::OK;
    } catch (const Failure &failure) {
        return Status(code_of(failure.reason), failure.what());
    } catch (const std::exception &other) {
        return Status(grpc::StatusCode::INTERNAL, other.what());
    }
}

Status Service::with(uint32_t id, const std::function<void(const Handle &)> &call)
{
    return run([&] {
        Handle member = find(id);
        call(member);
        if (options.restart) member->restart();
    });
}

// -------------------------------------------------------------------------------------------------- who this is

Status Service::Name(Context *, const NameRequest *, NameResponse *out)
{
    out->set_name("Whimbrel");
    return Status::OK;
}

Status Service::SupportedCiphersuites(Context *, const SupportedCiphersuitesRequest *,
                                      SupportedCiphersuitesResponse *out)
{
    for (uint16_t id : suites(options.post_quantum)) out->add_ciphersuites(id);
    return Status::OK;
}

// ---------------------------------------------------------------------------------------------- ways into a group

Status Service::CreateGroup(Context *, const CreateGroupRequest *in, CreateGroupResponse *out)
{
    return run([&] {
        auto member = std::make_shared<Member>(u16(in->cipher_suite()), in->identity(), habits(in->encrypt_handshake()));
        member->create_group(in->group_id());
        out->set_state_id(keep(member));
    });
}

Status Service::CreateKeyPackage(Context *, const CreateKeyPackageRequest *in, CreateKeyPackageResponse *out)
{
    return run([&] {
        auto member = std::make_shared<Member>(u16(in->cipher_suite()), in->identity(), habits(true));
        KeyPackage mine = member->make_key_package();
        out->set_transaction_id(keep(member));
        out->set_key_package(mine.message);
        out->set_init_priv(mine.init_key);
        out->set_encryption_priv(mine.leaf_key);
        out->set_signature_priv(mine.signature_key);
    });
}

// The client becomes the state: its number stays valid for both.
Status Service::JoinGroup(Context *, const JoinGroupRequest *in, JoinGroupResponse *out)
{
    return with(in->transaction_id(), [&](const Handle &member) {
        member->join(in->welcome(), in->ratchet_tree(), habits(in->encrypt_handshake()));
        out->set_state_id(in->transaction_id());
        out->set_epoch_authenticator(member->epoch_authenticator());
    });
}

Status Service::ExternalJoin(Context *, const ExternalJoinRequest *in, ExternalJoinResponse *out)
{
    return run([&] {
        std::string commit;
        std::vector<Psk> psks;
        for (const auto &psk : in->psks()) psks.push_back({psk.psk_id(), psk.psk_secret()});
        Handle member = Member::join_external({in->group_info(), in->ratchet_tree()}, in->identity(),
                                              in->remove_prior(), psks, habits(in->encrypt_handshake()), &commit);
        out->set_commit(commit);
        out->set_epoch_authenticator(member->epoch_authenticator());
        out->set_state_id(keep(member));
    });
}

// --------------------------------------------------------------------------------------------- looking at a group

Status Service::GroupInfo(Context *, const GroupInfoRequest *in, GroupInfoResponse *out)
{
    return with(in->state_id(), [&](const Handle &member) {
        out->set_group_info(member->group_info(!in->external_tree()));
        if (in->external_tree()) out->set_ratchet_tree(member->tree());
    });
}

Status Service::StateAuth(Context *, const StateAuthRequest *in, StateAuthResponse *out)
{
    return with(in->state_id(),
                [&](const Handle &member) { out->set_state_auth_secret(member->epoch_authenticator()); });
}

Status Service::Export(Context *, const ExportRequest *in, ExportResponse *out)
{
    return with(in->state_id(), [&](const Handle &member) {
        out->set_exported_secret(member->secret(in->label(), in->context(), in->key_length()));
    });
}

Status Service::Protect(Context *, const ProtectRequest *in, ProtectResponse *out)
{
    return with(in->state_id(), [&](const Handle &member) {
        out->set_ciphertext(member->protect(in->plaintext(), in->authenticated_data()));
    });
}

Status Service::Unprotect(Context *, const UnprotectRequest *in, UnprotectResponse *out)
{
    return with(in->state_id(), [&](const Handle &member) {
        Plaintext plain = member->unprotect(in->ciphertext());
        out->set_plaintext(plain.data);
        out->set_authenticated_data(plain.authenticated_data);
    });
}

Status Service::StorePSK(Context *, const StorePSKRequest *in, StorePSKResponse *)
{
    return with(in->state_or_transaction_id(),
                [&](const Handle &member) { member->store_psk({in->psk_id(), in->psk_secret()}); });
}

// ----------------------------------------------------------------------------------------------------- proposals

Status Service::propose(uint32_t id, const Wish &wish, ProposalResponse *out)
{
    return with(id, [&](const Handle &member) { out->set_proposal(member->propose(wish)); });
}

Status Service::AddProposal(Context *, const AddProposalRequest *in, ProposalResponse *out)
{
    Wish wish{};
    wish.kind = Kind::add;
    wish.key_package = in->key_package();
    return propose(in->state_id(), wish, out);
}

Status Service::UpdateProposal(Context *, const UpdateProposalRequest *in, ProposalResponse *out)
{
    Wish wish{};
    wish.kind = Kind::update;
    return propose(in->state_id(), wish, out);
}

Status Service::RemoveProposal(Context *, const RemoveProposalRequest *in, ProposalResponse *out)
{
    Wish wish{};
    wish.kind = Kind::remove;
    wish.removed = in->removed_id();
    return propose(in->state_id(), wish, out);
}

Status Service::ExternalPSKProposal(Context *, const ExternalPSKProposalRequest *in, ProposalResponse *out)
{
    Wish wish{};
    wish.kind = Kind::external_psk;
    wish.psk_id = in->psk_id();
    return propose(in->state_id(), wish, out);
}

Status Service::ResumptionPSKProposal(Context *, const ResumptionPSKProposalRequest *in, ProposalResponse *out)
{
    Wish wish{};
    wish.kind = Kind::resumption_psk;
    wish.epoch = in->epoch_id();
    return propose(in->state_id(), wish, out);
}

Status Service::GroupContextExtensionsProposal(Context *, const GroupContextExtensionsProposalRequest *in,
                                               ProposalResponse *out)
{
    Wish wish{};
    wish.kind = Kind::extensions;
    wish.extensions = extensions_of(in->extensions());
    return propose(in->state_id(), wish, out);
}

// ------------------------------------------------------------------------------------------------------- commits

Status Service::Commit(Context *, const CommitRequest *in, CommitResponse *out)
{
    return with(in->state_id(), [&](const Handle &member) {
        std::vector<Wish> by_value;
        for (const auto &description : in->by_value()) by_value.push_back(wish_of(description));
        interop::Commit made =
            member->commit(strings_of(in->by_reference()), by_value, in->force_path(), !in->external_tree());
        out->set_commit(made.message);
        out->set_welcome(made.welcome);
        if (in->external_tree()) out->set_ratchet_tree(made.tree);
    });
}

Status Service::HandleCommit(Context *, const HandleCommitRequest *in, HandleCommitResponse *out)
{
    return with(in->state_id(), [&](const Handle &member) {
        member->handle_commit(strings_of(in->proposal()), in->commit());
        out->set_state_id(in->state_id());
        out->set_epoch_authenticator(member->epoch_authenticator());
    });
}

Status Service::HandlePendingCommit(Context *, const HandlePendingCommitRequest *in, HandleCommitResponse *out)
{
    return with(in->state_id(), [&](const Handle &member) {
        member->handle_pending_commit();
        out->set_state_id(in->state_id());
        out->set_epoch_authenticator(member->epoch_authenticator());
    });
}

Status Service::Free(Context *, const FreeRequest *in, FreeResponse *)
{
    return run([&] {
        (void)find(in->state_id());
        members.erase(in->state_id());
    });
}

} // namespace interop
