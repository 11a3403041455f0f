import { createHash } from 'node:crypto';
import type { ProviderPause } from '../../../database/provider-pauses.ts';
import type { Provider, RoutedKey } from '../../snapshot/snapshot.ts';
import type { Failure, FailureKind } from './failure.ts';

/** What this proxy knows of failures, so that further calls go to others first. */
export interface RouteHealth {
  /** Whether nothing is known. */
  isCalm(): boolean;
  /**
   * Orders keys by what is known: those that work, as they come, before those that do not. A circuit that was open
   * for its pause lets one call through, which this counts as.
   */
  prefer(keys: readonly RoutedKey[], model: string | undefined): readonly RoutedKey[];
  failed(key: RoutedKey, model: string | undefined, failure: Failure): void;
  succeeded(key: RoutedKey): void;
  /** What keeps calls from a key. It changes nothing. */
  stateOf(key: RoutedKey, model: string | undefined): KeyState;
}

/** A memory that others add to. */
export interface SharedRouteHealth extends RouteHealth {
  /** Takes over what the organization's proxies know together. What is not there any more is over. */
  adopt(pauses: readonly ProviderPause[]): void;
}

/** `open`: its circuit, or that of its provider; `limited`: the provider asked to be left alone. */
export type KeyState = 'well' | 'open' | 'limited';

/** What a circuit is of. */
export type CircuitScope = 'provider' | 'key';

/** Tells the organization's other proxies. */
export interface PauseSharing {
  begun(pause: ProviderPause): void;
  over(id: string): void;
}

export interface HealthOptions {
  readonly nowMs: () => number;
  /** A circuit has opened, or closed. */
  readonly onCircuit: (provider: string, scope: CircuitScope, keyId: string, isOpen: boolean) => void;
  readonly sharing: PauseSharing;
}

interface Circuit {
  readonly scope: CircuitScope;
  readonly provider: string;
  /** Undefined for all keys of the provider. */
  readonly keyId: string | undefined;
  failures: number;
  /** Undefined where it is closed. */
  openUntilMs: number | undefined;
  /** The end of which other proxies know. 0: they know of nothing. */
  toldUntilMs: number;
  /** Whether this proxy itself has asked the provider, rather than heard of it. */
  isOwn: boolean;
  /** Whether it was among what the proxies know together. */
  isShared: boolean;
  reason: string;
}

/** How long a limited key is left alone where the provider does not say. */
const limitedMs = 5_000;
/** Other proxies do not hear of shorter limits: they would be over. */
const shortestToldMs = 1_000;
/** How many things are remembered. The oldest are forgotten. */
const maxRemembered = 1_000;
/** A longer name of a model is not told to others. */
const maxModelLength = 200;

const providerFailures: ReadonlySet<FailureKind> = new Set(['unreachable', 'provider_error', 'unknown']);

