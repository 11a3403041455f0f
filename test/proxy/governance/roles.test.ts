import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Caller } from '../../../proxy/calls/call.ts';
import {
  createAccessKey,
  getAccessKey,
  listAccessKeys,
  revokeAccessKey,
  rotateAccessKey,
} from '../../../proxy/governance/access-keys.ts';
import { makeAnalyze } from '../../../proxy/governance/analyses/analyze.ts';
import { listEntries } from '../../../proxy/governance/audit.ts';
import type { TopicName } from '../../../proxy/governance/changes/topics.ts';
import { makeWatchChanges } from '../../../proxy/governance/changes/watch.ts';
import {
  changeConfig,
  createConfig,
  getConfig,
  getConfigByName,
  listConfigs,
  retireConfig,
} from '../../../proxy/governance/configs/configs.ts';
import type { GovernanceContext } from '../../../proxy/governance/context.ts';
import {
  createAnalyses,
  createAnalysis,
  findAnalysisToFollow,
  getAnalysis,
  listAnalyses,
  regenerateAnalysis,
} from '../../../proxy/governance/conversation-analyses/analyses.ts';
import { makeFollowAnalysis } from '../../../proxy/governance/conversation-analyses/follow.ts';
import { getConversation, listConversations } from '../../../proxy/governance/conversations/conversations.ts';
import { readBranchMessages } from '../../../proxy/governance/conversations/messages.ts';
import { explainCall } from '../../../proxy/governance/explain.ts';
import { readClients, readModels, readPersonas, readUsers } from '../../../proxy/governance/figures/groups.ts';
import { readPersona } from '../../../proxy/governance/figures/persona.ts';
import { readRatedResponses } from '../../../proxy/governance/figures/rated-responses.ts';
import { readSessions } from '../../../proxy/governance/figures/sessions.ts';
import { readTimeline } from '../../../proxy/governance/figures/timeline.ts';
import { logOut } from '../../../proxy/governance/insights/accounts/logins.ts';
import { analyzeFairness } from '../../../proxy/governance/insights/fairness/analyze.ts';
import { classifyText } from '../../../proxy/governance/insights/models/classify.ts';
import { embedTexts } from '../../../proxy/governance/insights/models/embed.ts';
import { generateText } from '../../../proxy/governance/insights/models/generate.ts';
import { listModels } from '../../../proxy/governance/insights/models/providers.ts';
import { anonymize, forgetMapping, restoreText } from '../../../proxy/governance/insights/privacy/anonymize.ts';
import { generateResponse } from '../../../proxy/governance/insights/responses/generate.ts';
import { readAgreement } from '../../../proxy/governance/insights/review/agreement.ts';
import {
  changeItem,
  claimItem,
  claimNext,
  reassignItem,
  releaseItem,
} from '../../../proxy/governance/insights/review/claim.ts';
import { commentOnItem } from '../../../proxy/governance/insights/review/comments.ts';
import { decideReview } from '../../../proxy/governance/insights/review/decide.ts';
import { getReviewItem, listReviewItems } from '../../../proxy/governance/insights/review/items.ts';
import { queueForReview } from '../../../proxy/governance/insights/review/queue.ts';
import { analyzeSentiment } from '../../../proxy/governance/insights/sentiment/analyze.ts';
import { findBatch, queueTexts } from '../../../proxy/governance/insights/sentiment/queued-batches.ts';
import { readSummary } from '../../../proxy/governance/insights/summary/summary.ts';
import {
  deploy,
  getDeployment,
  listDeployments,
  undeploy,
} from '../../../proxy/governance/insights/training/deployments.ts';
import {
  cancelTraining,
  getTrainingJob,
  listTrainingJobs,
  readTrainingLogs,
  startTraining,
} from '../../../proxy/governance/insights/training/jobs.ts';
import { makePredict } from '../../../proxy/governance/insights/training/predict.ts';
import { listJobs, retryJob } from '../../../proxy/governance/jobs.ts';
import {
  deleteArticle,
  getArticle,
  listArticles,
  listVersions,
  saveArticle,
} from '../../../proxy/governance/knowledge/articles.ts';
import { searchArticles } from '../../../proxy/governance/knowledge/search.ts';
import { readBudgets, readLimits } from '../../../proxy/governance/limits.ts';
import { describeCaller } from '../../../proxy/governance/me.ts';
import { readOrganization } from '../../../proxy/governance/organization.ts';
import {
  changePersona,
  createPersona,
  getPersona,
  listPersonas,
  retirePersona,
} from '../../../proxy/governance/personas.ts';
import { rateResponse } from '../../../proxy/governance/ratings.ts';
import { listRequests } from '../../../proxy/governance/requests/list.ts';
import { getRequest, readContents } from '../../../proxy/governance/requests/story.ts';
import { makeSimulate } from '../../../proxy/governance/simulation/simulations.ts';
import { postCost, readCosts } from '../../../proxy/governance/speech/costs.ts';
import { giveFeedback, listFeedback } from '../../../proxy/governance/speech/feedback.ts';
import { readMetrics } from '../../../proxy/governance/speech/metrics.ts';
import { closeTurn } from '../../../proxy/governance/speech/turns.ts';
import { changeConversation } from '../../../proxy/governance/support/change.ts';
import { getSupportConversation, listSupportConversations } from '../../../proxy/governance/support/conversations.ts';
import { makeConverse } from '../../../proxy/governance/support/converse.ts';
import { readSupportFigures } from '../../../proxy/governance/support/figures.ts';
import { rateConversation } from '../../../proxy/governance/support/rate.ts';
import { changeUser, createUser, eraseUser, getUser, listUsers } from '../../../proxy/governance/users.ts';
import {
  changeWebhook,
  createWebhook,
  getWebhook,
  listWebhookDeliveries,
  listWebhooks,
  retireWebhook,
  rotateWebhook,
  sendWebhookTest,
} from '../../../proxy/governance/webhooks.ts';
import { makeCallContext } from '../calls/context.ts';
import { makePersona } from '../calls/persona.ts';
import { makeKey } from '../snapshot.ts';
import { makeCaller, makeGovernance, Reached } from './context.ts';

