import { digits, isWordUnit, letters } from '../characters.ts';
import { atSign } from '../mark.ts';
import { nothing, type Recognizer, undecided } from '../recognizer.ts';

/** RFC 5321, 4.5.3.1: the longest local part and the longest domain. */
const longestLocal = 64;
const longestDomain = 255;
const longestLabel = 63;

const contextLength = 72;
/** In a URL, what stands before `@` is a user, or a user's password: `ssh://git@example.com`. */
const userInfo = /:\/\/(?:[^\s/@:]*:)?$/;

const at = 64;
const dot = 46;
const hyphen = 45;

/** The ASCII characters of a local part: of those that RFC 5322 allows, the ones that mailboxes have. */
const inLocal = new Uint8Array(128);
for (const character of `._%+-'${letters}${digits}`) inLocal[character.charCodeAt(0)] = 1;
/** What files are called, but no top-level domain: `icon@2x.png` is not an address. */
const fileSuffix = /^(?:png|jpe?g|gif|svg|webp|avif|css|js|jsx|tsx?|json|html?|tgz|ya?ml|txt|lock)$/i;

function isLocalUnit(unit: number): boolean {
  return unit < 128 ? inLocal[unit] === 1 : isWordUnit(unit);
}

/** An e-mail address: a local part, `@`, and a domain with at least two labels whose last one is made of letters. */
export const email: Recognizer = {
  kind: 'email',
  firstCharacters: `${letters}${digits}_`,
  beginsBeyondAscii: true,
  needs: { mark: atSign, within: longestLocal },
  lookBehind: contextLength,
  maxHeldBack: longestLocal + 1 + longestDomain + 2,
  matchAt: (text, start, complete) => {
    const { length } = text;
    let position = start + 1;
    while (position < length && position - start <= longestLocal && isLocalUnit(text.charCodeAt(position))) position++;
    if (position - start > longestLocal) return nothing;
    if (position === length) return complete ? nothing : undecided;
    if (text.charCodeAt(position) !== at || text.charCodeAt(position - 1) === dot) return nothing;
    if (userInfo.test(text.slice(Math.max(0, start - contextLength), start))) return nothing;
    return endOfDomain(text, position + 1, complete);
  },
};

/** @returns the end of the longest domain from here, `nothing` or `undecided` */
function endOfDomain(text: string, from: number, complete: boolean): number {
  const { length } = text;
  const limit = from + longestDomain;
  let end = nothing;
  let label = from;
  let position = from;
  let onlyLetters = true;
  for (; ; position++) {
    if (position === length && !complete) return position > limit ? end : undecided;
    const unit = position < length ? text.charCodeAt(position) : dot;
    if (isWordUnit(unit) || unit === hyphen) {
      if (position - label >= longestLabel || position >= limit) return end;
      if (unit === hyphen || (unit >= 48 && unit <= 57)) onlyLetters &&= label === from;
      continue;
    }
    const labelLength = position - label;
    if (labelLength === 0 || text.charCodeAt(label) === hyphen || text.charCodeAt(position - 1) === hyphen) return end;
    if (label > from && labelLength >= 2 && isTopLevel(text, label, position, onlyLetters)) end = position;
    if (unit !== dot || position === length) return end;
    label = position + 1;
    onlyLetters = true;
  }
}

/** Whether a label may be the last one: letters, or a name beyond ASCII in its encoded form (`xn--…`). */
function isTopLevel(text: string, start: number, end: number, onlyLetters: boolean): boolean {
  const label = text.slice(start, end);
  return onlyLetters ? !fileSuffix.test(label) : /^xn--./i.test(label);
}
