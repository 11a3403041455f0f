import { randomUUID } from 'node:crypto';
import { parseDurationMs } from '../../crds/duration.ts';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { ProxyError } from '../error.ts';
import { type FitsCall, makeCallMatch } from '../snapshot/call-match.ts';
import { answerId } from './answer-id.ts';
import { type AgedAnswer, AnswerMemory } from './answer-memory.ts';
import { bypassed, type CacheUse } from './cache-use.ts';
import { reachOf } from './cacheable.ts';
import type { CacheableCall } from './cacheable-call.ts';
import { readDirectives } from './directives.ts';
import { KeptAnswers, type Sought, type Turn } from './kept-answers.ts';
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

/** `spec.cache`, ready for use. */
interface Policy {
  readonly isShared: boolean;
  readonly ttlMs: number;
  readonly maxBytes: number;
  readonly maxEntryBytes: number;
  readonly fits: FitsCall;
}

/** The cache of an organization that has one. */
export interface ReadyCache {
  use(call: CacheableCall): CacheUse | Promise<CacheUse>;
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
  return {
    use,
    forget: () => kept.forget(),
    bytes: () => memory.bytes(),
    close: () => stored.close(),
  };
}

/** The key of the call's answer. Undefined: the call is not for the cache. */
function idOf(
  call: CacheableCall,
  { isShared, fits }: Policy,
  workload: ReadyCacheOptions['workload'],
): Buffer | undefined {
  const { model, operation, user, sessionId } = call;
  // Without a user, nobody knows who else is one of these callers.
  if (!isShared && user === undefined) return undefined;
  if (!fits({ model, operation, user, workload })) return undefined;
  const reach = reachOf(call);
  if (reach === 'nowhere' || (reach === 'session' && sessionId === undefined)) return undefined;
  // A session is one user's.
  const isOwn = !isShared || reach === 'session';
  return answerId({
    call,
    userId: isOwn ? call.userId : undefined,
    sessionId: reach === 'session' ? sessionId : undefined,
  });
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

/** Each organization's cache is compiled once per configuration. */
function makePolicies(): (cache: NonNullable<OrganizationSpec['cache']>) => Policy {
  const known = new WeakMap<object, Policy>();
  return (cache) => {
    const found = known.get(cache);
    if (found) return found;
    const made: Policy = {
      isShared: cache.scope === 'Organization',
      ttlMs: parseDurationMs(cache.ttl),
      maxBytes: cache.maxBytes,
      maxEntryBytes: cache.maxEntryBytes,
      fits: makeCallMatch(cache.match),
    };
    known.set(cache, made);
    return made;
  };
}
