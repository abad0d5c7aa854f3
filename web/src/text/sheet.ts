// SPDX-License-Identifier: Apache-2.0
//
// A conversation as an HTML file, for whoever has no Whimbrel. This text is never shown in the page. What others wrote is text in it, whatever
// it looks like; the file runs no script and fetches nothing but what lies beside it.
import { type Tree, markdown } from './markdown';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
export function escaped(text: string): string { return text.replace(/[&<>"']/g, c => ENTITIES[c]!); }

const STYLE = `:root{color-scheme:light dark;--dim:#666;--line:#ddd;--mine:#e4f0e4}
@media(prefers-color-scheme:dark){:root{--dim:#999;--line:#444;--mine:#25352a}}
body{font:1rem/1.45 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
h2{font-size:.9rem;color:var(--dim);text-align:center;border-top:1px solid var(--line);padding-top:.6rem}
article{margin:.5rem 0;padding:.4rem .7rem;border-radius:.6rem;border:1px solid var(--line);width:fit-content;max-width:85%}
article.mine{background:var(--mine);margin-inline-start:auto}
header,footer,.dim{color:var(--dim);font-size:.85rem}header b{color:CanvasText}
article>div{white-space:pre-wrap;overflow-wrap:anywhere}p,ul,ol,pre{margin:.15rem 0}
blockquote{margin:.2rem 0;padding-inline-start:.6rem;border-inline-start:3px solid var(--line);color:var(--dim);font-size:.9rem}
img,video{max-width:100%;max-height:30rem;border-radius:.3rem}.notice{text-align:center;color:var(--dim);font-size:.9rem}`;

export function sheetHead(title: string, about: string, language: string): string {
  return `<!doctype html>
<html lang="${escaped(language)}">
<meta charset="utf-8">
<title>${escaped(title)}</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file:; media-src 'self' file:">
<style>${STYLE}</style>
<h1 dir="auto">${escaped(title)}</h1>
<p class="dim">${escaped(about)}</p>
<main>
`;
}
export const SHEET_END = '</main>\n</html>\n';

function rich(tree: Tree): string {
  return tree.map(n => {
    if (typeof n === 'string') return escaped(n);
    if (n.href?.startsWith('whimbrel:u/') === true) return `<b>@${escaped(String(n.children[0] ?? '').replace(/^@/, ''))}</b>`; // somebody who is mentioned
    return n.tag === 'a' ? `<a href="${escaped(n.href ?? '')}" rel="noreferrer">${rich(n.children)}</a>` : `<${n.tag}>${rich(n.children)}</${n.tag}>`;
  }).join('');
}

/** `path` empty: the file is not beside it. */
export interface SheetFile { path: string; type: string; name: string; size: string }
export interface SheetMessage {
  own: boolean; id: number; name: string; when: string; text: string; plain: boolean; // plain: a sentence of ours
  quote?: { name: string; text: string } | undefined; file?: SheetFile | undefined; reactions: [string, string][];
}

export function sheetNotice(when: string, text: string): string { return `<p class="notice" dir="auto">${escaped(when)} ${escaped(text)}</p>\n`; }
export function sheetDay(day: string): string { return `<h2>${escaped(day)}</h2>\n`; }

// What a browser shows or saves and never runs, by the end of the name, which is all that it knows of a file on a disk. To anything else there is no
// link: a page that somebody has sent would run, and tell whoever wrote it where it is read.
const TAME = /\.(?:jpe?g|png|gif|webp|avif|heic|bmp|mp3|m4a|aac|og[gav]|opus|flac|wav|mp4|m4v|webm|mov|mkv|pdf|txt|csv|zip|7z|gz|docx?|xlsx?|pptx?|od[tsp]|epub)$/i;

function fileOf(f: SheetFile): string {
  const src = escaped(f.path.split('/').map(encodeURIComponent).join('/')), name = `<bdi>${escaped(f.name)}</bdi>`, kind = f.type.split('/')[0];
  if (f.path === '') return `<p>${name} <span class="dim">${escaped(f.size)}</span></p>`;
  const shown = kind === 'image' && f.type !== 'image/svg+xml' ? `<img alt="" src="${src}">` : kind === 'audio' || kind === 'video' ? `<${kind} controls src="${src}"></${kind}>` : '';
  const about = TAME.test(f.path) ? `<a href="${src}" download>${name}</a> <span class="dim">${escaped(f.size)}</span>` : `${name} <span class="dim">${escaped(f.size)}, <bdi>${escaped(f.path)}</bdi></span>`;
  return `${shown}<p>${about}</p>`;
}

export function sheetMessage(m: SheetMessage): string {
  const quote = m.quote === undefined ? '' : `<blockquote dir="auto"><bdi>${escaped(m.quote.name)}</bdi>: ${escaped(m.quote.text)}</blockquote>`;
  const text = m.text === '' ? '' : `<div dir="auto">${m.plain ? escaped(m.text) : rich(markdown(m.text))}</div>`;
  const reactions = m.reactions.length === 0 ? '' : `<footer>${m.reactions.map(([emoji, by]) => `${escaped(emoji)} <bdi>${escaped(by)}</bdi>`).join('&ensp;')}</footer>`;
  return `<article id="m${m.id}"${m.own ? ' class="mine"' : ''}><header><b dir="auto">${escaped(m.name)}</b> ${escaped(m.when)}</header>${quote}${m.file === undefined ? '' : fileOf(m.file)}${text}${reactions}</article>\n`;
}
