// SPDX-License-Identifier: Apache-2.0
//
// What the page does to text, without a browser: words in two languages, Markdown, names of strangers, mentions, rows, QR codes. And how much of it is
// loaded before anything can be seen.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { en } from '../../web/src/strings/en';
import { ru } from '../../web/src/strings/ru';
import { said } from '../../web/src/strings/said';
import { sheetMessage } from '../../web/src/text/sheet';
import { inline, markdown, flat } from '../../web/src/text/markdown';
import { asSent, asWritten, beingWritten } from '../../web/src/text/mentions';
import { strength, suggestion } from '../../web/src/text/passphrase';
import { tame, tameName, initials } from '../../web/src/text/plain';
import { qr } from '../../web/src/text/qr';
import { duration, waveform } from '../../web/src/text/sound';
import { fromBase64, toBase64 } from '../../web/src/text/base64';
import { Zip } from '../../web/src/text/zip';
import { build, temporary } from '../e2e/relay';
import { first, FIRST_MAX, gzipped } from './bundle';

type Entry = string | Record<string, string>;
const forms = (e: Entry): string[] => typeof e === 'string' ? [e] : Object.values(e);
const holes = (s: string): string[] => [...s.matchAll(/\{(\w+)\}/g)].map(m => m[1]!).sort();

test('both languages have the same entries, placeholders and all plural forms', () => {
  assert.deepEqual(Object.keys(ru).sort(), Object.keys(en).sort());
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    const wanted = holes(forms(en[key] as Entry).at(-1)!), there = ru[key] as Entry;
    for (const form of [...forms(en[key] as Entry), ...forms(there)]) {
      assert.deepEqual(holes(form), wanted, key);
      assert.notEqual(form.trim(), '', key);
    }
    if (typeof en[key] !== 'string') assert.deepEqual(Object.keys(there).sort(), ['few', 'many', 'one', 'other'], key);
    if (typeof there === 'string' && there.length > 12 && !there.includes('Whimbrel')) assert.match(there, /[а-яё]/i, `${key} is not in Russian`);
  }
});

test('what is translated of the engine is what it says', () => {
  const folders = ['cmd', 'rpc', 'web', 'vault', 'client'].map(room => join('src', room));
  const sources = folders.flatMap(f => readdirSync(f).filter(n => n.endsWith('.c')).map(n => readFileSync(join(f, n), 'utf8'))).join('\n').replace(/"\s*\n\s*"/g, '');
  for (const [text, words] of Object.entries(said)) {
    assert.ok(sources.includes(`"${text}"`) || sources.includes(`"${text}\\n"`), text);
    assert.match(words, /[а-яё]/);
  }
});

test('in an exported page nothing that others have sent is one click from running', () => {
  const sheet = (name: string, type: string): string => sheetMessage({ own: false, id: 3, name: 'Eve', when: '', text: '', plain: false, reactions: [], file: { path: `files/3 ${name}`, type, name, size: '1 kB' } });
  for (const [name, type] of [['a.html', 'text/html'], ['a.HTM', 'image/png'], ['a.svg', 'image/svg+xml'], ['a.xml', 'text/xml'], ['no end', 'text/plain'], ['a.png.xht', 'image/png']] as const) {
    const made = sheet(name, type);
    assert.doesNotMatch(made, /href|src="[^"]*svg/, name);
    assert.ok(made.includes(`files/3 ${name}`), 'where it lies is said');
  }
  assert.match(sheet('a.pdf', 'application/pdf'), /<a href="files\/3%20a.pdf" download>/);
  assert.match(sheet('a.png', 'image/png'), /<img alt="" src="files\/3%20a.png">.*<a href/);
});

test('Markdown is a tree, and what does not close stays as it was written', () => {
  assert.deepEqual(inline('a **b** c'), ['a ', { tag: 'strong', children: ['b'] }, ' c']);
  assert.deepEqual(inline('2 * 3 * 4'), ['2 * 3 * 4']);
  assert.deepEqual(inline('snake_case_name'), ['snake_case_name']);
  assert.deepEqual(inline('[x](javascript:alert(1))'), ['[x](javascript:alert(1))']);
  assert.deepEqual(inline('see https://a.example/b.'), ['see ', { tag: 'a', href: 'https://a.example/b', children: ['https://a.example/b'] }, '.']);
  assert.deepEqual(markdown('- a\n- b').map(n => typeof n === 'string' ? n : n.tag), ['ul']);
  assert.deepEqual(markdown('```\n<b>\n```'), [{ tag: 'pre', children: ['<b>'] }]);
  assert.equal(flat('**Hello** _there_\n> you'), 'Hello there you');
});

test('text of strangers turns no line around, piles no marks, and is cut', () => {
  assert.equal(tame('a\u202eb\u2066c'), 'abc');
  assert.equal(tame('z' + '\u0301'.repeat(50)).length, 5);
  assert.equal(tameName('\u202e \u200b', 'Somebody'), 'Somebody');
  assert.ok([...tameName('x'.repeat(1_000_000), '')].length <= 60);
  assert.equal(tameName('a\nb', ''), 'a b');
  assert.equal(initials('Bob Larsen'), 'BL');
  assert.equal(initials('дмитрий'), 'Д');
});

