import type { Tool } from './tool.ts';

/** Words that do not identify a tool, unless its name has no others. */
const common = new Set(
  (
    'a an the my all and or of for by with to in on at from is are be this that what which when will your you it its ' +
    'get set fetch find search look lookup list show read make create do run call use send update delete return given ' +
    'current latest new tool function api information info data details'
  )
    .split(' ')
    .map(stemOf),
);
/** Shorter words of a description do not count. */
const minDescriptionWord = 4;
const wantedOfDescription = 2;
/** Only this many characters of a description are read. */
const maxDescription = 1_000;

/**
 * Finds the tools that a message asks for, the best match first. A tool matches where the message has a word of its
 * name, except common ones such as `get`, or two words of its description. Each word of the message counts for one tool
 * only. So a message about the weather calls `get_weather`, but not also `get_weather_alerts`.
 */
export function matchTools(tools: readonly Tool[], said: string): Tool[] {
  const unused = new Set(wordsOf(said).map(stemOf));
  const left = new Set(tools.map(termsOf));
  const matching: Tool[] = [];
  for (;;) {
    const [best] = [...left].map((terms) => rate(terms, unused)).sort((a, b) => b.score - a.score);
    if (!best || best.score <= 0) return matching;
    matching.push(best.terms.tool);
    left.delete(best.terms);
    for (const word of best.words) unused.delete(word);
  }
}

/** The words that identify a tool. */
interface Terms {
  tool: Tool;
  name: string[];
  description: string[];
}

function termsOf(tool: Tool): Terms {
  const description = wordsOf(tool.description.slice(0, maxDescription))
    .filter((word) => word.length >= minDescriptionWord)
    .map(stemOf)
    .filter((word) => !common.has(word));
  return { tool, name: telling(wordsOf(tool.name).map(stemOf)), description: [...new Set(description)] };
}

interface Rating {
  terms: Terms;
  /** Above 0 for a match. A word of the name counts more than a whole description. */
  score: number;
  words: string[];
}

function rate(terms: Terms, said: ReadonlySet<string>): Rating {
  const ofName = terms.name.filter((word) => said.has(word));
  if (ofName.length > 0) return { terms, score: ofName.length + ofName.length / terms.name.length, words: ofName };
  const words = terms.description.filter((word) => said.has(word));
  return { terms, score: words.length >= wantedOfDescription ? 1 - 1 / words.length : 0, words };
}

function telling(words: string[]): string[] {
  const rest = words.filter((word) => !common.has(word));
  return [...new Set(rest.length > 0 ? rest : words)];
}

/** The words of a text or a name, including camelCase names. */
function wordsOf(text: string): string[] {
  return text
    .replaceAll(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

/** The common stem of words such as `order`, `orders` and `ordered`. */
function stemOf(word: string): string {
  return word.replace(/^(.{3,}?)(?:ion|or|er|ing|ed|ie|e|y)?s?$/u, '$1');
}
