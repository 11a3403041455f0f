import { randomUUID } from 'node:crypto';
import { ProxyError } from '../error.ts';
import { answerId } from './answer-id.ts';
import { type AgedAnswer, AnswerMemory } from './answer-memory.ts';
import type { CacheLook } from './cache-look.ts';
import { bypassed, type CacheUse } from './cache-use.ts';
import type { CacheableCall } from './cacheable-call.ts';
import { readDirectives } from './directives.ts';
import { KeptAnswers, type Sought, type Turn } from './kept-answers.ts';
import { makePolicies, type Policy, placeOf } from './policy.ts';
import { Recording } from './recording.ts';
import { replaying } from './replay.ts';
import { StoredAnswers, type StoredAnswersOptions } from './stored-answers.ts';
import { isWorthKeeping } from './worth-keeping.ts';

export interface ReadyCacheOptions extends Omit<StoredAnswersOptions, 'holder'> {
  /** The pod whose calls these are. Undefined outside of pods. */
  readonly workload: { readonly namespace: string; readonly workload: string } | undefined;
  /** The bound of what is in memory. */
  readonly maxMemoryBytes: number;
  /** A clock in milliseconds that is never set back. Absent: the process's. */
  readonly nowMs?: () => number;
}

/** The cache of an organization that has one. */
export interface ReadyCache {
  use(call: CacheableCall): CacheUse | Promise<CacheUse>;
  look(call: CacheableCall, workload: ReadyCacheOptions['workload']): Promise<CacheLook>;
  forget(): void;
  bytes(): number;
  close(): void;
}

export function readyCache(options: ReadyCacheOptions): ReadyCache {
  const memory = new AnswerMemory(options.maxMemoryBytes, options.nowMs ?? (() => performance.now()));
  const stored = new StoredAnswers({ ...options, holder: randomUUID() });
  const kept = new KeptAnswers(memory, stored);
  const policyOf = makePolicies();

  const use = (call: CacheableCall): CacheUse | Promise<CacheUse> => {
    const { cache } = call.snapshot.spec;
    if (!cache) return bypassed;
    const policy = policyOf(cache);
    const { noStore, noCache, onlyIfCached, maxAgeMs } = readDirectives(call.headers['cache-control']);
    const id = noStore ? undefined : idOf(call, policy, options.workload);
    if (id === undefined) {
      if (onlyIfCached) throw notCached();
      return bypassed;
    }
    const asking = (turn: Turn) => new Asking(call, policy, id, turn);
    const sought: Sought = {
      id,
      envelope: call.envelope,
      maxAgeMs: noCache ? 0 : Math.min(policy.ttlMs, maxAgeMs),
      gone: call.gone,
    };
    if (sought.maxAgeMs <= 0) {
      if (onlyIfCached) throw notCached();
      return asking(kept.turn(id));
    }
    const remembered = kept.remembered(id, sought.maxAgeMs);
    if (remembered) return hit(remembered);
    if (onlyIfCached) {
      return kept.look(sought).then((found) => {
        if (found) return hit(found);
        throw notCached();
      });
    }
    return kept.find(sought).then(({ found, turn }) => (found ? hit(found) : asking(turn)));
  };
  const look: ReadyCache['look'] = async (call, workload) => {
    const { cache } = call.snapshot.spec;
    if (!cache) return { result: 'bypass', because: 'the Organization has no cache', field: 'spec.cache' };
    const policy = policyOf(cache);
    const place = placeOf(call, policy, workload);
    if ('bypass' in place) return { result: 'bypass', ...place.bypass };
    const sought = {
      id: answerId({ call, ...place }),
      envelope: call.envelope,
      maxAgeMs: policy.ttlMs,
      gone: call.gone,
    };
    const found = kept.remembered(sought.id, sought.maxAgeMs) ?? (await kept.look(sought));
    return found ? { result: 'hit', ageMs: found.ageMs } : { result: 'miss' };
  };
  return {
    use,
    look,
    forget: () => kept.forget(),
    bytes: () => memory.bytes(),
    close: () => stored.close(),
  };
}

/** The key of the call's answer. Undefined: the call is not for the cache. */
function idOf(call: CacheableCall, policy: Policy, workload: ReadyCacheOptions['workload']): Buffer | undefined {
  const place = placeOf(call, policy, workload);
  return 'bypass' in place ? undefined : answerId({ call, ...place });
}

function hit({ answer, ageMs }: AgedAnswer): CacheUse {
  return {
    ...bypassed,
    status: 'hit',
    headers: { 'x-cache': 'hit', age: String(Math.floor(ageMs / 1_000)) },
    over: () => replaying(answer),
  };
}

/** A call that asks the provider, and whose answer may be kept. */
class Asking implements CacheUse {
  readonly status = 'miss';
  readonly headers = { 'x-cache': 'miss' };
  readonly needsOutput = true;
  readonly #call: CacheableCall;
  readonly #policy: Policy;
  readonly #id: Buffer;
  readonly #turn: Turn;
  readonly #recording: Recording;
  #isOver = false;
  /** Whether the call ended well, and its answer is worth keeping. */
  #isWorthKeeping = false;

  constructor(call: CacheableCall, policy: Policy, id: Buffer, turn: Turn) {
    this.#call = call;
    this.#policy = policy;
    this.#id = id;
    this.#turn = turn;
    this.#recording = new Recording({
      maxBytes: policy.maxEntryBytes,
      addAnswer: call.addAnswer,
      onEnd: () => this.#keepIfDone(),
      onDropped: (isTooLarge) => this.#end(isTooLarge),
    });
  }

  over: CacheUse['over'] = (exchange) => (this.#isOver ? exchange : this.#recording.over(exchange));

  ended(isCompleted: boolean, output: string | Buffer | undefined): void {
    if (this.#isOver) return;
    this.#isWorthKeeping = isCompleted && isWorthKeeping(this.#call.operation, output);
    if (this.#isWorthKeeping) this.#keepIfDone();
    else this.#end(isCompleted);
  }

  giveUp(): void {
    this.#end(false);
  }

  /** The call may be settled before the last bytes of a stream have come, or after them. */
  #keepIfDone(): void {
    if (this.#isOver || !this.#isWorthKeeping) return;
    const answer = this.#recording.answer();
    if (!answer) return;
    this.#isOver = true;
    const { envelope, startedAtMs: beganAtMs } = this.#call;
    const { ttlMs, maxBytes } = this.#policy;
    this.#turn.kept({ id: this.#id, envelope, answer, ttlMs, maxBytes, beganAtMs });
  }

  #end(isInVain: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#turn.ended(isInVain);
  }
}

function notCached(): ProxyError {
  return new ProxyError('not_cached', { headers: { 'x-cache': 'miss' } });
}
