import { randomInt, randomUUID } from 'node:crypto';
import { insertAccessKey } from '../../database/access-keys.ts';
import { upsertAccounts } from '../../database/accounts/accounts.ts';
import { beginAttempt } from '../../database/accounts/login-attempts.ts';
import { insertLogin } from '../../database/accounts/logins.ts';
import { upsertAnalysisConfigs } from '../../database/analysis-configs.ts';
import { insertAnalysisResult } from '../../database/analysis-results.ts';
import { upsertAnonymization } from '../../database/anonymizations.ts';
import { upsertApiKeys } from '../../database/api-keys.ts';
import type { ResourceEntry } from '../../database/audit/entry.ts';
import { insertResourceChanges, withPeople } from '../../database/audit/resources.ts';
import { insertBudgetWarnings } from '../../database/budget-warnings.ts';
import { noteCallBounds } from '../../database/call-bounds.ts';
import { insertConversationAnalysis } from '../../database/conversation-analyses.ts';
import { beginIdempotent, keepIdempotent } from '../../database/idempotent-answers.ts';
import { makeRequestId, randomHex, resourceIdOf } from '../../database/ids.ts';
import { insertRequests } from '../../database/insert-requests.ts';
import { keepJobIntent } from '../../database/job-intents.ts';
import { insertJobCall } from '../../database/jobs.ts';
import { writeArticle } from '../../database/knowledge.ts';
import { insertPassages } from '../../database/knowledge-passages.ts';
import { insertVectors } from '../../database/knowledge-vectors.ts';
import { insertOwnedResources } from '../../database/owned-resources.ts';
import { insertPendingCalls } from '../../database/pending-calls.ts';
import { upsertPersonas } from '../../database/personas.ts';
import { writePauses } from '../../database/provider-pauses.ts';
import type { Queryable } from '../../database/queryable.ts';
import { type QuotaScope, quotaCounterId, rowOf } from '../../database/quota.ts';
import { insertRatings } from '../../database/ratings.ts';
import { ensureRequestPartitions } from '../../database/requests.ts';
import { insertReviewComment } from '../../database/reviews/comments.ts';
import { insertReviewDecision } from '../../database/reviews/decisions.ts';
import { claimReviewItem, insertReviewItem } from '../../database/reviews/items.ts';
import { insertRevocation } from '../../database/revocations.ts';
import { addToDays } from '../../database/sentiment-days.ts';
import { insertBlocks } from '../../database/speech/blocks.ts';
import { recordCost } from '../../database/speech/costs.ts';
import { insertFeedback } from '../../database/speech/feedback.ts';
import { closeTurn } from '../../database/speech/turns.ts';
import {
  changeSupportConversation,
  countAssignment,
  rateSupportConversation,
} from '../../database/support/conversations.ts';
import { insertSupportMessage } from '../../database/support/messages.ts';
import { insertTextBatch } from '../../database/text-batches.ts';
import { insertDeployment } from '../../database/training/deployments.ts';
import { insertTrainingJob } from '../../database/training/jobs.ts';
import { noteFailing } from '../../database/webhook-deliveries.ts';
import { upsertStatedWebhooks } from '../../database/webhooks.ts';
import { makeRecord } from '../request-record.ts';
import { batchOf } from './batch.ts';
import type { Tenant } from './tenant.ts';

