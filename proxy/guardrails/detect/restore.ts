import type { Placeholders } from './placeholders.ts';

export interface RestoreOptions {
  /** How a value is written where it is put, such as `escapeJsonString` within a JSON text. */
  readonly escape?: (value: string) => string;
}

/** A placeholder as models repeat it: as it is, or with the backslashes of Markdown. */
const repeated = /\\?\[[A-Z][A-Z0-9_\\]*\]/g;
/** What may become a placeholder, at the end of a text. */
const unfinished = /\\?(?:\[(?:[A-Z][A-Z0-9_\\]*)?)?$/;

/** Puts the values back in the place of their placeholders. Other text in brackets stays as it is. */
export function restore(
  placeholders: Placeholders,
  text: string,
  { escape: write = same }: RestoreOptions = {},
): string {
  if (!text.includes('[')) return text;
  return text.replaceAll(repeated, (found) => {
    const value = placeholders.valueOf(found) ?? placeholders.valueOf(found.replaceAll('\\', ''));
    return value === undefined ? found : write(value);
  });
}

/** Restores a text that arrives in pieces. It holds back no more than what could become a placeholder. */
export interface RestorationStream {
  /** @returns the text that may be released now */
  push(text: string): string;
  end(): string;
}

export function openRestorationStream(placeholders: Placeholders, options?: RestoreOptions): RestorationStream {
  let held = '';
  return {
    push: (text) => {
      held += text;
      const from = startOfUnfinished(held, placeholders.maxLength);
      const released = restore(placeholders, held.slice(0, from), options);
      held = held.slice(from);
      return released;
    },
    end: () => {
      const released = restore(placeholders, held, options);
      held = '';
      return released;
    },
  };
}

/** Where a placeholder may begin that is not at its end yet. A backslash may come before each of its characters. */
function startOfUnfinished(text: string, maxLength: number): number {
  const from = Math.max(0, text.length - 2 * maxLength);
  const found = unfinished.exec(text.slice(from));
  return found === null ? text.length : from + found.index;
}

/** A value within the quotes of a JSON string. */
export function escapeJsonString(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

function same(value: string): string {
  return value;
}
