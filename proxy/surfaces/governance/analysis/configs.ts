import { type Static, Type } from 'typebox';
import type { ProblemCode } from '../../../error.ts';
import { completeConfig } from '../../../governance/configs/config.ts';
import {
  changeConfig,
  createConfig,
  getConfig,
  getConfigByName,
  listConfigs,
  retireConfig,
  type SavedConfig,
  type SavedConfigFields,
} from '../../../governance/configs/configs.ts';
import type { GovernanceContext } from '../../../governance/context.ts';
import { page, paging } from '../../../http/paging.ts';
import { Name, Nullable, Timestamp, Uuid } from '../../../http/schemas.ts';
import { RetiredAnswer, showRetired } from '../retired.ts';
import { route } from '../route.ts';
import { ConfigAnswer, ConfigBody, exampleConfig } from './config.ts';

const tags = ['Analysis'];
const params = Type.Object({ id: Type.String({ description: 'The config’s id, a UUID.' }) });

const readProblems: readonly ProblemCode[] = ['analysis_config_not_found', 'store_unavailable'];
const changeProblems: readonly ProblemCode[] = ['role_required', ...readProblems, 'owned_by_resource', 'name_taken'];

const example = {
  name: 'Support Intent Classifier',
  description: 'Classifies customer support requests by intent',
  config: exampleConfig,
};

const SavedConfigAnswer = Type.Object(
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
type ConfigPatch = Static<typeof ConfigPatch>;

/** `/v1/analysis/configs`: those of YAML and those that the API made; only the latter can be changed here. */
export const configRoutes = [
  route(
    'GET',
    '/analysis/configs',
    {
      tags,
      summary: 'List analysis configs',
      querystring: Type.Object({
        ...paging,
        is_active: Type.Optional(Type.Boolean({ description: 'Only active ones, or only inactive ones.' })),
      }),
      problems: ['store_unavailable'],
      response: { 200: Type.Object({ configs: Type.Array(SavedConfigAnswer), ...page }) },
    },
    async ({ query: { is_active, limit, offset } }, context) => {
      const { items, total } = await listConfigs(context, { isActive: is_active, limit, offset });
      return { configs: items.map((config) => show(context, config)), total, limit, offset };
    },
  ),
  route(
    'GET',
    '/analysis/configs/:id',
    {
      tags,
      summary: 'Get an analysis config',
      params,
      problems: readProblems,
      response: { 200: SavedConfigAnswer },
    },
    async ({ params: { id } }, context) => show(context, await getConfig(context, id)),
  ),
  route(
    'GET',
    '/analysis/configs/by-name/:name',
    {
      tags,
      summary: 'Get an analysis config by its name',
      params: Type.Object({ name: Type.String() }),
      problems: readProblems,
      response: { 200: SavedConfigAnswer },
    },
    async ({ params: { name } }, context) => show(context, await getConfigByName(context, name)),
  ),
  route(
    'POST',
    '/analysis/configs',
    {
      tags,
      summary: 'Save an analysis config',
      body: NewConfig,
      problems: ['role_required', 'name_taken', 'store_unavailable'],
      roles: 'admin',
      response: { 201: SavedConfigAnswer },
    },
    async ({ caller, body }, context) => {
      const { name, config } = body;
      return show(context, await createConfig(context, caller, { ...parse(body), name, config }));
    },
  ),
  route(
    'PUT',
    '/analysis/configs/:id',
    {
      tags,
      summary: 'Replace an analysis config',
      description: 'Name, description and config become what the body says; is_active changes where it is named.',
      params,
      body: NewConfig,
      problems: changeProblems,
      roles: 'admin',
      response: { 200: SavedConfigAnswer },
    },
    async ({ caller, params: { id }, body }, context) => {
      const changes = { ...parse(body), description: body.description ?? null };
      return show(context, await changeConfig(context, caller, id, changes));
    },
  ),
  route(
    'PATCH',
    '/analysis/configs/:id',
    {
      tags,
      summary: 'Change an analysis config',
      description: 'Fields that the body names change; `config` is replaced whole.',
      params,
      body: ConfigPatch,
      problems: changeProblems,
      roles: 'admin',
      response: { 200: SavedConfigAnswer },
    },
    async ({ caller, params: { id }, body }, context) =>
      show(context, await changeConfig(context, caller, id, parse(body))),
  ),
  route(
    'DELETE',
    '/analysis/configs/:id',
    {
      tags,
      summary: 'Delete an analysis config',
      description: 'One that analyses were made with is deactivated and kept, since they refer to it.',
      params,
      problems: ['role_required', ...readProblems, 'owned_by_resource'],
      roles: 'admin',
      response: { 200: RetiredAnswer },
    },
    async ({ caller, params: { id } }, context) =>
      showRetired(await retireConfig(context, caller, id), {
        deleted: 'The analysis config has been deleted',
        deactivated: 'The analysis config has been used, so it was deactivated and is kept',
      }),
  ),
];

function parse({ name, description, config, is_active }: ConfigPatch): SavedConfigFields {
  return { name, description, config, isActive: is_active };
}

function show({ inForce }: Pick<GovernanceContext, 'inForce'>, saved: SavedConfig): Static<typeof SavedConfigAnswer> {
  return {
    id: saved.id,
    organization_id: inForce().snapshot.organizationId,
    name: saved.name,
    description: saved.description,
    config: saved.config,
    is_active: saved.isActive,
    managed_by: saved.resource === null ? null : `AnalysisConfig ${saved.resource}`,
    created_at: saved.createdAt.toISOString(),
    updated_at: saved.updatedAt.toISOString(),
  };
}
