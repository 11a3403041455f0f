import { Type } from 'typebox';
import { readOrganization } from '../../governance/organization.ts';
import { route } from './route.ts';

const Answer = Type.Object({
  resource: Type.Object({}, { additionalProperties: true, description: 'The Organization, with its defaults.' }),
  yaml: Type.String({ description: 'The same as YAML, as `kubectl apply` and `POST /v1/simulate` take it.' }),
});

/** `GET /v1/organization` */
export const organization = route(
  'GET',
  '/organization',
  {
    tags: ['Explanations'],
    summary: 'Get the Organization in force',
    description: 'What this proxy enforces. Secrets are only named in it.',
    problems: ['role_required'],
    roles: 'admin',
    response: { 200: Answer },
  },
  async ({ caller }, context) => {
    const resource = await readOrganization(context, caller);
    const { stringify } = await import('yaml');
    return { resource, yaml: stringify(resource, { lineWidth: 0 }) };
  },
);
