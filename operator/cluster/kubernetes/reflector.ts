import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Reflection, ReflectionObserver } from '../../runtime/reflection.ts';
import type { ApiClient } from './api-client.ts';
import { ApiError, isGone } from './api-error.ts';
import type { ApiObject } from './api-object.ts';
import { type Backoff, pauseAfter } from './backoff.ts';
import { listAll } from './list.ts';
import { watch } from './watch.ts';

/** An object at a resource version. */
export interface Versioned<T> {
  readonly object: T;
  readonly version: string;
}

/** Receives what a reflector reads. */
export interface ReflectorSink<T> {
  /** All objects as of `version`. */
  replace(objects: readonly Versioned<T>[], version: string): void;
  put(object: Versioned<T>): void;
  remove(object: Versioned<T>): void;
  /** All changes up to this version have been delivered. */
  reached(version: string): void;
}

export interface ReflectorTimings {
  /** How long a watch should last: a random time between these. */
  readonly watchMs: readonly [least: number, most: number];
  /** A watch that is silent for longer is given up. API servers send a bookmark every minute. */
  readonly silenceMs: number;
  readonly backoffMs: Backoff;
}

export const defaultTimings: ReflectorTimings = {
  watchMs: [300_000, 600_000],
  silenceMs: 180_000,
  backoffMs: [250, 30_000],
};

export interface ReflectorOptions<O extends ApiObject, T> {
  /** Its name in logs and metrics. */
  readonly name: string;
  readonly client: ApiClient;
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Reads only the objects' metadata. */
  readonly metadataOnly?: boolean;
  readonly decode: (object: O) => T;
  readonly sink: ReflectorSink<T>;
  readonly timings: ReflectorTimings;
  readonly observer: ReflectionObserver;
  readonly log: Logger;
}

export interface Reflector extends Reflection {
  /** Resolves when everything has been listed once. */
  readonly synced: Promise<void>;
  stop(): Promise<void>;
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches */
const partialObject = {
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  watch: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
};

/** The server has an older state than before. */
class WentBack extends Error {}

/** Versions of one server can be compared as numbers. Those of others are never older. */
function isOlder(one: string, other: string): boolean {
  return /^\d+$/.test(one) && /^\d+$/.test(other) && BigInt(one) < BigInt(other);
}

/** How many watches in a row may be refused before everything is listed again. */
const maxRefusals = 5;

/**
 * Delivers all objects and every change to a sink until stopped. It lists page by page, then watches with bookmarks. It
 * watches again when a watch ends, breaks or falls silent, and lists again when its version has expired.
 */
export function startReflector<O extends ApiObject, T>(options: ReflectorOptions<O, T>): Reflector {
  const { name, client, path, labelSelector, fieldSelector, metadataOnly = false } = options;
  const { decode, sink, timings, observer, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const first = Promise.withResolvers<void>();
  const shared = { path, signal };
  const selectors = { labelSelector, fieldSelector };
  const accepting = (kind: keyof typeof partialObject) => (metadataOnly ? { accept: partialObject[kind] } : {});
  let heardAtMs = Date.now();
  let activeAtMs = heardAtMs;
  let version: string | undefined;
  let attemptedAtMs = heardAtMs;
  let failures = 0;
  let refusals = 0;
  /** Whether a connection broke: the server that answers next may have an older state, as after a restore of etcd. */
  let mayBeBehind = false;

  const heard = () => {
    heardAtMs = Date.now();
    activeAtMs = heardAtMs;
    refusals = 0;
  };
  const list = async () => {
    const versioned = (object: O) => ({ object: decode(object), version: object.metadata.resourceVersion });
    const listed = await listAll(client, { ...shared, ...accepting('list'), query: selectors }, versioned);
    heard();
    observer.listed(name);
    sink.replace(listed.items, listed.resourceVersion);
    first.resolve();
    return listed.resourceVersion;
  };
  /** A watch from a version that the server has yet to reach tells nothing of what is different now. */
  const isBehind = async (known: string) => {
    const request = { method: 'GET', query: { limit: '1', ...selectors }, ...shared, ...accepting('list') } as const;
    const { metadata } = await client.send<{ metadata: { resourceVersion: string } }>(request);
    return isOlder(metadata.resourceVersion, known);
  };
  const watchFrom = async (start: string) => {
    const [least, most] = timings.watchMs;
    const timeoutSeconds = String(Math.ceil((least + Math.random() * (most - least)) / 1_000));
    const asked = { watch: 'true', allowWatchBookmarks: 'true', resourceVersion: start, timeoutSeconds };
    const query = { ...asked, ...selectors };
    const request = { method: 'GET', query, ...shared, ...accepting('watch') } as const;
    const startedAtMs = Date.now();
    for await (const { type, object } of watch<O>(client, { request, silenceMs: timings.silenceMs, signal })) {
      heard();
      failures = 0;
      const at = object.metadata.resourceVersion;
      if (isOlder(at, start)) throw new WentBack(`The server is at version ${at}, and was at ${start}`);
      if (type === 'DELETED') sink.remove({ object: decode(object), version: at });
      else if (type !== 'BOOKMARK') sink.put({ object: decode(object), version: at });
      sink.reached(at);
      version = at;
    }
    if (heardAtMs < startedAtMs && Date.now() - startedAtMs < 1_000) throw new Error('The watch ended at once');
    activeAtMs = Date.now();
    failures = 0;
  };
  const fail = async (error: unknown) => {
    activeAtMs = Date.now();
    const isExpired = isGone(error);
    observer.watched(name, isExpired ? 'expired' : 'failed');
    // A successful list does not end the backoff: a list and a failing watch would alternate without a pause.
    const hasLasted = activeAtMs - attemptedAtMs > timings.backoffMs[1];
    failures = hasLasted ? 1 : failures + 1;
    if (error instanceof ApiError) refusals += 1;
    else mayBeBehind = true;
    if (isExpired || refusals >= maxRefusals || error instanceof WentBack) version = undefined;
    log.warn({ reflector: name, err: error, failures }, 'a watch was interrupted; watching again');
    if (isExpired && failures === 1) return;
    await delay(pauseAfter(failures, error, timings.backoffMs), undefined, { signal });
  };
  const run = async () => {
    while (!signal.aborted) {
      attemptedAtMs = Date.now();
      try {
        if (mayBeBehind && version !== undefined && (await isBehind(version))) version = undefined;
        mayBeBehind = false;
        version ??= await list();
        await watchFrom(version);
        observer.watched(name, 'ended');
      } catch (error) {
        if (!signal.aborted) await fail(error).catch(() => {});
      }
    }
  };
  const running = run();

  return {
    name,
    synced: first.promise,
    heardAtMs: () => heardAtMs,
    activeAtMs: () => activeAtMs,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
