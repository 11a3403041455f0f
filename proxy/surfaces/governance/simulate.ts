import { Type } from 'typebox';
import type { GovernanceContext } from '../../governance/context.ts';
import type { Simulate } from '../../governance/simulation/simulations.ts';
import type { Route } from '../../http/route.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { route } from './route.ts';

/** Users, and models, that an answer names. All others are in its sums. */
const mostNamed = 100;

const Dollars = Type.Number({ description: 'US dollars.' });
const Counts = Type.Record(Type.String(), Type.Integer(), { description: 'Calls by name, the most first.' });

const Rule = Type.Object({
  decided_by: Type.Array(Type.Object({ resource: Type.String(), field: Nullable(Type.String()) })),
  code: Nullable(Type.String(), 'The error; null: the rule only reports.'),
  name: Nullable(Type.String()),
  calls: Type.Integer(),
  also_in_force: Type.Integer({ description: 'Of them, those that what is in force now would refuse, too.' }),
  recorded_usd: Dollars,
  first_at: Timestamp,
  last_at: Timestamp,
  first_request_id: Type.String(),
  users: Counts,
  models: Counts,
});

const figures = {
  calls: Type.Integer(),
  refused: Type.Integer(),
  recorded_usd: Dollars,
  simulated_usd: Dollars,
};

const Answer = Type.Object({
  organization: Type.String(),
  since: Timestamp,
  until: Timestamp,
  user: Nullable(Type.String()),
  model: Nullable(Type.String()),
  changes: Type.Array(
    Type.Object({ resource: Type.String(), field: Type.String(), before: Type.Unknown(), after: Type.Unknown() }),
    { description: 'The fields that differ from what is in force.' },
  ),
  calls: Type.Integer({ description: 'Recorded calls of the period.' }),
  analyses: Type.Integer({ description: 'Of them, those that analyses made.' }),
  refused: Type.Object({ calls: Type.Integer(), also_in_force: Type.Integer(), rules: Type.Array(Rule) }),
  reported: Type.Array(Rule, { description: 'Rules that only report, with the calls that they would have reported.' }),
  shortened: Type.Integer({ description: 'Answers that a budget would have shortened.' }),
  cost: Type.Object({
    ...{ recorded_usd: Dollars, simulated_usd: Dollars },
    ...{ unpriced_recorded: Type.Integer(), unpriced_simulated: Type.Integer() },
  }),
  by_user: Type.Array(Type.Object({ user: Type.String(), ...figures }), {
    description: `The first ${mostNamed}: those with the most refusals, then those whose cost differs most.`,
  }),
  by_model: Type.Array(Type.Object({ model: Type.String(), ...figures })),
  moved: Counts,
  by_provider: Type.Array(
    Type.Object({
      provider: Type.String(),
      recorded_calls: Type.Number(),
      simulated_calls: Type.Number(),
      recorded_usd: Dollars,
      simulated_usd: Dollars,
    }),
  ),
  left_out: Type.Array(
    Type.Object({ what: Type.String(), calls: Nullable(Type.Integer(), 'How many calls it concerns.') }),
    { description: 'What a simulation does not judge.' },
  ),
});

const example = [
  ...['apiVersion: chaperone.dev/v1alpha1', 'kind: Organization', 'metadata: {name: acme}'],
  ...['spec: {models: {deny: ["gpt-4.1"]}}', ''],
].join('\n');

const schema = {
  tags: ['Explanations'],
  summary: 'Simulate a change',
  description:
    'What a changed Organization, or changed ApiKeyBindings, would have done with the recorded calls of a period: what it would have refused, and what the calls would have cost. Nothing is written. At most 500,000 calls; `chaperone simulate` has no bound.',
  body: Type.Object(
    {
      resources: Type.String({
        ...{ minLength: 1, maxLength: 1_000_000 },
        description:
          'The changed resources as kubectl takes them: YAML, or JSON. `GET /v1/organization` has those in force.',
      }),
      since: Type.String({
        maxLength: 40,
        default: '7d',
        description: 'Such as 7d, 12h, 30m or 2027-01-31T12:00:00Z.',
      }),
      until: Type.Optional(Type.String({ maxLength: 40, description: 'As `since`. Absent: now.' })),
      user_id: Type.Optional(Type.String({ maxLength: 255, description: 'Report only calls of this user.' })),
      model: Type.Optional(
        Type.String({ maxLength: 200, description: 'Report only calls that asked for this model.' }),
      ),
    },
    { additionalProperties: false, example: { resources: example, since: '7d' } },
  ),
  problems: ['role_required', 'overloaded', 'records_pending', 'store_unavailable'],
  roles: 'admin',
  response: { 200: Answer },
} as const;

/** `POST /v1/simulate` */
export const simulate: Route<GovernanceContext> = (app, context) => {
  let ready: Promise<Simulate> | undefined;
  const load = async () => (await import('../../governance/simulation/simulations.ts')).makeSimulate(context);
  route('POST', '/simulate', schema, async ({ caller, body }) => {
    ready ??= load();
    const [run, { showSimulation }] = await Promise.all([ready, import('../../governance/simulation/show.ts')]);
    const { user_id: user, ...question } = body;
    return showSimulation(await run(caller, { ...question, user }), mostNamed);
  })(app, context);
};
