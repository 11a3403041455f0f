import type { Detector, Match } from '../detector.ts';
import { makeDetectorOf } from '../finder.ts';
import { mayBeginPhrase, mostFillers, type Phrase, type Place, phrases, phrasesByFirst } from './phrases.ts';
import { isTokenUnit, longestGap, longestToken, readToken, skipGap } from './token.ts';

export interface InjectionConfig {
  readonly detector: 'injection';
}

const undecided = -1;
const nothing = 0;

/** What separates the parts of a conversation for models, and so has no business in a text of a user or of a tool. */
const delimiters = [
  '<|im_start|>',
  '<|im_end|>',
  '<|endoftext|>',
  '<|start_header_id|>',
  '<|end_header_id|>',
  '<|eot_id|>',
  '<|system|>',
  '<|assistant|>',
  '<|user|>',
  '<|begin_of_text|>',
  '<|start|>system',
  '<|channel|>',
  '<start_of_turn>',
  '<end_of_turn>',
  '[INST]',
  '[/INST]',
  '<<SYS>>',
  '<</SYS>>',
  '[SYSTEM]',
  '### System:',
  '### Instruction:',
];
/** `<`, `[` and `#`. */
const isDelimiterInitial = (unit: number) => unit === 60 || unit === 91 || unit === 35;

/** Phrases in scripts without spaces between words. */
const unspaced = [
  [
    'override',
    /^(?:请)?(?:忽略|无视|忘记)(?:掉)?(?:你)?(?:之前|以上|上面|先前|前面)(?:的|所有|全部|一切){0,3}(?:指令|指示|提示|规则|要求|命令)/,
  ],
  [
    'override',
    /^(?:忽略|无视|忘记)(?:所有|全部|一切)(?:之前|以上|上面|先前|前面)?的?(?:指令|指示|提示|规则|要求|命令)/,
  ],
  [
    'override',
    /^(?:以前|これまで|上記|前)の(?:すべての|全ての)?(?:指示|命令|ルール|プロンプト)を?(?:すべて|全て)?(?:無視|忘れ)/,
  ],
  ['override', /^(?:이전|위의?|앞의?) ?(?:모든 )?(?:지시|명령|지침|규칙)(?:사항)?(?:을|를|은|는)? ?(?:모두 )?무시/],
] as const;
const unspacedInitials = new Set('请忽无忘以こ上前이위앞');
const longestUnspaced = 32;

/** The longest text in base 64 that is decoded. */
const longestEncoded = 1024;
const shortestEncoded = 24;
const encodedUnits = Uint8Array.from({ length: 128 }, (_, unit) =>
  /[A-Za-z0-9+/=_-]/.test(String.fromCharCode(unit)) ? 1 : 0,
);

const mostPlaces = Math.max(...phrases.map(({ places }) => places.length));
const longestPhrase = (longestToken + longestGap) * mostPlaces * 3;
const longestHidden = 64;

/**
 * Recognizes texts that try to take over a model, by what such texts commonly say: phrases in several languages, with
 * look-alike letters and invisible characters folded, in base 64, or in invisible characters; and the delimiters of
 * models. It is a heuristic: whoever words it otherwise is not found.
 */
export function makeInjectionDetector(_config: InjectionConfig): Detector {
  return makeDetectorOf('injection', {
    kinds: ['override', 'reveal', 'persona', 'bypass', 'delimiter', 'hidden', 'encoded'],
    lookBehind: 2,
    maxHeldBack: Math.max(longestEncoded, longestPhrase, longestHidden) + 1,
    find: (text, from, complete) => find(text, from, complete, true),
  });
}

function find(text: string, from: number, complete: boolean, decodes: boolean): Match | number {
  for (let start = from; start < text.length; start++) {
    const unit = text.charCodeAt(start);
    const isWordStart = isTokenUnit(unit) && (start === 0 || !isTokenUnit(text.charCodeAt(start - 1)));
    if (!isWordStart && unit < 128 && !isDelimiterInitial(unit)) continue;
    const found = matchAt(text, start, complete, isWordStart, decodes);
    if (found === undecided) return start;
    if (typeof found !== 'number') return found;
  }
  return text.length;
}

function matchAt(
  text: string,
  start: number,
  complete: boolean,
  isWordStart: boolean,
  decodes: boolean,
): Match | number {
  let found = matchDelimiter(text, start, complete);
  if (found === nothing) found = matchUnspaced(text, start, complete);
  if (found === nothing) found = matchHidden(text, start, complete);
  if (found === nothing && isWordStart) found = matchPhrase(text, start, complete);
  if (found === nothing && isWordStart && decodes) found = matchEncoded(text, start, complete);
  return found;
}

