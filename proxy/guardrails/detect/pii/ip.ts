import { isIPv6 } from 'node:net';
import { continuesToken, digits, isDigit, isTokenEnd, isWordUnit, tokenEndLookAhead } from '../characters.ts';
import { colon as anyColon } from '../mark.ts';
import { nothing, type Recognizer, undecided } from '../recognizer.ts';

const colon = 58;
const dot = 46;
const slash = 47;

/** `255.255.255.255/32` */
const longestV4 = 18;
const contextLength = 28;
/** What makes four numbers with dots a version or a section. */
const versionContext =
  /(?:vers(?:ion|ão)|versión|\bver|release|build|firmware|driver|sdk|revision|section|chapter|clause|oid|§|==|[~^<>]=?)[\s:.=#(]{0,3}$/i;
const addressContext =
  /(?:\bip|ipv4|addr|adresse|address|host|server|node|dns|ping|gateway|proxy|client|peer|subnet|ssh|from|remote|https?:\/)\b[^0-9]{0,12}$/i;
/** Addresses of public resolvers, which look like versions. */
const knownShort = new Set(['1.1.1.1', '1.0.0.1', '8.8.8.8', '8.8.4.4', '9.9.9.9', '0.0.0.0']);

/** An IPv4 address, with its prefix length if there is one. Four single digits need a word such as "address" before. */
export const ipv4: Recognizer = {
  kind: 'ip',
  firstCharacters: digits,
  lookBehind: contextLength,
  maxHeldBack: longestV4 + tokenEndLookAhead,
  matchAt: (text, start, complete) => {
    const end = endOfOctets(text, start, complete);
    if (end <= 0) return end;
    if (continuesToken(text, start) && !isAfterScheme(text, start)) return nothing;
    const isEnd = isTokenEnd(text, end, complete);
    const withPrefix = endOfPrefixLength(text, end, complete);
    if (isEnd === undefined || withPrefix === undecided) return undecided;
    if (withPrefix === nothing && !isEnd && text.charCodeAt(end) !== slash) return nothing;
    return isAddress(text, start, end) ? withPrefix || end : nothing;
  },
};

/** Four numbers up to 255 without leading zeros, with dots between. */
function endOfOctets(text: string, start: number, complete: boolean): number {
  let position = start;
  for (let octet = 0; octet < 4; octet++) {
    if (octet > 0) {
      if (position >= text.length) return complete ? nothing : undecided;
      if (text.charCodeAt(position) !== dot) return nothing;
      position += 1;
    }
    let value = 0;
    const first = position;
    while (position < text.length && position - first < 4 && isDigit(text.charCodeAt(position))) {
      value = value * 10 + text.charCodeAt(position) - 48;
      position += 1;
    }
    const length = position - first;
    if (position >= text.length && !complete && length < 4) return undecided;
    if (length === 0 || value > 255 || (length > 1 && text.charCodeAt(first) === 48) || length > 3) return nothing;
  }
  return position;
}

/** The end of `/24` after an address, or `nothing`. */
function endOfPrefixLength(text: string, from: number, complete: boolean): number {
  if (text.charCodeAt(from) !== slash) return nothing;
  let position = from + 1;
  while (position < text.length && position - from < 4 && isDigit(text.charCodeAt(position))) position++;
  if (position >= text.length && !complete && position - from < 4) return undecided;
  const isEnd = isTokenEnd(text, position, complete);
  if (isEnd === undefined) return undecided;
  const length = Number(text.slice(from + 1, position));
  return position > from + 1 && position - from < 4 && length <= 32 && isEnd ? position : nothing;
}

/** In `http://10.0.0.1` and `//10.0.0.1`, unlike in `Chrome/126.0.0.0`. */
function isAfterScheme(text: string, start: number): boolean {
  return text.charCodeAt(start - 1) === slash && text.charCodeAt(start - 2) === slash;
}

function isAddress(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - contextLength), start);
  if (versionContext.test(before)) return false;
  return end - start > 7 || knownShort.has(text.slice(start, end)) || addressContext.test(before);
}

/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` */
const longestV6 = 45;

/**
 * An IPv6 address in any form of RFC 4291. Shortened forms need a digit or three groups, since `add::cafe` is a path in
 * many languages; eight pairs of digits are a hardware address.
 */
export const ipv6: Recognizer = {
  kind: 'ip',
  firstCharacters: `${digits}abcdefABCDEF:`,
  needs: { mark: anyColon, within: 4 },
  lookBehind: 2,
  maxHeldBack: longestV6 + 2,
  matchAt: (text, start, complete) => {
    if (start > 0 && text.charCodeAt(start - 1) === colon) return nothing;
    let position = start;
    let colons = 0;
    let sinceColon = 0;
    for (; position - start <= longestV6; position++) {
      if (position >= text.length) {
        if (!complete) return undecided;
        break;
      }
      const unit = text.charCodeAt(position);
      if (unit === colon) {
        colons += 1;
        sinceColon = 0;
      } else if (isHexDigit(unit) || (unit === dot && colons > 1)) {
        sinceColon += 1;
        // Most words and numbers end here.
        if (sinceColon > 4 && colons === 0) return nothing;
      } else break;
    }
    if (colons < 2 || position - start > longestV6 || continuesToken(text, start)) return nothing;
    if (position < text.length && isWordUnit(text.charCodeAt(position))) return nothing;
    return endOfV6(text.slice(start, position), start);
  },
};

/** @param run may end with the punctuation of a sentence */
function endOfV6(run: string, start: number): number {
  for (const candidate of [run, run.replace(/[:.]$/, '')]) {
    if (!isIPv6(candidate)) continue;
    const groups = candidate.split(':').filter((group) => group !== '');
    const isPath = groups.length < 3 && !/\d/.test(candidate);
    const isHardware = groups.length === 8 && groups.every((group) => group.length === 2);
    return isPath || isHardware ? nothing : start + candidate.length;
  }
  return nothing;
}

function isHexDigit(unit: number): boolean {
  const lower = unit | 32;
  return isDigit(unit) || (lower >= 97 && lower <= 102);
}
