import { ProxyError } from '../../error.ts';
import { admitModel, admitOtherModels, admitSurface } from '../admit.ts';
import { describeLookalike, findLookalike, judgedFields } from '../body.ts';
import { asObject, parseObject } from '../operations/json.ts';
import type { AdmissionMeans, AdmissionSubject, Body, Operation } from '../operations/operation.ts';
import { requireSameKey } from '../resources/ownership.ts';
import { findReferences, referringFields } from '../resources/references.ts';
import { readWhole, relay } from '../resources/relay.ts';
import { batchEndpoints } from './batch-endpoints.ts';

/**
 * Judges each line of a batch's input file as the call that it is: its API, its model, what it refers to. A file cannot
 * change once it is there, so what was judged is what the provider will do.
 *
 * @throws {ProxyError} naming the line
 */
export async function admitLines(
  { body, caller, snapshot, key }: AdmissionSubject,
  { ownership, upstream }: AdmissionMeans,
): Promise<void> {
  const operation = batchEndpoints.get(body.endpoint);
  if (!operation) {
    const message = `endpoint must be one of ${[...batchEndpoints.keys()].join(', ')}`;
    throw new ProxyError('invalid_request', { param: 'endpoint', message });
  }
  admitSurface(snapshot, operation.surface);
  if (typeof body.input_file_id !== 'string' || body.input_file_id === '') {
    throw new ProxyError('invalid_request', { param: 'input_file_id' });
  }
  const file = await relay(upstream, {
    method: 'GET',
    path: `/files/${encodeURIComponent(body.input_file_id)}/content`,
    key,
    headers: { 'user-agent': 'chaperone' },
    body: undefined,
    signal: AbortSignal.timeout(key.provider.headersTimeoutMs),
  });
  if (file.status !== 200) {
    file.body.destroy();
    throw new ProxyError('upstream_invalid_response', { param: 'input_file_id' });
  }
  let number = 0;
  for (const text of linesOf(await readWhole(file, key.secret))) {
    number += 1;
    if (text.trim() !== '') await admitLine(operation, text, number);
  }

  async function admitLine(operation: Operation, text: string, number: number): Promise<void> {
    const line = parseObject(text);
    const call = asObject(line?.body);
    if (line && isAmbiguous(text, line)) throw refusal(number, 'a field stands twice, or is written with escapes');
    const lookalike = (line && findLookalike(line, lineFields)) ?? (call && findLookalike(call, judgedFields));
    if (lookalike) throw refusal(number, describeLookalike(lookalike));
    if (!call || line?.url !== body.endpoint) throw refusal(number, 'it must have a body, and the url of the batch');
    if (typeof call.model !== 'string') throw refusal(number, 'its body must name a model');
    if ('persona_id' in call) throw new ProxyError('persona_not_supported', { param: 'input_file_id' });
    admitModel(snapshot, call.model);
    admitOtherModels(snapshot, operation, call);
    if (!key.servesModel(call.model)) throw refusal(number, 'the key of the file does not serve its model');
    const { previous_response_id: previous } = call;
    const before = typeof previous === 'string' ? await ownership.require('response', previous, caller) : undefined;
    for (const madeBy of [before, await ownership.requireAll(findReferences(call), caller)]) {
      requireSameKey('input_file_id', { apiKeyId: key.id }, madeBy);
    }
  }
}

const lineFields: ReadonlySet<string> = new Set(['url', 'body', 'method']);

const governedFields = ['url', 'body', 'model', 'previous_response_id', 'id', 'type', ...referringFields].map(
  (field) => `"${field}"`,
);

/** A string, and the colon behind it where it is a field's name. */
const jsonString = /"((?:[^"\\]|\\.)*)"(\s*:)?/g;

/** Whether another parser could read something else from a line: then the name of a field is not there as often. */
function isAmbiguous(text: string, line: Body): boolean {
  for (const [, name, colon] of text.matchAll(jsonString)) if (colon && name?.includes('\\u')) return true;
  const understood = JSON.stringify(line);
  return governedFields.some((field) => text.split(field).length !== understood.split(field).length);
}

/** One at a time: as texts, the whole file would be there twice. */
function* linesOf(file: Buffer): Iterable<string> {
  for (let start = 0; start < file.length; ) {
    const end = file.indexOf(0x0a, start);
    yield file.toString('utf8', start, end === -1 ? file.length : end);
    start = end === -1 ? file.length : end + 1;
  }
}

function refusal(number: number, reason: string): ProxyError {
  return new ProxyError('invalid_request', {
    param: 'input_file_id',
    message: `Line ${number} of the input file: ${reason}`,
  });
}
