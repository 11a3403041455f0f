import { Type } from 'typebox';
import { capabilities, listModels } from '../../../governance/insights/models/providers.ts';
import { Nullable } from '../../../http/schemas.ts';
import { answer, Enveloped } from '../answer.ts';
import { route } from '../route.ts';
import { tags } from './fields.ts';

const Listed = Type.Object({
  id: Type.String({ description: 'The alias, for `model` of requests.' }),
  provider: Type.String({ description: 'The provider that a call goes to first, by its name in `spec.providers`.' }),
  model: Type.String({ description: 'What the alias stands for.' }),
  compliance_level: Nullable(Type.String(), 'As the Organization says; null: it says nothing.'),
  capabilities: Type.Array(Type.Enum([...capabilities])),
  is_default: Type.Boolean(),
});

/** `GET /api/v1/ai/providers` */
export const providersRoute = route(
  'GET',
  '/ai/providers',
  {
    tags,
    summary: 'List the models that can be asked',
    description:
      'The aliases of the organization (`spec.models.aliases`) that are for you, with what they stand for. Those that no rule allows or no key serves are not listed.',
    problems: ['surface_not_allowed', 'no_api_key'],
    response: {
      200: Enveloped(
        Type.Object({
          providers: Type.Array(Listed),
          default_provider: Nullable(Type.String(), 'The id for requests that name no model; null: there is none.'),
        }),
      ),
    },
  },
  async ({ caller }, context) => {
    const { models, defaultAlias } = await listModels(context, caller);
    return answer({
      providers: models.map(({ alias, provider, model, complianceLevel, capabilities: whatFor }) => ({
        ...{ id: alias, provider, model, compliance_level: complianceLevel, capabilities: [...whatFor] },
        is_default: alias === defaultAlias,
      })),
      default_provider: models.some(({ alias }) => alias === defaultAlias) ? (defaultAlias ?? null) : null,
    });
  },
);