function matchDelimiter(text: string, start: number, complete: boolean): Match | number {
  if (!isDelimiterInitial(text.charCodeAt(start))) return nothing;
  let isBeginning = false;
  for (const delimiter of delimiters) {
    if (text.startsWith(delimiter, start)) return { start, end: start + delimiter.length, kind: 'delimiter' };
    isBeginning ||= text.length - start < delimiter.length && delimiter.startsWith(text.slice(start));
  }
  return isBeginning && !complete ? undecided : nothing;
}

function matchUnspaced(text: string, start: number, complete: boolean): Match | number {
  if (text.charCodeAt(start) < 128 || !unspacedInitials.has(text.charAt(start))) return nothing;
  const slice = text.slice(start, start + longestUnspaced);
  if (slice.length < longestUnspaced && !complete && !/[\n。！？.!?]/.test(slice)) return undecided;
  for (const [kind, pattern] of unspaced) {
    const found = pattern.exec(slice);
    if (found !== null) return { start, end: start + found[0].length, kind };
  }
  return nothing;
}

const fewestHidden = 8;
/** Characters of the block of tags, which mirror ASCII and are not shown, and zero-width characters. */
const hiddenText = /^(?:\udb40[\udc00-\udc7f]|[\u200b-\u200d\u2060\ufeff])+/;

/** Text that is not seen: at least eight invisible characters in a row. */
function matchHidden(text: string, start: number, complete: boolean): Match | number {
  const unit = text.charCodeAt(start);
  if (unit !== 0xdb40 && !(unit >= 0x200b && unit <= 0x200d) && unit !== 0x2060 && unit !== 0xfeff) return nothing;
  const slice = text.slice(start, start + longestHidden);
  const length = hiddenText.exec(slice)?.[0].length ?? 0;
  if (length === slice.length && slice.length < longestHidden && !complete) return undecided;
  return Array.from(slice.slice(0, length)).length >= fewestHidden
    ? { start, end: start + length, kind: 'hidden' }
    : nothing;
}

function matchPhrase(text: string, start: number, complete: boolean): Match | number {
  if (!mayBeginPhrase(text, start)) return nothing;
  const first = readToken(text, start, complete);
  if (first === true) return undecided;
  const candidates = first === undefined ? undefined : phrasesByFirst.get(first.folded);
  if (first === undefined || candidates === undefined) return nothing;
  for (const phrase of candidates) {
    const end = endOfPhrase(phrase, text, first.end, complete);
    if (end === undecided) return undecided;
    if (end > 0) return { start, end, kind: phrase.kind };
  }
  return nothing;
}

/** Reads the places of a phrase one after another. A place of many takes words until one fits the next place only. */
function endOfPhrase({ places }: Phrase, text: string, from: number, complete: boolean): number {
  let end = from;
  let place = 1;
  let fillers = 0;
  while (place < places.length) {
    const rest = places.slice(place);
    if (rest.every(({ many }) => many)) return end;
    const next = skipGap(text, end, complete);
    if (next === true) return undecided;
    const token = next === undefined ? undefined : readToken(text, next, complete);
    if (token === true) return undecided;
    if (token === undefined) return nothing;
    const step = stepOver(rest, token.folded);
    if (step === undefined) return nothing;
    fillers = step === 0 ? fillers + 1 : 0;
    if (fillers > mostFillers) return nothing;
    place += step;
    end = token.end;
  }
  return end;
}

/** How many places a word ends: a word that fits the next single place ends it, else it fills a place of many. */
function stepOver(rest: readonly Place[], word: string): number | undefined {
  const single = rest.findIndex(({ many }) => !many);
  if (rest[single]?.words.has(word)) return single + 1;
  const filler = rest.slice(0, single).findIndex(({ words }) => words.has(word));
  return filler < 0 ? undefined : filler;
}

/** Text in base 64 that says such things when it is decoded. */
function matchEncoded(text: string, start: number, complete: boolean): Match | number {
  if (start > 0 && encodedUnits[text.charCodeAt(start - 1)] === 1) return nothing;
  let end = start;
  const limit = Math.min(text.length, start + longestEncoded);
  while (end < limit && encodedUnits[text.charCodeAt(end)] === 1) end++;
  if (end === text.length && end - start < longestEncoded && !complete) return undecided;
  if (end - start < shortestEncoded) return nothing;
  const decoded = Buffer.from(text.slice(start, end), 'base64').toString('utf8');
  const found = find(decoded, 0, true, false);
  return typeof found === 'number' ? nothing : { start, end, kind: 'encoded' };
}
