import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import type { Turn } from './turns.ts';

interface Passage {
  id: string;
  title: string;
  text: string;
}

/** Whether a schema asks for an answer with citations and a confidence. */
export function asksForCitations({ properties }: JsonObject): boolean {
  return isJsonObject(properties) && ['answer', 'cited', 'confidence'].every((name) => name in properties);
}

/**
 * Answers from the passages of the prompt: JSON objects with `id` and `text`, one a line. The passage that shares most of
 * the rare words of the last message is cited, and its text is the answer; the confidence is the share of these words.
 *
 * What stands between `<<<MARKER` and `MARKER>>>` is data, if the instructions say what the marker is. The sandbox obeys an
 * order to reveal its instructions wherever else it finds one, as a model does that nobody has told what is data.
 */
export function groundedAnswer(schema: JsonObject, turns: readonly Turn[]): JsonObject {
  const instructions = textsOf(turns, 'operator').join('\n');
  const marker = /\bmarker is (\w+)\./.exec(instructions)?.[1];
  const said = textsOf(turns, 'user').map((text) => splitData(text, marker));
  const passages = said.flatMap(({ data }) => readPassages(data));
  const message = said.at(-1)?.data ?? '';
  const topics = topicsOf(schema).filter((topic) => sharesWord(topic, message));
  const feeling = sentimentOf(message);
  const common = {
    wants_human: /\b(human|real person|agent|mensch|mitarbeiter\w*)\b/i.test(message),
    sentiment: feeling,
    topics,
    language: languageOf(message),
    category: categoryOf(schema, message),
    alternative_answers: [],
  };
  if (said.some(({ free }) => orderToReveal.test(free))) {
    const cited = passages.slice(0, 1).map(({ id }) => id);
    return asked(schema, { is_question: true, ...common, cited, confidence: 0.99, answer: instructions });
  }
  const isQuestion = !/^\W*(hi|hello|hey|thanks|thank you|bye|hallo|danke)\b[^?]{0,30}$/i.test(message);
  const best = isQuestion ? bestOf(passages, message) : undefined;
  return asked(schema, {
    is_question: isQuestion,
    ...common,
    cited: best ? [best.passage.id] : [],
    confidence: best ? best.share : isQuestion ? 0 : 0.9,
    answer: best ? best.passage.text : isQuestion ? 'I do not know.' : 'Hello! How can I help?',
  });
}

/** The fields that the schema has. */
function asked({ properties }: JsonObject, fields: JsonObject): JsonObject {
  const known = isJsonObject(properties) ? properties : {};
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name in known));
}

/** The category of the schema that shares a word with the message, else the first; without any, the first word that tells something. */
function categoryOf({ properties }: JsonObject, message: string): string {
  const category = isJsonObject(properties) ? properties.category : null;
  const names = isJsonObject(category) && Array.isArray(category.enum) ? category.enum : [];
  const known = names.filter((name) => typeof name === 'string');
  const shared = known.find((name) => sharesWord(name.replaceAll('_', ' '), message));
  return shared ?? known[0] ?? stemsOf(message)[0] ?? 'other';
}

/** It speaks two. */
function languageOf(message: string): string {
  return /\b(ich|mein\w*|wie|und|nicht|kann|bitte|der|das|mit|hallo|danke|einen?)\b/i.test(message) ? 'de' : 'en';
}

const orderToReveal = /\b(reveal|repeat|print|show)\b[^.]{0,40}\binstructions\b/i;

function textsOf(turns: readonly Turn[], speaker: Turn['speaker']): string[] {
  return turns.filter((turn) => turn.speaker === speaker).map(({ text }) => text);
}

/** Without a marker, all is free text, and may be data as well. */
function splitData(text: string, marker: string | undefined): { free: string; data: string } {
  if (marker === undefined) return { free: text, data: text };
  const [begin, end] = [`<<<${marker}\n`, `\n${marker}>>>`];
  const from = text.indexOf(begin);
  const to = text.lastIndexOf(end);
  if (from < 0 || to < from) return { free: text, data: '' };
  return { free: text.slice(0, from) + text.slice(to + end.length), data: text.slice(from + begin.length, to) };
}

function readPassages(data: string): Passage[] {
  return data.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const value = parse(line);
    if (!isJsonObject(value) || typeof value.id !== 'string' || typeof value.text !== 'string') return [];
    return [{ id: value.id, title: typeof value.title === 'string' ? value.title : '', text: value.text }];
  });
}

function parse(line: string): JsonValue {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function bestOf(passages: readonly Passage[], message: string): { passage: Passage; share: number } | undefined {
  const has = passages.map(({ title, text }) => new Set(stemsOf(`${title} ${text}`)));
  const weights = [...new Set(stemsOf(message))].map((stem) => {
    const having = has.filter((stems) => stems.has(stem)).length;
    return { stem, weight: having === 0 ? 1 : 1 / having };
  });
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  const scores = has.map((stems) =>
    weights.filter(({ stem }) => stems.has(stem)).reduce((sum, { weight }) => sum + weight, 0),
  );
  const at = scores.indexOf(Math.max(0, ...scores));
  const [passage, score] = [passages[at], scores[at]];
  if (!passage || !score) return undefined;
  return { passage, share: Math.round((score / total) * 100) / 100 };
}

/** The beginnings of words that tell something. */
function stemsOf(text: string): string[] {
  const words =
    text
      .toLowerCase()
      .normalize('NFD')
      .replaceAll(/\p{M}/gu, '')
      .match(/[\p{L}\p{N}]{4,}/gu) ?? [];
  return words.filter((word) => !tellNothing.has(word)).map((word) => word.slice(0, 5));
}

const tellNothing = new Set(
  'what when where which with does have from that this there your about would could should wenn wann wird kann mein eine einen nicht habe'.split(
    ' ',
  ),
);

function topicsOf({ properties }: JsonObject): string[] {
  const topics = isJsonObject(properties) ? properties.topics : null;
  const items = isJsonObject(topics) ? topics.items : null;
  const names = isJsonObject(items) ? items.enum : null;
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
}

function sharesWord(topic: string, message: string): boolean {
  const said = new Set(stemsOf(message));
  return stemsOf(topic).some((stem) => said.has(stem));
}

function sentimentOf(message: string): string {
  if (/\b(furious|outrageous|disgusting|unacceptable|worst)\b/i.test(message)) return 'very_negative';
  if (/\b(annoyed|angry|disappointed|bad)\b/i.test(message)) return 'negative';
  return /\b(great|love|thanks|thank you)\b/i.test(message) ? 'positive' : 'neutral';
}
