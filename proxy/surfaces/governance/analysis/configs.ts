import { randomUUID } from 'node:crypto';
import { DatabaseError } from 'pg';
import { type Static, Type } from 'typebox';
import {
  type AnalysisConfigRow,
  insertAnalysisConfig,
  listAnalysisConfigs,
  readAnalysisConfig,
  readAnalysisConfigByName,
  retireAnalysisConfig,
  updateAnalysisConfig,
} from '../../../../database/analysis-configs.ts';
import { admitRole } from '../../../calls/admit/admit.ts';
import type { Caller } from '../../../calls/call.ts';
import { type ProblemCode, ProxyError } from '../../../error.ts';
import type { GovernanceContext } from '../../../governance/context.ts';
import { page, paging } from '../../../http/paging.ts';
import { Name, Nullable, storable, Timestamp, Uuid } from '../../../http/schemas.ts';
import type { SurfaceApp } from '../../../http/surface.ts';
import { ConfigAnswer, ConfigBody, checkConfig, completeConfig, exampleConfig } from './config.ts';
import { openConfig, requireUuid, sealConfig } from './saved-config.ts';

const tags = ['Analysis'];
const params = Type.Object({ id: Type.String({ description: 'The config’s id, a UUID.' }) });

const readProblems: readonly ProblemCode[] = ['analysis_config_not_found', 'store_unavailable'];
const changeProblems: readonly ProblemCode[] = ['role_required', ...readProblems, 'owned_by_resource', 'name_taken'];

const example = {
  name: 'Support Intent Classifier',
  description: 'Classifies customer support requests by intent',
  config: exampleConfig,
};

