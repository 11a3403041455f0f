import { jsonTextFields } from '../../../crds/text-fields.ts';
import { asArray, asObject, asString, type Body } from '../../providers/json.ts';
import type { OperationName } from '../../providers/operation-name.ts';
import { isUntextual, type Path, readTexts, type Texts } from '../texts/passages.ts';

/** A piece of a longer text, in an event. */
export interface Delta {
  /** Names the text that it belongs to. */
  readonly channel: string;
  readonly path: Path;
  readonly text: string;
  readonly isJson: boolean;
}

/** What an event says. */
export interface EventTexts {
  readonly deltas: readonly Delta[];
  /** Texts that are whole. */
  readonly whole: Texts | undefined;
  /** The channels that end with this event, by the beginning of their names. */
  readonly ends: readonly string[];
}

/** Reads the texts of an event. @param textIsJson whether the model was told to answer in JSON */
export type ReadEvent = (name: string, data: Body, textIsJson: boolean) => EventTexts;

const nothing: EventTexts = { deltas: [], whole: undefined, ends: [] };
/** Every channel's name begins so. */
const all = '';

/** How the events of an operation's streams say their texts. Absent: its streams have no text. */
export const eventReaders: Readonly<Partial<Record<OperationName, ReadEvent>>> = {
  chat: (_, data, textIsJson) => readChoices(data, 'delta', textIsJson),
  completions: (_, data, textIsJson) => readChoices(data, undefined, textIsJson),
  responses: readTyped,
  transcriptions: readTyped,
  translations: readTyped,
  messages: readBlock,
  realtime: readRealtime,
};

/** Chunks with `choices`: all texts of a delta are pieces. */
function readChoices(data: Body, within: 'delta' | undefined, textIsJson: boolean): EventTexts {
  const deltas: Delta[] = [];
  const ends: string[] = [];
  for (const [at, value] of asArray(data.choices).entries()) {
    const choice = asObject(value);
    if (!choice) continue;
    const prefix = `${String(choice.index ?? 0)}/`;
    const root: Path = within === undefined ? ['choices', at] : ['choices', at, within];
    const object = within === undefined ? choice : asObject(choice[within]);
    if (object) collectDeltas(object, root, prefix, textIsJson, deltas);
    if (choice.finish_reason) ends.push(prefix);
  }
  return { deltas, whole: undefined, ends };
}

function collectDeltas(object: Body, path: Path, prefix: string, textIsJson: boolean, deltas: Delta[]): void {
  for (const name in object) {
    const value = object[name];
    if (isUntextual(object, name, value)) continue;
    if (typeof value === 'string') {
      const isJson = jsonTextFields.has(name) || (textIsJson && (name === 'content' || name === 'text'));
      deltas.push({ channel: `${prefix}${name}`, path: [...path, name], text: value, isJson });
    } else if (Array.isArray(value)) {
      for (const [at, element] of value.entries()) {
        const own = asObject(element);
        const index = String(own?.index ?? at);
        if (own) collectDeltas(own, [...path, name, at], `${prefix}${name}/${index}/`, textIsJson, deltas);
        else if (typeof element === 'string')
          deltas.push({ channel: `${prefix}${name}/${at}`, path: [...path, name, at], text: element, isJson: false });
      }
    } else {
      const own = asObject(value);
      if (own) collectDeltas(own, [...path, name], `${prefix}${name}/`, textIsJson, deltas);
    }
  }
}

/** Bytes as base64. */
const isMedia = /audio\.delta$|partial_image$/;
/** A response also repeats the request. */
const ofResponse = ['output', 'output_text'];

/** Events with a `type`, as those of Responses: a `.delta` has a piece, and other events repeat whole texts. */
function readTyped(name: string, data: Body, textIsJson: boolean): EventTexts {
  const type = name === '' ? (asString(data.type) ?? '') : name;
  if (isMedia.test(type) || type === 'error') return nothing;
  const place = [data.output_index, data.content_index ?? data.summary_index];
  const isTextJson = textIsJson && type.includes('output_text');
  if (type.endsWith('.delta') && typeof data.delta === 'string') {
    const channel = `${place.join('/')}/${String(data.item_id ?? '')}/${type.slice(0, -'.delta'.length)}`;
    const isJson = isTextJson || /arguments\.delta$/.test(type);
    return { deltas: [{ channel, path: ['delta'], text: data.delta, isJson }], whole: undefined, ends: [] };
  }
  const response = asObject(data.response);
  if (response) {
    const { passages, tokensIn } = readTexts(response, ofResponse, textIsJson);
    const isEnd = !/\.(?:created|queued|in_progress)$/.test(type);
    return { deltas: [], whole: { passages: below('response', passages), tokensIn }, ends: isEnd ? [all] : [] };
  }
  const whole = readTexts(data, undefined, textIsJson);
  const isDone = type.endsWith('.done');
  return { deltas: [], whole, ends: isDone ? [prefixOf(place)] : [] };
}

/** The beginning of the names of all channels in this place. */
function prefixOf(place: readonly unknown[]): string {
  const known = place.slice(0, place[0] === undefined ? 0 : place[1] === undefined ? 1 : 2);
  return known.map((at) => `${String(at)}/`).join('');
}

function below(name: string, passages: Texts['passages']): Texts['passages'] {
  return passages.map(({ pieces, ...rest }) => ({
    ...rest,
    pieces: pieces.map((piece) => ({ ...piece, path: [name, ...piece.path] })),
  }));
}

/** Events of a session. Several responses may be under way, so a response ends its own texts alone. */
function readRealtime(name: string, data: Body, textIsJson: boolean): EventTexts {
  const type = asString(data.type) ?? name;
  if (/^(?:session|transcription_session|rate_limits|conversation\.created)/.test(type)) return nothing;
  const owner = asString(data.item_id) ?? asString(asObject(data.item)?.id) ?? '';
  const read = readTyped('', data, textIsJson);
  const deltas = read.deltas.map((delta) => ({ ...delta, channel: `${owner}/${delta.channel}` }));
  const isEnd = type === 'response.done';
  const ends = read.ends.length === 0 ? [] : isEnd ? [all] : owner === '' ? [] : [`${owner}/`];
  return { ...read, deltas, ends };
}

/** Events of Anthropic's Messages: blocks by their index. */
function readBlock(name: string, data: Body): EventTexts {
  const type = asString(data.type) ?? name;
  const prefix = `${String(data.index ?? '')}/`;
  if (type === 'content_block_delta') {
    const deltas: Delta[] = [];
    const delta = asObject(data.delta);
    if (delta) collectDeltas(delta, ['delta'], prefix, false, deltas);
    return { deltas, whole: undefined, ends: [] };
  }
  if (type === 'content_block_start') {
    const block = asObject(data.content_block);
    return { deltas: [], whole: block ? readTexts(data, ['content_block']) : undefined, ends: [] };
  }
  if (type === 'content_block_stop') return { ...nothing, ends: [prefix] };
  return type === 'message_stop' ? { ...nothing, ends: [all] } : nothing;
}
