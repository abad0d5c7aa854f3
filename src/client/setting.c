// SPDX-License-Identifier: Apache-2.0
//
// Settings: numbers that say how the engine does what it does by itself. One that was never set has its default, which may change with the
// program; so only what somebody has set is stored.
#include "client/inner.h"

static const struct engine_setting_info list[SETTINGS] = {
    [SETTING_RENEW_DAYS] = {"renew-days", 7, 0, 365,
                            "days after which one's keys in a conversation are renewed; 0: never"},
    [SETTING_HOLD] =
        {"hold-changed-keys", 1, 0, 1,
         "1: nothing is sent to a contact's changed keys before you have confirmed them; 0: you are told alone"},
};

int64_t setting_get(struct engine *e, enum engine_setting s)
{
    int64_t value = list[s].usual;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT value FROM setting WHERE name = ?1");
    db_text(q, 1, span_str(list[s].name));
    if (db_row(&e->db, q)) value = db_get_int(q, 0);
    db_done(q);
    return value >= list[s].least && value <= list[s].most ? value : list[s].usual;
}

enum err engine_settings_each(struct engine *e,
                              void (*each)(void *arg, const struct engine_setting_info *i, int64_t value), void *arg)
{
    e->db.err = ERR_OK;
    for (int s = 0; s < SETTINGS && e->db.err == ERR_OK; s++) {
        int64_t value = setting_get(e, (enum engine_setting)s);
        if (e->db.err == ERR_OK) each(arg, &list[s], value);
    }
    return e->db.err;
}

enum err engine_setting_put(struct engine *e, struct span name, int64_t value)
{
    int s = 0;
    while (s < SETTINGS && !span_eq(name, span_str(list[s].name))) s++;
    if (s == SETTINGS) return ERR_NOT_FOUND;
    if (value < list[s].least || value > list[s].most) return ERR_INVALID;
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(&e->db, "INSERT OR REPLACE INTO setting(name, value) VALUES(?1, ?2)");
    db_text(q, 1, name);
    db_int(q, 2, value);
    (void)db_run(&e->db, q);
    bool releases = s == SETTING_HOLD && value == 0;
    if (releases) hold_release_all(e);
    enum err x = db_commit(&e->db);
    if (x == ERR_OK && releases) hold_released(e);
    return x;
}
