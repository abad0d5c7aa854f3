// SPDX-License-Identifier: Apache-2.0
//
// transfer/name: what a file may be called that somebody else has named: something that stays in its folder on every
// system, is shown as what it is, and hides nothing.
#ifndef WHIMBREL_TRANSFER_NAME_H
#define WHIMBREL_TRANSFER_NAME_H

#include "base/base.h"

enum { NAME_MAX_BYTES = 200 };

// Makes a name of any bytes; never empty. Control and bidirectional characters and what is invisible go; separators and
// what some systems do not allow become `_`; no dot or blank stands in front, none at the end; what is too long is cut
// before its ending. What comes out goes in and comes out as the same.
void name_clean(struct span said, char out[NAME_MAX_BYTES + 1]);

#endif