/** Gives the organization a row in every table, and in a partition and the default partition of those that have any. */
export async function seedEveryTable(db: Queryable, tenant: Tenant): Promise<void> {
  const { id: organizationId, envelope } = tenant;
  const personaId = randomUUID();
  await upsertPersonas(db, [
    {
      organizationId,
      personaId,
      resource: 'team/support',
      servesNamespace: null,
      name: 'support',
      description: null,
      contentSealed: envelope.seal({ organizationId, column: 'personas.content', rowId: personaId }, 'Be kind.'),
      users: [],
      model: null,
      parameters: {},
      isActive: true,
    },
  ]);
  const apiKeyId = randomUUID();
  await upsertApiKeys(db, [
    {
      organizationId,
      apiKeyId,
      resource: 'team/key',
      servesNamespace: null,
      provider: 'openai',
      userExternalId: null,
      models: null,
      keySealed: envelope.seal({ organizationId, column: 'api_keys.key', rowId: apiKeyId }, 'sk-secret'),
      fingerprint: 'f'.repeat(16),
      syntheticKeySha256: Buffer.alloc(32, 1),
      roles: null,
      rules: null,
      isActive: true,
      expiresAt: null,
    },
  ]);
  await upsertAnalysisConfigs(db, [
    {
      organizationId,
      analysisConfigId: randomUUID(),
      resource: 'team/analysis',
      servesNamespace: null,
      name: 'analysis',
      description: null,
      configSealed: Buffer.from('sealed'),
      kind: 'classification',
    },
  ]);
  await insertJobCall(db, organizationId, { jobId: '1', step: 'only', number: 0, requestId: 'req_1' });
  await insertAccessKey(db, {
    ...{ organizationId, keyId: randomUUID(), name: 'website', type: 'public', roles: [], origins: ['*'] },
    ...{ requestsPerHour: null, visitorRequestsPerHour: null, digest: Buffer.alloc(32), hint: 'pk_', expiresAt: null },
  });
  await db.query(
    `with quoted as (
       insert into chaperone.quoting_calls (organization_id, request_id, user_digest) values ($1::uuid, 'req_1', '')
     )
     insert into chaperone.retention_states (organization_id) values ($1::uuid)`,
    [organizationId],
  );
  await insertRevocation(db, { organizationId, kind: 'token', tokenId: 'jti', expiresAt: null });
  await ensureRequestPartitions(db, new Date());
  const record = makeRecord(organizationId, {
    response_id: 'resp_1',
    conversation_id: randomUUID(),
    branch_id: 'branch-0123abcd',
    message_digest: 1,
    new_messages: 1,
  });
  const strayed = makeRecord(organizationId, { started_at: '2009-01-01T00:00:00.000Z' });
  await insertRequests(
    db,
    organizationId,
    batchOf([record], () => 'sealed'),
  );
  await db.query('select chaperone.fold_usage_of($1::uuid, true)', [organizationId]);
  // Not folded, so that something is pending.
  await insertRequests(
    db,
    organizationId,
    batchOf([strayed], () => 'sealed'),
  );
  const analysis = {
    organizationId,
    cacheKey: Buffer.alloc(32, 1),
    resultSealed: Buffer.from('sealed'),
    analysisConfigId: null,
    requestId: record.request_id,
    userId: record.user_id,
  };
  await insertAnalysisResult(db, analysis, 60_000);
  await seedArticle(db, organizationId);
  await seedConversationAnalysis(db, organizationId, record.conversation_id ?? '', (what) => what);
  const rating = {
    rating_id: randomUUID(),
    request_id: record.request_id,
    response_id: record.response_id,
    user_id: record.user_id,
    rating: 1,
    feedback: 'Thanks',
    rated_by: record.user_id,
    rated_at: record.started_at,
  };
  await insertRatings(db, organizationId, JSON.stringify([rating]));
  const resource = {
    resource_id: 'file-1',
    kind: 'file',
    user_id: record.user_id,
    api_key_id: apiKeyId,
    created_at: record.started_at,
    deleted_at: null,
  };
  await insertOwnedResources(db, organizationId, JSON.stringify([resource]));
  await db.query(
    `insert into chaperone.erased_users (organization_id, user_digest, stranger, erased_at)
     values ($1::uuid, chaperone.user_digest($1::uuid, $2::uuid), gen_random_uuid(), '2020-01-01')`,
    [organizationId, randomUUID()],
  );
  const pending = makeRecord(organizationId, { response_id: 'resp_2', status: 'interrupted' });
  await insertPendingCalls(db, organizationId, JSON.stringify([pending]));
  await keepJobIntent(db, organizationId, { jobId: '1', workerId: 'worker', record: makeRecord(organizationId) });
  await leaseSome(db, organizationId, 'User', record.user_id);
  await seedWebhook(db, organizationId, resourceIdOf(organizationId, 'Webhook', 'all'), 'all');
  const told = {
    ...{
      budget: 'all',
      binding: null,
      per: 'Organization',
      scope: null,
      percent: 80,
      used_usd: '8.1',
      amount_usd: '10',
    },
    ...{ action: 'Block' as const, window_ends_at: null },
  };
  const warning = { counterId: 1, percent: 80, rule: 'budgets/all', used: 81, amount: 100, userId: null, told };
  await insertBudgetWarnings(db, organizationId, [warning]);
  const pause = {
    id: 'openai 1',
    scope: 'provider' as const,
    provider: 'openai',
    apiKeyId,
    reason: '503',
    remainingMs: 60_000,
  };
  await writePauses(db, organizationId, [pause], []);
  const unknown = { tokensPerByte: null, outputTokens: 10, referredTokens: null, nanoUsd: null };
  await noteCallBounds(db, organizationId, [{ operation: 'chat', model: 'gpt-4o', ...unknown }]);
  await seedAnswer(db, organizationId, 'answer');
  await seedIdempotentAnswer(db, organizationId, 'answer');
  await insertCheckpoint(db, organizationId);
  await auditSome(db, organizationId, 'ada@example.com');
  const inSession = { userId: record.user_id, sessionId: record.session_id, turnId: 'turn' };
  await seedSession(db, organizationId, inSession, (what) => what);
  await seedSupport(db, organizationId, record.user_id, (what) => what);
  await seedLogin(db, organizationId, record.user_id);
  await seedTexts(db, organizationId, record.user_id, (what) => what);
  await seedReview(db, organizationId, record.user_id, (what) => what);
  await seedTraining(db, organizationId);
}

