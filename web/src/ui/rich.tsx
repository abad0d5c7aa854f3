// SPDX-License-Identifier: Apache-2.0
//
// The tree of a message's Markdown as vnodes. Addresses open in a tab that knows nothing of this page; where the words of a link
// hide where it leads, its host stands behind them. Links that mean something to Whimbrel are given to `onLink`.
import { type ComponentChild, createElement, type JSX, type VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { type Node, type Tree, markdown } from '../text/markdown';
import { tame } from '../text/plain';

type OnLink = (href: string) => boolean;

function hostOf(href: string): string {
  try { return new URL(href).host; } catch { return ''; }
}

const PERSON = /^whimbrel:u\/[0-9a-f]{64}$/;

function anchor(n: Node, key: number, onLink: OnLink): VNode {
  if (PERSON.test(n.href ?? '')) return <bdi key={key} class="mention">@{String(n.children[0] ?? '').replace(/^@/, '')}</bdi>;
  const href = n.href ?? '', words = String(n.children[0] ?? ''), host = hostOf(href);
  const open = (e: Event): void => { if (onLink(href)) e.preventDefault(); };
  return (
    <span key={key}>
      <a href={href} target="_blank" rel="noopener noreferrer" onClick={open}>{words}</a>
      {words !== href && host !== '' && <span class="link-host"> ({host})</span>}
    </span>
  );
}

function draw(tree: Tree, onLink: OnLink): ComponentChild[] {
  return tree.map((n, i) => {
    if (typeof n === 'string') return n;
    return n.tag === 'a' ? anchor(n, i, onLink) : createElement(n.tag, { key: i }, draw(n.children, onLink));
  });
}

export function Rich({ text, onLink }: { text: string; onLink: OnLink }): JSX.Element {
  const tree = useMemo(() => markdown(tame(text)), [text]);
  return <div class="rich" dir="auto">{draw(tree, onLink)}</div>;
}
