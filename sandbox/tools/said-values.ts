const quoted = /"([^"]{1,200})"|“([^”]{1,200})”|`([^`]{1,200})`|(?<![\p{L}\p{N}])'([^']{1,200})'(?![\p{L}\p{N}])/u;
const piece = new RegExp(`${quoted.source}|[^\\s"“\`]+`, 'gu');

/**
 * Finds the parts of a message that could be a tool's arguments, in order: quoted text, names (words with a capital
 * letter inside a sentence), numbers and other words with digits, and addresses.
 */
export function saidValues(said: string): string[] {
  const values: string[] = [];
  let startsSentence = true;
  let continuesName = false;
  for (const match of said.matchAll(piece)) {
    const quote = match.slice(1).find((group) => group !== undefined);
    const word = quote ?? strip(match[0]);
    const isName = quote === undefined && !startsSentence && /^\p{Lu}/u.test(word) && !/^I(['’]|$)/u.test(word);
    if (isName && continuesName) values.push(`${values.pop()} ${word}`);
    else if (quote !== undefined || isName || /\p{N}|@|:\/\//u.test(word)) values.push(word);
    continuesName = isName && /[\p{L}\p{N}]$/u.test(match[0]);
    startsSentence = /[.!?:]$/.test(match[0]) || (startsSentence && word === '');
  }
  return values;
}

function strip(word: string): string {
  return word.replace(/^[^\p{L}\p{N}-]+/u, '').replace(/(?:['’]s)?[^\p{L}\p{N}/]*$/u, '');
}
