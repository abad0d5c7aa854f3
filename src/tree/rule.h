// SPDX-License-Identifier: Apache-2.0
//
// tree/rule: the fine-grained errors of include/mls_errors.h inside the rooms that return `enum err`: their classes
// have the same numbers, and the single rules lie above ERR_DETAIL.
#ifndef WHIMBREL_TREE_RULE_H
#define WHIMBREL_TREE_RULE_H

#include "base/base.h"
#include "mls_errors.h"

_Static_assert((int)MLS_E_CORRUPT == (int)ERR_CORRUPT && (int)MLS_E_MISUSE == (int)ERR_MISUSE, "one numbering");
_Static_assert((int)MLS_E_DETAIL == (int)ERR_DETAIL && (int)MLS_E_END < (int)ERR_MAX, "details lie above the classes");

static inline enum err rule(enum mls_error e) { return (enum err)e; }

#endif
