import { Type } from 'typebox';
import type { ProblemCode } from '../../error.ts';
import {
  createAnalyses,
  createAnalysis,
  getAnalysis,
  listAnalyses,
  regenerateAnalysis,
} from '../../governance/conversation-analyses/analyses.ts';
import { page, paging } from '../../http/paging.ts';
import { showError } from './envelope.ts';
import { route } from './route.ts';
import {
  analysisFields,
  BranchId,
  ConversationId,
  Details,
  queuedFields,
  showAnalysis,
  showDetails,
  Template,
} from './schemas.ts';

const tags = ['Conversation analyses'];
const params = Type.Object({ conversationId: ConversationId, branchId: BranchId });
const strict = { additionalProperties: false };
const example = { conversationId: '123e4567-e89b-12d3-a456-426614174000', branchId: 'main' };

const queuedMessage = 'Analysis queued for processing';

const BulkError = Type.Object({
  code: Type.String(),
  message: Type.String(),
  details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

const creating: readonly ProblemCode[] = [
  'conversation_not_found',
  'analysis_exists',
  'analysis_config_not_found',
  'contents_not_stored',
  'queue_error',
  'records_pending',
  'store_unavailable',
];
const reading: readonly ProblemCode[] = ['analysis_not_found', 'store_unavailable'];

const NewAnalysis = Type.Object(
  { conversationId: ConversationId, branchId: BranchId, template: Type.Optional(Template) },
  { ...strict, example },
);

const create = route(
  'POST',
  '/analyses',
  {
    tags,
    summary: 'Analyze a branch of a conversation',
    description:
      'A worker makes the analysis, in calls of its own under the rules of the organization. A branch has one analysis at a time; one that has failed may be asked for again.',
    body: NewAnalysis,
    problems: creating,
    response: { 201: Type.Object(queuedFields) },
  },
  async ({ caller, body }, context) => ({
    ...(await createAnalysis(context, caller, body)),
    message: queuedMessage,
  }),
);

const bulk = route(
  'POST',
  '/analyses/bulk',
  {
    tags,
    summary: 'Analyze several branches',
    description:
      'At most 100. Each item is asked for by itself: one that is refused has an `error` and does not keep the others from being made.',
    body: Type.Object(
      { items: Type.Array(NewAnalysis, { minItems: 1, maxItems: 100 }) },
      { ...strict, example: { items: [example] } },
    ),
    problems: ['store_unavailable'],
    response: {
      200: Type.Object({
        items: Type.Array(
          Type.Object({
            conversationId: ConversationId,
            branchId: BranchId,
            ...Type.Partial(Type.Omit(Type.Object(queuedFields), ['conversationId', 'branchId'])).properties,
            error: Type.Optional(BulkError),
          }),
          { description: 'In the order of the request.' },
        ),
        queued: Type.Integer({ description: 'How many are made.' }),
        refused: Type.Integer({ description: 'How many are not.' }),
      }),
    },
  },
  async ({ caller, body: { items } }, context) => {
    const outcomes = await createAnalyses(context, caller, items);
    return {
      items: outcomes.map((outcome, index) => {
        if ('queued' in outcome) return { ...outcome.queued, message: queuedMessage };
        const { conversationId = '', branchId = '' } = items[index] ?? {};
        return { conversationId, branchId, error: showError(outcome.problem) };
      }),
      queued: outcomes.filter((outcome) => 'queued' in outcome).length,
      refused: outcomes.filter((outcome) => 'problem' in outcome).length,
    };
  },
);

const get = route(
  'GET',
  '/analyses/:conversationId/:branchId',
  {
    tags,
    summary: 'Get the latest analysis of a branch',
    params,
    problems: reading,
    response: { 200: Type.Object({ ...analysisFields, conversationDetails: Details }) },
  },
  async ({ caller, params: branch }, context) => {
    const found = await getAnalysis(context, caller, branch);
    return { ...showAnalysis(found), conversationDetails: showDetails(found.conversationDetails) };
  },
);

const regenerate = route(
  'POST',
  '/analyses/:conversationId/:branchId/regenerate',
  {
    tags,
    summary: 'Analyze a branch anew',
    description: 'The former analysis stays in the history. The body may be left out.',
    params,
    body: Type.Optional(
      Type.Union([
        Type.Null(),
        Type.Object({ template: Type.Optional(Template) }, { ...strict, example: { template: 'technical' } }),
      ]),
    ),
    problems: [...creating, 'analysis_not_found'],
    response: { 201: Type.Object({ ...queuedFields, previousAnalysisId: Type.String() }) },
  },
  async ({ caller, params: branch, body }, context) => ({
    ...(await regenerateAnalysis(context, caller, { ...branch, template: body?.template })),
    message: 'Analysis regeneration queued for processing',
  }),
);

const history = route(
  'GET',
  '/analyses/:conversationId/:branchId/history',
  {
    tags,
    summary: 'List the analyses of a branch',
    description: 'The latest first: failed ones, and those that were made anew, too.',
    params,
    querystring: Type.Object(paging),
    problems: reading,
    response: { 200: Type.Object({ analyses: Type.Array(Type.Object(analysisFields)), ...page }) },
  },
  async ({ caller, params: branch, query: { limit, offset } }, context) => {
    const { items, total } = await listAnalyses(context, caller, branch, { limit, offset });
    return { analyses: items.map(showAnalysis), total, limit, offset };
  },
);

export const analysisRoutes = [create, bulk, get, regenerate, history];
