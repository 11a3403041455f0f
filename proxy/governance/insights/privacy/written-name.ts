import { upperLetters } from '../../../guardrails/detect/characters.ts';
import { nothing, type Recognizer, undecided } from '../../../guardrails/detect/recognizer.ts';

const contextLength = 40;
const longest = 64;
/** What stands before a person’s name. */
const before =
  /(?:\bthis is|\bi am|\bi['’]m|\b(?:spoke|speak|talk|talked|chatted) (?:with|to)|\bthanks? (?:to )?|\b(?:wife|husband|son|daughter|brother|sister|mother|father|colleague|manager|agent|boss|friend|partner),?|\b(?:call|called|contact|ask|asked|tell|told|meet|met|email|reach|remind|inform) (?:for )?|\b(?:send|sent|write|wrote|forward|give|gave|transfer|pass)\b[^.!?\n]{0,24} to|(?:^|[.!?\n] {0,2})(?:could|can|will|would|does|did|is|was|has|should)|\b(?:regards|sincerely|yours|cheers|best|thanks|greetings),?\n)\s?$/i;
/** What only a person does. */
const after =
  /^ (?:called|told|said|wrote|asked|promised|helped|answered|emailed|explained|apologi[sz]ed|assured|visited|never called)\b/;
const word = String.raw`\p{Lu}[\p{L}'’-]{1,24}`;
const name = new RegExp(
  `^${word}(?: (?:\\p{Lu}\\.|(?:van|von|de|der|den|di|da|del|la|le|al|bin) ${word}|${word})){1,3}`,
  'u',
);

/** A first and a last name, by the words around them: the words of a name may be any. */
export const writtenName: Recognizer = {
  kind: 'name',
  firstCharacters: upperLetters,
  beginsBeyondAscii: true,
  lookBehind: contextLength,
  maxHeldBack: longest,
  matchAt: (text, start, complete) => {
    const slice = text.slice(start, start + longest);
    if (slice.length < longest && !complete) return undecided;
    const found = name.exec(slice)?.[0];
    if (found === undefined) return nothing;
    const isIntroduced = before.test(text.slice(Math.max(0, start - contextLength), start));
    return isIntroduced || after.test(slice.slice(found.length)) ? start + found.length : nothing;
  },
};
