import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../../governance/context.ts';
import { analyzeFairness, type FairnessReport } from '../../governance/insights/fairness/analyze.ts';
import type { FairnessFinding, GroupFinding } from '../../governance/insights/fairness/judge.ts';
import type { Route } from '../../http/route.ts';
import { Nullable } from '../../http/schemas.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import { answer, Enveloped } from './answer.ts';
import { route } from './route.ts';
import { readRows, rowFormats } from './row-streams.ts';

const tags = ['Fairness'];
const column = Type.String({ minLength: 1, maxLength: 200 });
const columns = Type.Array(column, { minItems: 1, maxItems: 20, uniqueItems: true });
const minGroupSize = Type.Integer({
  minimum: 2,
  maximum: 1_000_000,
  default: 30,
  description: 'Groups with fewer observations are shown, and never judged.',
});
const alpha = Type.Number({
  minimum: 0.000_001,
  maximum: 0.5,
  default: 0.05,
  description: 'The level of significance, and what intervals leave out.',
});
const intersections = Type.Boolean({
  default: false,
  description: 'Whether groups by all attributes together are compared, too.',
});
const share = Type.Number({ description: 'From 0 to 1.' });

const Group = Type.Object({
  average: Type.Number({ description: 'Of what is true or false, the share of true.' }),
  sample_size: Type.Integer(),
  selection_rate: Type.Optional(share),
  confidence_interval: Nullable(
    Type.Array(Type.Number(), { minItems: 2, maxItems: 2 }),
    'Of a share, Wilson’s; of a mean, Student’s. Null: there is a single observation.',
  ),
  too_small: Type.Boolean(),
  test: Nullable(
    Type.Object({
      method: Type.Enum(['z-test', 'fisher', 'welch']),
      p_value: share,
      corrected_p_value: Type.Number({ description: 'By Holm, over all comparisons of this answer.' }),
      significant: Type.Boolean(),
    }),
    'The comparison with all other groups. Null: the group is too small, or there are no others.',
  ),
});

const Finding = Type.Object({
  attribute: Type.String({ description: 'Or several, with ` & ` between them.' }),
  outcome: Type.String(),
  disparities: Type.Record(Type.String(), Group, { description: 'By group, the highest average first.' }),
  disparity_score: Nullable(
    Type.Number(),
    'The lowest average over the highest, of groups that are large enough. Null: fewer than two are, or one is below zero.',
  ),
  concern_level: Type.Enum(['low', 'medium', 'high', 'insufficient_data'], {
    description:
      '`medium`: significant, and below four fifths; `high`: below a half. `low`: neither, or chance may have made it.',
  }),
  four_fifths_rule: Nullable(
    Type.Boolean(),
    'Whether the lowest share is at least four fifths of the highest. Null: it is no share, or cannot be judged.',
  ),
  ratio: Nullable(Type.Number(), 'Of all groups, however small, the lowest average over the highest.'),
  difference: Nullable(Type.Number(), 'Of all groups, however small, the highest average less the lowest.'),
  missing: Type.Integer({ description: 'Rows without the attribute.' }),
});

const Report = Type.Object({
  fairness_score: Nullable(Type.Number(), 'The mean of the disparity scores. Null: nothing can be judged.'),
  detailed_findings: Type.Array(Finding),
  recommendations: Type.Array(Type.String()),
  rows: Type.Integer(),
});

const Asked = Type.Object(
  {
    data: Type.Array(Type.Record(Type.String(), Type.Unknown()), { minItems: 1 }),
    attributes: columns,
    outcome_columns: columns,
    intersections: Type.Optional(intersections),
    min_group_size: Type.Optional(minGroupSize),
    alpha: Type.Optional(alpha),
  },
  {
    additionalProperties: false,
    example: {
      data: [
        { age_group: '18-30', gender: 'female', satisfaction_score: 4, resolved: true },
        { age_group: '31-45', gender: 'male', satisfaction_score: 5, resolved: true },
      ],
      attributes: ['age_group', 'gender'],
      outcome_columns: ['satisfaction_score', 'resolved'],
    },
  },
);

const names = (what: string) => Type.String({ minLength: 1, maxLength: 4_000, description: `${what}, with commas.` });

