/** A proxy to start. */
export interface ProxyOrder {
  /** The organization's. */
  readonly name: string;
  readonly number: number;
  readonly credentialsDirectory: string;
  readonly dataDirectory: string;
}

/** What a process with many proxies starts. */
export interface GroupOrder {
  readonly upstreamUrl: string;
  readonly proxies: readonly ProxyOrder[];
}

/** A proxy that serves. */
export interface ServingProxy {
  readonly name: string;
  readonly number: number;
  readonly port: number;
  readonly metricsPort: number;
}

export interface InForce {
  readonly type: 'in-force';
  /** The organization's. */
  readonly name: string;
  readonly number: number;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** What a process with many proxies tells. */
export type GroupMessage =
  | { readonly type: 'ready'; readonly proxies: readonly ServingProxy[] }
  | { readonly type: 'warning'; readonly text: string }
  | InForce;

/** What the caller calls. */
export interface CallOrder {
  readonly targets: readonly { readonly port: number; readonly token: string }[];
  readonly users: number;
  /** How often each target is called. */
  readonly periodMs: number;
  /** At the beginning of each window, every target gets one more call, within `burstMs`. */
  readonly windowMs: number;
  readonly burstMs: number;
}

/** A call. */
export interface Called {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly status: number;
}
