// SPDX-License-Identifier: Apache-2.0
//
// Methods about files, and what they take on the disk.
#include "rpc/inner.h"

#include "base/base64.h"
#include "client/file.h"

// ------------------------------------------------------------------------------------------------------------- results

static const char *state_of(enum files_state s)
{
    static const char *const states[] = {"gone",     "offered", "waiting", "sending",
                                         "fetching", "paused",  "failed",  "here"};
    return states[s];
}

json_t *rpc_json_base64(struct span s)
{
    char *text = mem_new(base64_size(s.n) + 1);
    if (text != NULL) base64_encode(s, text);
    json_t *o = json_string(text == NULL ? "" : text);
    mem_free_wiped(text, base64_size(s.n) + 1);
    return o;
}

json_t *rpc_file_object(const struct files_info *i)
{
    const struct attach_media *m = &i->attach.media;
    json_t *o = json_object();
    rpc_set(o, "id", json_integer(i->id));
    rpc_set(o, "chat", json_integer(i->chat));
    rpc_set(o, "message", json_integer(i->message));
    rpc_set(o, "from", json_integer(i->sender));
    rpc_set(o, "name", json_string(i->name));
    rpc_set(o, "type", rpc_json_text(i->attach.type));
    rpc_set(o, "size", json_integer((json_int_t)i->attach.size));
    rpc_set(o, "state", json_string(state_of(i->state)));
    rpc_set(o, "done", json_integer((json_int_t)i->done));
    if (i->why[0] != 0) rpc_set(o, "why", json_string(i->why));
    if (i->path[0] != 0) rpc_set(o, "path", rpc_json_text(span_str(i->path)));
    rpc_set(o, "text", rpc_json_text(i->attach.text));
    rpc_set(o, "voice", json_boolean(m->voice));
    rpc_set(o, "width", json_integer(m->width));
    rpc_set(o, "height", json_integer(m->height));
    rpc_set(o, "duration", json_integer(m->duration));
    rpc_set(o, "waveform", rpc_json_base64(m->waveform));
    rpc_set(o, "thumbnail", rpc_json_text(m->thumb_type));
    rpc_set(o, "expires", json_integer((json_int_t)i->attach.expires * 1000));
    return o;
}

static void set_file(void *arg, const struct files_info *i) { *(json_t **)arg = rpc_file_object(i); }
static void add_file(void *arg, const struct files_info *i) { (void)json_array_append_new(arg, rpc_file_object(i)); }

json_t *rpc_file_of(struct engine *e, int64_t message)
{
    json_t *o = NULL;
    return files_of(engine_files(e), message, set_file, &o) == ERR_OK ? o : NULL;
}

json_t *rpc_file_told(const struct engine_event *e, const char **name)
{
    const struct files_info *i = e->file;
    json_t *o = json_object();
    *name = e->kind == ENGINE_FILE ? "file" : e->kind == ENGINE_FILE_SAVED ? "file.saved" : "file.gone";
    rpc_set(o, "file", e->kind == ENGINE_FILE ? rpc_file_object(i) : json_integer(i->id));
    if (e->kind == ENGINE_FILE_GONE) rpc_set(o, "chat", json_integer(i->chat));
    if (e->kind != ENGINE_FILE_SAVED) return o;
    rpc_set(o, "path", rpc_json_text(span_str(i->path)));
    rpc_set(o, "state", json_string(i->state == FILES_HERE ? "saved" : i->state == FILES_FAILED ? "failed" : "saving"));
    rpc_set(o, "done", json_integer((json_int_t)i->done));
    rpc_set(o, "size", json_integer((json_int_t)i->attach.size));
    if (i->why[0] != 0) rpc_set(o, "why", json_string(i->why));
    return o;
}

// ------------------------------------------------------------------------------------------------------------- sending