const shared = makePersona({ resource: null });
const bobs = makePersona({ id: '6f1f0a5e-2f0b-5d59-9df3-1f6a1c0b7a11', resource: null, users: new Set(['bob']) });
const rating = { rating: 1, feedback: null } as const;
const config = { analysis_type: 'topic', categories: [{ name: 'a' }] } as const;
const article = { title: 'a', content: 'b' };
const said = { message: 'x', user: 'ann', channel: 'api', metadata: {}, sender: 'user' } as const;
const stars = { rating: 5, comment: undefined };
const ofYear = { startDate: '2026-01-01', endDate: '2026-12-31', group: 'day' } as const;
const ofAll = { kind: 'all' } as const;
const ofUser = { ...ofAll, user: 'bob' };
const page = { limit: 10, offset: 0 };
const ofBob = { requestId: 'req_1', responseId: null, userId: 'b0b', apiKeyId: null, sessionId: 'sess_1', place: null };

const turn = {
  requestId: 'req_1',
  startedAt: new Date(0),
  branchId: 'main',
  messageDigest: 1,
  parentDigest: null,
  newMessages: 1,
  operation: 'chat',
  status: 'completed',
  model: null,
  totalTokens: null,
} as const;

const byModel = { useAi: true, model: 'gpt-4o' };
const aRequestId = `req_${'0'.repeat(32)}`;
const callOfBob = { requestId: aRequestId, userId: 'b0b', startedAt: new Date(0) };
const mappingOfBob = { anonymizationId: 'map-1', userId: 'b0b', mappingSealed: Buffer.alloc(0) };
const query = { query: 'x', customer: 'carl', context: {}, model: undefined };
const ofDays = { startDate: undefined, endDate: undefined, group: 'day' } as const;
const toReview = { query: 'x', response: 'y', category: 'z', priority: 3, metadata: {} };
const rev = `rev-${'0'.repeat(24)}`;
const approval = { itemId: rev, approved: true, feedback: undefined, modifiedResponse: undefined };
const reviewers = () => ['reviewer', 'admin'];
const ofGroups = { attributes: ['a'], outcomes: ['b'], intersections: false };
const judged = { minGroupSize: 30, alpha: 0.05 };
const batchOfBob = { batchId: 'batch-1', userId: 'b0b', resultsSealed: null };
/** With a database that answers this. */
const withStore = (context: GovernanceContext, row: object): GovernanceContext => ({
  ...context,
  store: { ...context.store, run: (work) => work({ query: async () => ({ rows: [row], rowCount: 1 }) } as never) },
});

