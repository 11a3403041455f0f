import { readAnalysisTemplate } from '../../../database/analysis-configs.ts';
import { toStorable } from '../../../database/storable.ts';
import { ProxyError } from '../../error.ts';
import { openTemplate } from '../configs/saved-config.ts';
import type { GovernanceContext } from '../context.ts';
import { type AnalysisSettings, builtInSettings, builtInTemplates, statedSettings } from './settings.ts';

/**
 * What a template asks for. An AnalysisConfig of the organization's takes the place of a built-in one of its name.
 *
 * @throws {ProxyError} `analysis_config_not_found`, `store_unavailable`
 */
export async function chooseSettings(
  { inForce, store }: Pick<GovernanceContext, 'inForce' | 'store'>,
  name: string,
): Promise<AnalysisSettings> {
  const { namespaces } = inForce();
  const own = [...namespaces.keys()];
  const row = await store.run((db) => readAnalysisTemplate(db, own, toStorable(name)));
  if (row) return statedSettings(openTemplate(inForce(), row));
  const builtIn = builtInTemplates.find((one) => one === name);
  if (builtIn) return builtInSettings(builtIn);
  const message = `No template ${JSON.stringify(name)}: there are ${builtInTemplates.join(', ')}, and those of AnalysisConfigs`;
  throw new ProxyError('analysis_config_not_found', { param: 'template', message });
}
