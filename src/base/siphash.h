// SPDX-License-Identifier: Apache-2.0
//
// base/siphash: SipHash-2-4 (Aumasson, Bernstein 2012), 64 bits under a 128-bit key: for hash tables whose keys come from
// outside, and for finding damage. It is no cryptographic hash: whoever knows the key can make collisions.
#ifndef WHIMBREL_BASE_SIPHASH_H
#define WHIMBREL_BASE_SIPHASH_H

#include "base/base.h"

uint64_t siphash(const uint64_t key[2], struct span s);

#endif
