import { parseObject } from '../../providers/json.ts';
import { decide, type Judged } from './decide.ts';
import { type Known, readFields } from './reply.ts';

/** The last words are held back: they may be the beginning of what must not be said. */
const heldWords = 8;

/**
 * Makes what hears a model's JSON while it comes, and tells the part of the answer that may be given. Nothing is told
 * before the fields that decide are there, and nothing of an answer that they hand over.
 */
export function tellAnswer(judged: Judged, known: Known, onText: (text: string) => void): (json: string) => void {
  let told = 0;
  return (json) => {
    const answer = readSoFar(json, judged, known);
    if (answer === undefined) return;
    const safe = withoutLastWords(answer);
    if (safe.length <= told) return;
    onText(safe.slice(told));
    told = safe.length;
  };
}

/** The answer as far as it has come. Undefined where it is not to be given, or not yet known to be. */
function readSoFar(json: string, judged: Judged, known: Known): string | undefined {
  const whole = json.replace(/\\(u[0-9a-fA-F]{0,3})?$/, '');
  const fields = parseObject(`${whole}"}`) ?? parseObject(whole);
  const reply = readFields(fields, known);
  if (!reply || reply.answer === '') return undefined;
  const { reason } = decide(reply, judged);
  return reason === undefined ? reply.answer : undefined;
}

function withoutLastWords(text: string): string {
  const words = [...text.matchAll(/\s+\S/g)];
  const cut = words.at(-heldWords);
  return cut === undefined ? '' : text.slice(0, cut.index);
}
