import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { type AnalysisSettings, builtInSettings, builtInTemplates } from './settings.ts';

/** What a template asks for. @throws {ProxyError} `analysis_config_not_found`, `store_unavailable` */
export async function chooseSettings(
  _context: Pick<GovernanceContext, 'inForce' | 'store'>,
  template: string,
): Promise<AnalysisSettings> {
  const builtIn = builtInTemplates.find((name) => name === template);
  if (builtIn) return builtInSettings(builtIn);
  const message = `No template ${JSON.stringify(template)}: there are ${builtInTemplates.join(', ')}`;
  throw new ProxyError('analysis_config_not_found', { param: 'template', message });
}