/** Makes the memory of one process. */
export function makeRouteHealth({ nowMs, onCircuit, sharing }: HealthOptions): SharedRouteHealth {
  const circuits = new Map<string, Circuit>();
  /** Limits hold for one model of a key: until when, and until when others think so. */
  const limited = new Map<string, { readonly untilMs: number; readonly toldUntilMs: number }>();
  const announce = ({ provider, scope, keyId = '' }: Circuit, isOpen: boolean) =>
    onCircuit(provider, scope, keyId, isOpen);

  const tell = (id: string, circuit: Circuit, pauseMs: number) => {
    const { openUntilMs, toldUntilMs, scope, provider, keyId = null, reason } = circuit;
    // Each failure makes it longer. A half of the pause is near enough for others.
    if (openUntilMs === undefined || openUntilMs - toldUntilMs <= pauseMs / 2) return;
    circuit.toldUntilMs = openUntilMs;
    sharing.begun({ id, scope, provider, apiKeyId: keyId, reason, remainingMs: openUntilMs - nowMs() });
  };
  const fail = (id: string, scope: CircuitScope, key: RoutedKey, { status, reason }: Failure) => {
    const { breaker, name } = key.provider;
    const circuit = circuits.get(id) ?? makeCircuit(scope, name, scope === 'key' ? key.id : undefined);
    circuit.failures += 1;
    circuit.isOwn = true;
    circuit.reason = status === null ? reason : `${status} ${reason}`;
    circuits.set(id, circuit);
    forgetOldest(circuits);
    if (circuit.failures < breaker.failures) return;
    if (circuit.openUntilMs === undefined) announce(circuit, true);
    circuit.openUntilMs = nowMs() + breaker.pauseMs;
    tell(id, circuit, breaker.pauseMs);
  };
  const close = (id: string) => {
    const circuit = circuits.get(id);
    if (!circuit) return;
    // An answer that was under way when another proxy opened the circuit says nothing.
    if (circuit.openUntilMs !== undefined && !circuit.isOwn) return;
    circuits.delete(id);
    if (circuit.openUntilMs === undefined) return;
    announce(circuit, false);
    sharing.over(id);
  };
  const isOpen = (id: string) => (circuits.get(id)?.openUntilMs ?? 0) > nowMs();
  const stateOf = (key: RoutedKey, model: string | undefined): KeyState => {
    if (isOpen(providerId(key)) || isOpen(keyId(key))) return 'open';
    return (limited.get(limitId(key, model))?.untilMs ?? 0) > nowMs() ? 'limited' : 'well';
  };
  /** Of a circuit whose pause is over, the next call is the only one until it is known how it ends. */
  const probe = (key: RoutedKey) => {
    for (const id of [providerId(key), keyId(key)]) {
      const circuit = circuits.get(id);
      if (circuit?.openUntilMs === undefined) continue;
      const { pauseMs } = key.provider.breaker;
      circuit.openUntilMs = nowMs() + pauseMs;
      circuit.isOwn = true;
      tell(id, circuit, pauseMs);
    }
  };
  const limit = (key: RoutedKey, model: string | undefined, waitMs: number, { status, reason }: Failure) => {
    const id = limitId(key, model);
    const known = limited.get(id) ?? { untilMs: 0, toldUntilMs: 0 };
    // Of several answers, the one that asks for the most counts.
    const untilMs = Math.max(known.untilMs, nowMs() + waitMs);
    const { toldUntilMs } = known;
    const isNews = untilMs - toldUntilMs >= Math.max(shortestToldMs, waitMs / 2);
    const isTold = isNews && waitMs >= shortestToldMs && (model ?? '').length <= maxModelLength;
    limited.set(id, { untilMs, toldUntilMs: isTold ? untilMs : toldUntilMs });
    forgetOldest(limited);
    if (!isTold) return;
    const what = { scope: 'model' as const, provider: key.provider.name, apiKeyId: key.id };
    sharing.begun({ id, ...what, reason: `${status ?? ''} ${reason}`.trim(), remainingMs: untilMs - nowMs() });
  };
  const adoptCircuit = (pause: ProviderPause & { readonly scope: CircuitScope }, untilMs: number) => {
    const { id, scope, provider, apiKeyId, reason } = pause;
    const known = circuits.get(id);
    if (known) known.isShared = true;
    // A pause that is over says nothing to who has not heard of it.
    if (untilMs <= nowMs()) return;
    const circuit = known ?? makeCircuit(scope, provider, apiKeyId ?? undefined);
    const wasOpen = circuit.openUntilMs !== undefined;
    // Its first call after the pause decides.
    circuit.failures = Number.POSITIVE_INFINITY;
    circuit.openUntilMs = Math.max(circuit.openUntilMs ?? 0, untilMs);
    circuit.toldUntilMs = Math.max(circuit.toldUntilMs, untilMs);
    circuit.isShared = true;
    circuit.reason = reason;
    if (wasOpen) return;
    circuit.isOwn = false;
    circuits.set(id, circuit);
    forgetOldest(circuits);
    announce(circuit, true);
  };

  return {
    stateOf,
    isCalm: () => circuits.size === 0 && limited.size === 0,
    prefer(keys, model) {
      const well = keys.filter((key) => stateOf(key, model) === 'well');
      const [first] = well;
      if (first) probe(first);
      return [...well, ...keys.filter((key) => !well.includes(key))];
    },
    failed(key, model, failure) {
      const { kind, retryAfterMs } = failure;
      if (providerFailures.has(kind)) fail(providerId(key), 'provider', key, failure);
      else if (kind === 'key_refused') fail(keyId(key), 'key', key, failure);
      else if (kind === 'rate_limited') limit(key, model, retryAfterMs ?? limitedMs, failure);
    },
    succeeded(key) {
      if (circuits.size > 0) {
        close(providerId(key));
        close(keyId(key));
      }
      if (limited.size > 0) for (const [id, { untilMs }] of limited) if (untilMs <= nowMs()) limited.delete(id);
    },
    adopt(pauses) {
      const present = new Set<string>();
      for (const pause of pauses) {
        const { id, scope, remainingMs } = pause;
        const untilMs = nowMs() + remainingMs;
        present.add(id);
        if (scope !== 'model') adoptCircuit({ ...pause, scope }, untilMs);
        else if (remainingMs > 0 && untilMs > (limited.get(id)?.untilMs ?? 0)) {
          limited.set(id, { untilMs, toldUntilMs: untilMs });
          forgetOldest(limited);
        }
      }
      for (const [id, circuit] of circuits) {
        if (!circuit.isShared || present.has(id)) continue;
        circuits.delete(id);
        if (circuit.openUntilMs !== undefined) announce(circuit, false);
      }
    },
  };
}

function makeCircuit(scope: CircuitScope, provider: string, keyId: string | undefined): Circuit {
  const unknown = { failures: 0, openUntilMs: undefined, toldUntilMs: 0, isOwn: false, isShared: false, reason: '' };
  return { scope, provider, keyId, ...unknown };
}

const places = new WeakMap<Provider, string>();

/** What is known of a provider holds for its address: under another one it begins anew. */
function providerId({ provider }: RoutedKey): string {
  let id = places.get(provider);
  if (id === undefined) {
    const place = createHash('sha256').update(`${provider.origin}${provider.basePath}`).digest('hex').slice(0, 16);
    id = `${provider.name} ${place}`;
    places.set(provider, id);
  }
  return id;
}

function keyId(key: RoutedKey): string {
  return `${providerId(key)} ${key.id}`;
}

function limitId(key: RoutedKey, model = ''): string {
  return `${keyId(key)} ${model}`;
}

function forgetOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > maxRemembered && oldest !== undefined) map.delete(oldest);
}
