// SPDX-License-Identifier: Apache-2.0
//
// src/store/test/disk: a disk between SQLite and the real one (a VFS of SQLite's), which fails on demand and keeps a record of every
// write and sync of store.db and its WAL, so that a test can look at what the disk would hold had the power gone at any moment.
#ifndef WHIMBREL_STORE_TEST_DISK_H
#define WHIMBREL_STORE_TEST_DISK_H

#include "base/base.h"

enum disk_file { DISK_STORE = 1, DISK_WAL = 2, DISK_BLOBS = 4, DISK_BLOBS_WAL = 8 };

// Everything that SQLite opens from now on stands on this disk; until disk_remove.
void disk_install(void);
void disk_remove(void);

// Of these files (bits) every sync, or every write, fails from now on; 0: none. A write fails as on a full disk, or as on a broken one.
void disk_fail_syncs(unsigned files);
void disk_fail_writes(unsigned files, bool full);
// How many syncs there were of these files.
size_t disk_syncs(unsigned files);

// The record: from an empty folder on.
void disk_record(void);
void disk_forget(void);
// Notes that everything so far has been acknowledged.
void disk_mark(void);
size_t disk_moments(void);
// How many marks there are before this moment.
size_t disk_marks(size_t moment);
// Writes the files into a folder as the power's end at a moment may have left them: what was synced is there; of what was
// written since, nothing, everything, or what the seed says, down to sectors.
enum disk_loss { DISK_NOTHING, DISK_EVERYTHING, DISK_SOME };
void disk_image(size_t moment, enum disk_loss loss, uint64_t seed, const char *folder);

#endif
