// SPDX-License-Identifier: Apache-2.0
//
// The vault's tables (docs/client.md tells what they are for). A list of migrations only grows, from the first release on; until there
// is one, these are changed in place.
#include "client/inner.h"

#include "transfer/transfer.h"

static const char version_1[] =
    // Oneself: one row. last: of the inbox's entry at the cursor, the hash
    "CREATE TABLE self(one INTEGER PRIMARY KEY CHECK(one = 1), name TEXT NOT NULL,"
    " account_public BLOB NOT NULL, account_private BLOB NOT NULL,"
    " device BLOB NOT NULL, device_public BLOB NOT NULL, device_private BLOB NOT NULL, cert BLOB NOT NULL,"
    " relay TEXT NOT NULL, password TEXT NOT NULL,"
    " inbox BLOB NOT NULL, inbox_key BLOB NOT NULL, package_key BLOB NOT NULL, cursor INTEGER NOT NULL, last BLOB NOT "
    "NULL) STRICT;"

    // state: of enum invite_state; listed: somebody has asked for it, else the engine has made it for a contact; contact: who holds it
    // alone; chat: the group that it leads to; asks: who comes to that is asked about; uses: how many have come by it
    "CREATE TABLE invite(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, flags INTEGER NOT NULL, label TEXT NOT NULL,"
    " state INTEGER NOT NULL, created INTEGER NOT NULL, listed INTEGER NOT NULL, contact INTEGER NOT NULL,"
    " chat INTEGER NOT NULL, asks INTEGER NOT NULL, uses INTEGER NOT NULL) STRICT;"

    // changed: when a device of theirs came up that nobody has confirmed yet, milliseconds; 0: none
    "CREATE TABLE contact(id INTEGER PRIMARY KEY, account BLOB NOT NULL UNIQUE, key BLOB NOT NULL, name TEXT NOT NULL,"
    " invite BLOB NOT NULL, state INTEGER NOT NULL, verified INTEGER NOT NULL, created INTEGER NOT NULL,"
    " changed INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX contact_changed ON contact(id) WHERE changed != 0;"

    // Devices of contacts that have been seen, by their signature keys (hold.c).
    "CREATE TABLE device(contact INTEGER NOT NULL REFERENCES contact ON DELETE CASCADE, key BLOB NOT NULL,"
    " seen INTEGER NOT NULL, PRIMARY KEY(contact, key)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE package(ref BLOB PRIMARY KEY, private BLOB NOT NULL, last_resort INTEGER NOT NULL,"
    " created INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    // id: never used twice; asker: the contact who has brought oneself into it; members: accounts; epoch, admins: of the group, as last known; renewed: one's own
    // leaf, when; negative: not since one has come in, which was then; behind, suspect, since: as in struct chat
    "CREATE TABLE chat(id INTEGER PRIMARY KEY AUTOINCREMENT, group_id BLOB NOT NULL, kind INTEGER NOT NULL, name TEXT "
    "NOT NULL,"
    " contact INTEGER NOT NULL, asker INTEGER NOT NULL, relay TEXT NOT NULL, log BLOB NOT NULL, log_key BLOB NOT NULL,"
    " log_epoch INTEGER NOT NULL, cursor INTEGER NOT NULL, chain BLOB NOT NULL, state INTEGER NOT NULL,"
    " members INTEGER NOT NULL DEFAULT 1, behind INTEGER NOT NULL DEFAULT 0, suspect INTEGER NOT NULL DEFAULT 0,"
    " since INTEGER NOT NULL DEFAULT 0,"
    " epoch INTEGER NOT NULL DEFAULT 0, admins BLOB NOT NULL DEFAULT x'',"
    " renewed INTEGER NOT NULL,"
    " created INTEGER NOT NULL) STRICT;"
    "CREATE INDEX chat_group ON chat(group_id);"

    // Records of the chat's MLS group.
    "CREATE TABLE record(chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE, key BLOB NOT NULL,"
    " value BLOB NOT NULL, PRIMARY KEY(chat, key)) STRICT, WITHOUT ROWID;"

    // The running hash after each of the last entries.
    "CREATE TABLE past(chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE, seq INTEGER NOT NULL,"
    " chain BLOB NOT NULL, PRIMARY KEY(chat, seq)) STRICT, WITHOUT ROWID;"

    // The last entries as they came, for a relay that loses them. message: what it brought, or 0; key, next: of the log before and
    // behind it; lost: the relay does not have it any more, as far as is known
    "CREATE TABLE kept(id INTEGER PRIMARY KEY, chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE, seq INTEGER "
    "NOT NULL,"
    " message INTEGER NOT NULL, key BLOB NOT NULL, next BLOB NOT NULL, lost INTEGER NOT NULL, payload BLOB NOT NULL) "
    "STRICT;"
    "CREATE INDEX kept_seq ON kept(chat, seq);"
    "CREATE INDEX kept_lost ON kept(chat, seq) WHERE lost;"

    // Where nothing that one says is sent, since the keys of this contact have changed.
    "CREATE TABLE hold(chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE, contact INTEGER NOT NULL,"
    " PRIMARY KEY(chat, contact)) STRICT, WITHOUT ROWID;"

    // id: never used twice, since answers to what is long done may come late; acked: the relay says that it has it, and it has not
    // been seen in the log; what: what is to be done; payload: the bytes that were or will be sent, empty until they are made;
    // staged, welcome: of a commit; anyway: it is not held
    "CREATE TABLE work(id INTEGER PRIMARY KEY AUTOINCREMENT, relay TEXT NOT NULL, kind INTEGER NOT NULL,"
    " chat INTEGER NOT NULL, contact INTEGER NOT NULL, message INTEGER NOT NULL, log BLOB NOT NULL, key BLOB NOT NULL,"
    " epoch INTEGER NOT NULL, acked INTEGER NOT NULL, what BLOB NOT NULL, payload BLOB NOT NULL,"
    " staged BLOB NOT NULL, welcome BLOB NOT NULL, anyway INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX work_relay ON work(relay, id);"
    "CREATE INDEX work_chat ON work(chat, id);"
    "CREATE INDEX work_waits ON work(chat, id) WHERE payload = x'' OR kind != 9;"

    // Who has said that they leave a group, and is still in it.
    "CREATE TABLE leaving(chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE, contact INTEGER NOT NULL,"
    " PRIMARY KEY(chat, contact)) STRICT, WITHOUT ROWID;"

    // Who was put out of a group; and who has asked to be taken into one of which one is an admin.
    "CREATE TABLE expelled(chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE, contact INTEGER NOT NULL,"
    " PRIMARY KEY(chat, contact)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE asking(chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE, contact INTEGER NOT NULL,"
    " time INTEGER NOT NULL, PRIMARY KEY(chat, contact)) STRICT, WITHOUT ROWID;"

    // What was set (setting.c).
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"

    // What people must know and have not seen yet.
    "CREATE TABLE warning(id INTEGER PRIMARY KEY, chat INTEGER NOT NULL, contact INTEGER NOT NULL, time INTEGER NOT "
    "NULL,"
    " text TEXT NOT NULL) STRICT;";

// What is said, and files, lie in tables of their own rooms.
static const char *const versions[] = {version_1,        history_tables, transfer_tables, files_tables, routes_tables,
                                       published_tables, knock_tables,   welcome_tables,  part_tables,  inbox_tables};
const struct vault_migrations client_tables = {versions, sizeof versions / sizeof *versions};
