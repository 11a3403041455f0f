import { Type } from 'typebox';
import { generateResponse } from '../../governance/insights/responses/generate.ts';
import { notBlank } from '../../http/not-blank.ts';
import { Timestamp } from '../../http/schemas.ts';
import { answer, Enveloped } from './answer.ts';
import { asking } from './asking.ts';
import { route } from './route.ts';

/** `/api/v1/generate` */
export const responseRoutes = [
  route(
    'POST',
    '/generate/response',
    {
      tags: ['Responses'],
      summary: 'Generate an answer to a customer',
      description:
        'In a call of yours, from the knowledge base where that has something to say. An answer that is not sure enough, that is about a listed category, or in which a guardrail has found something, needs human review, and is queued for it.',
      body: Type.Object(
        {
          query: Type.String({ pattern: notBlank, maxLength: 20_000 }),
          customer_id: Type.Optional(
            Type.String({ pattern: notBlank, maxLength: 255, description: 'Whose words they are.' }),
          ),
          context: Type.Optional(
            Type.Record(Type.String(), Type.Unknown(), {
              maxProperties: 100,
              description: 'What you know of the customer. The model is told.',
            }),
          ),
          model: Type.Optional(
            Type.String({ pattern: notBlank, maxLength: 200, description: 'Absent: as the organization says.' }),
          ),
        },
        {
          additionalProperties: false,
          example: {
            query: 'Can I get a personal loan with a credit score of 650?',
            customer_id: 'cust-456',
            context: { previous_interactions: 3, account_type: 'savings' },
          },
        },
      ),
      problems: [...asking, 'store_unavailable'],
      response: {
        200: Enveloped(
          Type.Object({
            response: Type.String({ description: 'Empty where a guardrail holds it.' }),
            category: Type.String(),
            requires_human_review: Type.Boolean(),
            confidence: Type.Number({ description: 'From 0 to 1.' }),
            alternative_responses: Type.Array(Type.String()),
            sources: Type.Array(Type.String(), { description: 'Ids of the articles that it comes from.' }),
            review_reasons: Type.Array(Type.Enum(['low_confidence', 'category', 'guardrail'])),
            item_id: Type.Optional(
              Type.String({ description: 'In the review queue. Absent: it is not queued, as nothing is stored.' }),
            ),
            estimated_review_time: Type.Optional(Timestamp),
            held_by: Type.Optional(
              Type.String({
                description:
                  'The guardrail that keeps the answer from you until a person releases it: `final_response` of the item has it then. Absent: none.',
              }),
            ),
          }),
        ),
      },
    },
    async ({ callContext, body }, context) => {
      const { query, customer_id: customer, context: facts = {}, model } = body;
      const made = await generateResponse(context, callContext, { query, customer, context: facts, model });
      return answer({
        response: made.response,
        category: made.category,
        requires_human_review: made.reasons.length > 0,
        confidence: made.confidence,
        alternative_responses: [...made.alternatives],
        sources: [...made.sources],
        review_reasons: [...made.reasons],
        ...(made.heldBy !== undefined && { held_by: made.heldBy }),
        ...(made.queued && {
          item_id: made.queued.itemId,
          estimated_review_time: made.queued.estimatedAt.toISOString(),
        }),
      });
    },
  ),
];
