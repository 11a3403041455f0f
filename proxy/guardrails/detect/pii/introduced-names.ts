import { upperLetters } from '../characters.ts';
import { nothing, type Recognizer, undecided } from '../recognizer.ts';

const contextLength = 24;
/** What stands before a name in several languages: an introduction, or a title. */
const introduction =
  /(?:my name is|name's|full name:?|\bname:|signed,?|\bdear|\b(?:mr|mrs|ms|dr|prof)\b\.?|ich heiße|mein name ist|\bherrn?|\bfrau|je m'appelle|monsieur|madame|\bmme\.?|me llamo|mi nombre es|\bseñora?|\bsra?\.|mi chiamo|\bsignora?|\bsig\.|meu nome é|senhora?|mijn naam is|\bmevrouw|\bmeneer|nazywam się|jag heter)\s{1,2}$/i;
const longest = 64;
const word = String.raw`(?:\p{Lu}\.|\p{Lu}[\p{L}'’-]{1,24})`;
const particles = `(?:(?:van|von|de|der|den|di|da|del|la|le|al|bin) ){0,2}`;
const name = new RegExp(`^${word}(?: ${particles}${word}){0,3}`, 'u');
const unfinished = /^[\p{L}'’-]+(?:\.? [\p{L}'’-]*){0,6}\.?$/u;
/** What is greeted or named without being a person. */
const noName = /^(?:Sir|Madam|Team|All|Customer|Support|Hiring|Colleagues?|Friends?|Everyone|Damen|The)\b/;

/** A name after an introduction or a title: "My name is", "Dear", "Frau". */
export const introducedName: Recognizer = {
  kind: 'name',
  firstCharacters: upperLetters,
  beginsBeyondAscii: true,
  lookBehind: contextLength,
  maxHeldBack: longest,
  matchAt: (text, start, complete) => {
    if (text.charCodeAt(start - 1) !== 32) return nothing;
    if (!introduction.test(text.slice(Math.max(0, start - contextLength), start))) return nothing;
    const slice = text.slice(start, start + longest);
    if (slice.length < longest && !complete && unfinished.test(slice)) return undecided;
    const found = name.exec(slice);
    return found === null || noName.test(found[0]) ? nothing : start + found[0].length;
  },
};
