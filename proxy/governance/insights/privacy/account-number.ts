import { continuesToken, digits, isDigit, isWordUnit } from '../../../guardrails/detect/characters.ts';
import { nothing, type Recognizer, undecided } from '../../../guardrails/detect/recognizer.ts';

const fewestDigits = 6;
const mostDigits = 17;
/** Digits with a hyphen or a space between. */
const longest = mostDigits * 2;
const contextLength = 48;
/** What stands before the number of an account: numbers of accounts have no form of their own. */
const context =
  /(?:\baccount|\bacct|\bcustomer|\bmember(?:ship)?|\bpolicy|\bcontract|\bloan|\bkonto(?:nummer|nr)?|\bkundennummer|\bnuméro de compte|\bcuenta|\bconto)\b[^0-9\n]{0,24}$/i;

/** The number of an account, after a word that says so: "my account number is 1234567890". */
export const accountNumber: Recognizer = {
  kind: 'accountNumber',
  firstCharacters: digits,
  lookBehind: contextLength,
  maxHeldBack: longest + 1,
  matchAt: (text, start, complete) => {
    if (continuesToken(text, start)) return nothing;
    if (!context.test(text.slice(Math.max(0, start - contextLength), start))) return nothing;
    let [end, count] = [start, 0];
    for (let at = start; at < Math.min(text.length, start + longest); at += 1) {
      const unit = text.charCodeAt(at);
      if (isDigit(unit)) {
        count += 1;
        end = at + 1;
      } else if (!isSeparator(unit) || isSeparator(text.charCodeAt(at - 1))) break;
    }
    if (end >= text.length - 1 && !complete) return undecided;
    if (count < fewestDigits || count > mostDigits || isWordUnit(text.charCodeAt(end))) return nothing;
    return end;
  },
};

function isSeparator(unit: number): boolean {
  return unit === 45 || unit === 32;
}
