import { startWork } from '../background-work.ts';
import { parseFaults } from '../faults.ts';
import { missing } from '../fields.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import { shortItemId } from '../ids.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { type Batch, inOrder, type Keep } from '../keep.ts';
import type { Look, Lookup } from '../lookup.ts';
import { pageOf } from '../paging.ts';
import { errorEnvelope, errorOfStatus, ProviderError } from '../provider-error.ts';
import { noUsage, type TokenUsage } from '../usage.ts';
import { keepFile, requireFile } from './files.ts';

/** `POST /v1/batches`: the endpoint answers every line of the input file when the work is done. */
export function makeCreateBatch(endpoints: readonly GenerativeEndpoint[]): Look {
  const byPath = new Map(endpoints.map((endpoint) => [endpoint.path, endpoint]));
  return ({ body, keep, calls, key, requestId, faultTexts }) => {
    const path = body.requiredString('endpoint');
    const endpoint = byPath.get(path);
    if (!endpoint) throw new ProviderError(`Invalid value: '${path}'.`, { param: 'endpoint', code: 'invalid_value' });
    if (body.choice('completion_window', ['24h']) === null) throw missing('completion_window');
    const fileId = body.requiredString('input_file_id');
    const { bytes } = requireFile(keep, fileId);
    const id = shortItemId('batch');
    const call = calls.begin({ id, requestId, endpoint: '/v1/batches', key: key.slice(-4), arrivedAt: new Date() });
    call.continues = true;
    calls.received(call, { headers: [], body: JSON.stringify({ input_file_id: fileId, metadata: body.metadata() }) });
    const object = {
      id,
      object: 'batch',
      endpoint: path,
      errors: null,
      input_file_id: fileId,
      completion_window: '24h',
      status: 'validating',
      created_at: now(),
      expires_at: now() + 86_400,
      request_counts: { total: 0, completed: 0, failed: 0 },
      metadata: body.metadata(),
    };
    const batch: Batch = {
      object,
      work: startWork(parseFaults(faultTexts).work ?? 0, (state) => {
        const end = state === 'completed' ? complete(keep, endpoint, bytes, key) : cancel();
        batch.object = { ...object, ...end.fields };
        call.usage = end.usage;
        call.model = typeof end.fields.model === 'string' ? end.fields.model : null;
        calls.settle(call, state === 'completed' ? 'completed' : 'aborted');
      }),
    };
    keep.batches.set(id, batch);
    return object;
  };
}

export function listBatches({ keep, query }: Lookup): JsonObject {
  return pageOf(inOrder(keep.batches).map(describe), query);
}

export function readBatch({ keep, id }: Lookup): JsonObject {
  return describe(requireBatch(keep, id));
}

export function cancelBatch({ keep, id }: Lookup): JsonObject {
  const batch = requireBatch(keep, id);
  batch.work.end('cancelled');
  return describe(batch);
}

interface End {
  fields: JsonObject;
  usage: TokenUsage;
}

function complete(keep: Keep, endpoint: GenerativeEndpoint, bytes: Uint8Array, key: string): End {
  const lines = Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean);
  const answers = lines.map((line) => answerLine(endpoint, line, key));
  const usage = answers.reduce((sum, answer) => add(sum, answer.usage), noUsage);
  const [good, bad] = [answers.filter(({ failed }) => !failed), answers.filter(({ failed }) => failed)];
  const keepLines = (name: string, some: typeof answers) =>
    some.length === 0
      ? null
      : keepFile(keep, Buffer.from(some.map(({ line }) => `${JSON.stringify(line)}\n`).join('')), name, 'batch_output')
          .id;
  return {
    usage,
    fields: {
      status: 'completed',
      model: answers[0]?.model ?? null,
      output_file_id: keepLines('batch_output.jsonl', good) ?? null,
      error_file_id: keepLines('batch_error.jsonl', bad) ?? null,
      in_progress_at: now(),
      finalizing_at: now(),
      completed_at: now(),
      request_counts: { total: answers.length, completed: good.length, failed: bad.length },
      usage: usageObject(usage),
    },
  };
}

function cancel(): End {
  const fields = { status: 'cancelled', cancelling_at: now(), cancelled_at: now(), usage: usageObject(noUsage) };
  return { fields, usage: noUsage };
}

function answerLine(endpoint: GenerativeEndpoint, text: string, key: string) {
  const line = readLine(text);
  const custom_id = typeof line.custom_id === 'string' ? line.custom_id : null;
  const id = shortItemId('batch_req');
  const request_id = shortItemId('req');
  try {
    const body = isJsonObject(line.body) ? line.body : {};
    const generation = endpoint.generate({
      headers: {},
      id: endpoint.newId(request_id),
      body: { ...body, stream: false },
      files: [],
      faults: {},
      key,
      createdAt: now(),
    });
    generation.onComplete?.();
    const answer: JsonValue = generation.answer.kind === 'whole' ? generation.answer.body : null;
    const response = { status_code: 200, request_id, body: answer };
    const model = isJsonObject(answer) ? (answer.model ?? null) : null;
    return { line: { id, custom_id, response, error: null }, usage: generation.usage, model, failed: false };
  } catch (error) {
    const refusal = error instanceof ProviderError ? error : errorOfStatus(500);
    const response = { status_code: refusal.status, request_id, body: errorEnvelope(refusal) };
    return { line: { id, custom_id, response, error: null }, usage: noUsage, model: null, failed: true };
  }
}

function readLine(text: string): JsonObject {
  try {
    const line: JsonValue = JSON.parse(text);
    return isJsonObject(line) ? line : {};
  } catch {
    return {};
  }
}

function describe({ object, work }: Batch): JsonObject {
  if (work.state === 'queued' || work.state === 'completed' || work.state === 'cancelled') return object;
  return { ...object, status: 'in_progress', in_progress_at: object.created_at ?? null };
}

/** @throws ProviderError 404 */
function requireBatch(keep: Keep, id: string): Batch {
  const batch = keep.batches.peek(id);
  if (batch) return batch;
  throw new ProviderError(`No batch found with id '${id}'.`, { status: 404 });
}

function add(one: TokenUsage, other: TokenUsage): TokenUsage {
  return {
    input: one.input + other.input,
    cached: one.cached + other.cached,
    output: one.output + other.output,
    reasoning: one.reasoning + other.reasoning,
  };
}

function usageObject({ input, cached, output, reasoning }: TokenUsage): JsonObject {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  };
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
