// SPDX-License-Identifier: Apache-2.0
//
// Copies text, and says so.
import { t } from '../strings/strings';
import { note } from './notices';

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    note(t('copied'));
  } catch {
    note(t('notCopied'), true);
  }
}
