// SPDX-License-Identifier: Apache-2.0
//
// What is offered to react with: a handful at once, more on demand. Any other can be typed into a message.
export const QUICK = ['👍', '❤️', '😂', '😮', '😢', '🙏'];
export const MORE = [...'🔥🎉👏👀🤔🙌💪🤝👌😊😍😎😅😭😡🤯🤗🙄✅❌❓⭐🌊🎂'];
