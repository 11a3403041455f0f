import { ar } from './ar.ts';
import { de } from './de.ts';
import { en, type Texts } from './en.ts';
import { es } from './es.ts';
import { fr } from './fr.ts';

/** The languages that the widget speaks. A new one needs a file and a line here. */
export const languages: Readonly<Record<string, Texts>> = { en, de, es, fr, ar };

/** Languages that are written from right to left, also those of texts that a page brings itself. */
const rightToLeft = new Set(['ar', 'dv', 'fa', 'he', 'ku', 'ps', 'sd', 'ug', 'ur', 'yi']);

/** What a visitor reads, and how it is written. */
export interface Speech {
  /** A language tag. */
  readonly language: string;
  readonly direction: 'ltr' | 'rtl';
  readonly texts: Texts;
}

/**
 * Chooses the language: the one that the page states, else the first of those that it is written in or that the visitor
 * prefers and that the widget speaks, else English.
 *
 * @param stated may be one that the widget does not speak, where the page brings its texts
 * @param preferred language tags, the best first
 */
export function chooseSpeech(
  stated: string | undefined,
  preferred: readonly string[],
  overrides: Partial<Texts>,
): Speech {
  const language = stated ?? preferred.find((tag) => primaryOf(tag) in languages) ?? 'en';
  const primary = primaryOf(language);
  const texts = { ...(languages[primary] ?? en), ...overrides };
  return { language, direction: rightToLeft.has(primary) ? 'rtl' : 'ltr', texts };
}

const primaryOf = (tag: string) => tag.toLowerCase().split('-', 1)[0] ?? '';

/** Puts values into a text: `{count}` stands for `values.count`. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
