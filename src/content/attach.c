// SPDX-License-Identifier: Apache-2.0
//
// Files in messages. The file is an external part, alone or the first of a "process all"; what is known of it beforehand is an extension, so that
// whoever does not know that shows the file. Invariant: what attach_read gives is within the limits of the header.
#include "content/attach.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "codec/cbor.h"

#define SCHEME "whimbrel-blob:"
#define MEDIA_KEY "whimbrel.media"

enum { HASH_SHA256 = 1, BLOB_TEXT = (ATTACH_BLOB * 4 + 2) / 3 };
enum media_key { VOICE = 1, WIDTH, HEIGHT, DURATION, WAVEFORM, MEDIA_KEYS = WAVEFORM };

// --------------------------------------------------------------------------------------------------------------- types

// One half of a media type: letters, digits and a few signs, a letter or digit first.
static bool is_name(struct span s)
{
    if (s.n == 0 || strchr("!#$&-^_.+", s.p[0]) != NULL) return false;
    for (size_t i = 0; i < s.n; i++) {
        bool plain = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9');
        if (!plain && (s.p[i] == 0 || strchr("!#$&-^_.+", s.p[i]) == NULL)) return false;
    }
    return true;
}

bool attach_is_type(struct span type)
{
    const uint8_t *slash = type.n > 0 && type.n <= ATTACH_TYPE_MAX ? memchr(type.p, '/', type.n) : NULL;
    if (slash == NULL) return false;
    size_t front = (size_t)(slash - type.p);
    return is_name(span_of(type.p, front)) && is_name(span_of(slash + 1, type.n - front - 1));
}

bool attach_is_picture(struct span type)
{
    static const char *const pictures[] = {"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"};
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        if (span_eq(type, span_str(pictures[i]))) return true;
    }
    return false;
}

static bool has_thumb(const struct attach_media *m)
{
    return m->thumb.n > 0 && m->thumb.n <= ATTACH_THUMB_MAX && attach_is_picture(m->thumb_type);
}

// ------------------------------------------------------------------------------------------------------------- writing

static size_t media_count(const struct attach_media *m)
{
    return (size_t)m->voice + (m->width > 0) + (m->height > 0) + (m->duration > 0) + (m->waveform.n > 0);
}

static void put_number(struct buf *b, enum media_key key, uint32_t v)
{
    if (v == 0) return;
    cbor_put_uint(b, key);
    cbor_put_uint(b, v);
}

static void put_media(struct buf *b, const struct attach_media *m)
{
    cbor_put_map(b, media_count(m));
    if (m->voice) {
        cbor_put_uint(b, VOICE);
        cbor_put_bool(b, true);
    }
    put_number(b, WIDTH, m->width);
    put_number(b, HEIGHT, m->height);
    put_number(b, DURATION, m->duration);
    if (m->waveform.n == 0) return;
    cbor_put_uint(b, WAVEFORM);
    cbor_put_bytes(b, m->waveform);
}

// Copies what was put to the next place in the caller's memory.
static struct span keep(struct buf *b, uint8_t **at)
{
    struct span s = span_of(*at, b->n);
    if (b->n > 0) memcpy(*at, b->p, b->n);
    *at += b->n;
    b->n = 0;
    return s;
}

static enum err check(const struct attach *a)
{
    const struct attach_media *m = &a->media;
    bool ok = a->relay.n > 0 && a->relay.n <= ATTACH_RELAY_MAX && utf8_ok(a->relay) && a->size <= FILE_MAX &&
              a->name.n <= ATTACH_NAME_MAX && utf8_ok(a->name) && attach_is_type(a->type) && utf8_ok(a->text);
    ok = ok && m->width <= ATTACH_PIXELS_MAX && m->height <= ATTACH_PIXELS_MAX && m->waveform.n <= ATTACH_WAVE_MAX;
    return ok && (m->thumb.n == 0 || has_thumb(m)) ? ERR_OK : ERR_INVALID;
}

