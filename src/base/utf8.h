// SPDX-License-Identifier: Apache-2.0
//
// base/utf8: whether bytes are text.
#ifndef WHIMBREL_BASE_UTF8_H
#define WHIMBREL_BASE_UTF8_H

#include "base/base.h"

// Whether these bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool utf8_ok(struct span s);

#endif
