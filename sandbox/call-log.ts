import { LRUCache } from 'lru-cache';
import type { JsonObject } from './json.ts';
import { noUsage, type TokenUsage } from './usage.ts';

export type CallStatus = 'running' | 'completed' | 'aborted' | 'failed';

/** A request as received: header names in their case and order, and the unparsed body. */
export interface ReceivedRequest {
  headers: [name: string, value: string][];
  body: string;
}

/** One call that arrived at a generating endpoint. */
export interface Call {
  /** The id of the response or completion; of an embeddings call, which has none, its `x-request-id`. */
  readonly id: string;
  readonly requestId: string;
  readonly endpoint: string;
  /** The last four characters of the bearer key; null without a key. */
  readonly key: string | null;
  readonly arrivedAt: Date;
  model: string | null;
  stream: boolean;
  /** Whether the work continues after the answer. Then it ends and is billed later. */
  continues: boolean;
  status: CallStatus;
  /** Billed so far. A failed call is not billed. */
  usage: TokenUsage;
}

export type Arrival = Pick<Call, 'id' | 'requestId' | 'endpoint' | 'key' | 'arrivedAt'>;

/** The sandbox's accounts, to compare a client's own with. */
export interface CallLog {
  begin(arrival: Arrival): Call;
  received(call: Call, request: ReceivedRequest): void;
  /** Ends a call. Only the first end counts. */
  settle(call: Call, status: Exclude<CallStatus, 'running'>): void;
  list(): JsonObject;
  summary(): JsonObject;
  find(id: string): JsonObject | null;
  clear(): void;
}

interface Sum {
  calls: number;
  input_tokens: number;
  output_tokens: number;
  total_tokens: number;
}

/** Beyond these limits the oldest are dropped. The sums and the total still count them. */
const limits = { calls: 200_000, requestBytes: 64 * 1024 * 1024 };

export function makeCallLog(): CallLog {
  // Not `max`: it would allocate all of its memory at once.
  const calls = new LRUCache<string, Call>({ maxSize: limits.calls, sizeCalculation: () => 1 });
  const requests = new LRUCache<string, ReceivedRequest>({
    maxSize: limits.requestBytes,
    sizeCalculation: (request) => 1000 + request.body.length,
  });
  let settled = emptySums();
  let total = 0;
  let running = new Set<Call>();

  return {
    begin(arrival) {
      const call: Call = {
        ...arrival,
        model: null,
        stream: false,
        continues: false,
        status: 'running',
        usage: noUsage,
      };
      total += 1;
      running.add(call);
      calls.set(call.id, call);
      return call;
    },
    received(call, request) {
      if (calls.has(call.id)) requests.set(call.id, request);
    },
    settle(call, status) {
      if (call.status !== 'running') return;
      call.status = status;
      if (status === 'failed') call.usage = noUsage;
      // A call that began before the log was cleared is not counted.
      if (running.delete(call)) add(settled[status], call.usage);
    },
    list: () => ({ calls: [...calls.rvalues()].filter((call) => call !== undefined).map(callRecord), total }),
    summary() {
      const byStatus = { ...settled, running: emptySum() };
      for (const call of running) add(byStatus.running, call.usage);
      const sums = Object.entries(byStatus).map(([status, sum]): [string, JsonObject] => [status, { ...sum }]);
      return { total, ...tokensIn(Object.values(byStatus)), by_status: Object.fromEntries(sums) };
    },
    find(id) {
      const call = calls.peek(id);
      const request = requests.peek(id);
      return call ? { ...callRecord(call), headers: request?.headers ?? null, body: request?.body ?? null } : null;
    },
    clear() {
      calls.clear();
      requests.clear();
      running = new Set();
      settled = emptySums();
      total = 0;
    },
  };
}

function callRecord(call: Call): JsonObject {
  const { input, output, cached, reasoning, images, seconds, characters } = call.usage;
  const { inputAudio, cachedAudio, outputAudio } = call.usage;
  return {
    id: call.id,
    request_id: call.requestId,
    endpoint: call.endpoint,
    model: call.model,
    key: call.key,
    status: call.status,
    stream: call.stream,
    input_tokens: input,
    cached_tokens: cached,
    output_tokens: output,
    reasoning_tokens: reasoning,
    total_tokens: input + output,
    images: images ?? null,
    audio_seconds: seconds ?? null,
    characters: characters ?? null,
    input_audio_tokens: inputAudio ?? null,
    cached_audio_tokens: cachedAudio ?? null,
    output_audio_tokens: outputAudio ?? null,
    started_at: call.arrivedAt.toISOString(),
  };
}

function emptySum(): Sum {
  return { calls: 0, input_tokens: 0, output_tokens: 0, total_tokens: 0 };
}

function emptySums(): Record<Exclude<CallStatus, 'running'>, Sum> {
  return { completed: emptySum(), aborted: emptySum(), failed: emptySum() };
}

function add(sum: Sum, { input, output }: TokenUsage): void {
  sum.calls += 1;
  sum.input_tokens += input;
  sum.output_tokens += output;
  sum.total_tokens += input + output;
}

function tokensIn(sums: Sum[]): Omit<Sum, 'calls'> {
  const total = (name: keyof Sum) => sums.reduce((tokens, sum) => tokens + sum[name], 0);
  return {
    input_tokens: total('input_tokens'),
    output_tokens: total('output_tokens'),
    total_tokens: total('total_tokens'),
  };
}