/** A model is trained, and another one served. */
export async function seedTraining(db: Queryable, organizationId: string): Promise<void> {
  const id = `2026-11-30-${randomUUID().slice(26)}`.slice(0, 21);
  await insertTrainingJob(db, organizationId, {
    ...{ jobId: `train-${id}`, baseModel: 'customerai-classifier', hyperparameters: {}, instanceCount: 1 },
    ...{ trainingDataUri: 's3://data/a.csv', validationDataUri: null, instanceType: 'small' },
    modelOutputUri: 's3://models/a/',
  });
  await insertDeployment(db, organizationId, {
    ...{ deploymentId: `deploy-${id}`, keyId: randomUUID(), name: 'served', modelUri: 's3://models/a/' },
    ...{ baseModel: null, replicas: 1, autoScaling: null, resources: {}, keySealed: Buffer.from('sealed') },
  });
}

/** A worker has judged texts of a user, and is to judge others. */
export async function seedTexts(
  db: Queryable,
  organizationId: string,
  userId: string,
  said: (what: string) => string,
): Promise<void> {
  for (const batchId of [`batch-${randomUUID()}`, `batch-${randomUUID()}`]) {
    const textsSealed = Buffer.from(said('texts'));
    const batch = { batchId, userId, requestedBy: said('example.com'), total: 1, textsSealed };
    await insertTextBatch(db, organizationId, batch);
  }
  const mappingSealed = Buffer.from(said('mapping'));
  await upsertAnonymization(db, organizationId, { anonymizationId: `map-${randomUUID()}`, userId, mappingSealed });
  const text = `update chaperone.text_batches set results_encrypted = $2::bytea where organization_id = $1::uuid`;
  await db.query(`${text} and user_id = $3::uuid`, [organizationId, Buffer.from(said('results')), userId]);
}

/** Somebody has queued an answer and reviewed it, with a comment. */
export async function seedReview(
  db: Queryable,
  organizationId: string,
  userId: string,
  said: (what: string) => string,
): Promise<void> {
  const itemId = `rev-${randomHex(12)}`;
  const sealed = (what: string) => ({ contentsSealed: Buffer.from(said(what)) });
  const filed = { source: 'api', category: 'loans', priority: 3, reviewsNeeded: 1 } as const;
  await insertReviewItem(db, organizationId, { itemId, userId, aboutUserId: userId, ...filed, ...sealed('answer') });
  await insertReviewComment(db, organizationId, itemId, { number: 1, authorId: userId, ...sealed('comment') });
  const decision = { number: 1, reviewerId: userId, approved: true, ...sealed('decision') };
  await insertReviewDecision(db, organizationId, itemId, decision, {
    isReviewed: false,
    approved: null,
    edited: false,
  });
  await claimReviewItem(db, organizationId, itemId, { reviewerId: userId, leaseMs: 60_000 });
  const day = '2026-01-01';
  await addToDays(db, organizationId, {
    texts: [{ day, texts: 1, positive: 1, negative: 0, scoreSum: 1_500 }],
    issues: [{ day, issue: 'loans', queries: 1, rated: 0, scoreSum: 0 }],
  });
  await db.query(
    `with told as (
       insert into chaperone.live_numbers as n (organization_id, number) values ($1::uuid, 1)
       on conflict (organization_id) do update set number = n.number + 1 returning number
     )
     insert into chaperone.live_events (organization_id, number, event, data)
     select $1::uuid, number, 'sentiment_alert', $2::jsonb from told`,
    [organizationId, JSON.stringify({ text_id: said('example.com') })],
  );
}

