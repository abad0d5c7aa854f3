// SPDX-License-Identifier: Apache-2.0
//
// web/asset: the files of the user interface, as they were built into this program.
#ifndef WHIMBREL_WEB_ASSET_H
#define WHIMBREL_WEB_ASSET_H

#include "base/base.h"

struct asset {
    const char *path, *type; // "/app.js", "text/javascript; charset=utf-8"
    struct span bytes;
};
// The file at a path as http_path gives it; "/" is the page itself. NULL if there is none.
const struct asset *asset_find(const char *path);

#endif
