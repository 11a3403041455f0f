import {
  freelyNamedFields,
  joinedLists,
  jsonTextFields,
  mediaFields,
  messageLists,
  tokenFields,
  untextualFields,
} from '../../../crds/text-fields.ts';
import { asObject, type Body } from '../../providers/json.ts';

/** Where a value stands in a body. */
export type Path = readonly (string | number)[];

/** A string of a body that a model reads. */
export interface Piece {
  readonly path: Path;
  readonly text: string;
  /** JSON: the string is a JSON text, such as the arguments of a tool. Name: it is a field's name, which cannot be changed. */
  readonly form: 'text' | 'json' | 'name';
}

/** Pieces that are read as one text, one directly after the other. */
export interface Passage {
  readonly pieces: readonly Piece[];
  /** Only matches that reach over a border of its groups count: each group is a passage of its own. */
  readonly groups?: readonly number[];
}

/** The texts of a body, or of an answer. */
export interface Texts {
  readonly passages: readonly Passage[];
  /** A field that has text as tokens, which cannot be read. */
  readonly tokensIn: string | undefined;
}

/** The deepest that a body may be nested, as in read-call-fields.ts. */
const maxDepth = 500;

/**
 * Collects the texts of a body.
 *
 * @param fields only these fields of the body; absent: all
 * @param textIsJson whether the model was told to answer in JSON
 */
export function readTexts(body: Body, fields?: readonly string[], textIsJson = false): Texts {
  const reading = new Reading(textIsJson);
  for (const name of fields ?? Object.keys(body)) {
    const value = body[name];
    if (value !== undefined) reading.field(body, name, value, [name], 1);
  }
  return reading;
}

class Reading implements Texts {
  readonly passages: Passage[] = [];
  tokensIn: string | undefined;
  readonly #textForm: 'text' | 'json';

  constructor(textIsJson: boolean) {
    this.#textForm = textIsJson ? 'json' : 'text';
  }

  /** @param parent the object that has the field */
  field(parent: Body, name: string, value: unknown, path: Path, depth: number): void {
    if (isUntextual(parent, name, value)) return;
    if (typeof value === 'string') {
      this.#add([this.#pieceOf(name, value, path)]);
      return;
    }
    if (typeof value !== 'object' || value === null || depth > maxDepth) return;
    if (!Array.isArray(value)) {
      const object = asObject(value) ?? {};
      if (name === 'properties') this.#properties(object, path, depth);
      else if (freelyNamedFields.has(name)) this.#freelyNamed(object, path, depth);
      else this.#object(object, path, depth);
      return;
    }
    if (tokenFields.has(name) && depth === 1 && hasTokens(value)) this.tokensIn = name;
    this.#list(name, value, path, depth);
  }

