// SPDX-License-Identifier: Apache-2.0
//
// content/safety: safety numbers: sixty digits that two people compare to know that each has the other's real account key.
// Thirty come from each account, and the two halves stand in the order of their digits, so both see the same number. Half
// a number is the front of an iterated SHA-512 over version, key and account: 2^99.7 values, and some thousand times the work
// for each guess of somebody who looks for a key with a number like another's.
#ifndef WHIMBREL_CONTENT_SAFETY_H
#define WHIMBREL_CONTENT_SAFETY_H

#include "crypto/crypto.h"

enum {
    SAFETY_DIGITS = 60,
    SAFETY_HALF = 30,
    SAFETY_FINGERPRINT = 32, // bytes: what a QR code holds of each account
    SAFETY_QR = 2 + 2 * SAFETY_FINGERPRINT,
};

// Half a number, for one account; NUL-ended. `account`: what names it besides its key, or empty.
enum err safety_half(struct crypto *c, struct span key, struct span account, char out[SAFETY_HALF + 1]);
// The number of two accounts, whichever comes first; NUL-ended, without spaces.
void safety_number(const char a[SAFETY_HALF + 1], const char b[SAFETY_HALF + 1], char out[SAFETY_DIGITS + 1]);
// In twelve groups of five, four a line, for people.
enum { SAFETY_TEXT = SAFETY_DIGITS + 12 };
void safety_text(const char number[SAFETY_DIGITS + 1], char out[SAFETY_TEXT]);
// Whether two numbers are the same; spaces, line ends and dashes in what somebody has typed do not count.
bool safety_same(const char number[SAFETY_DIGITS + 1], const char *typed);

// What a QR code holds: kind, version, and the fingerprints of who shows it and whom it is for. The other side scans it and compares it
// with what it has: its own for the second, the contact's for the first. A whole hash, so stronger than the digits.
enum err safety_fingerprint(struct crypto *c, struct span key, struct span account, uint8_t out[SAFETY_FINGERPRINT]);
void safety_qr(const uint8_t mine[SAFETY_FINGERPRINT], const uint8_t theirs[SAFETY_FINGERPRINT], uint8_t out[SAFETY_QR]);
// ERR_MALFORMED: it is no safety code; ERR_UNSUPPORTED: of a newer version; ERR_UNAUTHENTICATED: it is of other keys.
enum err safety_qr_check(struct span scanned, const uint8_t mine[SAFETY_FINGERPRINT], const uint8_t theirs[SAFETY_FINGERPRINT]);

#endif
