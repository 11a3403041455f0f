import type { TestProxyOptions } from '../../proxy-process.ts';
import type { Scope } from '../../scope.ts';
import type { AnyProxy, Installation, OwnProxy } from './installation.ts';
import type { Load, LoadOptions } from './load.ts';

/** What a fault works with while the load goes on. */
export interface Strike extends Omit<Installation, 'startProxy'> {
  /** For what the fault makes: released when the fault is over. */
  readonly scope: Scope;
  readonly load: Load;
  /** The proxy that the load calls. */
  readonly proxy: AnyProxy;
  /** Starts another proxy of the organization, until the fault is over. */
  startProxy(options?: Partial<TestProxyOptions>): Promise<OwnProxy>;
  /** Sends the load to another proxy from now on. At the end, all proxies must have copied their records. */
  use(proxy: AnyProxy): void;
  /** A proxy that has ended for good: another one has its volume. */
  forget(proxy: AnyProxy): void;
  /** Adds a sentence to the report. */
  note(sentence: string): void;
  /** Leaves calls out of the comparison that the fault itself makes, and judges. */
  ignoreMark(mark: string): void;
  /** Waits until so many further calls have ended. */
  calls(count: number): Promise<void>;
  /** Waits until so many calls that began from now on were answered. */
  answers(count: number): Promise<void>;
}

/** An entry of the matrix. */
export interface Fault {
  /** What happens, as in the report. */
  readonly name: string;
  /** Whether it is tried without `--all`. */
  readonly isCore?: boolean;
  /** Why it cannot be tried on this machine. */
  readonly lacks?: () => string | undefined;
  readonly load?: Pick<LoadOptions, 'kinds' | 'directives' | 'leaves' | 'clients' | 'paceMs'>;
  /** The codes with which calls may be refused meanwhile. */
  readonly refusals?: readonly string[];
  /** Whether connections of clients may end. */
  readonly cuts?: boolean;
  /** Whether the usage of some calls may stay unknown, since nobody was left to hear it. */
  readonly unknowns?: boolean;
  /** Whether records may be damaged that clients have seen the answer of: then their usage is unknown, and they are not lost. */
  readonly damages?: boolean;
  /** Breaks something, and mends it. Absent: the load itself is the fault. */
  readonly strike?: (strike: Strike) => Promise<void>;
}
