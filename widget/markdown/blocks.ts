import { readInlines } from './inlines.ts';
import { type Block, type Cell, deepest } from './tree.ts';

/** Lines of a text, and a block that begins at one of them. */
interface Begun {
  readonly block: Block;
  /** The first line after it. */
  readonly end: number;
}

/** Tries to read a block at a line. Undefined: it is none of this kind. */
type ReadBlock = (lines: readonly string[], at: number, depth: number) => Begun | undefined;

/**
 * Reads Markdown, as models write it: paragraphs, headings, lists, quotes, code, rules, tables. HTML in it is text like any
 * other. A reader of all of CommonMark would be larger than the rest of the widget.
 */
export function readMarkdown(text: string): readonly Block[] {
  return readBlocks(text.replaceAll(/\r\n?/g, '\n').replaceAll('\t', '    ').split('\n'), 0);
}

function readBlocks(lines: readonly string[], depth: number): readonly Block[] {
  if (depth > deepest) return [{ type: 'paragraph', children: readInlines(lines.join('\n'), deepest) }];
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; ) {
    if (isBlank(lines[at])) {
      at += 1;
      continue;
    }
    const { block, end } = readOther(lines, at, depth) ?? readParagraph(lines, at, depth);
    blocks.push(block);
    at = end;
  }
  return blocks;
}

function readOther(lines: readonly string[], at: number, depth: number): Begun | undefined {
  for (const read of kinds) {
    const begun = read(lines, at, depth);
    if (begun) return begun;
  }
  return undefined;
}

const isBlank = (line: string | undefined) => line === undefined || line.trim() === '';

const readCode: ReadBlock = (lines, at) => {
  const [, fence] = /^ {0,3}(`{3,}|~{3,})[^`]*$/.exec(lines[at] ?? '') ?? [];
  if (fence === undefined) return undefined;
  const closes = (line: string) =>
    line.trim().startsWith(fence) && line.trim() === (fence[0] ?? '').repeat(line.trim().length);
  const length = lines.slice(at + 1).findIndex(closes);
  const end = length === -1 ? lines.length : at + 1 + length;
  return { block: { type: 'code', text: lines.slice(at + 1, end).join('\n') }, end: end + 1 };
};

const readHeading: ReadBlock = (lines, at) => {
  const [, text] = /^ {0,3}#{1,6} +(.*)$/.exec(lines[at] ?? '') ?? [];
  if (text === undefined) return undefined;
  return { block: { type: 'heading', children: readInlines(text.replace(/ #{1,6} *$/, '').trim()) }, end: at + 1 };
};

const readRule: ReadBlock = (lines, at) =>
  /^ {0,3}(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})$/.test(lines[at] ?? '')
    ? { block: { type: 'rule' }, end: at + 1 }
    : undefined;

const readQuote: ReadBlock = (lines, at, depth) => {
  const inner: string[] = [];
  let end = at;
  for (; end < lines.length; end += 1) {
    const [, text] = /^ {0,3}> ?(.*)$/.exec(lines[end] ?? '') ?? [];
    if (text === undefined) break;
    inner.push(text);
  }
  return end === at ? undefined : { block: { type: 'quote', children: readBlocks(inner, depth + 1) }, end };
};

const marker = /^( *)([-*+]|\d{1,9}[.)])( +|$)/;

const readList: ReadBlock = (lines, at, depth) => {
  const [, outer = '', first] = marker.exec(lines[at] ?? '') ?? [];
  if (first === undefined) return undefined;
  const kind = first.at(-1);
  const items: (readonly Block[])[] = [];
  let end = at;
  for (;;) {
    const [begin, indent = '', sign = ''] = marker.exec(lines[end] ?? '') ?? [];
    // A deeper item belongs to the one before, which has taken it.
    if (begin === undefined || sign.at(-1) !== kind || indent.length > outer.length + 3 || readRule(lines, end, 0))
      break;
    const inner = [(lines[end] ?? '').slice(begin.length)];
    const after = takeItem(lines, end + 1, indent.length + sign.length + 1, inner);
    items.push(readBlocks(inner, depth + 1));
    end = skipBlank(lines, after);
    if (!marker.test(lines[end] ?? '')) {
      end = after;
      break;
    }
  }
  if (items.length === 0) return undefined;
  return { block: { type: 'list', start: /\d/.test(first) ? Number.parseInt(first, 10) : undefined, items }, end };
};

/**
 * Takes the further lines of an item: those that are as far within as its text, and those that go on with its paragraph.
 *
 * @returns the first line after it
 */
function takeItem(lines: readonly string[], from: number, within: number, inner: string[]): number {
  let end = from;
  for (; end < lines.length; end += 1) {
    const line = lines[end] ?? '';
    const next = isBlank(line) ? lines[skipBlank(lines, end)] : line;
    const isWithin = indentOf(next) >= Math.min(within, 2) && !isBlank(next);
    const goesOn = !isBlank(line) && !isBlank(lines[end - 1]) && !marker.test(line) && !beginsBlock(line);
    if (!isWithin && !goesOn) break;
    inner.push(line.slice(Math.min(within, indentOf(line))));
  }
  return end;
}

function skipBlank(lines: readonly string[], from: number): number {
  let at = from;
  while (at < lines.length && isBlank(lines[at])) at += 1;
  return at;
}

const indentOf = (line = '') => line.length - line.trimStart().length;

const beginsBlock = (line: string) => /^ {0,3}(?:#{1,6} |>|```|~~~)/.test(line);

const readTable: ReadBlock = (lines, at) => {
  const head = lines[at] ?? '';
  const rule = cellsOf(lines[at + 1] ?? '');
  if (!head.includes('|') || !rule.every((cell) => /^:?-+:?$/.test(cell))) return undefined;
  const columns = cellsOf(head);
  if (columns.length !== rule.length) return undefined;
  let end = at + 2;
  while (end < lines.length && (lines[end] ?? '').includes('|')) end += 1;
  const rows = lines.slice(at + 2, end).map((line) => toCells(cellsOf(line).slice(0, columns.length)));
  return { block: { type: 'table', head: toCells(columns), rows }, end };
};

const toCells = (texts: readonly string[]): readonly Cell[] => texts.map((text) => readInlines(text));

/** Cells are between bars; an escaped bar is none. */
function cellsOf(line: string): readonly string[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

function readParagraph(lines: readonly string[], at: number, depth: number): Begun {
  let end = at + 1;
  // A table begins with the line above its rule.
  while (end < lines.length && !isBlank(lines[end]) && !interrupts(lines, end, depth)) end += 1;
  const text = lines.slice(at, end).map((line) => line.trim());
  return { block: { type: 'paragraph', children: readInlines(text.join('\n')) }, end };
}

function interrupts(lines: readonly string[], at: number, depth: number): boolean {
  const line = lines[at] ?? '';
  return (
    beginsBlock(line) ||
    marker.test(line) ||
    readRule(lines, at, depth) !== undefined ||
    readTable(lines, at, depth) !== undefined
  );
}

/** The first that reads a block has it: a rule of stars is no list. */
const kinds: readonly ReadBlock[] = [readCode, readHeading, readRule, readQuote, readList, readTable];
