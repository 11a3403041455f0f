import { randomUUID } from 'node:crypto';
import {
  type AnalysisConfigRow,
  insertAnalysisConfig,
  listAnalysisConfigs,
  readAnalysisConfig,
  readAnalysisConfigByName,
  retireAnalysisConfig,
  updateAnalysisConfig,
} from '../../../database/analysis-configs.ts';
import { diffFields, digestOf } from '../../../database/audit/diff.ts';
import { toStorable } from '../../../database/storable.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { type Retired, writeNamed } from '../named.ts';
import type { Listed, Page } from '../page.ts';
import { type RecordedChange, recorded } from '../recorded.ts';
import { admitRole } from '../roles.ts';
import { type AnalysisConfig, checkConfig, completeConfig, type StatedConfig } from './config.ts';
import { openConfig, requireUuid, sealConfig } from './saved-config.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'store'>;

/** A config that is saved under a name. */
export interface SavedConfig {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly config: AnalysisConfig;
  readonly isActive: boolean;
  /** `namespace/name` of the AnalysisConfig that owns it; null where the API made it. */
  readonly resource: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A saved config as callers write it. In a change, an absent field stays as it is. */
export interface SavedConfigFields {
  readonly name?: string | undefined;
  readonly description?: string | null | undefined;
  readonly config?: StatedConfig | undefined;
  readonly isActive?: boolean | undefined;
}

export interface NewConfig extends SavedConfigFields {
  readonly name: string;
  readonly config: StatedConfig;
}

/**
 * Lists saved configs, for every caller.
 *
 * @param filter.isActive only active ones, or only inactive ones
 * @throws {ProxyError} `store_unavailable`
 */
export async function listConfigs(
  context: Context,
  filter: Page & { readonly isActive: boolean | undefined },
): Promise<Listed<SavedConfig>> {
  const { configs, total } = await context.store.run((db) => listAnalysisConfigs(db, ...scopeOf(context), filter));
  return { items: configs.map((row) => open(context, row)), total };
}

/** Gets a saved config, for every caller. @throws {ProxyError} `analysis_config_not_found`, `store_unavailable` */
export async function getConfig(context: Context, id: string): Promise<SavedConfig> {
  return open(context, await find(context, id));
}

/** Like `getConfig`, by name. @throws {ProxyError} `analysis_config_not_found`, `store_unavailable` */
export async function getConfigByName(context: Context, name: string): Promise<SavedConfig> {
  const row = await context.store.run((db) => readAnalysisConfigByName(db, ...scopeOf(context), toStorable(name)));
  return open(context, requireRow(row, 'name'));
}

/**
 * Saves a config, for an admin.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`, `name_taken`, `store_unavailable`
 */
export async function createConfig(context: Context, caller: Caller, fields: NewConfig): Promise<SavedConfig> {
  admitRole(caller, 'admin');
  const { name, description, isActive } = fields;
  const analysisConfigId = randomUUID();
  const configSealed = seal(context, analysisConfigId, checkConfig(fields.config));
  const [organizationId] = scopeOf(context);
  const row = await write(name, () =>
    recorded(
      context,
      caller,
      (db) =>
        insertAnalysisConfig(db, {
          organizationId,
          analysisConfigId,
          name: toStorable(name),
          description: description == null ? null : toStorable(description),
          configSealed,
          isActive: isActive ?? true,
        }),
      (made) => made && describeChange('created', undefined, open(context, made)),
    ),
  );
  return open(context, row);
}

/**
 * Changes a config that the API saved, for an admin.
 *
 * @throws {ProxyError} as `createConfig`, and `analysis_config_not_found`, `owned_by_resource`
 */
export async function changeConfig(
  context: Context,
  caller: Caller,
  id: string,
  changes: SavedConfigFields,
): Promise<SavedConfig> {
  admitRole(caller, 'admin');
  const { name, description, config, isActive } = changes;
  const checked = config && checkConfig(config);
  const former = requireOwn(await find(context, id));
  const { analysisConfigId, name: known } = former;
  const [organizationId] = scopeOf(context);
  const columns = {
    name: name === undefined ? undefined : toStorable(name),
    description: description == null ? description : toStorable(description),
    configSealed: checked && seal(context, analysisConfigId, checked),
    isActive,
  };
  const row = await write(name ?? known, () =>
    recorded(
      context,
      caller,
      (db) => updateAnalysisConfig(db, organizationId, analysisConfigId, columns),
      (found) => found && describeChange('changed', open(context, former), open(context, found)),
    ),
  );
  return open(context, requireRow(row, 'id'));
}

/**
 * Deletes a config that the API saved, for an admin; one that analyses were made with is deactivated instead.
 *
 * @throws {ProxyError} `role_required`, `analysis_config_not_found`, `owned_by_resource`, `store_unavailable`
 */
export async function retireConfig(context: Context, caller: Caller, id: string): Promise<Retired> {
  admitRole(caller, 'admin');
  const { analysisConfigId } = requireOwn(await find(context, id));
  const [organizationId] = scopeOf(context);
  const outcome = await recorded(
    context,
    caller,
    (db) => retireAnalysisConfig(db, organizationId, analysisConfigId),
    (done) => done && { action: done, subject: `AnalysisConfig/${analysisConfigId}`, changes: [] },
  );
  if (!outcome) throw notFound('id');
  return { id: analysisConfigId, outcome };
}

/** What the audit log has of a saved config: of what is sealed in the database, only the digest. */
function describeChange(
  action: 'created' | 'changed',
  before: SavedConfig | undefined,
  after: SavedConfig,
): RecordedChange | undefined {
  const fieldsOf = ({ name, description, config, isActive }: SavedConfig) => ({
    ...{ name, description, config: digestOf(JSON.stringify(config)), is_active: isActive },
  });
  const changes = diffFields('analysis_config', before && fieldsOf(before), fieldsOf(after));
  return changes.length === 0 ? undefined : { action, subject: `AnalysisConfig/${after.id}`, changes };
}

/** The organization, and the namespaces whose own configs can be seen here. */
function scopeOf({ inForce }: Context): [organizationId: string, namespaces: readonly string[]] {
  const { snapshot, namespaces } = inForce();
  return [snapshot.organizationId, [...namespaces.keys()]];
}

async function find(context: Context, id: string): Promise<AnalysisConfigRow> {
  const configId = requireUuid(id, 'id');
  return requireRow(await context.store.run((db) => readAnalysisConfig(db, ...scopeOf(context), configId)), 'id');
}

function seal({ inForce }: Context, configId: string, config: StatedConfig): Buffer {
  const { snapshot, envelope } = inForce();
  return sealConfig(envelope, snapshot.organizationId, configId, completeConfig(config));
}

function open({ inForce }: Context, row: AnalysisConfigRow): SavedConfig {
  const { analysisConfigId: id, name, description, isActive, resource, createdAt, updatedAt } = row;
  const config = completeConfig(openConfig(inForce(), row));
  return { id, name, description, config, isActive, resource, createdAt, updatedAt };
}

function notFound(param: string): ProxyError {
  return new ProxyError('analysis_config_not_found', { param });
}

/** @throws {ProxyError} `analysis_config_not_found` */
function requireRow(row: AnalysisConfigRow | undefined, param: string): AnalysisConfigRow {
  if (!row) throw notFound(param);
  return row;
}

/** @throws {ProxyError} `owned_by_resource` */
function requireOwn(row: AnalysisConfigRow): AnalysisConfigRow {
  if (row.resource === null) return row;
  const message = `The analysis config is owned by the Kubernetes resource AnalysisConfig ${row.resource}; change it there`;
  throw new ProxyError('owned_by_resource', { param: 'id', message });
}

function write<T>(name: string, work: () => Promise<T>): Promise<T> {
  return writeNamed('analysis_configs_name', 'An analysis config', name, work);
}
