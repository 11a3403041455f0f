import { isDeepStrictEqual } from 'node:util';
import type { AnalysisConfig } from '../../crds/resources.generated.ts';
import {
  type AnalysisConfigWrite,
  deleteAnalysisConfig,
  findAnalysisConfigs,
  upsertAnalysisConfigs,
} from '../../database/analysis-configs.ts';
import { EnvelopeError } from '../../database/envelope.ts';
import { tellUnknownModels } from '../known-models.ts';
import { modelRefused, refusesNamed } from '../model-rule.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { isNameTaken, notReady, ready, type TenantKindOf, type TenantObject } from '../tenant-kind.ts';

type Spec = AnalysisConfig['spec'];
type Row = Omit<AnalysisConfigWrite, 'configSealed'> & { readonly config: Spec['config'] | Spec['template'] };

/** AnalysisConfig: how calls are classified, or what texts about conversations have to say. */
export const analysisConfigKind: TenantKindOf<'AnalysisConfig', AnalysisConfigWrite> = {
  kind: 'AnalysisConfig',
  find: findAnalysisConfigs,
  upsert: upsertAnalysisConfigs,
  async reconcile(_context, object, stored, write) {
    const { tenancy, envelope } = object;
    const { organizationId } = tenancy;
    const status = { id: object.rowId };
    const row = decideRow(object);
    const verdict = await judge(object);
    if (stored && isDeepStrictEqual(open(stored, object), row)) return { verdict, status, isChanged: false };
    const { config, ...rest } = row;
    const place = { organizationId, column: 'analysis_configs.config', rowId: object.rowId };
    try {
      await write({ ...rest, configSealed: envelope.seal(place, JSON.stringify(config)) });
    } catch (error) {
      if (!isNameTaken(error, 'analysis_configs_name')) throw error;
      const message = `Another analysis config that serves the same pods has the name "${row.name}"; choose another spec.name.`;
      return { verdict: notReady('NameTaken', message), status, requeueAfterMs: 60_000, isChanged: false };
    }
    return { verdict, status, isChanged: true };
  },
  remove: ({ db }, organizationId, rowId) => deleteAnalysisConfig(db, organizationId, rowId),
};

async function judge({ resource, tenancy }: TenantObject<'AnalysisConfig'>): Promise<Verdict> {
  const { config, template } = resource.spec;
  const field = template ? 'spec.template.model' : 'spec.config.model';
  const model = (template ?? config)?.model;
  const { organization } = tenancy;
  const stored = ready('The analysis config is stored.');
  if (model === undefined) return stored;
  return refusesNamed(organization.spec, model)
    ? modelRefused(field, model, organization, 'Analyses by this config are refused')
    : tellUnknownModels(stored, field, [model], organization.spec);
}

function decideRow({ resource, rowId, path, tenancy, reach }: TenantObject<'AnalysisConfig'>): Row {
  return {
    organizationId: tenancy.organizationId,
    analysisConfigId: rowId,
    resource: path,
    servesNamespace: reach.servesNamespace,
    name: resource.spec.name,
    description: resource.spec.description ?? null,
    kind: resource.spec.template ? 'template' : 'classification',
    config: resource.spec.template ?? resource.spec.config,
  };
}

function open(
  { configSealed, ...rest }: AnalysisConfigWrite,
  { tenancy, rowId, envelope }: TenantObject<'AnalysisConfig'>,
): Row | undefined {
  // A row sealed with a replaced key is written again.
  if (!envelope.isCurrent(configSealed)) return undefined;
  try {
    const place = { organizationId: tenancy.organizationId, column: 'analysis_configs.config', rowId };
    return { ...rest, config: JSON.parse(envelope.open(place, configSealed).toString()) };
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}
