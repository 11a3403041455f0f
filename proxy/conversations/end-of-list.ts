import { asObject } from '../providers/json.ts';

/** Characters that every client writes as they are. */
const plainEnd = /[\w .,?!:;()-]+$/;
/** So many characters of a text tell where it is. */
const tellingLength = 32;
/** What may follow a text up to the end of the list. */
const longestRest = 160;
const fields = String.raw`(?:\s*,\s*"\w+"\s*:\s*"[^"\\]*")*\s*`;
/** The end of a text that is a message's content, of the message and of the list. */
const afterContent = new RegExp(String.raw`^${fields}\}(?=\s*\])`);
/** The same of a text that is the last part of a content. */
const afterPart = new RegExp(String.raw`^\s*\}\s*\]${fields}\}(?=\s*\])`);

/**
 * Where the last message of a list ends in the bytes of a body: after its brace. 0: that is not certain.
 *
 * Nobody writes a quotation mark within a text without a backslash. So a text that ends with one, after which the message
 * and the list end, is the last one of a list. Where another list of the body ends with the same words, the place may be
 * beyond the messages. Then no other body has the same bytes up to there.
 *
 * @param last the last value of the list
 */
export function endOfList(raw: Buffer, last: unknown): number {
  const message = asObject(last);
  const content = message?.content ?? message?.output;
  const isWhole = typeof content === 'string';
  const text = isWhole ? content : Array.isArray(content) ? asObject(content.at(-1))?.text : undefined;
  if (typeof text !== 'string') return 0;
  const [end] = plainEnd.exec(text.slice(-tellingLength)) ?? [];
  if (end === undefined) return 0;
  const sought = `${end}"`;
  const at = raw.lastIndexOf(sought, raw.length, 'latin1');
  if (at === -1) return 0;
  const start = at + sought.length;
  const [rest] = (isWhole ? afterContent : afterPart).exec(raw.toString('latin1', start, start + longestRest)) ?? [];
  return rest === undefined ? 0 : start + rest.length;
}
