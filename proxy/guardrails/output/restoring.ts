import type { Match, TextStream } from '../detect/detector.ts';
import type { Placeholders } from '../detect/placeholders.ts';
import type { Stage } from './channel.ts';

/** A placeholder as models repeat it: as it is, or with the backslashes of Markdown. */
const repeated = /\\?\[[A-Z][A-Z0-9_\\]*\\?\]/g;
/** What may become a placeholder, at the end of a text. */
const unfinished = /\\?(?:\[(?:[A-Z][A-Z0-9_\\]*)?)?$/;

/** The value of a placeholder as a model repeats it. */
export function repeatedValue(placeholders: Placeholders, found: string): string | undefined {
  return placeholders.valueOf(found) ?? placeholders.valueOf(found.replaceAll('\\', ''));
}

/** Makes the last stage of a channel, which puts callers' values in the place of their placeholders. */
export function restoringStage(placeholders: Placeholders): Stage {
  return {
    rule: undefined,
    open: () => openStream(placeholders),
    substitute: (_kind, value) => repeatedValue(placeholders, value) ?? value,
  };
}

function openStream(placeholders: Placeholders): TextStream {
  let held = '';
  let base = 0;
  const take = (upTo: number) => {
    const text = held.slice(0, upTo);
    const matches: Match[] = [];
    for (const { index, 0: found } of text.matchAll(repeated)) {
      if (repeatedValue(placeholders, found) === undefined) continue;
      matches.push({ start: base + index, end: base + index + found.length, kind: 'placeholder' });
    }
    held = held.slice(upTo);
    base += upTo;
    return { settledUpTo: base, matches };
  };
  return {
    push(text) {
      held += text;
      const from = Math.max(0, held.length - 2 * placeholders.maxLength);
      const found = unfinished.exec(held.slice(from));
      return take(found === null ? held.length : from + found.index);
    },
    end: () => take(held.length),
  };
}
