import { type Static, Type } from 'typebox';
import type { ProblemCode } from '../../error.ts';
import type { GovernanceContext } from '../../governance/context.ts';
import { makeLogIn } from '../../governance/insights/accounts/log-in.ts';
import { logOut, refresh } from '../../governance/insights/accounts/logins.ts';
import type { IssuedLogin } from '../../governance/insights/accounts/tokens.ts';
import { makeClientAddress } from '../../http/rates/client-address.ts';
import type { Route } from '../../http/route.ts';
import { Timestamp } from '../../http/schemas.ts';
import { answer, Enveloped } from './answer.ts';
import { route } from './route.ts';

const tags = ['Accounts'];
const strict = { additionalProperties: false };
const anonymous = { anonymous: true } as const;
const problems: readonly ProblemCode[] = ['surface_not_allowed', 'overloaded', 'store_unavailable'];

const Issued = Type.Object({
  token: Type.String({ description: 'To be sent as `Authorization: Bearer`.' }),
  user_id: Type.String({ description: 'The user that the token is for: the name that was logged in with.' }),
  roles: Type.Array(Type.String()),
  expires_at: Timestamp,
  refresh_token: Type.String({ description: 'It gets the next token, once.' }),
  refresh_expires_at: Timestamp,
});

const example = {
  error: false,
  status_code: 200,
  data: {
    token: 'eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9…',
    user_id: 'user@example.com',
    roles: ['analyst'],
    expires_at: '2026-08-15T15:22:31.000Z',
    refresh_token: 'rt_5f0c2a8d-3b7e-4f6a-9c1d-2e3f5f0c2a8d.…',
    refresh_expires_at: '2026-08-16T02:22:31.000Z',
  },
  timestamp: '2026-08-15T14:22:31.123Z',
};

/** `POST /api/v1/auth/login`. All requests of a process share what checks passwords. */
const login: Route<GovernanceContext> = (app, context) => {
  const logIn = makeLogIn(context);
  const addressOf = makeClientAddress();
  route(
    'POST',
    '/auth/login',
    {
      tags,
      summary: 'Log in with a password',
      description:
        'By an account of `spec.authentication.accounts`. After too many failures, of an account or from an address, it can be tried again later.',
      body: Type.Object(
        {
          username: Type.String({ minLength: 1, maxLength: 255 }),
          password: Type.String({ minLength: 1, maxLength: 1_024 }),
        },
        { ...strict, example: { username: 'user@example.com', password: 'correct horse battery staple' } },
      ),
      problems,
      response: { 200: Enveloped(Issued, { example }) },
    },
    async ({ body: { username: user, password }, raw, id: requestId }) => {
      const address = addressOf(raw, context.inForce().snapshot.spec);
      return answer(show(await logIn({ user, password, address, requestId })));
    },
    anonymous,
  )(app, context);
};

export const accountRoutes: readonly Route<GovernanceContext>[] = [
  login,
  route(
    'POST',
    '/auth/refresh',
    {
      tags,
      summary: 'Replace the tokens of a login by new ones',
      description: 'A refresh token that was used before ends the login, since somebody has a copy.',
      body: Type.Object(
        { refresh_token: Type.String({ minLength: 1, maxLength: 200 }) },
        { ...strict, example: { refresh_token: example.data.refresh_token } },
      ),
      problems,
      response: { 200: Enveloped(Issued, { example }) },
    },
    async ({ body, id }, context) => answer(show(await refresh(context, body.refresh_token, id))),
    anonymous,
  ),
  route(
    'POST',
    '/auth/logout',
    {
      tags,
      summary: 'End the login that the token comes from',
      description: 'With all of its tokens.',
      body: Type.Optional(Type.Union([Type.Null(), Type.Object({}, strict)])),
      problems,
      response: { 200: Enveloped(Type.Object({ logged_out: Type.Literal(true) })) },
    },
    async ({ caller }, context) => {
      await logOut(context, caller);
      return answer({ logged_out: true as const });
    },
  ),
];

function show({ token, user, roles, expiresAt, refreshToken, refreshExpiresAt }: IssuedLogin): Static<typeof Issued> {
  return {
    token,
    user_id: user,
    roles: [...roles],
    expires_at: expiresAt.toISOString(),
    refresh_token: refreshToken,
    refresh_expires_at: refreshExpiresAt.toISOString(),
  };
}