/** Somebody has logged in, after a failure. */
export async function seedLogin(db: Queryable, organizationId: string, accountId: string): Promise<void> {
  const digest = Buffer.alloc(32, 7);
  await upsertAccounts(db, organizationId, [{ accountId, passwordSealed: Buffer.from('sealed') }]);
  await beginAttempt(db, organizationId, [
    { accountId, addressDigest: digest, backoff: { free: 5, firstS: 1, mostS: 60 } },
  ]);
  await insertLogin(db, organizationId, {
    ...{ loginId: randomUUID(), accountId, refreshDigest: digest, passwordDigest: digest },
    expiresAt: new Date(Date.now() + 3_600_000),
  });
}

/** A customer asks the support desk, which hands the conversation over. */
export async function seedSupport(
  db: Queryable,
  organizationId: string,
  userId: string,
  said: (what: string) => string,
): Promise<void> {
  const conversationId = said('conversation');
  const metadataSealed = Buffer.from(said('metadata'));
  await db.query(
    `insert into chaperone.support_conversations
       (organization_id, conversation_id, user_id, channel, status, metadata_encrypted)
     values ($1::uuid, $2::text, $3::uuid, 'chat', 'active', $4::bytea)`,
    [organizationId, conversationId, userId, metadataSealed],
  );
  const sealed = Buffer.from(said('message'));
  await insertSupportMessage(db, organizationId, conversationId, {
    number: 1,
    messageId: 'msg_1',
    sender: 'user',
    sealed,
  });
  const agent = await countAssignment(db, organizationId);
  await changeSupportConversation(db, organizationId, conversationId, {
    status: 'escalated',
    assignedAgent: `a${agent}`,
  });
  const commentSealed = Buffer.from(said('comment'));
  await rateSupportConversation(db, organizationId, conversationId, { rating: 5, commentSealed });
}

/** Asks for an analysis of a conversation. */
export async function seedConversationAnalysis(
  db: Queryable,
  organizationId: string,
  conversationId: string,
  said: (what: string) => string,
): Promise<void> {
  await insertConversationAnalysis(db, {
    ...{ organizationId, id: `ana_${randomUUID()}`, conversationId, branchId: 'main' },
    ...{ requestedBy: said('example.com'), template: 'summary', settingsSealed: Buffer.from('sealed'), jobId: '1' },
  });
  await db.query(
    `update chaperone.conversation_analyses set content_encrypted = $3::bytea
     where organization_id = $1::uuid and conversation_id = $2::uuid`,
    [organizationId, conversationId, Buffer.from(said('content'))],
  );
}

/** Makes a webhook that is told of everything, and that has failed. */
export async function seedWebhook(
  db: Queryable,
  organizationId: string,
  webhookId: string,
  name: string,
): Promise<void> {
  const webhook = { organizationId, webhookId, name, url: 'https://hooks.example.com', events: null, isActive: true };
  await upsertStatedWebhooks(db, 'acme', [{ ...webhook, secretsSealed: Buffer.from('sealed') }]);
  await noteFailing(db, organizationId, webhookId, { reason: 'webhook_refused: 500', patienceMs: 60_000 });
}

/** Writes an article of the knowledge base. */
async function seedArticle(db: Queryable, organizationId: string): Promise<void> {
  const article = { articleId: 'kb_1', version: 1, language: 'en' };
  const filed = { status: 'published', category: null, tags: [], sealed: Buffer.from('sealed') } as const;
  await writeArticle(db, organizationId, { ...article, ...filed });
  const digest = Buffer.alloc(16, organizationId);
  const passages = [{ startsAt: 0, endsAt: 4, headings: '', text: 'word', digest: digest.toString('hex') }];
  await insertPassages(db, organizationId, { ...article, hasWords: true, title: 'title', passages });
  const [sketch, vector] = [Buffer.from('sealed'), Buffer.from('sealed')];
  await insertVectors(db, organizationId, 'model', [{ digest, sketch, vector }]);
}