/** With a key of the organization's. */
const withKey = (context: GovernanceContext): GovernanceContext => {
  const snapshot = { ...context.inForce().snapshot, organizationKeys: [makeKey('key')] };
  return { ...context, inForce: () => ({ ...context.inForce(), snapshot }) };
};
const order = {
  ...{ baseModel: 'customerai-classifier', trainingDataUri: 's3://data/a.csv', hyperparameters: {}, instanceCount: 1 },
};
/** Of an organization that may train. */
const withTraining = (context: GovernanceContext): GovernanceContext => {
  const training = {
    namespace: 'a',
    modelStore: 's3://models/',
    dataStores: ['s3://data/'],
    instanceTypes: [{ name: 'a' }],
  };
  const { snapshot, ...rest } = context.inForce();
  const spec = { ...snapshot.spec, training: training as NonNullable<typeof snapshot.spec.training> };
  return { ...context, inForce: () => ({ ...rest, snapshot: { ...snapshot, spec } }) };
};
/** Of no calls, for it says nothing of this organization. */
const change = {
  resources: JSON.stringify({
    ...{ apiVersion: 'chaperone.dev/v1alpha1', kind: 'ApiKeyBinding', metadata: { name: 'a', namespace: 'b' } },
    spec: { organizationRef: { name: 'x' }, provider: 'y', secretKeyRef: { name: 'z', key: 'w' } },
  }),
  since: '1h',
};
const deployment = { modelUri: 's3://models/a/', name: 'a', replicas: 1, resources: {} };

const branch = { conversationId: shared.id, branchId: 'main' };

const cost = {
  service: 'asr',
  ...{ turnId: null, provider: 'x', operation: null, units: null, unitType: null, costUsd: 1 },
  ...{ isCached: null, optimizationLevel: null, timestamp: null },
} as const;
const latenciesMs = { asr: 1, llm: null, translation: null, tts: null, total: null };
const closed = { turnId: 'x', status: 'failed', latenciesMs } as const;
const feedback = {
  ratingType: 'thumbs',
  ...{ sessionId: 'x', turnId: null, messageId: null, rating: 1, category: null },
  ...{ incorrectResponse: false, tooSlow: false, unhelpful: false, offensive: false },
  contents: { feedbackText: null, userInput: null, assistantResponse: null, metadata: {} },
} as const;

type Work = (context: GovernanceContext, caller: Caller) => unknown;

