/** A part of a text that a reviewer has edited. */
export interface DiffPart {
  readonly op: 'equal' | 'insert' | 'delete';
  readonly text: string;
}

/** Longer work than this is not worth the exact difference. */
const patienceMs = 200;

/** What a reviewer has changed, by words. Texts that have little in common are replaced as a whole. */
export async function diffTexts(before: string, after: string): Promise<DiffPart[]> {
  const { diffWordsWithSpace } = await import('diff');
  const parts = diffWordsWithSpace(before, after, { timeout: patienceMs });
  if (!parts) {
    const whole: DiffPart[] = [
      { op: 'delete', text: before },
      { op: 'insert', text: after },
    ];
    return whole.filter(({ text }) => text !== '');
  }
  return parts.map(({ added, removed, value }) => ({
    op: added ? 'insert' : removed ? 'delete' : 'equal',
    text: value,
  }));
}
