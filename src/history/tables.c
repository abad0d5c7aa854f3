// SPDX-License-Identifier: Apache-2.0
//
// The history's tables, beside the client's table of conversations (client/tables.c), which has to be there first. A message goes with its
// conversation; so does what one has of it for oneself.
#include "history/history.h"

const char history_tables[] =
    // What is said. id: never used twice, since others keep numbers; sender: a contact, or 0 for oneself; seq: 0 while it is
    // queued; mimi: empty for notices; about: the message that it is about or answers; edited, expires: when, milliseconds;
    // lives: seconds after reading; body: what is shown, in the end
    "CREATE TABLE message(id INTEGER PRIMARY KEY AUTOINCREMENT, chat INTEGER NOT NULL REFERENCES chat ON DELETE "
    "CASCADE,"
    " seq INTEGER NOT NULL,"
    " mimi BLOB NOT NULL,"
    " sender INTEGER NOT NULL,"
    " time INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " kind INTEGER NOT NULL,"
    " about BLOB NOT NULL,"
    " whom INTEGER NOT NULL,"
    " edited INTEGER NOT NULL,"
    " flags INTEGER NOT NULL,"
    " lives INTEGER NOT NULL,"
    " expires INTEGER NOT NULL,"
    " type TEXT NOT NULL,"
    " body TEXT NOT NULL,"
    " content BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX message_mimi ON message(chat, mimi) WHERE mimi != x'';"
    "CREATE INDEX message_place ON message(chat, id) WHERE kind < 16;"
    "CREATE INDEX message_about ON message(chat, about) WHERE about != x'';"
    "CREATE INDEX message_pinned ON message(chat) WHERE flags & 4;"
    "CREATE INDEX message_lives ON message(chat) WHERE lives > 0 AND expires = 0;"
    "CREATE INDEX message_expires ON message(expires) WHERE expires > 0;"

    // Of each sender the one that counts.
    "CREATE TABLE reaction(message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE, sender INTEGER NOT NULL,"
    " time INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY(message, sender)) STRICT, WITHOUT ROWID;"

    // Who has got and read one's own messages; and what one has got and read, and has not told yet.
    "CREATE TABLE receipt(message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE, reader INTEGER NOT NULL,"
    " delivered INTEGER NOT NULL, read INTEGER NOT NULL, PRIMARY KEY(message, reader)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE owed(chat INTEGER NOT NULL, message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,"
    " status INTEGER NOT NULL, PRIMARY KEY(chat, message)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX owed_message ON owed(message);"

    // What one has of a chat for oneself, and how it looks in a list. last: the last message that has a place; read_to: the
    // last that was read; muted: until when; hidden: all in it was deleted, and nothing has been said since
    "CREATE TABLE talk(chat INTEGER PRIMARY KEY REFERENCES chat ON DELETE CASCADE,"
    " last INTEGER, last_time INTEGER, last_sender INTEGER, last_whom INTEGER, last_kind INTEGER, last_flags INTEGER,"
    " last_type TEXT, last_body TEXT,"
    " unread INTEGER NOT NULL DEFAULT 0,"
    " mentions INTEGER NOT NULL DEFAULT 0,"
    " read_to INTEGER NOT NULL DEFAULT 0,"
    " muted INTEGER NOT NULL DEFAULT 0,"
    " pinned INTEGER NOT NULL DEFAULT 0,"
    " archived INTEGER NOT NULL DEFAULT 0,"
    " receipts INTEGER NOT NULL DEFAULT 0,"
    " timer INTEGER NOT NULL DEFAULT 0,"
    " hidden INTEGER NOT NULL DEFAULT 0,"
    " draft TEXT NOT NULL DEFAULT '') STRICT;"

    // The words of messages up to the number in `indexed`; it holds no text. sheds: it has words still that are of no message, and they are
    // being written over (search_shed): 1 from the beginning, 2 further
    "CREATE VIRTUAL TABLE search USING fts5(chat, body, content='message', content_rowid='id', columnsize=0,"
    " prefix='2 3', tokenize='unicode61 remove_diacritics 2');"
    "INSERT INTO search(search, rank) VALUES('secure-delete', 1);"
    "CREATE TABLE indexed(upto INTEGER NOT NULL, sheds INTEGER NOT NULL) STRICT;"
    "INSERT INTO indexed VALUES(0, 0);";
