import { Type } from 'typebox';
import { describeCaller } from '../../governance/me.ts';
import { Nullable, Uuid } from '../../http/schemas.ts';
import { route } from './route.ts';

const Answer = Type.Object(
  {
    user_id: Nullable(Type.String(), 'Null where the organization lets calls be without a user.'),
    roles: Type.Array(Type.String(), { description: 'Of the credential, or those that the organization gives it.' }),
    sees_organization: Type.Boolean({ description: 'Whether lists and figures are those of the organization.' }),
    organization: Type.Object({ id: Uuid, name: Type.String(), display_name: Type.String() }),
    stores_contents: Type.Boolean({ description: 'Whether what is asked and answered is kept.' }),
    surfaces: Nullable(Type.Array(Type.String()), '`spec.surfaces` of the Organization; null: all.'),
  },
  {
    example: {
      user_id: 'user@example.com',
      roles: ['analyst'],
      sees_organization: true,
      organization: { id: '123e4567-e89b-12d3-a456-426614174001', name: 'acme', display_name: 'Acme Corporation' },
      stores_contents: true,
      surfaces: null,
    },
  },
);

/** `GET /v1/me` */
export const me = route(
  'GET',
  '/me',
  {
    tags: ['Users'],
    summary: 'Who calls',
    description: 'What the credential of this request is worth: its user, its roles, and its organization.',
    response: { 200: Answer },
  },
  ({ caller }, context) => {
    const { user, roles, organization, surfaces, ...others } = describeCaller(context, caller);
    return {
      ...{ user_id: user, roles: [...roles], sees_organization: others.seesOrganization },
      organization: { id: organization.id, name: organization.name, display_name: organization.displayName },
      ...{ stores_contents: others.storesContents, surfaces: surfaces && [...surfaces] },
    };
  },
);
