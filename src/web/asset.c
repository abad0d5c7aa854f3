// SPDX-License-Identifier: Apache-2.0
//
// The files that tools/embed has put into web_assets.h; or, where the user interface was not built, a page that says so.
#include "web/asset.h"

#include <web_assets.h>

const struct asset *asset_find(const char *path)
{
    if (strcmp(path, "/") == 0) path = "/index.html";
    for (size_t i = 0; i < sizeof assets / sizeof *assets; i++) {
        if (strcmp(assets[i].path, path) == 0) return &assets[i];
    }
    return NULL;
}
