// SPDX-License-Identifier: Apache-2.0
//
// interop/service: the gRPC service of the interop runner over Member: it numbers members, hands calls to them one at a
// time, and turns failures into statuses. It decides nothing about MLS.
#ifndef WHIMBREL_INTEROP_SERVICE_H
#define WHIMBREL_INTEROP_SERVICE_H

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <interop/mls_client.grpc.pb.h>

#include "member.h"

namespace interop {

struct Options {
    bool post_quantum = false; // offer the post-quantum suites too
    bool grease = false;       // sprinkle GREASE values
    bool restart = false;      // restore every group from its records after each call
};

class Service final : public mls_client::MLSClient::Service {
public:
    explicit Service(const Options &wanted) : options(wanted) {}

    using Context = grpc::ServerContext;
    using Status = grpc::Status;

    Status Name(Context *, const mls_client::NameRequest *, mls_client::NameResponse *out) override;
    Status SupportedCiphersuites(Context *, const mls_client::SupportedCiphersuitesRequest *,
                                 mls_client::SupportedCiphersuitesResponse *out) override;

    Status CreateGroup(Context *, const mls_client::CreateGroupRequest *in,
                       mls_client::CreateGroupResponse *out) override;
    Status CreateKeyPackage(Context *, const mls_client::CreateKeyPackageRequest *in,
                            mls_client::CreateKeyPackageResponse *out) override;
    Status JoinGroup(Context *, const mls_client::JoinGroupRequest *in, mls_client::JoinGroupResponse *out) override;
    Status ExternalJoin(Context *, const mls_client::ExternalJoinRequest *in,
                        mls_client::ExternalJoinResponse *out) override;

    Status GroupInfo(Context *, const mls_client::GroupInfoRequest *in, mls_client::GroupInfoResponse *out) override;
    Status StateAuth(Context *, const mls_client::StateAuthRequest *in, mls_client::StateAuthResponse *out) override;
    Status Export(Context *, const mls_client::ExportRequest *in, mls_client::ExportResponse *out) override;
    Status Protect(Context *, const mls_client::ProtectRequest *in, mls_client::ProtectResponse *out) override;
    Status Unprotect(Context *, const mls_client::UnprotectRequest *in, mls_client::UnprotectResponse *out) override;
    Status StorePSK(Context *, const mls_client::StorePSKRequest *in, mls_client::StorePSKResponse *) override;

    Status AddProposal(Context *, const mls_client::AddProposalRequest *in, mls_client::ProposalResponse *out) override;
    Status UpdateProposal(Context *, const mls_client::UpdateProposalRequest *in,
                          mls_client::ProposalResponse *out) override;
    Status RemoveProposal(Context *, const mls_client::RemoveProposalRequest *in,
                          mls_client::ProposalResponse *out) override;
    Status ExternalPSKProposal(Context *, const mls_client::ExternalPSKProposalRequest *in,
                               mls_client::ProposalResponse *out) override;
    Status ResumptionPSKProposal(Context *, const mls_client::ResumptionPSKProposalRequest *in,
                                 mls_client::ProposalResponse *out) override;
    Status GroupContextExtensionsProposal(Context *, const mls_client::GroupContextExtensionsProposalRequest *in,
                                          mls_client::ProposalResponse *out) override;

    Status Commit(Context *, const mls_client::CommitRequest *in, mls_client::CommitResponse *out) override;
    Status HandleCommit(Context *, const mls_client::HandleCommitRequest *in,
                        mls_client::HandleCommitResponse *out) override;
    Status HandlePendingCommit(Context *, const mls_client::HandlePendingCommitRequest *in,
                               mls_client::HandleCommitResponse *out) override;

    Status ReInitProposal(Context *, const mls_client::ReInitProposalRequest *in,
                          mls_client::ProposalResponse *out) override;
    Status ReInitCommit(Context *, const mls_client::CommitRequest *in, mls_client::CommitResponse *out) override;
    Status HandlePendingReInitCommit(Context *, const mls_client::HandlePendingCommitRequest *in,
                                     mls_client::HandleReInitCommitResponse *out) override;
    Status HandleReInitCommit(Context *, const mls_client::HandleCommitRequest *in,
                              mls_client::HandleReInitCommitResponse *out) override;
    Status ReInitWelcome(Context *, const mls_client::ReInitWelcomeRequest *in,
                         mls_client::CreateSubgroupResponse *out) override;
    Status HandleReInitWelcome(Context *, const mls_client::HandleReInitWelcomeRequest *in,
                               mls_client::JoinGroupResponse *out) override;
    Status CreateBranch(Context *, const mls_client::CreateBranchRequest *in,
                        mls_client::CreateSubgroupResponse *out) override;
    Status HandleBranch(Context *, const mls_client::HandleBranchRequest *in,
                        mls_client::HandleBranchResponse *out) override;

    Status NewMemberAddProposal(Context *, const mls_client::NewMemberAddProposalRequest *in,
                                mls_client::NewMemberAddProposalResponse *out) override;
    Status CreateExternalSigner(Context *, const mls_client::CreateExternalSignerRequest *in,
                                mls_client::CreateExternalSignerResponse *out) override;
    Status AddExternalSigner(Context *, const mls_client::AddExternalSignerRequest *in,
                             mls_client::ProposalResponse *out) override;
    Status ExternalSignerProposal(Context *, const mls_client::ExternalSignerProposalRequest *in,
                                  mls_client::ProposalResponse *out) override;

    Status Free(Context *, const mls_client::FreeRequest *in, mls_client::FreeResponse *) override;

private:
    using Handle = std::shared_ptr<Member>;
    Habits habits(bool encrypt_handshake) const { return {encrypt_handshake, options.grease}; }
    uint32_t keep(Handle member);
    Handle &find(uint32_t id);
    Status run(const std::function<void()> &call);
    // For a call on one member, which is restarted behind it if that is wanted.
    Status with(uint32_t id, const std::function<void(const Handle &)> &call);
    Status propose(uint32_t id, const Wish &wish, mls_client::ProposalResponse *out);
    void tell(const Related &related, mls_client::CreateSubgroupResponse *out);
    void begin_reinit(const Handle &old, mls_client::HandleReInitCommitResponse *out);

    Options options;
    std::mutex lock;
    std::map<uint32_t, Handle> members; // clients, states and signers share their numbers
    uint32_t last = 0;
};

} // namespace interop

#endif
