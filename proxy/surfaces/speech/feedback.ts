import { type Static, Type } from 'typebox';
import { giveFeedback, listFeedback, type ShownFeedback } from '../../governance/speech/feedback.ts';
import { readers } from '../../http/described.ts';
import { notBlank } from '../../http/not-blank.ts';
import { page, paging } from '../../http/paging.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { route } from './route.ts';
import { maybe, sessionId, turnId } from './schemas.ts';

const rating = Type.Integer({ description: 'Thumbs: -1 (down) or 1 (up). Stars: 1 to 5.' });
const ratingType = Type.Enum(['thumbs', 'stars']);
const messageId = Type.String({ pattern: notBlank, maxLength: 200 });
const category = Type.String({ pattern: notBlank, maxLength: 64, description: 'Such as quality, accuracy or speed.' });
const text = maybe(Type.String({ maxLength: 100_000 }));
const mark = maybe(Type.Boolean());

const Given = Type.Object(
  {
    session_id: sessionId,
    rating,
    rating_type: ratingType,
    turn_id: maybe(turnId),
    message_id: maybe(messageId),
    feedback_text: text,
    feedback_category: maybe(category),
    incorrect_response: mark,
    too_slow: mark,
    unhelpful: mark,
    offensive: mark,
    user_input: text,
    assistant_response: text,
    metadata: maybe(Type.Object({}, { additionalProperties: true, description: 'Further facts.' })),
  },
  {
    additionalProperties: false,
    example: {
      session_id: 'session-123',
      turn_id: 'turn-456',
      message_id: 'msg-789',
      rating: 1,
      rating_type: 'thumbs',
      feedback_text: 'Great response, very helpful!',
      feedback_category: 'quality',
      user_input: 'What is my order status?',
      assistant_response: 'Your order is being processed and will ship tomorrow.',
      metadata: { optimization_level: 'balanced', language: 'hi-IN' },
    },
  },
);

const id = Type.Integer({ description: 'Unique in the organization.' });

const Shown = Type.Object({
  id,
  session_id: Type.String(),
  user_id: Nullable(Type.String(), 'Whose session it is; null for calls without a user.'),
  turn_id: Nullable(Type.String()),
  message_id: Nullable(Type.String()),
  rating,
  rating_type: Type.String(),
  feedback_text: Nullable(Type.String()),
  feedback_category: Nullable(Type.String()),
  incorrect_response: Type.Boolean(),
  too_slow: Type.Boolean(),
  unhelpful: Type.Boolean(),
  offensive: Type.Boolean(),
  user_input: Nullable(Type.String()),
  assistant_response: Nullable(Type.String()),
  metadata: Type.Object({}, { additionalProperties: true }),
  created_at: Timestamp,
});

const wanted = (what: string) =>
  Type.Optional(Type.Boolean({ description: `Only what is marked as ${what}, or is not.` }));

/** `/api/v1/feedback` */
export const feedbackRoutes = [
  route(
    'POST',
    '/feedback',
    {
      tags: ['Feedback'],
      summary: 'Give feedback',
      description: 'On a turn, a message or a whole session. What is said in it is stored sealed.',
      body: Given,
      problems: ['session_not_found', 'records_pending', 'store_unavailable'],
      response: {
        201: Type.Object(
          { id, session_id: Type.String(), rating, rating_type: Type.String(), created_at: Timestamp },
          {
            example: {
              id: 1_780_000_000_000_042,
              session_id: 'session-123',
              rating: 1,
              rating_type: 'thumbs',
              created_at: '2026-06-07T12:34:56.123Z',
            },
          },
        ),
      },
    },
    async ({ caller, body }, context) => {
      const given = await giveFeedback(context, caller, toFeedback(body));
      return {
        id: given.id,
        session_id: given.sessionId,
        rating: given.rating,
        rating_type: given.ratingType,
        created_at: given.createdAt.toISOString(),
      };
    },
  ),
  route(
    'GET',
    '/feedback',
    {
      tags: ['Feedback'],
      summary: 'List feedback',
      description: 'The latest first.',
      querystring: Type.Object({
        session_id: Type.Optional(sessionId),
        turn_id: Type.Optional(turnId),
        user_id: Type.Optional(Type.String({ maxLength: 255, description: 'Whose session it is about.' })),
        rating: Type.Optional(Type.Integer({ minimum: -1, maximum: 5 })),
        rating_type: Type.Optional(ratingType),
        feedback_category: Type.Optional(category),
        incorrect_response: wanted('incorrect'),
        too_slow: wanted('too slow'),
        unhelpful: wanted('unhelpful'),
        offensive: wanted('offensive'),
        start_date: Type.Optional(Type.String({ maxLength: 40, description: 'The first day, such as 2026-06-01.' })),
        end_date: Type.Optional(Type.String({ maxLength: 40, description: 'The last day.' })),
        ...paging,
      }),
      problems: ['role_required', 'store_unavailable'],
      roles: readers,
      response: { 200: Type.Object({ feedback: Type.Array(Shown), ...page }) },
    },
    async ({ caller, query }, context) => {
      const { limit, offset } = query;
      const question = {
        sessionId: query.session_id,
        turnId: query.turn_id,
        user: query.user_id,
        rating: query.rating,
        ratingType: query.rating_type,
        category: query.feedback_category,
        incorrectResponse: query.incorrect_response,
        tooSlow: query.too_slow,
        unhelpful: query.unhelpful,
        offensive: query.offensive,
        startDate: query.start_date,
        endDate: query.end_date,
      };
      const { items, total } = await listFeedback(context, caller, question, { limit, offset });
      return { feedback: items.map(show), total, limit, offset };
    },
  ),
];

function toFeedback(body: Static<typeof Given>) {
  return {
    sessionId: body.session_id,
    turnId: body.turn_id ?? null,
    messageId: body.message_id ?? null,
    rating: body.rating,
    ratingType: body.rating_type,
    category: body.feedback_category ?? null,
    incorrectResponse: body.incorrect_response ?? false,
    tooSlow: body.too_slow ?? false,
    unhelpful: body.unhelpful ?? false,
    offensive: body.offensive ?? false,
    contents: {
      feedbackText: body.feedback_text ?? null,
      userInput: body.user_input ?? null,
      assistantResponse: body.assistant_response ?? null,
      metadata: body.metadata ?? {},
    },
  };
}

function show(feedback: ShownFeedback): Static<typeof Shown> {
  const { contents } = feedback;
  return {
    id: feedback.id,
    session_id: feedback.sessionId,
    user_id: feedback.user,
    turn_id: feedback.turnId,
    message_id: feedback.messageId,
    rating: feedback.rating,
    rating_type: feedback.ratingType,
    feedback_text: contents.feedbackText,
    feedback_category: feedback.category,
    incorrect_response: feedback.incorrectResponse,
    too_slow: feedback.tooSlow,
    unhelpful: feedback.unhelpful,
    offensive: feedback.offensive,
    user_input: contents.userInput,
    assistant_response: contents.assistantResponse,
    metadata: contents.metadata,
    created_at: feedback.createdAt.toISOString(),
  };
}