/** Keeps an answer, and leases another one. */
export async function seedAnswer(db: Queryable, organizationId: string, text: string): Promise<void> {
  const id = Buffer.from(text.slice(0, 32).padEnd(32, '.'));
  await db.query(
    `with kept as (
       insert into chaperone.cached_answers (organization_id, answer_id, answer_encrypted, bytes, kept_at, expires_at)
       values ($1::uuid, $2::bytea, $3::bytea, 100, now(), now() + interval '1 hour')
     ), sizes as (
       insert into chaperone.cached_bytes (organization_id, bytes) values ($1::uuid, 100)
       on conflict (organization_id) do update set bytes = chaperone.cached_bytes.bytes + 100
     )
     insert into chaperone.answer_leases (organization_id, answer_id, holder, leased_until)
     values ($1::uuid, sha256($2::bytea), gen_random_uuid(), now())`,
    [organizationId, id, Buffer.from(text)],
  );
}

/** Keeps an answer for a request that may come again. */
export async function seedIdempotentAnswer(db: Queryable, organizationId: string, text: string): Promise<void> {
  const place = { organizationId, keyDigest: Buffer.from(`k${text}`.slice(0, 32).padEnd(32, '.')) };
  const holder = randomUUID();
  await beginIdempotent(db, place, Buffer.from(`r${text}`.slice(0, 32).padEnd(32, '.')), holder);
  const answer = { status: 200, contentType: 'application/json', sealed: Buffer.from(text) };
  await keepIdempotent(db, place, holder, answer);
}

/** Makes a log look as if its first entry had been removed. */
async function insertCheckpoint(db: Queryable, organizationId: string): Promise<void> {
  const text = `insert into chaperone.audit_checkpoints (organization_id, seq, hash) values ($1, 1, sha256(''))`;
  await db.query(text, [organizationId]);
}

/** Records a change of a persona that names the user. */
export async function auditSome(db: Queryable, organizationId: string, user: string): Promise<void> {
  const at = '2026-01-01T00:00:00.000Z';
  const [spec] = await withPeople(db, organizationId, [{ users: [{ $user: user }] }], at);
  const entry: ResourceEntry = {
    kind: 'resource',
    action: 'created',
    ...{ id: randomUUID(), at, actor: { managers: [] } },
    ...{ subject: `Persona/team/${randomUUID()}`, uid: randomUUID(), generation: 1 },
    changes: [{ field: 'spec', after: spec }],
  };
  const { subject, uid, generation } = entry;
  const state = { uid, generation, fingerprint: null, spec };
  await insertResourceChanges(db, organizationId, [{ subject, entry, former: null, state }]);
}

/** Gives a session what happened elsewhere than in its calls. */
export async function seedSession(
  db: Queryable,
  organizationId: string,
  session: { readonly userId: string; readonly sessionId: string; readonly turnId: string },
  said: (what: string) => string,
): Promise<void> {
  const unsaid = { operation: null, units: null, unitType: null, isCached: null, optimizationLevel: null };
  await recordCost(db, organizationId, {
    ...{ ...session, ...unsaid, entryId: randomUUID(), service: 'asr', provider: 'elsewhere' },
    ...{ costUsd: '0.01', occurredAt: new Date() },
  });
  const latenciesMs = { asr: 1, llm: null, translation: null, tts: null, total: null };
  await closeTurn(db, organizationId, { ...session, status: 'successful', latenciesMs });
  const block = {
    request_id: makeRequestId(Date.now()),
    started_at: new Date().toISOString(),
    user_id: session.userId,
    session_id: session.sessionId,
    turn_id: session.turnId,
    guardrail_hits: ['secrets'],
  };
  await insertBlocks(db, organizationId, JSON.stringify([block]));
  await insertFeedback(db, organizationId, {
    ...session,
    ...{ feedbackId: String(Date.now() * 1_000 + randomInt(1_000)), ratedBy: session.userId },
    ...{ messageId: said('message'), rating: 1, ratingType: 'thumbs', category: said('category') },
    ...{ incorrectResponse: false, tooSlow: false, unhelpful: false, offensive: false },
    ...{ contentsSealed: Buffer.from(said('contents')), createdAt: new Date() },
  });
}

/** Leases a part of a counter. */
export async function leaseSome(db: Queryable, organizationId: string, per: QuotaScope, scope: string): Promise<void> {
  const counter = { rule: 'limits/calls', unit: 'requests', per, scope, startMs: 0, endMs: undefined } as const;
  const demand = rowOf({
    ...counter,
    ...{ counterId: quotaCounterId(counter), leaseId: 1, amount: 100, spent: 1, smallest: 2, wanted: 2, target: 10 },
    ...{ ends: false, ttlMs: 30_000 },
  });
  await db.query('select chaperone.lease_quota_of($1::uuid, $2::jsonb, now())', [
    organizationId,
    JSON.stringify([demand]),
  ]);
}