// A number that fits; what does not is refused later, by its limit.
static uint32_t number(const struct call *c, const char *name)
{
    int64_t v = rpc_int(c, name, 0);
    return v < 0 || v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static bool bytes(struct call *c, const char *name, size_t max, struct buf *out)
{
    buf_init(out, max);
    return base64_decode(rpc_text(c, name), out) == ERR_OK;
}

static json_t *send_file(struct call *c, const struct attach_media *m)
{
    const char *why = "";
    int64_t file = 0;
    struct span path = rpc_text(c, "path");
    const struct engine_file f = {.chat = rpc_int(c, "chat", 0),
                                  .path = path.n > 0 ? (const char *)path.p : NULL,
                                  .draft = rpc_int(c, "upload", 0),
                                  .name = rpc_text(c, "name"),
                                  .type = rpc_text(c, "type"),
                                  .text = rpc_text(c, "text"),
                                  .answers = rpc_int(c, "answers", 0),
                                  .lives = number(c, "lives"),
                                  .media = *m};
    if ((path.n > 0) == rpc_has(c, "upload"))
        return rpc_fail(c, E_PARAMS, "file.send wants one of `path` and `upload`");
    if (strlen((const char *)path.p) != path.n) return rpc_fail(c, E_PARAMS, "there is a zero byte in the path");
    enum err e = engine_file_send(c->e, &f, &file, &why);
    if (e == ERR_NOT_FOUND) return rpc_fail(c, E_NOT_FOUND, why);
    return rpc_json_one(c, e, "file", file, why);
}

json_t *rpc_file_send(struct call *c)
{
    struct buf wave, thumb;
    struct attach_media m = {.voice = rpc_bool(c, "voice"),
                             .width = number(c, "width"),
                             .height = number(c, "height"),
                             .duration = number(c, "duration")};
    bool ok = bytes(c, "waveform", ATTACH_WAVE_MAX, &wave);
    ok = bytes(c, "thumbnail", ATTACH_THUMB_MAX, &thumb) && ok;
    m.waveform = buf_span(&wave);
    m.thumb = buf_span(&thumb);
    m.thumb_type = rpc_text(c, "thumbnail_type");
    json_t *o =
        ok ? send_file(c, &m)
           : rpc_fail(c, E_REFUSED, "`waveform` and `thumbnail` are base64url, of at most 256 bytes and 24 KiB");
    buf_wipe(&wave);
    buf_wipe(&thumb);
    return o;
}

// -------------------------------------------------------------------------------------------------------------- looking

json_t *rpc_file_list(struct call *c)
{
    int64_t limit = rpc_int(c, "limit", LIST_USUAL);
    if (limit < 1 || limit > LIST_MAX) return rpc_fail(c, E_PARAMS, "`limit` is a number from 1 to 10000");
    const struct files_query q = {.chat = rpc_int(c, "chat", 0),
                                  .before = rpc_int(c, "before", 0),
                                  .moving = rpc_bool(c, "moving"),
                                  .limit = (uint32_t)limit};
    json_t *list = json_array();
    enum err e = files_list(engine_files(c->e), &q, add_file, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return rpc_failed(c, e, "");
}

static int64_t file(const struct call *c) { return rpc_int(c, "file", 0); }

json_t *rpc_file_look(struct call *c)
{
    json_t *o = NULL;
    enum err e = files_look(engine_files(c->e), file(c), set_file, &o);
    return e == ERR_OK ? o : rpc_failed(c, e, "");
}

static void set_thumbnail(void *arg, const struct files_info *i)
{
    const struct attach_media *m = &i->attach.media;
    json_t *o = json_object();
    rpc_set(o, "type", rpc_json_text(m->thumb_type));
    rpc_set(o, "bytes", rpc_json_base64(m->thumb));
    *(json_t **)arg = o;
}

json_t *rpc_file_thumbnail(struct call *c)
{
    json_t *o = NULL;
    enum err e = files_look(engine_files(c->e), file(c), set_thumbnail, &o);
    return e == ERR_OK ? o : rpc_failed(c, e, "");
}

// --------------------------------------------------------------------------------------------------------------- doing

json_t *rpc_file_get(struct call *c)
{
    enum err e = files_fetch(engine_files(c->e), file(c));
    return rpc_yes(c, e,
                   e == ERR_INVALID ? "the file lies at a relay whose address cannot be understood"
                                    : "this file is being sent: it is on this computer already");
}

static const char still[] = "this file is not on its way";

json_t *rpc_file_pause(struct call *c) { return rpc_yes(c, files_pause(engine_files(c->e), file(c)), still); }
json_t *rpc_file_resume(struct call *c) { return rpc_yes(c, files_resume(engine_files(c->e), file(c)), still); }
json_t *rpc_file_cancel(struct call *c) { return rpc_yes(c, files_cancel(engine_files(c->e), file(c)), ""); }

json_t *rpc_file_save(struct call *c)
{
    const char *why = "";
    struct span path = rpc_text(c, "path");
    if (strlen((const char *)path.p) != path.n) return rpc_fail(c, E_PARAMS, "there is a zero byte in the path");
    enum err e = files_save(engine_files(c->e), file(c), (const char *)path.p, rpc_bool(c, "replace"), &why);
    return rpc_yes(c, e, why);
}

// -------------------------------------------------------------------------------------------------------------- storage

json_t *rpc_storage_status(struct call *c)
{
    struct engine_storage s;
    json_t *o = json_object();
    engine_storage(c->e, &s);
    rpc_set(o, "vault", json_integer((json_int_t)s.vault));
    rpc_set(o, "files", json_integer((json_int_t)s.files));
    rpc_set(o, "free", json_integer((json_int_t)s.free));
    rpc_set(o, "unasked", json_integer((json_int_t)s.unasked));
    return o;
}

json_t *rpc_storage_set(struct call *c)
{
    int64_t bytes = rpc_int(c, "unasked", 0);
    if (bytes < 0) return rpc_fail(c, E_PARAMS, "`unasked` is a number of bytes, 0 for none");
    return rpc_yes(c, files_set_policy(engine_files(c->e), (uint64_t)bytes), "");
}

json_t *rpc_storage_clear(struct call *c)
{
    uint64_t freed = 0;
    enum err e = files_clear(engine_files(c->e), rpc_int(c, "chat", 0), &freed);
    return rpc_json_one(c, e, "freed", (int64_t)freed, "");
}
