import { type Static, Type } from 'typebox';
import type { GovernanceContext } from '../../governance/context.ts';
import { analyzeSentiment, callForText } from '../../governance/insights/sentiment/analyze.ts';
import { type BatchResult, judgeTexts, mostTexts, summarize } from '../../governance/insights/sentiment/batch.ts';
import { findBatch, queueTexts, type TextBatch } from '../../governance/insights/sentiment/queued-batches.ts';
import { defaultSentimentModel, type Sentiment } from '../../governance/insights/sentiment/sentiment.ts';
import { noteTexts } from '../../governance/insights/summary/note-texts.ts';
import { notBlank } from '../../http/not-blank.ts';
import type { Route } from '../../http/route.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { answer, Enveloped } from './answer.ts';
import { asking } from './asking.ts';
import { language } from './language.ts';
import { route } from './route.ts';

const tags = ['Sentiment'];
const strict = { additionalProperties: false };
const text = Type.String({ pattern: notBlank, maxLength: 20_000 });
const useAi = Type.Boolean({ description: 'Whether a model is asked. Absent: no provider is.' });
const model = Type.String({
  pattern: notBlank,
  maxLength: 200,
  description: `The model, or an alias. Absent: ${defaultSentimentModel}.`,
});
const share = Type.Number({ description: 'From 0 to 1. The three shares sum to one but for their rounding.' });
const label = Type.Enum(['positive', 'negative', 'neutral']);

const judged = {
  sentiment: label,
  positive: share,
  negative: share,
  neutral: share,
  compound: Type.Optional(Type.Number({ description: 'From -1 to 1, by VADER. Absent: a model has judged.' })),
};
const Judged = Type.Object({
  ...judged,
  analysis: Type.Object({
    satisfaction_score: Type.Integer({ description: 'From 1 to 10.' }),
    key_positives: Type.Array(Type.String()),
    key_negatives: Type.Array(Type.String()),
  }),
  method: Type.Enum(['vader', 'ai']),
});

const single = route(
  'POST',
  '/analyze/sentiment',
  {
    tags,
    summary: 'Say how a text sounds',
    description:
      'Without `use_ai` by the rules and the lexicon of VADER 3.3.2, in English alone, and no provider is asked. With it by a model, in a call of yours under all rules of the organization.',
    body: Type.Object(
      { text, use_ai: Type.Optional(useAi), model: Type.Optional(model), language: Type.Optional(language) },
      {
        ...strict,
        example: { text: "I'm very happy with your service and prompt response to my query.", use_ai: true },
      },
    ),
    problems: [...asking, 'language_unsupported'],
    response: { 200: Enveloped(Judged) },
  },
  async ({ callContext, body, id }, context) => {
    const terms = termsOf(body);
    const found = await analyzeSentiment(context, callContext, body, terms);
    await noteTexts(context, id, [{ sentiment: found }]);
    return answer({
      ...showShares(found),
      analysis: {
        satisfaction_score: found.satisfactionScore,
        key_positives: [...found.keyPositives],
        key_negatives: [...found.keyNegatives],
      },
      method: terms.useAi ? ('ai' as const) : ('vader' as const),
    });
  },
);

const id = Type.String({ minLength: 1, maxLength: 200, description: 'As you name the text.' });
const Result = Type.Object({
  id,
  ...Type.Partial(Type.Object(judged)).properties,
  error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
});
const Summary = Type.Object({
  positive_count: Type.Integer(),
  negative_count: Type.Integer(),
  neutral_count: Type.Integer(),
  failed_count: Type.Integer(),
});
const batchId = Type.String({ maxLength: 64, description: 'It begins with `batch-`.' });
const queued = {
  batch_id: batchId,
  status: Type.Enum(['queued', 'processing', 'completed', 'failed']),
  progress: Type.Object({ total: Type.Integer(), done: Type.Integer(), failed: Type.Integer() }),
  created_at: Timestamp,
  completed_at: Nullable(Timestamp),
};

