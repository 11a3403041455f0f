import { request } from 'undici';
import { history, sessionOf } from './history.ts';
import type { Installation } from './installation.ts';
import { longSession } from './voice-sessions.ts';

/** A query with its filters. */
export interface Question {
  /** Part of the names of its figures. */
  readonly name: string;
  /** Below the proxy's address. @param run which time it is asked, from 0 */
  readonly path: (run: number) => string;
  /** Whether it reads the sums. */
  readonly needsSums: boolean;
  /** How long 95 of 100 answers may take in the largest history. */
  readonly maxP95Ms: number;
}

/** @param sessions how many the history has */
export function listQuestions(personaId: string, sessions: () => number): Question[] {
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
  const ofSessions = {
    // A screen polls these while the session goes on.
    session: () => sessionOf(7),
    any_session: (run: number) => sessionOf(Math.floor(((run + 1) * goldenRatio * sessions()) % sessions())),
    long_session: () => longSession.id,
  };
  return [
    ...ofAnalytics.map(({ name, path }) => ({ name, path: () => `/v1${path}`, needsSums: true, maxP95Ms: 100 })),
    ...Object.entries(ofSessions).flatMap(([name, idOf]) =>
      ['costs', 'metrics'].map((figures) => ({
        name: `${name}_${figures}`,
        path: (run: number) => `/api/v1/sessions/${idOf(run)}/${figures}`,
        needsSums: false,
        maxP95Ms: 50,
      })),
    ),
  ];
}

/** Its multiples are spread evenly. */
const goldenRatio = (Math.sqrt(5) - 1) / 2;

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
async function ask({ baseUrl, token }: Installation, { path }: Question, runs: number): Promise<Timing> {
  const times: number[] = [];
  for (let run = -warmUps; run < runs; run += 1) {
    const url = new URL(path(run + warmUps), baseUrl);
    const startedAt = performance.now();
    const { statusCode, body } = await request(url, {
      headers: { authorization: `Bearer ${token}`, 'x-user-id': 'bench@example.com' },
    });
    const text = await body.text();
    if (run >= 0) times.push(performance.now() - startedAt);
    if (statusCode !== 200) throw new Error(`${url}: ${statusCode} ${text.slice(0, 500)}`);
    if (!/"(total_requests|total_rated|request_count|total_entries|total_turns)":[1-9]/.test(text))
      throw new Error(`${url} has no calls in it`);
  }
  times.sort((a, b) => a - b);
  return { p50Ms: quantile(times, 0.5), p95Ms: quantile(times, 0.95) };
}

export async function askAll(
  installation: Installation,
  questions: readonly Question[],
  runs: number,
): Promise<Map<string, Timing>> {
  const timings = new Map<string, Timing>();
  for (const question of questions) timings.set(question.name, await ask(installation, question, runs));
  return timings;
}

export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
