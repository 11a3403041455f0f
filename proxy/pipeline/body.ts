import { ProxyError } from '../error.ts';
import type { Persona } from '../snapshot/snapshot.ts';
import { asObject } from './operations/json.ts';
import type { Body, Operation } from './operations/operation.ts';

declare global {
  interface JSON {
    /** @see https://tc39.es/proposal-json-parse-with-source/ */
    rawJSON(text: string): unknown;
  }
}

/**
 * The body as a JSON object.
 *
 * @throws {ProxyError} `invalid_json`, `invalid_request`
 */
export function parseBody(raw: Buffer): Body {
  let value: unknown;
  try {
    value = JSON.parse(raw.toString('utf8'));
  } catch (cause) {
    throw new ProxyError('invalid_json', { cause });
  }
  const body = asObject(value);
  if (!body) throw new ProxyError('invalid_json');
  const lookalike = findLookalike(body, judgedFields);
  if (lookalike)
    throw new ProxyError('invalid_request', { param: lookalike.field, message: describeLookalike(lookalike) });
  return body;
}

/** The fields that a call is judged by, or that say what is asked. */
export const judgedFields: ReadonlySet<string> = new Set([
  'model',
  'stream',
  'stream_options',
  'background',
  'persona_id',
  'previous_response_id',
  'conversation',
  'instructions',
  'input',
  'messages',
  'prompt',
]);
const plainField = /^[a-z0-9_]*$/;

/** A field that another parser may take for the one that is meant. */
export interface Lookalike {
  readonly field: string;
  readonly meant: string;
}

/**
 * Some parsers, such as Go's `encoding/json`, take a field of another spelling, by the simple case folding of Unicode, for
 * the one that they know: what was not judged must not take the place of what was.
 *
 * @param judged names in small letters
 */
export function findLookalike(object: Body, judged: ReadonlySet<string>): Lookalike | undefined {
  for (const field in object) {
    if (plainField.test(field)) continue;
    const meant = field.toUpperCase().toLowerCase();
    if (judged.has(meant)) return { field, meant };
  }
  return undefined;
}

export function describeLookalike({ field, meant }: Lookalike): string {
  return `${field} must be written ${meant}`;
}

/**
 * Checks what the pipeline itself needs of a body; everything else is the provider's to judge.
 *
 * @returns the model that the call asks for; undefined where it leaves that to the provider
 * @throws {ProxyError} `invalid_request` with the field
 */
export function checkBody(body: Body, operation: Operation, persona: Persona | undefined): string | undefined {
  const model = body.model ?? persona?.model ?? undefined;
  const isNamed = typeof model === 'string' && model !== '';
  if (!isNamed && !(model === undefined && operation.modelIsOptional))
    throw new ProxyError('invalid_request', { param: 'model' });
  for (const field of operation.required) {
    if (body[field] === undefined) throw new ProxyError('invalid_request', { param: field });
  }
  const previous = body.previous_response_id;
  if (previous !== undefined && previous !== null && typeof previous !== 'string') {
    throw new ProxyError('invalid_request', { param: 'previous_response_id' });
  }
  // Its usage would become known only after the answer.
  if (body.background === true && !operation.goesOn) throw new ProxyError('invalid_request', { param: 'background' });
  return model;
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
 * @throws {ProxyError} `persona_not_supported`, `invalid_request`
 */
export function makeUpstreamBody(
  raw: Buffer,
  body: Body,
  operation: Operation,
  persona: Persona | undefined,
  /** Whether it may name things that were checked: it is sent as it was understood, and no other way of reading it is left. */
  refers = false,
  /** Whether usage may be asked for in the client's place. */
  mayAskForUsage = true,
): UpstreamBody {
  const hideUsage = mayAskForUsage && body.stream === true && operation.lacksUsage(body);
  if (persona === undefined && !refers && !('persona_id' in body) && !isAmbiguous(raw)) {
    if (!hideUsage) return { body: raw, hideUsage };
    if (!('stream_options' in body)) return { body: withUsageAskedFor(raw), hideUsage };
  }
  const { persona_id: _, ...own } = hasInexactNumber(raw, body) ? parseExactly(raw) : body;
  let next: Body = own;
  if (persona) next = operation.instruct(next, persona);
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

/** The fields that a call is judged and accounted by, as they stand in a body; `persona_id` is always taken out. */
const governedFields = ['model', 'stream', 'stream_options', 'previous_response_id', 'background'].map((field) =>
  Buffer.from(`"${field}"`),
);

/**
 * Whether another parser could read something else from these bytes than ours did: a governed key that stands twice, or
 * one that is written with escapes. Such a body is sent as we understood it.
 */
function isAmbiguous(raw: Buffer): boolean {
  return raw.includes('\\u00') || governedFields.some((field) => standsTwice(raw, field));
}

function standsTwice(raw: Buffer, field: Buffer): boolean {
  const first = raw.indexOf(field);
  return first !== -1 && raw.includes(field, first + 1);
}

/** Numbers that come out otherwise than they went in: many digits, exponents, zeros at the end, minus zero. */
const inexactNumber = /\d{16}|\d[eE][-+]?\d|\.\d*0(?!\d)|-0(?![.\d])/;

/** Whether a number may be in it that JavaScript would write otherwise; text that looks like one counts, too. */
function hasInexactNumber(raw: Buffer, { persona_id }: Body): boolean {
  const text = raw.toString('latin1');
  // Half of all UUIDs look as if they had an exponent in them, and this one is taken out.
  return inexactNumber.test(typeof persona_id === 'string' ? text.replace(persona_id, '') : text);
}

/**
 * Parses, but keeps every number as it was written: a 64-bit seed must not be rounded on its way.
 *
 * @throws {ProxyError} `invalid_request` for a nesting of some thousand levels, which a parser that is told of each value cannot follow
 */
function parseExactly(raw: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(raw.toString('utf8'), (_key, value, context?: { source?: string }) =>
      typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
        ? JSON.rawJSON(context.source)
        : value,
    ) as Record<string, unknown>;
  } catch (cause) {
    throw new ProxyError('invalid_request', { message: 'The body is nested too deep', cause });
  }
}
