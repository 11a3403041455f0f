import type { Caller } from '../../../calls/call.ts';
import { ProxyError } from '../../../error.ts';
import { admitRole } from '../../roles.ts';
import { type FairnessFinding, type FairnessTerms, judgeTally } from './judge.ts';
import { recommend } from './recommend.ts';
import { type FairnessQuestion, makeTally, type Row } from './tally.ts';

export interface FairnessReport {
  readonly rows: number;
  /** The mean disparity of the findings that can be judged. Null: none can. */
  readonly score: number | null;
  readonly findings: readonly FairnessFinding[];
  readonly recommendations: readonly string[];
}

/** Each further row costs nothing, each further group does. */
const mostColumns = 20;

/**
 * Compares how groups fare, for an analyst. Nothing of the dataset is kept. Rows that come one after the other are never
 * held together.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`
 */
export async function analyzeFairness(
  caller: Caller,
  rows: Iterable<Row> | AsyncIterable<Row>,
  question: FairnessQuestion,
  terms: FairnessTerms,
): Promise<FairnessReport> {
  admitRole(caller, 'analyst');
  requireColumns(question.attributes, 'attributes');
  requireColumns(question.outcomes, 'outcome_columns');
  const tally = makeTally(question);
  const seen = new Set<string>();
  for await (const row of rows) {
    for (const name in row) seen.add(name);
    tally.add(row);
  }
  const summed = tally.end();
  if (summed.rows === 0) throw wrong('data', 'must have at least one row');
  for (const name of question.attributes)
    if (!seen.has(name)) throw wrong('attributes', `names ${name}, which no row has`);
  for (const name of question.outcomes)
    if (!seen.has(name)) throw wrong('outcome_columns', `names ${name}, which no row has`);
  const findings = judgeTally(summed, question.outcomes, terms);
  const disparities = findings.flatMap(({ disparity }) => disparity ?? []);
  return {
    rows: summed.rows,
    score: disparities.length === 0 ? null : disparities.reduce((total, one) => total + one, 0) / disparities.length,
    findings,
    recommendations: recommend(findings, terms.minGroupSize),
  };
}

function requireColumns(names: readonly string[], param: string): void {
  if (names.length === 0) throw wrong(param, 'must name at least one column');
  if (names.length > mostColumns) throw wrong(param, `must have at most ${mostColumns} entries`);
  if (new Set(names).size < names.length) throw wrong(param, 'must not name a column twice');
}

function wrong(param: string, problem: string): ProxyError {
  return new ProxyError('invalid_request', { param, message: `${param} ${problem}` });
}