const Batch = Type.Object(
  {
    conversations: Type.Array(Type.Object({ id, text, language: Type.Optional(language) }, strict), {
      minItems: 1,
      maxItems: mostTexts,
    }),
    use_ai: Type.Optional(useAi),
    model: Type.Optional(model),
    async: Type.Optional(Type.Boolean({ description: 'Whether a worker does it.' })),
  },
  {
    ...strict,
    example: {
      conversations: [
        { id: 'conv-123', text: "I've been trying to contact support for days with no response!" },
        { id: 'conv-124', text: 'Thank you for resolving my issue so quickly.' },
      ],
    },
  },
);

/** Two answers: the results, or that a worker makes them. */
const batch: Route<GovernanceContext> = (app, context) => {
  app.route({
    method: 'POST',
    url: '/analyze/batch',
    schema: {
      tags,
      summary: 'Say how many texts sound',
      description:
        'Up to 1,000. A text that fails has an `error`, and does not affect the others. With `async`, a worker judges them: the answer is 202, and `GET /api/v1/analyze/batch/{batch_id}` tells how far it is.',
      body: Batch,
      problems: [...asking, 'language_unsupported', 'contents_not_stored', 'queue_error', 'store_unavailable'],
      response: {
        200: Enveloped(Type.Object({ results: Type.Array(Result), summary: Summary })),
        202: Enveloped(Type.Object(queued)),
      },
    },
    async handler({ callContext, caller, body, id: requestId }, reply) {
      const terms = termsOf(body);
      const texts = body.conversations;
      if (body.async)
        return reply.code(202).send(answer(showQueued(await queueTexts(context, caller, { texts, terms })), 202));
      const results = await judgeTexts(texts, (one) => analyzeSentiment(context, callForText(callContext), one, terms));
      const judged = results.flatMap((one) => ('sentiment' in one ? [one] : []));
      await noteTexts(context, requestId, judged);
      return reply.code(200).send(answer({ results: results.map(showResult), summary: showSummary(results) }));
    },
  });
};

const progress = route(
  'GET',
  '/analyze/batch/:batch_id',
  {
    tags,
    summary: 'Get a batch that a worker judges',
    description: 'Your own, or, for an analyst, reviewer or admin, any of the organization.',
    params: Type.Object({ batch_id: batchId }),
    problems: ['surface_not_allowed', 'batch_not_found', 'store_unavailable'],
    response: {
      200: Enveloped(
        Type.Object({
          ...queued,
          results: Type.Optional(Type.Array(Result)),
          summary: Type.Optional(Summary),
          failure: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
        }),
      ),
    },
  },
  async ({ caller, params }, context) => {
    const found = await findBatch(context, caller, params.batch_id);
    const { results, errorCode, errorMessage } = found;
    return answer({
      ...showQueued(found),
      ...(results && { results: results.map(showResult), summary: showSummary(results) }),
      ...(errorCode !== null && { failure: { code: errorCode, message: errorMessage ?? '' } }),
    });
  },
);

export const sentimentRoutes: readonly Route<GovernanceContext>[] = [single, batch, progress];

function termsOf(body: { readonly use_ai?: boolean; readonly model?: string }) {
  return { useAi: body.use_ai ?? false, model: body.model ?? defaultSentimentModel };
}

function showShares({ sentiment, positive, negative, neutral, compound }: Sentiment) {
  return { sentiment, positive, negative, neutral, ...(compound !== undefined && { compound }) };
}

function showResult(result: BatchResult): Static<typeof Result> {
  return 'error' in result ? result : { id: result.id, ...showShares(result.sentiment) };
}

function showSummary(results: readonly BatchResult[]): Static<typeof Summary> {
  const { positive, negative, neutral, failed } = summarize(results);
  return { positive_count: positive, negative_count: negative, neutral_count: neutral, failed_count: failed };
}

function showQueued({ batchId: batch_id, status, total, done, failed, createdAt, completedAt }: TextBatch) {
  return {
    ...{ batch_id, status, progress: { total, done, failed } },
    created_at: createdAt.toISOString(),
    completed_at: completedAt?.toISOString() ?? null,
  };
}