const analyze = route(
  'POST',
  '/fairness/analyze',
  {
    tags,
    summary: 'Compare how groups fare',
    description:
      'Averages and selection rates by group, whether they differ by more than chance, and the four-fifths rule. For analysts. Nothing of the dataset is kept.',
    body: Asked,
    problems: ['surface_not_allowed', 'role_required'],
    roles: 'analyst, admin',
    response: { 200: Enveloped(Report) },
  },
  async ({ caller, body }) => {
    const { data, attributes, outcome_columns: outcomes, intersections = false, alpha = 0.05 } = body;
    const terms = { minGroupSize: body.min_group_size ?? 30, alpha };
    return answer(show(await analyzeFairness(caller, data, { attributes, outcomes, intersections }, terms)));
  },
);

const upload = route(
  'POST',
  '/fairness/analyze/upload',
  {
    tags,
    summary: 'Compare how groups fare, by a dataset of any length',
    description:
      'The body is CSV with a line of names (`text/csv`) or a JSON object a line (`application/x-ndjson`), perhaps compressed. It is read while it arrives.',
    querystring: Type.Object({
      attributes: names('Columns'),
      outcome_columns: names('Columns'),
      intersections,
      min_group_size: minGroupSize,
      alpha,
    }),
    problems: ['surface_not_allowed', 'role_required', 'unsupported_encoding'],
    roles: 'analyst, admin',
    response: { 200: Enveloped(Report) },
  },
  async ({ caller, query, body }) => {
    const question = {
      attributes: listOf(query.attributes),
      outcomes: listOf(query.outcome_columns),
      intersections: query.intersections,
    };
    const terms = { minGroupSize: query.min_group_size, alpha: query.alpha };
    return answer(show(await analyzeFairness(caller, requireRows(body), question, terms)));
  },
);

type Rows = AsyncIterable<Readonly<Record<string, unknown>>>;

/** Routes whose bodies are streams have a part of the application to themselves. */
const uploads: Route<GovernanceContext> = (app, context) => {
  app.register(async (part: SurfaceApp) => {
    part.removeAllContentTypeParsers();
    // An answer that is kept for a key would need the whole dataset to compare. Nothing is changed here, so it can be asked again.
    part.addHook('onRequest', async ({ headers }) => {
      delete headers['idempotency-key'];
    });
    part.addContentTypeParser(rowFormats, async ({ raw, headers }: FastifyRequest) =>
      readRows(raw, headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''),
    );
    part.addContentTypeParser('*', async () => {
      const message = `Content-Type must be ${rowFormats.join(' or ')}`;
      throw new ProxyError('invalid_request', { param: 'Content-Type', message });
    });
    upload(part, context);
  });
};

export const fairnessRoutes: readonly Route<GovernanceContext>[] = [analyze, uploads];

function requireRows(body: unknown): Rows {
  return body as Rows;
}

function listOf(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

function show({ rows, score, findings, recommendations }: FairnessReport): Static<typeof Report> {
  return {
    fairness_score: score,
    detailed_findings: findings.map(showFinding),
    recommendations: [...recommendations],
    rows,
  };
}

function showFinding(finding: FairnessFinding): Static<typeof Finding> {
  const { attribute, outcome, groups, disparity, concern, fourFifths, ratio, difference, missing, isShare } = finding;
  return {
    ...{ attribute, outcome, disparity_score: disparity, concern_level: concern, four_fifths_rule: fourFifths },
    disparities: Object.fromEntries(groups.map((group) => [group.group, showGroup(group, isShare)])),
    ...{ ratio, difference, missing },
  };
}

function showGroup(
  { average, size, interval, isTooSmall, comparison }: GroupFinding,
  isShare: boolean,
): Static<typeof Group> {
  return {
    ...{ average, sample_size: size, ...(isShare && { selection_rate: average }) },
    confidence_interval: interval ? [...interval] : null,
    too_small: isTooSmall,
    test: comparison
      ? {
          ...{ method: comparison.method, p_value: comparison.p, corrected_p_value: comparison.corrected },
          significant: comparison.isSignificant,
        }
      : null,
  };
}