  #object(object: Body, path: Path, depth: number): void {
    for (const name in object) this.field(object, name, object[name], [...path, name], depth + 1);
  }

  #list(name: string, list: readonly unknown[], path: Path, depth: number): void {
    const from = this.passages.length;
    const joined: Piece[] = [];
    const isJoined = joinedLists.has(name);
    const flush = () => this.#add(joined.splice(0));
    for (const [index, element] of list.entries()) {
      const at = [...path, index];
      const own = isJoined ? this.#ownText(element, at) : undefined;
      if (own) {
        joined.push(own);
        continue;
      }
      if (isJoined) flush();
      if (typeof element === 'string') this.#add([{ path: at, text: element, form: 'text' }]);
      else if (Array.isArray(element)) this.#list('', element, at, depth + 1);
      else if (depth <= maxDepth) this.#object(asObject(element) ?? {}, at, depth + 1);
    }
    flush();
    if (messageLists.has(name) && depth === 1) this.#joinMessages(list, name, from);
  }

  /** The text of a part that is nothing but text. */
  #ownText(element: unknown, path: Path): Piece | undefined {
    if (typeof element === 'string') return { path, text: element, form: this.#textForm };
    const part = asObject(element);
    if (typeof part?.text !== 'string') return undefined;
    for (const name in part) {
      const value = part[name];
      if (name !== 'text' && typeof value === 'object' && value !== null && !isEmpty(value)) return undefined;
    }
    return { path: [...path, 'text'], text: part.text, form: this.#textForm };
  }

  /** Text that is split between messages of one role. Messages without text do not part them. */
  #joinMessages(list: readonly unknown[], name: string, from: number): void {
    const own = this.passages.slice(from).filter(({ pieces }) => pieces[0]?.form !== 'name');
    let run: Passage[] = [];
    let role: unknown;
    const flush = () => {
      const messages = new Set(run.map(({ pieces }) => pieces[0]?.path[1]));
      if (messages.size > 1) {
        this.passages.push({
          pieces: run.flatMap(({ pieces }) => pieces),
          groups: run.map(({ pieces }) => pieces.length),
        });
      }
      run = [];
    };
    for (const passage of own) {
      const path = passage.pieces[0]?.path;
      if (path?.[0] !== name || path[2] !== 'content') continue;
      const message = asObject(list[Number(path[1])]);
      if (message?.role !== role) flush();
      role = message?.role;
      run.push(passage);
    }
    flush();
  }

  /** Names and values are the caller's or the model's own words, as deep as they are nested. */
  #freelyNamed(object: Body, path: Path, depth: number): void {
    const names = Object.keys(object);
    if (names.length > 0) this.#add([{ path, text: names.join('\n'), form: 'name' }]);
    for (const name of names) this.#free(object[name], [...path, name], depth + 1);
  }

  #free(value: unknown, path: Path, depth: number): void {
    if (typeof value === 'string') this.#add([{ path, text: value, form: 'text' }]);
    else if (typeof value === 'number') this.#add([{ path, text: String(value), form: 'text' }]);
    else if (typeof value !== 'object' || value === null || depth > maxDepth) return;
    else if (Array.isArray(value))
      for (const [index, one] of value.entries()) this.#free(one, [...path, index], depth + 1);
    else this.#freelyNamed(asObject(value) ?? {}, path, depth);
  }

  /** The names are the caller's words, and the values are schemas. */
  #properties(object: Body, path: Path, depth: number): void {
    const names = Object.keys(object);
    if (names.length > 0) this.#add([{ path, text: names.join('\n'), form: 'name' }]);
    for (const name of names) {
      const schema = asObject(object[name]);
      if (schema && depth <= maxDepth) this.#object(schema, [...path, name], depth + 1);
    }
  }

  #pieceOf(name: string, text: string, path: Path): Piece {
    if (jsonTextFields.has(name)) return { path, text, form: 'json' };
    return { path, text, form: name === 'content' || name === 'text' ? this.#textForm : 'text' };
  }

  #add(pieces: readonly Piece[]): void {
    if (pieces.some(({ text }) => text !== '')) this.passages.push({ pieces });
  }
}

/** Whether the field is no text, by its name and by what stands beside it. */
export function isUntextual(parent: Body, name: string, value: unknown): boolean {
  if (untextualFields.has(name)) return true;
  if (!mediaFields.has(name) || typeof value !== 'string') return false;
  if (name === 'data') return parent.type !== 'text';
  if (name === 'result' || name === 'audio') return parent.type === 'image_generation_call' || name === 'audio';
  return value.startsWith('data:');
}

function isEmpty(value: object): boolean {
  return Array.isArray(value) && value.length === 0;
}

function hasTokens(list: readonly unknown[]): boolean {
  return list.some((element) => typeof element === 'number' || (Array.isArray(element) && hasTokens(element)));
}

/** Puts texts into a copy of a body. What is not on a path stays the same object. */
export function withTexts(body: Body, texts: ReadonlyMap<Path, string>): Body {
  let changed = body;
  for (const [path, text] of texts) changed = put(changed, path, 0, text) as Body;
  return changed;
}

function put(value: unknown, path: Path, at: number, text: string): unknown {
  const step = path[at];
  if (step === undefined) return text;
  if (Array.isArray(value)) {
    const copy = [...value];
    copy[Number(step)] = put(value[Number(step)], path, at + 1, text);
    return copy;
  }
  const object = asObject(value) ?? {};
  return { ...withoutTokens(object), [step]: put(object[String(step)], path, at + 1, text) };
}

/** Tokens, words and segments of a text that was changed would still have what was taken out. */
function withoutTokens(object: Body): Body {
  const { logprobs, words, ...rest } = object;
  return {
    ...rest,
    ...(logprobs !== undefined && { logprobs: Array.isArray(logprobs) ? [] : null }),
    ...(words !== undefined && !Array.isArray(words) && { words }),
  };
}
