// SPDX-License-Identifier: Apache-2.0
//
// How many conversations are asked for before all of them: more than a window shows.
export const FIRST_CHATS = 40;
