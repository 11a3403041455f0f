import { isUtf8 } from 'node:buffer';
import { type CallFields, type Lookalike, readCallFields } from '../../../crds/read-call-fields.ts';
import { ProxyError } from '../../error.ts';
import type { Share } from '../../in-flight.ts';
import type { Operation } from '../../operations/operation.ts';
import { asObject, type Body } from '../../providers/json.ts';
import type { Persona } from '../../snapshot/snapshot.ts';
import { chargeParsing, valueBytes } from '../receive/receive-body.ts';
import { countFieldNames, fieldNames } from './json-text.ts';

declare global {
  interface JSON {
    /** @see https://tc39.es/proposal-json-parse-with-source/ */
    rawJSON(text: string): unknown;
  }
}

/** A body, and what it says of the things that it is judged by. */
export interface ReadBody {
  readonly body: Body;
  readonly fields: CallFields;
  /** Whether the name of a field is written with escapes: readers that look for names in the text do not find it. */
  readonly hasEscapedNames: boolean;
}

/**
 * Reads a body that has one reading: every parser finds the same in the fields that it is judged by.
 *
 * @param share takes what the parsed body holds
 * @throws {ProxyError} `invalid_json`; `invalid_request` with the field where another parser could read something else;
 *   `request_too_large` or `overloaded` where there is no memory for it
 */
export function readBody(raw: Buffer, share?: Share): ReadBody {
  if (share) chargeParsing(raw, share);
  if (!isUtf8(raw)) throw new ProxyError('invalid_json', { message: 'the body is not valid UTF-8' });
  const text = raw.toString('utf8');
  const body = parseBody(text);
  const fields = readCallFields(body);
  share?.add(fields.valueCount * valueBytes);
  const { count, hasEscapes } = countFieldNames(text);
  requireOneReading(fields, count, text);
  return { body, fields, hasEscapedNames: hasEscapes };
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

/** @param cause what the parser says: where in the body it is no JSON */
export function notJson(cause: unknown): ProxyError {
  const why = cause instanceof SyntaxError ? ` (${cause.message})` : '';
  return new ProxyError('invalid_json', { cause, message: `the body is not JSON${why}` });
}

/**
 * Of a field that stands twice some parsers take the first and some the last one, and some take a field of another
 * spelling for the one that they know. What was not judged must not take the place of what was.
 *
 * @param nameCount how many names of fields the text has
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

/** The body as the persona instructs it: this is what is judged, and what goes upstream. */
export function applyPersona({ body }: ReadBody, operation: Operation, persona: Persona): Body {
  return operation.applyPersona(withoutPersonaId(body), persona);
}

function withoutPersonaId({ persona_id: _, ...own }: Body): Body {
  return own;
}

/**
 * Checks what the pipeline itself needs of a body; everything else is the provider's to judge.
 *
 * @returns the model that the call asks for; undefined where it leaves that to the provider
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

/** What goes upstream. */
export interface UpstreamBody {
  readonly body: string | Buffer;
  /** Whether usage was asked for in the client's place. */
  readonly hideUsage: boolean;
}

/**
 * The body for the upstream: the client's own bytes wherever nothing has to change.
 *
 * @param judged the body as the persona instructs it; the one that was read where there is none
 * @throws {ProxyError} `persona_not_supported`
 */
export function makeUpstreamBody(
  raw: Buffer,
  { body, hasEscapedNames }: ReadBody,
  judged: Body,
  operation: Operation,
  persona: Persona | undefined,
  /** Whether usage may be asked for in the client's place. */
  mayAskForUsage = true,
): UpstreamBody {
  const hideUsage = mayAskForUsage && judged.stream === true && operation.needsUsageOption(judged);
  if (persona === undefined && !hasEscapedNames && !('persona_id' in body)) {
    if (!hideUsage) return { body: raw, hideUsage };
    if (!('stream_options' in body)) return { body: withUsageAskedFor(raw), hideUsage };
  }
  let next = judged;
  if (hasInexactNumber(raw, body)) {
    const exact = withoutPersonaId(parseExactly(raw));
    next = persona ? operation.applyPersona(exact, persona) : exact;
  } else if (!persona) next = withoutPersonaId(body);
  if (hideUsage) next = { ...next, stream_options: { ...asObject(next.stream_options), include_usage: true } };
  return { body: JSON.stringify(next), hideUsage };
}

/** The client's bytes with one field more, in front of all others. */
function withUsageAskedFor(raw: Buffer): Buffer {
  const start = raw.indexOf('{') + 1;
  return Buffer.concat([
    raw.subarray(0, start),
    Buffer.from('"stream_options":{"include_usage":true},'),
    raw.subarray(start),
  ]);
}

/** Numbers that come out otherwise than they went in: many digits, exponents, zeros at the end, minus zero. */
const inexactNumber = /\d{16}|\d[eE][-+]?\d|\.\d*0(?!\d)|-0(?![.\d])/;

/** Whether a number may be in it that JavaScript would write otherwise; text that looks like one counts, too. */
function hasInexactNumber(raw: Buffer, { persona_id }: Body): boolean {
  const text = raw.toString('latin1');
  // Half of all UUIDs look as if they had an exponent in them, and this one is taken out.
  return inexactNumber.test(typeof persona_id === 'string' ? text.replace(persona_id, '') : text);
}

/** Parses, but keeps every number as it was written: a 64-bit seed must not be rounded on its way. */
function parseExactly(raw: Buffer): Record<string, unknown> {
  return JSON.parse(raw.toString('utf8'), (_key, value, context?: { source?: string }) =>
    typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
      ? JSON.rawJSON(context.source)
      : value,
  ) as Record<string, unknown>;
}
