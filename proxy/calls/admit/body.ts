import { isUtf8 } from 'node:buffer';
import { type CallFields, type Lookalike, readCallFields } from '../../../crds/read-call-fields.ts';
import { ProxyError } from '../../error.ts';
import type { Share } from '../../in-flight.ts';
import type { Operation } from '../../operations/operation.ts';
import { asObject, type Body, parseExactly } from '../../providers/json.ts';
import type { WireFormat } from '../../providers/wire-format.ts';
import type { Persona } from '../../snapshot/snapshot.ts';
import type { BodyEdit } from '../models/body-edit.ts';
import { chargeParsing, valueBytes } from '../receive/receive-body.ts';
import { fieldNames, type JsonTextFacts, scanJson } from './json-text.ts';
import { onTerms } from './model-terms.ts';

/** A parsed body, with the fields that the checks need. */
export interface ReadBody {
  readonly body: Body;
  /** The body as text. */
  readonly text: string;
  readonly fields: CallFields;
  readonly facts: JsonTextFacts;
}

/**
 * Reads a body, and makes sure that every parser reads the checked fields alike.
 *
 * @param share is charged for the memory of the parsed body
 * @throws {ProxyError} `invalid_json`; `invalid_request` with the field where another parser could read something else;
 * `request_too_large` or `overloaded` where there is no memory for it
 */
export function readBody(raw: Buffer, share?: Share): ReadBody {
  if (share) chargeParsing(raw, share);
  if (!isUtf8(raw)) throw new ProxyError('invalid_json', { message: 'the body is not valid UTF-8' });
  const text = raw.toString('utf8');
  const body = parseBody(text);
  const fields = readCallFields(body);
  share?.add(fields.valueCount * valueBytes);
  const facts = scanJson(text);
  requireOneReading(fields, facts.nameCount, text);
  return { body, text, fields, facts };
}

function parseBody(text: string): Body {
  if (text.startsWith('--')) {
    throw new ProxyError('invalid_json', { message: 'the body is a form, and this API takes JSON' });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notJson(cause);
  }
  const body = asObject(value);
  if (!body) throw new ProxyError('invalid_json');
  return body;
}

/** @param cause the parser's error, which says where the body is not JSON */
export function notJson(cause: unknown): ProxyError {
  const why = cause instanceof SyntaxError ? ` (${cause.message})` : '';
  return new ProxyError('invalid_json', { cause, message: `the body is not JSON${why}` });
}

/**
 * Of a repeated field, some parsers take the first and some the last; and some accept another spelling of a field. A
 * value that was not checked must not replace one that was.
 *
 * @param nameCount the number of field names in the text
 * @throws {ProxyError} `invalid_request`
 */
export function requireOneReading(fields: CallFields, nameCount: number, text: string): void {
  const { lookalike, isTooDeep, fieldCount } = fields;
  if (isTooDeep) throw new ProxyError('invalid_request', { message: 'the body is nested too deep' });
  if (lookalike) {
    throw new ProxyError('invalid_request', { param: lookalike.field, message: describeLookalike(lookalike) });
  }
  if (nameCount === fieldCount) return;
  const { name } = fieldNames(text).find(({ isRepeated }) => isRepeated) ?? { name: '' };
  const param = name.slice(0, 200);
  throw new ProxyError('invalid_request', { param, message: `${param} must stand only once in an object` });
}

export function describeLookalike({ field, meant }: Lookalike): string {
  return `${field.slice(0, 200)} must be written ${meant}`;
}

/** Applies the persona to the body. The checks see this body, and it goes upstream. */
export function applyPersona({ body }: ReadBody, operation: Operation, persona: Persona): Body {
  return operation.applyPersona(withoutPersonaId(body), persona);
}

function withoutPersonaId({ persona_id: _, ...own }: Body): Body {
  return own;
}

/**
 * Checks the fields that the pipeline itself needs. The provider checks everything else.
 *
 * @returns the requested model; undefined where the provider chooses
 * @throws {ProxyError} `invalid_request` with the field
 */
export function checkBody(body: Body, operation: Operation): string | undefined {
  const model = body.model ?? undefined;
  const isNamed = typeof model === 'string' && model !== '';
  if (!isNamed && !(model === undefined && operation.modelIsOptional))
    throw wrong(
      'model',
      `${model === undefined ? 'is required:' : 'must be'} the id of a model, as GET /v1/models lists them`,
    );
  for (const field of operation.required) {
    if (body[field] === undefined) throw wrong(field, 'is required');
  }
  const previous = body.previous_response_id;
  if (previous !== undefined && previous !== null && typeof previous !== 'string') {
    throw wrong('previous_response_id', 'must be the id of a response, as a string');
  }
  // Its usage would become known only after the answer.
  if (body.background === true && !operation.runsInBackground)
    throw wrong('background', 'is for POST /v1/responses alone');
  return model;
}

