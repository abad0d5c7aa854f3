// SPDX-License-Identifier: Apache-2.0
//
// axe: what keeps people out of a page as it is now, one sentence for each place; nothing is what one wants.
import { readFileSync } from 'node:fs';
import { Page } from 'playwright-core';
import { Person } from './person';

const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

interface Finding { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }

/** The page is loaded anew with it. Past the policy, which lets no string run: as a script of the browser's own. */
export async function withAxe(person: Person): Promise<void> {
  await person.page.context().addInitScript(axe);
  await person.page.reload();
}

export async function findings(page: Page): Promise<string[]> {
  const found = await page.evaluate(async () => {
    const run = (globalThis as unknown as { axe: { run: (o: object) => Promise<{ violations: unknown[] }> } }).axe.run;
    return (await run({ resultTypes: ['violations'] })).violations as Finding[];
  });
  return found.flatMap(f => f.nodes.map(n => `${f.id}: ${f.help}: ${n.html.slice(0, 200)} ${n.failureSummary?.split('\n').slice(1).join(' ') ?? ''}`));
}
