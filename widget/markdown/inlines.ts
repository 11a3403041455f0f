import { deepest, type Inline } from './tree.ts';

/** Only these open something without running it. @returns undefined: no link is made of it */
export function safeAddress(href: string): string | undefined {
  const url = URL.canParse(href) ? new URL(href) : undefined;
  return url && ['http:', 'https:', 'mailto:', 'tel:'].includes(url.protocol) ? url.href : undefined;
}

/** A part of a text that is more than text, and where it ends. */
interface Found {
  readonly inlines: readonly Inline[];
  readonly end: number;
}

/** A text with what is known of it, so that no part is looked through twice for the same thing. */
interface Scanned {
  readonly text: string;
  readonly depth: number;
  /** Where an opened bracket closes. */
  readonly brackets: ReadonlyMap<number, number>;
  /** Delimiters that occur no more. */
  readonly spent: Set<string>;
}

/** Reads code, emphasis, links and line breaks. HTML, and whatever else there is, is text. */
export function readInlines(text: string, depth = 0): readonly Inline[] {
  if (depth > deepest) return [{ type: 'text', text }];
  const scanned: Scanned = { text, depth, brackets: pairBrackets(text), spent: new Set() };
  const inlines: Inline[] = [];
  let plain = '';
  const flush = () => {
    if (plain !== '') inlines.push({ type: 'text', text: decode(plain) });
    plain = '';
  };
  for (let at = 0; at < text.length; ) {
    const found = readSpecial(scanned, at);
    if (found) {
      flush();
      inlines.push(...found.inlines);
      at = found.end;
    } else {
      const isEscape = text[at] === '\\' && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? '');
      plain += isEscape ? text[at + 1] : text[at];
      at += isEscape ? 2 : 1;
    }
  }
  flush();
  return inlines;
}

function readSpecial(scanned: Scanned, at: number): Found | undefined {
  switch (scanned.text[at]) {
    case '\n':
      return { inlines: [{ type: 'break' }], end: at + 1 };
    case '`':
      return readCode(scanned, at);
    case '*':
    case '_':
    case '~':
      return readEmphasis(scanned, at);
    case '[':
      return readLink(scanned, at, at);
    // A picture would tell others who reads it, so there is only its text.
    case '!':
      return scanned.text[at + 1] === '[' ? readLink(scanned, at, at + 1) : undefined;
    case '<':
      return readAddress(scanned.text, at, /<(https?:\/\/[^\s<>]+|mailto:[^\s<>]+)>/y, 1);
    case 'h':
      return isWord(scanned.text[at - 1]) ? undefined : readAddress(scanned.text, at, /https?:\/\/[^\s<>"]+/y, 0);
    default:
      return undefined;
  }
}

function readCode({ text, spent }: Scanned, at: number): Found | undefined {
  const fence = runAt(text, at);
  const start = at + fence.length;
  if (spent.has(fence)) return { inlines: [{ type: 'text', text: fence }], end: start };
  for (let end = text.indexOf(fence, start); end !== -1; ) {
    const run = runAt(text, end);
    if (run.length === fence.length) {
      const code = text.slice(start, end).replaceAll('\n', ' ');
      // A space on both sides lets code begin with a backtick.
      const inner = /^ .*[^ ].* $/.test(code) ? code.slice(1, -1) : code;
      return { inlines: [{ type: 'code', text: inner }], end: end + fence.length };
    }
    end = text.indexOf(fence, end + run.length);
  }
  spent.add(fence);
  return { inlines: [{ type: 'text', text: fence }], end: start };
}

const emphases = { '*': 'emphasis', _: 'emphasis', '**': 'strong', __: 'strong', '~~': 'deleted' } as const;

function readEmphasis(scanned: Scanned, at: number): Found | undefined {
  const { text, depth, spent } = scanned;
  const run = runAt(text, at);
  const start = at + run.length;
  const asText: Found = { inlines: [{ type: 'text', text: run }], end: start };
  const opens = /\S/.test(text[start] ?? '') && !(run[0] === '_' && isWord(text[at - 1]));
  const isThree = run === '***' || run === '___';
  if (!opens || spent.has(run) || !(isThree || run in emphases)) return asText;
  const end = findCloser(text, start, run);
  if (end === undefined) {
    spent.add(run);
    return asText;
  }
  const children = readInlines(text.slice(start, end), depth + 1);
  const both: readonly Inline[] = [{ type: 'strong', children: [{ type: 'emphasis', children }] }];
  const one = emphases[run as keyof typeof emphases];
  return { inlines: isThree ? both : [{ type: one, children }], end: end + run.length };
}

/** Where the same run of characters ends a word. */
function findCloser(text: string, from: number, run: string): number | undefined {
  for (let at = text.indexOf(run, from); at !== -1; ) {
    const here = runAt(text, at);
    const closes = /\S/.test(text[at - 1] ?? '') && !(run[0] === '_' && isWord(text[at + here.length]));
    if (here.length === run.length && closes) return at;
    at = text.indexOf(run, at + here.length);
  }
  return undefined;
}

/** @param from where it begins @param bracket where its text does */
function readLink({ text, depth, brackets }: Scanned, from: number, bracket: number): Found | undefined {
  const close = brackets.get(bracket);
  if (close === undefined || text[close + 1] !== '(') return undefined;
  const target = /\(\s*(?:<([^<>\n]*)>|([^\s()]*(?:\([^\s()]*\)[^\s()]*)*))(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)/y;
  target.lastIndex = close + 1;
  const [whole, inBrackets, bare = ''] = target.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const children = readInlines(text.slice(bracket + 1, close), depth + 1);
  const address = from === bracket ? safeAddress(decode(inBrackets ?? bare)) : undefined;
  const inlines: readonly Inline[] =
    address === undefined ? children : [{ type: 'link', address, children: unlinked(children) }];
  return { inlines, end: close + 1 + whole.length };
}

/** No link is in a link. */
const unlinked = (inlines: readonly Inline[]): readonly Inline[] =>
  inlines.flatMap((inline) => (inline.type === 'link' ? inline.children : [inline]));

/** @param group which group of the pattern is the address */
function readAddress(text: string, at: number, pattern: RegExp, group: number): Found | undefined {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  const whole = found?.[0];
  const stated = found?.[group];
  if (whole === undefined || stated === undefined) return undefined;
  // What ends the sentence is no part of the address.
  const shown = group === 0 ? stated.replace(/[.,:;!?'*_~)\]]{1,20}$/, '') : stated;
  const address = safeAddress(shown);
  if (address === undefined) return undefined;
  const inlines: readonly Inline[] = [{ type: 'link', address, children: [{ type: 'text', text: shown }] }];
  return { inlines, end: at + whole.length - (stated.length - shown.length) };
}

function pairBrackets(text: string): ReadonlyMap<number, number> {
  const pairs = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '[') open.push(at);
    else if (text[at] === ']') {
      const start = open.pop();
      if (start !== undefined) pairs.set(start, at);
    }
  }
  return pairs;
}

/** The run of equal characters that begins there. */
function runAt(text: string, at: number): string {
  let end = at + 1;
  while (text[end] === text[at]) end += 1;
  return text.slice(at, end);
}

const isWord = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}]/u.test(character);

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  nbsp: '\u00a0',
};

/** Models write these where they mean the character. */
function decode(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|#39|nbsp);/g, (whole, name: string) => entities[name] ?? whole);
}
