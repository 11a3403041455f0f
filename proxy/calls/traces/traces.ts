import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { CallTrace, TraceableCall } from './call-trace.ts';
import type { TracesOptions } from './options.ts';
import type { ReadyTraces } from './ready-traces.ts';

/** The traces of an organization's calls. Where none are configured, nothing is loaded, and no call does anything. */
export interface Traces {
  /** Takes the settings in force. */
  prepare(snapshot: Pick<Snapshot, 'spec' | 'organizationName'>): void;
  /** @returns undefined where the call is not recorded */
  begin(call: TraceableCall): CallTrace | undefined;
  /** Sends what waits, for at most a second. */
  close(): Promise<void>;
}

export function makeTraces(options: TracesOptions): Traces {
  let ready: ReadyTraces | undefined;
  /** The settings that were taken last, and what makes them ready. */
  let taken: OrganizationSpec['traces'] | null = null;
  let changing: Promise<void> = Promise.resolve();
  const change = async (spec: OrganizationSpec['traces'], organization: string) => {
    const former = ready;
    const { readyTraces } = await import('./ready-traces.ts');
    ready = readyTraces(spec, organization, options);
    await former?.close();
  };
  return {
    prepare({ spec: { traces }, organizationName }) {
      if (taken !== null && JSON.stringify(taken) === JSON.stringify(traces)) return;
      taken = traces;
      const isOff = traces?.endpoint === undefined && options.environment?.settings === undefined;
      if (isOff && !ready) return;
      changing = changing.then(() => change(traces, organizationName)).catch(() => {});
    },
    begin: (call) => ready?.begin(call),
    async close() {
      await changing;
      await ready?.close();
    },
  };
}
