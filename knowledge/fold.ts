import { toStorable } from '../database/storable.ts';

/** Letters that are not a letter with an accent. */
const letters: Readonly<Record<string, string>> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ł: 'l', ı: 'i' };

/**
 * Folds a text for the index and for questions alike: lower case, without accents. So no extension of the database is
 * needed. A slash separates words, which PostgreSQL would take for a path.
 */
export function foldWords(text: string): string {
  return toStorable(text)
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .replaceAll(/[ßæœøđłı]/g, (letter) => letters[letter] ?? letter)
    .replaceAll('/', ' ')
    .normalize('NFC');
}
