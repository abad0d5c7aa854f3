// SPDX-License-Identifier: Apache-2.0
//
// base/ct: marks for the constant-time check. Built with -DWHIMBREL_CT and run under valgrind, bytes marked
// CT_SECRET count as undefined, so memcheck reports each branch and each index that depends on them. CT_PUBLIC takes
// the mark away where a value derived from a secret is public by definition. In every other build both are nothing.
#ifndef WHIMBREL_BASE_CT_H
#define WHIMBREL_BASE_CT_H

#ifdef WHIMBREL_CT
#include <valgrind/memcheck.h>
#define CT_SECRET(p, n) ((void)VALGRIND_MAKE_MEM_UNDEFINED((p), (n)))
#define CT_PUBLIC(p, n) ((void)VALGRIND_MAKE_MEM_DEFINED((p), (n)))
#else
#define CT_SECRET(p, n) ((void)(p), (void)(n))
#define CT_PUBLIC(p, n) ((void)(p), (void)(n))
#endif

#endif