test('people in a text', () => {
  const account = 'ab'.repeat(32), people = [{ name: 'Bob', account }, { name: 'Bob Larsen', account: 'cd'.repeat(32) }];
  assert.equal(asSent('hi @Bob, mail bob@Bob', people), `hi [Bob](whimbrel:u/${account}), mail bob@Bob`);
  assert.equal(asSent('@Bob Larsen!', people), `[Bob Larsen](whimbrel:u/${'cd'.repeat(32)})!`);
  assert.equal(asSent('@Bobby', people), '@Bobby');
  assert.equal(asWritten(asSent('hi @Bob!', people)), 'hi @Bob!');
  assert.equal(beingWritten('hello @Bo'), 'Bo');
  assert.equal(beingWritten('me@ho'), undefined);
});

test('passphrases are told apart, and those that are suggested are strong and differ', () => {
  for (const weak of ['', 'abc', 'aaaaaaaaaaaaaaaa', '12345678901234']) assert.equal(strength(weak), 0, weak);
  assert.equal(strength('correct horse battery staple'), 3);
  const some = Array.from({ length: 50 }, suggestion);
  assert.equal(new Set(some).size, 50);
  for (const s of some) assert.ok(strength(s) >= 2, s);
});

test('a QR code has its corners and the size of its version', () => {
  const small = qr('whimbrel')!, large = qr('x'.repeat(2900))!;
  assert.equal(small.length, 21);
  assert.equal(large.length, 177);
  assert.equal(qr('x'.repeat(3000)), undefined);
  for (const code of [small, large]) {
    const n = code.length;
    for (const [x, y] of [[0, 0], [n - 7, 0], [0, n - 7]] as const) {
      assert.ok(code[y]![x] && code[y + 6]![x + 6] && code[y + 3]![x + 3] && !code[y + 1]![x + 1]);
    }
  }
});

test('sounds and bytes', () => {
  const samples = new Float32Array(1000).map((_, i) => i < 500 ? 0.25 : -0.5);
  assert.deepEqual([...waveform(samples, 4)], [128, 128, 255, 255]);
  assert.equal(duration(61_499), '1:01');
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
  assert.doesNotMatch(toBase64(bytes), /[+/=]/);
});

test('archives of files, small and beyond 32 bits, are read by others', async t => {
  const folder = temporary(t), stop = new AbortController().signal, time = new Date(2026, 10, 27, 13, 5, 6);
  for (const most of [undefined, 40, 4]) { // with less it is written as if that were what 32 bits hold
    const zip = new Zip(stop, most);
    await zip.add('a.txt', new Blob(['hello']), time);
    await zip.add('files/чай 🫖.bin', new Blob([new Uint8Array(1000).fill(7)]), time);
    await zip.add('nothing', new Blob([]), time);
    writeFileSync(join(folder, 'x.zip'), Buffer.from(await zip.end().arrayBuffer()));
    const script = `import sys,zipfile,json
z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None
print(json.dumps([[i.filename,i.file_size,list(i.date_time),z.read(i)==bytes([7])*1000,i.extract_version] for i in z.infolist()]))`;
    const list = JSON.parse(execFileSync('python3', ['-c', script, join(folder, 'x.zip')], { encoding: 'utf8' })) as [string, number, number[], boolean, number][];
    assert.deepEqual(list.map(e => e.slice(0, 4)), [['a.txt', 5, [2026, 11, 27, 13, 5, 6], false], ['files/чай 🫖.bin', 1000, [2026, 11, 27, 13, 5, 6], true], ['nothing', 0, [2026, 11, 27, 13, 5, 6], false]]);
    assert.equal(list[1]![4], most === undefined ? 20 : 45);
  }
  await assert.rejects(new Zip(AbortSignal.abort()).add('a', new Blob(['x']), time), { name: 'AbortError' });
});

function light(hex: string): number {
  const [r, g, b] = [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16) / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const contrast = (a: string, b: string): number => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);

test('colours stand out from what they stand on, whoever somebody is', () => {
  const css = readFileSync('web/style/tokens.css', 'utf8'), colours = new Map<string, [string, string]>();
  for (const [, name, one, two] of css.matchAll(/--([\w-]+): (?:light-dark\()?(#\w{6})(?:, (#\w{6})\))?;/g)) colours.set(name!, [one!, two ?? one!]);
  for (const dark of [0, 1] as const) {
    const of = (name: string): string => colours.get(name)![dark];
    for (let i = 0; i < 6; i++) {
      assert.ok(contrast(of(`tint${i}`), '#ffffff') >= 4.5, `tint${i}`);
      assert.ok(contrast(of(`ink${i}`), of('bubble')) >= 4.5, `ink${i} ${dark}`);
    }
    for (const text of ['ink', 'soft', 'accent-ink']) {
      for (const ground of ['page', 'panel', 'raised', 'bubble', 'hover', 'chosen']) assert.ok(contrast(of(text), of(ground)) >= 4.5, `${text} on ${ground} ${dark}`);
    }
    for (const [text, ground] of [['on-accent', 'accent'], ['amber-ink', 'amber'], ['danger', 'panel'], ['danger', 'raised'], ['ink', 'own']] as const) {
      assert.ok(contrast(of(text), of(ground)) >= 4.5, `${text} on ${ground} ${dark}`);
    }
  }
});

const web = join(build, 'web');
test('what a page begins with is small in both languages', { skip: existsSync(join(web, 'index.html')) ? false : 'the page was not built' }, () => {
  for (const language of ['en', 'ru']) {
    const names = first(web, language), scripts = names.filter(n => n.endsWith('.js'));
    assert.equal(scripts.length, 3, `${scripts.join(' ')}: the script, what begins before it, and the words`);
    assert.ok(gzipped(web, names) <= FIRST_MAX, `${names.join(' ')}: ${gzipped(web, names)} bytes`);
    assert.ok(names.length < readdirSync(web).length - 1, 'nothing comes later');
  }
});