/** Each use case, with what a caller without the role gets, and the roles that suffice. */
const cases: readonly (readonly [name: string, work: Work, refusal: string, roles: readonly string[]])[] = [
  ['list own personas', (c, ann) => listPersonas(c, ann, { ...page, isActive: true, allUsers: false }), '', everyone()],
  [
    'list all personas',
    (c, ann) => listPersonas(c, ann, { ...page, isActive: true, allUsers: true }),
    'role_required',
    readers(),
  ],
  ['get a persona of all', (c, ann) => getPersona(c, ann, shared.id), '', everyone()],
  ['get a persona of another', (c, ann) => getPersona(c, ann, bobs.id), 'persona_not_found', readers()],
  ['create a persona', (c, ann) => createPersona(c, ann, { name: 'x', content: 'y' }), 'role_required', ['admin']],
  ['change a persona', (c, ann) => changePersona(c, ann, shared.id, {}), 'role_required', ['admin']],
  ['retire a persona', (c, ann) => retirePersona(c, ann, shared.id), 'role_required', ['admin']],
  ['list the audit log', (c, ann) => listEntries(c, ann, {}, page), 'role_required', ['admin']],
  ['list users', (c, ann) => listUsers(c, ann, { ...page, isActive: undefined }), 'role_required', readers()],
  ['get another user', (c, ann) => getUser(c, ann, 'bob'), 'user_not_found', readers()],
  ['create a user', (c, ann) => createUser(c, ann, { externalId: 'x', displayName: null }), 'role_required', ['admin']],
  ['change a user', (c, ann) => changeUser(c, ann, 'bob', {}), 'role_required', ['admin']],
  ['erase a user', (c, ann) => eraseUser(c, ann, 'bob'), 'role_required', ['admin']],
  ['list configs', (c) => listConfigs(c, { ...page, isActive: undefined }), '', everyone()],
  ['get a config', (c) => getConfig(c, shared.id), '', everyone()],
  ['get a config by its name', (c) => getConfigByName(c, 'x'), '', everyone()],
  ['create a config', (c, ann) => createConfig(c, ann, { name: 'x', config }), 'role_required', ['admin']],
  ['change a config', (c, ann) => changeConfig(c, ann, shared.id, {}), 'role_required', ['admin']],
  ['retire a config', (c, ann) => retireConfig(c, ann, shared.id), 'role_required', ['admin']],
  [
    'analyse the call of another',
    (c, ann) => makeAnalyze(c)(makeCallContext({}, ann), { id: 'req_1', config }),
    'request_not_found',
    readers(),
  ],
  ['read own figures', (c, ann) => readModels(c, ann, ofAll, page), '', everyone()],
  ...Object.entries({ readModels, readUsers, readClients, readSessions, readRatedResponses }).map(
    ([name, read]) =>
      [
        `${name} of another`,
        (c: GovernanceContext, ann: Caller) => read(c, ann, ofUser, page),
        'role_required',
        readers(),
      ] as const,
  ),
  [
    'read the figures by persona of another',
    (c, ann) => readPersonas(c, ann, ofUser, { ...page, includeInactive: false }),
    'role_required',
    readers(),
  ],
  [
    'read the figures of a persona of another',
    (c, ann) => readPersona(c, ann, shared.id, ofUser),
    'role_required',
    readers(),
  ],
  [
    'read the figures over time of another',
    (c, ann) => readTimeline(c, ann, { ...ofUser, startDate: '2026-01-01', endDate: '2026-01-02' }, 'hour'),
    'role_required',
    readers(),
  ],
  ['ask who one is', (c, ann) => describeCaller(c, ann), '', everyone()],
  ['list own calls', (c, ann) => listRequests(c, ann, ofAll, 1), '', everyone()],
  ['list the calls of another', (c, ann) => listRequests(c, ann, ofUser, 1), 'role_required', readers()],
  [
    'get the call of another',
    (c, ann) => getRequest(withStore(c, callOfBob), ann, aRequestId),
    'request_not_found',
    readers(),
  ],
  ['read the contents of a call that one may read', (c) => readContents(c, callOfBob), '', everyone()],
  ['list own conversations', (c, ann) => listConversations(c, ann, {}, page), '', everyone()],
  [
    'list the conversations of another',
    (c, ann) => listConversations(c, ann, { user: 'bob' }, page),
    'role_required',
    readers(),
  ],
  // Whose it is, the database says: test/proxy/conversations.
  ['get a conversation', (c, ann) => getConversation(c, ann, shared.id), '', everyone()],
  [
    'read the messages of a conversation that one may read',
    (c) => readBranchMessages(c, { turns: [turn] }, 'main', 1),
    '',
    everyone(),
  ],
  // Whose conversation it is, the database says: test/contracts/analyses.
  ['ask for an analysis', (c, ann) => createAnalysis(c, ann, branch), '', everyone()],
  ['ask for analyses', (c, ann) => createAnalyses(c, ann, [branch]), '', everyone()],
  ['get an analysis', (c, ann) => getAnalysis(c, ann, branch), '', everyone()],
  ['find an analysis to follow', (c, ann) => findAnalysisToFollow(c, ann, branch), '', everyone()],
  ['follow an analysis', (c, ann) => makeFollowAnalysis(c)(ann, branch, () => {}), '', everyone()],
  ['ask for another analysis', (c, ann) => regenerateAnalysis(c, ann, branch), '', everyone()],
  ['list the analyses of a branch', (c, ann) => listAnalyses(c, ann, branch, page), '', everyone()],
  ['add an article', (c, ann) => saveArticle(c, ann, undefined, article), 'role_required', ['admin']],
  ['change an article', (c, ann) => saveArticle(c, ann, 'kb_1', {}), 'role_required', ['admin']],
  ['delete an article', (c, ann) => deleteArticle(c, ann, 'kb_1'), 'role_required', ['admin']],
  // Whether it is published, the database says: test/contracts/support.
  ['get an article', (c, ann) => getArticle(c, ann, 'kb_1'), '', everyone()],
  ['get an earlier version of an article', (c, ann) => getArticle(c, ann, 'kb_1', 1), 'role_required', readers()],
  ['list the versions of an article', (c, ann) => listVersions(c, ann, 'kb_1'), 'role_required', readers()],
  ['list articles', (c, ann) => listArticles(c, ann, {}, page), '', everyone()],
  ['list drafts', (c, ann) => listArticles(c, ann, { status: 'draft' }, page), 'role_required', readers()],
  ['search the articles', (c, ann) => searchArticles(c, makeCallContext({}, ann), 'x', 5), '', everyone()],
  // Whose conversation it is, the database says: test/contracts/support-conversations.
  ['log out', (c, ann) => logOut(c, { ...ann, identity: { ...ann.identity, loginId: shared.id } }), '', everyone()],
  ['list the models', (c, ann) => listModels(withKey(c), ann), '', everyone()],
  [
    'have a text written',
    (c, ann) => generateText(c, makeCallContext({}, ann), { prompt: 'x', model: 'gpt-4o' }),
    '',
    everyone(),
  ],
  [
    'have vectors made',
    (c, ann) => embedTexts(c, makeCallContext({}, ann), { texts: ['x'], model: 'gpt-4o' }),
    '',
    everyone(),
  ],
  [
    'have a text classified',
    (c, ann) => classifyText(c, makeCallContext({}, ann), { text: 'x', categories: ['a', 'b'], model: 'gpt-4o' }),
    '',
    everyone(),
  ],
  ['analyze a text', (c, ann) => analyzeSentiment(c, makeCallContext({}, ann), { text: 'x' }, byModel), '', everyone()],
  ['anonymize a text', (c, ann) => anonymize(c, ann, { text: 'x', keepMapping: true }), '', everyone()],
  [
    'restore a text',
    (c, ann) => restoreText(withStore(c, mappingOfBob), ann, 'map-1', 'x'),
    'mapping_not_found',
    ['admin'],
  ],
  ['forget a mapping', (c, ann) => forgetMapping(c, ann, 'map-1'), '', everyone()],
  [
    'compare groups',
    (_, ann) => analyzeFairness(ann, [{ a: 'x', b: 1 }], ofGroups, judged),
    'role_required',
    ['analyst', 'admin'],
  ],
  ['generate an answer', (c, ann) => generateResponse(c, makeCallContext({}, ann), query), '', everyone()],
  ['read the summary', (c, ann) => readSummary(c, ann, ofDays), 'role_required', readers()],
  ['queue an answer for review', (c, ann) => queueForReview(c, ann, toReview), '', everyone()],
  ['get an item that is one’s own', (c, ann) => getReviewItem(c, ann, rev), '', everyone()],
  ['list the review queue', (c, ann) => listReviewItems(c, ann, {}, page), 'role_required', readers()],
  ['claim an item', (c, ann) => claimItem(c, ann, rev), 'role_required', reviewers()],
  ['claim the next item', (c, ann) => claimNext(c, ann, {}), 'role_required', reviewers()],
  ['release an item', (c, ann) => releaseItem(c, ann, rev), 'role_required', reviewers()],
  ['reassign an item', (c, ann) => reassignItem(c, ann, rev, 'bob'), 'role_required', reviewers()],
  ['change an item', (c, ann) => changeItem(c, ann, rev, { priority: 1 }), 'role_required', reviewers()],
  ['comment on an item', (c, ann) => commentOnItem(c, ann, rev, 'x'), 'role_required', readers()],
  ['decide about an item', (c, ann) => decideReview(c, ann, approval), 'role_required', reviewers()],
  ['read how reviewers agree', (c, ann) => readAgreement(c, ann, {}), 'role_required', readers()],
  ['queue texts', (c, ann) => queueTexts(c, ann, { texts: [], terms: byModel }), '', everyone()],
  [
    'get a batch of texts',
    (c, ann) => findBatch(withStore(c, batchOfBob), ann, 'batch-1'),
    'batch_not_found',
    readers(),
  ],
  ['say something to the desk', (c, ann) => makeConverse(c)(makeCallContext({}, ann), said), '', everyone()],
  [
    'say something for another',
    (c, ann) => makeConverse(c)(makeCallContext({}, ann), { ...said, user: 'bob' }),
    'user_mismatch',
    readers(),
  ],
  ['get a conversation with the desk', (c, ann) => getSupportConversation(c, ann, 'conv_1'), '', everyone()],
  [
    'list conversations with the desk',
    (c, ann) => listSupportConversations(c, ann, {}, page),
    'role_required',
    readers(),
  ],
  [
    'end a conversation with the desk',
    (c, ann) => changeConversation(c, ann, 'conv_1', { status: 'resolved' }),
    '',
    everyone(),
  ],
  [
    'name the agent of a conversation',
    (c, ann) => changeConversation(c, ann, 'conv_1', { assignedAgent: 'x' }),
    'role_required',
    ['reviewer', 'admin'],
  ],
  ['rate a conversation with the desk', (c, ann) => rateConversation(c, ann, 'conv_1', stars), '', everyone()],
  ['read the figures of the desk', (c, ann) => readSupportFigures(c, ann, ofYear), 'role_required', readers()],
  ['read the limits', (c, ann) => readLimits(c, ann, {}, page), '', everyone()],
  ['explain an own call', (c, ann) => explainCall(c, makeCallContext({}, ann), { operation: 'chat' }), '', everyone()],
  [
    'explain the call of another',
    (c, ann) => explainCall(c, makeCallContext({}, ann), { operation: 'chat', user: 'bob' }),
    'role_required',
    ['admin'],
  ],
  ['read the Organization', (c, ann) => readOrganization(c, ann), 'role_required', ['admin']],
  ['simulate a change', (c, ann) => makeSimulate(c)(ann, change), 'role_required', ['admin']],
  ['read the budgets', (c, ann) => readBudgets(c, ann, {}, page), '', everyone()],
  ['read the limits of another', (c, ann) => readLimits(c, ann, { user: 'bob' }, page), 'role_required', readers()],
  ['read the budgets of another', (c, ann) => readBudgets(c, ann, { user: 'bob' }, page), 'role_required', readers()],
  ['read what an own session costs', (c, ann) => readCosts(c, ann, { sessionId: 'x' }), '', everyone()],
  [
    'read what the session of another costs',
    (c, ann) => readCosts(c, ann, { sessionId: 'x', user: 'bob' }),
    'role_required',
    readers(),
  ],
  [
    'read how the session of another went',
    (c, ann) => readMetrics(c, ann, { sessionId: 'x', user: 'bob' }),
    'role_required',
    readers(),
  ],
  ['post a cost', (c, ann) => postCost(c, ann, 'x', cost, undefined), '', everyone()],
  ['close a turn', (c, ann) => closeTurn(c, ann, 'x', closed), '', everyone()],
  ['give feedback', (c, ann) => giveFeedback(c, ann, feedback), '', everyone()],
  ['list feedback', (c, ann) => listFeedback(c, ann, {}, page), 'role_required', readers()],
  ['hear of recorded calls', (c, ann) => hear(c, ann, 'requests'), '', everyone()],
  ['hear of reviews', (c, ann) => hear(c, ann, 'reviews'), 'role_required', readers()],
  ['hear of refusals', (c, ann) => hear(c, ann, 'audit'), 'role_required', ['admin']],
  ['hear of deliveries', (c, ann) => hear(c, ann, 'webhooks'), 'role_required', ['admin']],
  ['hear of jobs', (c, ann) => hear(c, ann, 'jobs'), 'role_required', ['admin']],
  ['list jobs', (c, ann) => listJobs(c, ann, { ...page, state: undefined }), 'role_required', ['admin']],
  ['try a job again', (c, ann) => retryJob(c, ann, '1'), 'role_required', ['admin']],
  ['list webhooks', (c, ann) => listWebhooks(c, ann, page), 'role_required', ['admin']],
  ['get a webhook', (c, ann) => getWebhook(c, ann, shared.id), 'role_required', ['admin']],
  [
    'make a webhook',
    (c, ann) => createWebhook(c, ann, { name: 'x', url: 'https://example.com' }),
    'role_required',
    ['admin'],
  ],
  ['change a webhook', (c, ann) => changeWebhook(c, ann, shared.id, {}), 'role_required', ['admin']],
  ['retire a webhook', (c, ann) => retireWebhook(c, ann, shared.id), 'role_required', ['admin']],
  ['rotate a webhook', (c, ann) => rotateWebhook(c, ann, shared.id, { overlapMs: 0 }), 'role_required', ['admin']],
  ['test a webhook', (c, ann) => sendWebhookTest(c, ann, shared.id), 'role_required', ['admin']],
  [
    'list deliveries',
    (c, ann) => listWebhookDeliveries(c, ann, shared.id, { ...page, state: undefined }),
    'role_required',
    ['admin'],
  ],
  ['train a model', (c, ann) => startTraining(withTraining(c), ann, order), 'role_required', ['admin']],
  ['get a training job', (c, ann) => getTrainingJob(c, ann, 'train-1'), 'role_required', ['analyst', 'admin']],
  ['list training jobs', (c, ann) => listTrainingJobs(c, ann, page), 'role_required', ['analyst', 'admin']],
  ['read the log of a job', (c, ann) => readTrainingLogs(c, ann, 'train-1'), 'role_required', ['analyst', 'admin']],
  ['cancel a training job', (c, ann) => cancelTraining(c, ann, 'train-1'), 'role_required', ['admin']],
  ['deploy a model', (c, ann) => deploy(withTraining(c), ann, deployment), 'role_required', ['admin']],
  ['get a deployment', (c, ann) => getDeployment(c, ann, 'x'), 'role_required', ['analyst', 'admin']],
  ['list deployments', (c, ann) => listDeployments(c, ann), 'role_required', ['analyst', 'admin']],
  ['delete a deployment', (c, ann) => undeploy(c, ann, 'x'), 'role_required', ['admin']],
  [
    'ask a deployed model',
    (c, ann) => makePredict(c, makeCallContext({}, ann), 'x', 'call'),
    'deployment_not_found',
    [],
  ],
  ['list keys', (c, ann) => listAccessKeys(c, ann, page), 'role_required', ['admin']],
  ['get a key', (c, ann) => getAccessKey(c, ann, shared.id), 'role_required', ['admin']],
  ['make a key', (c, ann) => createAccessKey(c, ann, { name: 'x', type: 'secret' }), 'role_required', ['admin']],
  ['rotate a key', (c, ann) => rotateAccessKey(c, ann, shared.id, { overlapMs: 0 }), 'role_required', ['admin']],
  ['revoke a key', (c, ann) => revokeAccessKey(c, ann, shared.id), 'role_required', ['admin']],
  ['rate the call of another', (c, ann) => rateResponse(c, ann, 'req_1', rating), 'request_not_found', readers()],
];