const SavedConfig = Type.Object(
  {
    id: Uuid,
    organization_id: Uuid,
    name: Type.String(),
    description: Nullable(Type.String()),
    config: ConfigAnswer,
    is_active: Type.Boolean(),
    managed_by: Nullable(Type.String(), 'The Kubernetes resource that owns it; null where the API made it.'),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  {
    example: {
      id: '550e8400-e29b-41d4-a716-446655440000',
      organization_id: '123e4567-e89b-12d3-a456-426614174001',
      ...example,
      config: completeConfig(exampleConfig),
      is_active: true,
      managed_by: null,
      created_at: '2026-06-01T12:00:00.000Z',
      updated_at: '2026-06-01T12:00:00.000Z',
    },
  },
);

const fields = {
  name: Name,
  description: Type.Optional(Nullable(Type.String({ maxLength: 2_000 }), 'What it is for.')),
  config: ConfigBody,
  is_active: Type.Optional(Type.Boolean({ description: 'Whether analyses may use it.' })),
};
const strict = { additionalProperties: false };
const NewConfig = Type.Object(fields, { ...strict, example });
const ConfigPatch = Type.Partial(Type.Object(fields), { ...strict, example: { is_active: false } });

/** `/v1/analysis/configs`: those of YAML and those that the API made; only the latter can be changed here. */
export function registerConfigs(app: SurfaceApp, { inForce, store }: GovernanceContext): void {
  const show = (row: AnalysisConfigRow): Static<typeof SavedConfig> => {
    return {
      id: row.analysisConfigId,
      organization_id: inForce().snapshot.organizationId,
      name: row.name,
      description: row.description,
      config: completeConfig(openConfig(inForce(), row)),
      is_active: row.isActive,
      managed_by: row.resource === null ? null : `AnalysisConfig ${row.resource}`,
      created_at: row.createdAt.toISOString(),
      updated_at: row.updatedAt.toISOString(),
    };
  };
  /** The organization, and the namespaces whose own configs are to be seen here. */
  const scope = (): [organizationId: string, namespaces: readonly string[]] => {
    const { snapshot, namespaces } = inForce();
    return [snapshot.organizationId, [...namespaces.keys()]];
  };
  const find = async (id: string): Promise<AnalysisConfigRow> => {
    const configId = requireUuid(id, 'id');
    const row = await store.run((db) => readAnalysisConfig(db, ...scope(), configId));
    return requireRow(row, 'id');
  };

  app.get(
    '/analysis/configs',
    {
      schema: {
        tags,
        summary: 'List analysis configs',
        querystring: Type.Object({
          ...paging,
          is_active: Type.Optional(Type.Boolean({ description: 'Only active ones, or only inactive ones.' })),
        }),
        problems: ['store_unavailable'],
        response: { 200: Type.Object({ configs: Type.Array(SavedConfig), ...page }) },
      },
    },
    async ({ query: { is_active, limit, offset } }) => {
      const { configs, total } = await store.run((db) =>
        listAnalysisConfigs(db, ...scope(), { isActive: is_active, limit, offset }),
      );
      return { configs: configs.map(show), total, limit, offset };
    },
  );

  app.get(
    '/analysis/configs/:id',
    {
      schema: {
        tags,
        summary: 'Get an analysis config',
        params,
        problems: readProblems,
        response: { 200: SavedConfig },
      },
    },
    async (request) => show(await find(request.params.id)),
  );

  app.get(
    '/analysis/configs/by-name/:name',
    {
      schema: {
        tags,
        summary: 'Get an analysis config by its name',
        params: Type.Object({ name: Type.String() }),
        problems: readProblems,
        response: { 200: SavedConfig },
      },
    },
    async ({ params: { name } }) => {
      const row = await store.run((db) => readAnalysisConfigByName(db, ...scope(), storable(name)));
      return show(requireRow(row, 'name'));
    },
  );

  app.post(
    '/analysis/configs',
    {
      schema: {
        tags,
        summary: 'Save an analysis config',
        body: NewConfig,
        problems: ['role_required', 'name_taken', 'store_unavailable'],
        response: { 201: SavedConfig },
      },
    },
    async ({ caller, body }, reply) => {
      admitRole(caller, 'admin');
      const { snapshot, envelope } = inForce();
      const { organizationId } = snapshot;
      const analysisConfigId = randomUUID();
      const config = completeConfig(checkConfig(body.config));
      const row = await writing(body.name, () =>
        store.run((db) =>
          insertAnalysisConfig(db, {
            organizationId,
            analysisConfigId,
            name: storable(body.name),
            description: body.description == null ? null : storable(body.description),
            configSealed: sealConfig(envelope, organizationId, analysisConfigId, config),
            isActive: body.is_active ?? true,
          }),
        ),
      );
      reply.code(201);
      return show(row);
    },
  );

  const update = async (caller: Caller, id: string, { name, description, config, is_active }: ConfigPatch) => {
    admitRole(caller, 'admin');
    const { snapshot, envelope } = inForce();
    const { organizationId } = snapshot;
    const checked = config === undefined ? undefined : completeConfig(checkConfig(config));
    const { analysisConfigId, name: known } = requireOwn(await find(id));
    const changes = {
      name: name === undefined ? undefined : storable(name),
      description: description == null ? description : storable(description),
      configSealed: checked && sealConfig(envelope, organizationId, analysisConfigId, checked),
      isActive: is_active,
    };
    const row = await writing(name ?? known, () =>
      store.run((db) => updateAnalysisConfig(db, organizationId, analysisConfigId, changes)),
    );
    return show(requireRow(row, 'id'));
  };
  app.put(
    '/analysis/configs/:id',
    {
      schema: {
        tags,
        summary: 'Replace an analysis config',
        description: 'Name, description and config become what the body says; is_active changes where it is named.',
        params,
        body: NewConfig,
        problems: changeProblems,
        response: { 200: SavedConfig },
      },
    },
    ({ caller, params: { id }, body }) => update(caller, id, { ...body, description: body.description ?? null }),
  );
  app.patch(
    '/analysis/configs/:id',
    {
      schema: {
        tags,
        summary: 'Change an analysis config',
        description: 'Fields that the body names change; `config` is replaced whole.',
        params,
        body: ConfigPatch,
        problems: changeProblems,
        response: { 200: SavedConfig },
      },
    },
    ({ caller, params: { id }, body }) => update(caller, id, body),
  );

  app.delete(
    '/analysis/configs/:id',
    {
      schema: {
        tags,
        summary: 'Delete an analysis config',
        description: 'One that analyses were made with is deactivated and kept, since they refer to it.',
        params,
        problems: ['role_required', ...readProblems, 'owned_by_resource'],
        response: {
          200: Type.Object({
            id: Uuid,
            deleted: Type.Boolean(),
            deactivated: Type.Boolean(),
            message: Type.String(),
          }),
        },
      },
    },
    async ({ caller, params: { id } }) => {
      admitRole(caller, 'admin');
      const { organizationId } = inForce().snapshot;
      const { analysisConfigId } = requireOwn(await find(id));
      const outcome = await store.run((db) => retireAnalysisConfig(db, organizationId, analysisConfigId));
      if (!outcome) throw notFound('id');
      return {
        id: analysisConfigId,
        deleted: outcome === 'deleted',
        deactivated: outcome === 'deactivated',
        message:
          outcome === 'deleted'
            ? 'The analysis config has been deleted'
            : 'The analysis config has been used, so it was deactivated and is kept',
      };
    },
  );
}

type ConfigPatch = Static<typeof ConfigPatch>;

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

async function writing<T>(name: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (!(cause instanceof DatabaseError && cause.constraint === 'analysis_configs_name')) throw cause;
    const message = `An analysis config with the name ${JSON.stringify(name)} already exists`;
    throw new ProxyError('name_taken', { param: 'name', message, cause });
  }
}
