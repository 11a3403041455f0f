import type { Dispatcher } from 'undici';
import { ProxyError } from '../../error.ts';
import type { AzureSettings } from '../../snapshot/azure-settings.ts';
import { makeTokenFiles } from './token-files.ts';
import type { WorkloadTokens } from './workload-tokens.ts';

/** The token for a provider, or why there is none; undefined where an ApiKeyBinding has it. A promise never rejects. */
export type EntraTokens = (settings: AzureSettings) => string | ProxyError | Promise<string | ProxyError> | undefined;

/**
 * Makes the source of Entra tokens that no ApiKeyBinding has: files, and exchanges, whose module is loaded for the first
 * one.
 *
 * @param agent for exchanges. Absent: there are none
 */
export function makeEntraTokens(agent?: () => Promise<Dispatcher>): EntraTokens {
  const files = makeTokenFiles();
  let workloads: WorkloadTokens | undefined;
  const load = async (load: () => Promise<Dispatcher>) => {
    const { makeWorkloadTokens } = await import('./workload-tokens.ts');
    workloads ??= makeWorkloadTokens({ agent: load, files });
    return workloads;
  };
  return ({ tokenFile, identity }) => {
    if (tokenFile !== undefined) return files.read(tokenFile);
    if (!identity) return undefined;
    if (workloads) return workloads.of(identity);
    if (!agent) return new ProxyError('upstream_no_credential');
    return load(agent).then((loaded) => loaded.of(identity));
  };
}