static void fill_file(const struct attach *a, struct span url, struct content_part *p)
{
    *p = (struct content_part){.disposition = CONTENT_ATTACHMENT, .cardinality = CONTENT_EXTERNAL, .type = a->type};
    p->external = (struct content_external){.url = url,
                                            .expires = a->expires,
                                            .size = a->size,
                                            .encryption = FILE_ALGORITHM,
                                            .key = span_of(a->key.key, FILE_KEY),
                                            .nonce = span_of(a->key.prefix, FILE_PREFIX),
                                            .hash = HASH_SHA256,
                                            .digest = span_of(a->digest, FILE_DIGEST),
                                            .filename = a->name};
}

static void fill_parts(const struct attach *a, struct span url, struct content *c)
{
    bool thumb = has_thumb(&a->media), text = a->text.n > 0;
    size_t n = 0;
    if (thumb || text) {
        c->parts[n++] = (struct content_part){.disposition = CONTENT_RENDER,
                                              .cardinality = CONTENT_MULTI,
                                              .semantics = CONTENT_PROCESS_ALL,
                                              .children = (uint16_t)(1 + thumb + text)};
    }
    fill_file(a, url, &c->parts[n++]);
    if (text) {
        c->parts[n++] = (struct content_part){.disposition = CONTENT_RENDER,
                                              .cardinality = CONTENT_SINGLE,
                                              .type = span_str(CONTENT_TYPE_MARKDOWN),
                                              .body = a->text};
    }
    if (thumb) {
        c->parts[n++] = (struct content_part){.disposition = CONTENT_PREVIEW,
                                              .cardinality = CONTENT_SINGLE,
                                              .type = a->media.thumb_type,
                                              .body = a->media.thumb};
    }
    c->part_count = n;
}

enum err attach_fill(const struct attach *a, uint8_t memory[ATTACH_MEMORY], struct content *c)
{
    char blob[BLOB_TEXT + 1];
    struct buf b;
    enum err e = check(a);
    if (e != ERR_OK) return e;
    buf_init(&b, ATTACH_URL_MAX);
    base64_encode(span_of(a->blob, ATTACH_BLOB), blob);
    buf_put(&b, span_str(SCHEME));
    buf_put(&b, span_str(blob));
    buf_put_u8(&b, '@');
    buf_put(&b, a->relay);
    struct span url = keep(&b, &memory);
    if (media_count(&a->media) > 0) {
        cbor_put_text(&b, span_str(MEDIA_KEY));
        struct span key = keep(&b, &memory);
        put_media(&b, &a->media);
        c->extensions[0] = (struct content_extension){.key = key, .value = keep(&b, &memory)};
        c->extension_count = 1;
    }
    fill_parts(a, url, c);
    e = buf_end(&b);
    buf_wipe(&b);
    return e;
}

// ------------------------------------------------------------------------------------------------------------- reading

static enum err read_url(struct span url, struct attach *out)
{
    size_t scheme = sizeof SCHEME - 1, front = scheme + BLOB_TEXT + 1;
    struct buf blob;
    if (url.n <= front || memcmp(url.p, SCHEME, scheme) != 0 || url.p[front - 1] != '@') return ERR_NOT_FOUND;
    out->relay = span_of(url.p + front, url.n - front);
    buf_init(&blob, ATTACH_BLOB);
    bool ok = base64_decode(span_of(url.p + scheme, BLOB_TEXT), &blob) == ERR_OK && blob.n == ATTACH_BLOB &&
              out->relay.n <= ATTACH_RELAY_MAX;
    if (ok) memcpy(out->blob, blob.p, ATTACH_BLOB);
    buf_wipe(&blob);
    return ok ? ERR_OK : ERR_NOT_FOUND;
}