function hear(context: GovernanceContext, caller: Caller, topic: TopicName): void {
  const nobody = { findAgain: async () => caller, began() {}, changed() {}, ended() {} };
  makeWatchChanges(context)({ caller, topics: [topic], ...nobody })();
}

function everyone(): readonly string[] {
  return ['member', 'analyst', 'reviewer', 'admin', 'unknown'];
}

/** Who sees the organization. */
function readers(): readonly string[] {
  return ['analyst', 'reviewer', 'admin'];
}

/** The code of the refusal; empty where the caller was admitted. */
async function refusalOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return '';
  } catch (error) {
    if (error instanceof Reached) return '';
    assert.ok(error instanceof Error && 'code' in error, String(error));
    return String(error.code);
  }
}

for (const [name, work, refusal, roles] of cases) {
  test(`${name}: for ${roles.join(', ')}`, async () => {
    for (const role of everyone()) {
      const personas = new Map([shared, bobs].map((persona) => [persona.id, persona]));
      const context = makeGovernance({ personas }, { findRequest: async () => ofBob });
      const refused = await refusalOf(() => work(context, makeCaller([role])));
      assert.equal(refused, roles.includes(role) ? '' : refusal, role);
    }
  });
}

/** Parts of use cases. */
const parts = [
  ...['admitRole', 'seesOrganization', 'requireOwnRequest', 'select'],
  ...['selectSession', 'findStatedSession', 'beginStatedSession', 'requireSession', 'noteCaller'],
  ...['maySpeakFor', 'customerOf', 'requireSupportConversation', 'askDesk', 'completeTurn', 'failTurn', 'findPassages'],
  // Whoever has the password, or the refresh token.
  ...['makeLogIn', 'admitAttempt', 'noteSuccess', 'refresh'],
  ...['admitQuestion', 'defaultTextModel', 'dayCounterOf', 'noteTexts', 'makeFindTextModel'],
];

test('no use case is left out', () => {
  const root = join(import.meta.dirname, '../../../proxy/governance');
  const names = globSync('**/*.ts', { cwd: root }).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/^export (?:async )?function (\w+)\(([^)]*)\)/gm)]
      .filter(([, , parameters = '']) => /\b(?:caller: Caller|context: \w)/.test(parameters))
      .map(([, name = '']) => name),
  );
  assert.ok(names.length > 20, `${names.length} use cases`);
  const table = readFileSync(import.meta.filename, 'utf8').split('const cases')[1] ?? '';
  const untested = names.filter((name) => !parts.includes(name) && !new RegExp(`\\b${name}\\b`).test(table));
  assert.deepEqual(untested, []);
});
