/** A part of an article that can stand for itself. */
export interface Passage {
  /** Where it is in the content, in UTF-16 units. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** The headings that it is under, from the outermost to its own. */
  readonly headings: readonly string[];
}

/** About 200 words: enough for an answer, and short enough that its words are about one thing. */
const mostCharacters = 1_200;

interface Section {
  readonly startsAt: number;
  readonly endsAt: number;
  readonly headings: readonly string[];
}

/**
 * Cuts an article in Markdown into passages: at its headings, and in long sections between sentences. An article that has
 * nothing but headings is one passage.
 */
export function cutPassages(content: string): Passage[] {
  const passages = sectionsOf(content).flatMap(({ startsAt, endsAt, headings }) =>
    cutSection(content.slice(startsAt, endsAt)).map(([start, end]) => ({
      startsAt: startsAt + start,
      endsAt: startsAt + end,
      headings,
    })),
  );
  return passages.length > 0 ? passages : [{ startsAt: 0, endsAt: content.length, headings: [] }];
}

/** The text below each heading. A `#` within a fenced block of code is none (CommonMark 0.31, sections 4.2 and 4.5). */
function sectionsOf(content: string): Section[] {
  const sections: Section[] = [];
  const path: { readonly level: number; readonly text: string }[] = [];
  let startsAt = 0;
  let fence = '';
  const end = (endsAt: number) => sections.push({ startsAt, endsAt, headings: path.map(({ text }) => text) });
  for (const { 0: line, index } of content.matchAll(/^.*$/gm)) {
    const [, marks] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? [];
    if (marks !== undefined && (fence === '' || marks.startsWith(fence))) fence = fence === '' ? marks : '';
    if (fence !== '') continue;
    const [, hashes, text] = /^ {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$/.exec(line) ?? [];
    if (hashes === undefined || text === undefined) continue;
    end(index);
    while ((path.at(-1)?.level ?? 0) >= hashes.length) path.pop();
    path.push({ level: hashes.length, text });
    startsAt = index + line.length;
  }
  end(content.length);
  return sections;
}

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Cuts a text between sentences. @returns where each part begins and ends, without white space at its ends */
function cutSection(text: string): [start: number, end: number][] {
  const parts: [number, number][] = [];
  let start = 0;
  let end = 0;
  const close = () => {
    const part = text.slice(start, end);
    const trimmed = part.trim();
    const first = start + part.indexOf(trimmed);
    if (trimmed !== '') parts.push([first, first + trimmed.length]);
    start = end;
  };
  for (const { segment, index } of sentences.segment(text)) {
    if (index + segment.length - start > mostCharacters) close();
    end = index + segment.length;
    // A sentence that is too long by itself, such as a table.
    while (end - start > mostCharacters) {
      const whole = end;
      const space = text.lastIndexOf(' ', start + mostCharacters);
      end = space > start ? space : start + mostCharacters;
      close();
      end = whole;
    }
  }
  close();
  return parts;
}
