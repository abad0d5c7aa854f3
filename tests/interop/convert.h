// SPDX-License-Identifier: Apache-2.0
//
// interop/convert: the runner's messages as the plain types of Member. Numbers that do not fit are refused.
#ifndef WHIMBREL_INTEROP_CONVERT_H
#define WHIMBREL_INTEROP_CONVERT_H

#include "service.h"

namespace interop {

inline uint16_t u16(uint32_t number)
{
    if (number > UINT16_MAX) throw Failure(Reason::invalid, "a number is too large");
    return static_cast<uint16_t>(number);
}

template <class List> std::vector<std::string> strings_of(const List &list)
{
    return {list.begin(), list.end()};
}

template <class List> std::vector<Extension> extensions_of(const List &list)
{
    std::vector<Extension> out;
    for (const auto &x : list) out.push_back({u16(x.extension_type()), x.extension_data()});
    return out;
}

inline Wish wish_of(const mls_client::ProposalDescription &d)
{
    static const std::map<std::string, Kind> kinds = {
        {"add", Kind::add},
        {"remove", Kind::remove},
        {"externalPSK", Kind::external_psk},
        {"resumptionPSK", Kind::resumption_psk},
        {"groupContextExtensions", Kind::extensions},
        {"reinit", Kind::reinit},
    };
    auto kind = kinds.find(d.proposal_type());
    if (kind == kinds.end()) throw Failure(Reason::unsupported, "no such proposal type: " + d.proposal_type());
    Wish wish{};
    wish.kind = kind->second;
    wish.key_package = d.key_package();
    wish.removed = d.removed_id();
    wish.psk_id = d.psk_id();
    wish.epoch = d.epoch_id();
    wish.extensions = extensions_of(d.extensions());
    wish.group_id = d.group_id();
    wish.suite = u16(d.cipher_suite());
    return wish;
}

} // namespace interop

#endif
