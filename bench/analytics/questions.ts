import { request } from 'undici';
import { history, sessionOf } from './history.ts';
import type { Installation } from './installation.ts';
import { longSession } from './voice-sessions.ts';

/** A query with its filters. */
export interface Question {
  /** Part of the names of its figures. */
  readonly name: string;
  /** Below the proxy's address. */
  readonly path: string;
  /** How long 95 of 100 answers may take in the largest history. */
  readonly maxP95Ms: number;
}

export function listQuestions(personaId: string): Question[] {
  const today = Date.now();
  const day = (ago: number) => new Date(today - ago * 86_400_000).toISOString().slice(0, 10);
  const whole = `start_date=${day(history.days)}`;
  const user = 'user_id=user-7@example.com';
  const endpoints = {
    models: 'models',
    user_usage: 'user-usage',
    sessions: 'sessions',
    personas: 'personas',
    persona: `personas/${personaId}`,
    rated_responses: 'rated-responses',
  };
  const persona = `persona_id=${personaId}`;
  const model = `model=${history.models[0]}`;
  const ofAnalytics = Object.entries(endpoints).flatMap(([name, path]) => [
    { name: `${name}_30d`, path: `/analytics/${path}` },
    { name: `${name}_90d`, path: `/analytics/${path}?${whole}` },
    { name: `${name}_90d_user`, path: `/analytics/${path}?${whole}&${user}` },
    ...(name.startsWith('persona')
      ? []
      : [{ name: `${name}_90d_persona`, path: `/analytics/${path}?${whole}&${persona}` }]),
    { name: `${name}_90d_model`, path: `/analytics/${path}?${whole}&${model}` },
  ]);
  return [
    ...ofAnalytics.map(({ name, path }) => ({ name, path: `/v1${path}`, maxP95Ms: 100 })),
    // A screen polls these while the session goes on.
    ...['costs', 'metrics'].flatMap((figures) => [
      { name: `session_${figures}`, path: `/api/v1/sessions/${sessionOf(7)}/${figures}`, maxP95Ms: 50 },
      { name: `long_session_${figures}`, path: `/api/v1/sessions/${longSession.id}/${figures}`, maxP95Ms: 50 },
    ]),
  ];
}

export interface Timing {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

const warmUps = 3;

/**
 * Repeats a query over one connection, and measures the time to the end of each answer.
 *
 * @throws where an answer is not 200, or has no calls in it
 */
export async function ask({ baseUrl, token }: Installation, { path }: Question, runs: number): Promise<Timing> {
  const times: number[] = [];
  for (let run = -warmUps; run < runs; run += 1) {
    const startedAt = performance.now();
    const { statusCode, body } = await request(new URL(path, baseUrl), {
      headers: { authorization: `Bearer ${token}`, 'x-user-id': 'bench@example.com' },
    });
    const text = await body.text();
    if (run >= 0) times.push(performance.now() - startedAt);
    if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${text.slice(0, 500)}`);
    if (!/"(total_requests|total_rated|request_count|total_entries|total_turns)":[1-9]/.test(text))
      throw new Error(`${path} has no calls in it`);
  }
  times.sort((a, b) => a - b);
  return { p50Ms: quantile(times, 0.5), p95Ms: quantile(times, 0.95) };
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