static enum err read_file(const struct content_part *p, struct attach *out)
{
    const struct content_external *x = &p->external;
    if (x->encryption != FILE_ALGORITHM || x->key.n != FILE_KEY || x->nonce.n != FILE_PREFIX || x->aad.n != 0 ||
        x->hash != HASH_SHA256 || x->digest.n != FILE_DIGEST || x->size > FILE_MAX)
        return ERR_NOT_FOUND;
    enum err e = read_url(x->url, out);
    if (e != ERR_OK) return e;
    memcpy(out->key.key, x->key.p, FILE_KEY);
    memcpy(out->key.prefix, x->nonce.p, FILE_PREFIX);
    memcpy(out->digest, x->digest.p, FILE_DIGEST);
    out->size = x->size;
    out->expires = x->expires;
    out->name = span_of(x->filename.p, x->filename.n <= ATTACH_NAME_MAX ? x->filename.n : 0);
    out->type = attach_is_type(p->type) ? p->type : span_str(ATTACH_ANY_TYPE);
    return ERR_OK;
}

static void read_media_value(struct cbor_reader *r, enum media_key key, struct attach_media *out)
{
    switch (key) {
    case VOICE: out->voice = cbor_bool(r); return;
    case WIDTH: out->width = (uint32_t)cbor_uint(r, ATTACH_PIXELS_MAX); return;
    case HEIGHT: out->height = (uint32_t)cbor_uint(r, ATTACH_PIXELS_MAX); return;
    case DURATION: out->duration = (uint32_t)cbor_uint(r, UINT32_MAX); return;
    default: out->waveform = cbor_bytes(r);
    }
}

// All of it or nothing; keys of later versions are passed over.
static void read_media(struct span value, struct attach_media *out)
{
    struct attach_media m = {0};
    struct cbor_reader r = cbor_reader_of(value);
    struct span last = {0};
    size_t n = cbor_map(&r);
    for (size_t i = 0; i < n && r.err == ERR_OK; i++) {
        struct span key = cbor_key(&r, &last);
        bool known = key.n == 1 && key.p[0] >= VOICE && key.p[0] <= MEDIA_KEYS;
        if (known) read_media_value(&r, (enum media_key)key.p[0], &m);
        else (void)cbor_any(&r, 2);
    }
    if (cbor_end(&r) == ERR_OK && m.waveform.n <= ATTACH_WAVE_MAX) *out = m;
}

static bool is_media(struct span key)
{
    struct cbor_reader r = cbor_reader_of(key);
    return cbor_peek(&r) == CBOR_TEXT && span_eq(cbor_text(&r), span_str(MEDIA_KEY));
}

static bool is_external(void *arg, const struct content_part *p)
{
    (void)arg;
    return p->cardinality == CONTENT_EXTERNAL;
}

static bool is_text(void *arg, const struct content_part *p)
{
    (void)arg;
    return p->cardinality == CONTENT_SINGLE && p->type.n > 5 && memcmp(p->type.p, "text/", 5) == 0 && utf8_ok(p->body);
}

static bool is_thumb(void *arg, const struct content_part *p)
{
    (void)arg;
    const struct attach_media m = {.thumb = p->body, .thumb_type = p->type};
    return p->cardinality == CONTENT_SINGLE && p->disposition == CONTENT_PREVIEW && has_thumb(&m);
}

enum err attach_read(const struct content *c, struct attach *out)
{
    size_t file = content_choose(c, is_external, NULL), text = content_choose(c, is_text, NULL),
           thumb = content_choose(c, is_thumb, NULL);
    *out = (struct attach){0};
    enum err e = file == SIZE_MAX ? ERR_NOT_FOUND : read_file(&c->parts[file], out);
    if (e != ERR_OK) {
        mem_wipe(out, sizeof *out);
        return e;
    }
    for (size_t i = 0; i < c->extension_count; i++) {
        if (is_media(c->extensions[i].key)) read_media(c->extensions[i].value, &out->media);
    }
    if (text != SIZE_MAX) out->text = c->parts[text].body;
    if (thumb != SIZE_MAX) {
        out->media.thumb = c->parts[thumb].body;
        out->media.thumb_type = c->parts[thumb].type;
    }
    return ERR_OK;
}
