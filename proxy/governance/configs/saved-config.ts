import type { AnalysisConfigRow } from '../../../database/analysis-configs.ts';
import type { Envelope } from '../../../database/envelope.ts';
import { ProxyError } from '../../error.ts';
import { envelopeFor } from '../../snapshot/envelopes.ts';
import type { GovernanceInForce } from '../context.ts';
import type { StatedTemplate } from '../conversation-analyses/settings.ts';
import type { AnalysisConfig, StatedConfig } from './config.ts';

function placeOf(organizationId: string, rowId: string) {
  return { organizationId, column: 'analysis_configs.config', rowId };
}

/** Seals a config for its row. */
export function sealConfig(
  envelope: Envelope,
  organizationId: string,
  configId: string,
  config: AnalysisConfig,
): Buffer {
  return envelope.seal(placeOf(organizationId, configId), JSON.stringify(config));
}

/** The config of a row, as it was checked before it was sealed, whether it came by YAML or by the API. */
export function openConfig(inForce: GovernanceInForce, row: AnalysisConfigRow): StatedConfig {
  return openSealed(inForce, row) as StatedConfig;
}

/** The template of a row, as the custom resource has it. */
export function openTemplate(inForce: GovernanceInForce, row: AnalysisConfigRow): StatedTemplate {
  return openSealed(inForce, row) as StatedTemplate;
}

function openSealed({ snapshot, ...inForce }: GovernanceInForce, row: AnalysisConfigRow): unknown {
  const envelopes = { organization: inForce.envelope, namespaces: inForce.namespaces };
  const envelope = envelopeFor(envelopes, row.servesNamespace);
  // It was read as one that serves this proxy, before the credentials changed.
  if (!envelope) throw new ProxyError('analysis_config_not_found');
  const text = envelope.open(placeOf(snapshot.organizationId, row.analysisConfigId), row.configSealed).toString();
  return JSON.parse(text);
}

/**
 * An id as the database takes it.
 *
 * @throws {ProxyError} `analysis_config_not_found`: what is no UUID is no config's
 */
export function requireUuid(id: string, param: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id.toLowerCase();
  const message = `Analysis config not found: ${param} must be a config's id, not its name; GET /v1/analysis/configs shows the ids`;
  throw new ProxyError('analysis_config_not_found', { param, message });
}
