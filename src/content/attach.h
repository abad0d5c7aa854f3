// SPDX-License-Identifier: Apache-2.0
//
// content/attach: messages that bring a file: an external part that says where it lies and how it is opened (content/file.h), with what is
// said with it, a small picture of it, and what kind of picture, film or recording it is. It only puts together and takes
// apart; what lies there is nobody's until it has been checked. Its form is in docs/content.md.
#ifndef WHIMBREL_CONTENT_ATTACH_H
#define WHIMBREL_CONTENT_ATTACH_H

#include "content/content.h"
#include "content/file.h"

enum {
    ATTACH_BLOB = 32,
    ATTACH_RELAY_MAX = 500, // bytes of a relay's address
    ATTACH_TYPE_MAX = 127,  // bytes of a media type
    ATTACH_NAME_MAX = 1000,
    ATTACH_WAVE_MAX = 256,
    ATTACH_THUMB_MAX = 24 << 10,
    ATTACH_PIXELS_MAX = 1 << 20,
    ATTACH_URL_MAX = 600,
    ATTACH_MEMORY = ATTACH_URL_MAX + 400, // what attach_fill needs
};
#define ATTACH_ANY_TYPE "application/octet-stream"

// What can be known of a picture, a film or a recording before it is there. It is what the sender says: only for showing.
struct attach_media {
    bool voice;             // a message that was spoken
    uint32_t width, height; // pixels, up to ATTACH_PIXELS_MAX; 0: not told
    uint32_t duration;      // milliseconds; 0: not told
    struct span waveform;   // one byte for each of up to ATTACH_WAVE_MAX equal parts: how loud it is
    struct span thumb,
        thumb_type; // a small picture of it, of one of the types that attach_is_picture knows; empty: none
};

struct attach {
    struct span relay; // its address
    uint8_t blob[ATTACH_BLOB];
    struct file_key key; /* secret */
    uint64_t size;       // of the file, before sealing
    uint8_t digest[FILE_DIGEST];
    uint32_t expires;       // seconds since 1970: when the relay deletes it; 0: not told
    struct span name, type; // as its sender calls it: to be cleaned before it is used
    struct span text;       // what is said with it, in Markdown; empty: nothing
    struct attach_media media;
};

// Puts the file into a message that content_init has begun: its parts and an extension. What `a` points to and `memory` (ATTACH_MEMORY
// bytes) must last until the message has been encoded. ERR_INVALID: something is beyond its limit, or no text.
enum err attach_fill(const struct attach *a, uint8_t memory[ATTACH_MEMORY], struct content *c);
// The first file of a message. Spans point into what the message was decoded from. ERR_NOT_FOUND: it brings none that can be
// fetched. Media, a type or a picture that make no sense are left out, and the file is there all the same.
enum err attach_read(const struct content *c, struct attach *out);

// Whether this is a media type (RFC 6838 §4.2) without parameters, in small letters.
bool attach_is_type(struct span type);
// Pictures that every viewer opens, and that hold no program: image/jpeg, png, gif, webp, avif.
bool attach_is_picture(struct span type);

#endif