function wrong(param: string, what: string): ProxyError {
  return new ProxyError('invalid_request', { param, message: `${param} ${what}` });
}

/** The body as if the client had sent it with other texts. Numbers keep their spelling. */
export function editBody(asked: ReadBody, edit: (body: Body) => Body): ReadBody {
  const { body, text, facts } = asked;
  const edited = JSON.stringify(edit(facts.hasInexactNumbers ? (asObject(parseExactly(text)) ?? {}) : body));
  return { ...asked, body: edit(body), text: edited, facts: { ...facts, hasEscapedNames: false } };
}

/** The body that goes upstream. */
export interface UpstreamBody {
  readonly body: string | Buffer;
  /** Whether we asked for the usage, and so must hide it from the client. */
  readonly hideUsage: boolean;
}

export interface UpstreamBodyOptions {
  /** Whether we may ask for the usage of a stream. Absent: yes. */
  readonly mayAskForUsage?: boolean;
  /** What rules about models change, after the persona. Absent: nothing. */
  readonly edits?: readonly BodyEdit[] | undefined;
  /** Fields that get another value, such as the model where the provider has its own name for it. Absent: none. */
  readonly changes?: Body | undefined;
  /** What a bound of the answer that we add is called, where the provider may not know OpenAI's newer name. */
  readonly boundField?: 'max_tokens' | undefined;
  /** The provider's name, for errors where the body cannot be carried to it. */
  readonly provider?: string;
}

/**
 * Makes the body for the upstream. It is the client's own bytes unless something has to change.
 *
 * @param judged the body with the persona and what rules about models change, or the read body where there is neither
 * @throws {ProxyError} `persona_not_supported`; `invalid_request` where a field cannot be carried to the provider
 */
export function makeUpstreamBody(
  raw: Buffer,
  { body, text, facts }: ReadBody,
  judged: Body,
  operation: Operation,
  format: Pick<WireFormat, 'needsUsageOption' | 'translation'>,
  persona: Persona | undefined,
  { mayAskForUsage = true, edits, changes, boundField, provider = '' }: UpstreamBodyOptions = noOptions,
): UpstreamBody {
  const hideUsage = mayAskForUsage && judged.stream === true && format.needsUsageOption(judged);
  const { translation } = format;
  // A reader that searches the text does not find a name that is written with escapes.
  if (
    !translation &&
    persona === undefined &&
    edits === undefined &&
    changes === undefined &&
    !facts.hasEscapedNames &&
    !('persona_id' in body)
  ) {
    if (!hideUsage) return { body: raw, hideUsage };
    if (!('stream_options' in body)) return { body: withUsageAskedFor(raw), hideUsage };
  }
  let next = judged;
  if (facts.hasInexactNumbers) {
    const exact = withoutPersonaId(asObject(parseExactly(text)) ?? {});
    next = onTerms(persona ? operation.applyPersona(exact, persona) : exact, edits);
  } else if (!persona) next = onTerms(withoutPersonaId(body), edits);
  if (changes) next = { ...next, ...changes };
  if (boundField && !('max_completion_tokens' in body)) next = withBoundAs(boundField, next, persona);
  if (translation) next = translation.ask(next, provider);
  if (hideUsage && translation?.takesUsageOption !== false)
    next = { ...next, stream_options: { ...asObject(next.stream_options), include_usage: true } };
  return { body: JSON.stringify(next), hideUsage };
}

const noOptions: UpstreamBodyOptions = {};

function withBoundAs(field: string, body: Body, persona: Persona | undefined): Body {
  const { max_completion_tokens: bound, ...rest } = body;
  if (bound === undefined || (persona && 'max_completion_tokens' in persona.parameters)) return body;
  return { ...rest, [field]: bound };
}

/** The client's bytes with an additional field in front. */
function withUsageAskedFor(raw: Buffer): Buffer {
  const start = raw.indexOf('{') + 1;
  return Buffer.concat([
    raw.subarray(0, start),
    Buffer.from('"stream_options":{"include_usage":true},'),
    raw.subarray(start),
  ]);
}
