import { Type } from 'typebox';
import { closeTurn } from '../../governance/speech/turns.ts';
import { Timestamp } from '../../http/schemas.ts';
import { route } from './route.ts';
import { maybe, sessionParams, turnId } from './schemas.ts';

const status = Type.Enum(['successful', 'completed', 'failed', 'interrupted'], {
  description: 'How the turn went. `completed` is the same as `successful`.',
});
const ms = maybe(Type.Number({ minimum: 0, maximum: 1_209_600_000 }));
const latencies = { asr: ms, llm: ms, translation: ms, tts: ms, total: ms };

/** `POST /api/v1/sessions/{session_id}/turns` */
export const turns = route(
  'POST',
  '/sessions/:session_id/turns',
  {
    tags: ['Sessions'],
    summary: 'Close a turn',
    description:
      'Says how a turn went, in place of what follows from its calls, and what the application has measured. Closing it again replaces that.',
    params: sessionParams,
    body: Type.Object(
      {
        turn_id: turnId,
        status,
        latencies_ms: maybe(
          Type.Object(latencies, {
            additionalProperties: false,
            description: 'Milliseconds of each service, and of the whole turn, in place of those of its calls.',
          }),
        ),
      },
      {
        additionalProperties: false,
        example: { turn_id: 'turn-456', status: 'interrupted', latencies_ms: { asr: 523.4, total: 2_937.8 } },
      },
    ),
    problems: ['records_pending', 'store_unavailable'],
    response: {
      201: Type.Object({
        session_id: Type.String(),
        turn_id: Type.String(),
        status,
        latencies_ms: Type.Record(Type.String(), Type.Number(), { description: 'Those that were stated.' }),
        closed_at: Timestamp,
      }),
    },
  },
  async ({ caller, params, body }, context) => {
    const stated = body.latencies_ms ?? {};
    const latenciesMs = {
      asr: stated.asr ?? null,
      llm: stated.llm ?? null,
      translation: stated.translation ?? null,
      tts: stated.tts ?? null,
      total: stated.total ?? null,
    };
    const turn = { turnId: body.turn_id, status: body.status, latenciesMs };
    const { sessionId, closedAt } = await closeTurn(context, caller, params.session_id, turn);
    return {
      session_id: sessionId,
      turn_id: body.turn_id,
      status: body.status,
      latencies_ms: Object.fromEntries(
        Object.entries(latenciesMs).flatMap(([name, of]) => (of === null ? [] : [[name, of]])),
      ),
      closed_at: closedAt.toISOString(),
    };
  },
);
