import { addToDays } from '../../database/sentiment-days.ts';
import { beginTextBatch, completeTextBatch, failTextBatch, noteProgress } from '../../database/text-batches.ts';
import { inTransaction } from '../../database/transaction.ts';
import { ProxyError } from '../../proxy/error.ts';
import { alarmingOf, tellAlarming } from '../../proxy/governance/insights/sentiment/alert.ts';
import { askForSentiment, readSentiment } from '../../proxy/governance/insights/sentiment/ask-sentiment.ts';
import { type BatchText, judgeTexts } from '../../proxy/governance/insights/sentiment/batch.ts';
import { openTexts, sealResults } from '../../proxy/governance/insights/sentiment/queued-batches.ts';
import { loadRateByLexicon } from '../../proxy/governance/insights/sentiment/rate-by-lexicon.ts';
import type { Sentiment, SentimentTerms } from '../../proxy/governance/insights/sentiment/sentiment.ts';
import { tallyTexts, toDay } from '../../proxy/governance/insights/summary/tally.ts';
import type { Task, TaskContext } from '../task.ts';

/** It has ended, or its user was erased. */
class BatchGone extends Error {}

/** Progress is written so often at most. */
const progressMs = 500;

/** Judges the texts of the batch with this id. */
export const judgeTextsTask: Task = {
  async run(context, id) {
    const { organization, signal } = context;
    const { store, inForce } = organization;
    const row = await store.run((db) => beginTextBatch(db, organization.id, id));
    if (!row?.textsSealed) return;
    const place = { organizationId: organization.id, batchId: id };
    const { texts, terms } = openTexts(inForce().envelope, place, row.textsSealed);
    const progress = makeProgress(context, id);
    const judge = await makeJudge(context, terms, row.requestedBy ?? undefined);
    const results = await judgeTexts(
      texts,
      async (text, at) => {
        signal.throwIfAborted();
        await progress.requireWanted();
        return judge(text, at);
      },
      (result) => progress.note('error' in result),
    ).catch((error: unknown) => {
      if (error instanceof BatchGone) return undefined;
      throw error;
    });
    if (!results) return;
    signal.throwIfAborted();
    const resultsSealed = sealResults(inForce().envelope, place, results);
    const failed = results.filter((result) => 'error' in result).length;
    const judged = results.flatMap((result) => ('sentiment' in result ? [result] : []));
    const counted = tallyTexts(
      toDay(Date.now()),
      judged.map(({ sentiment }) => sentiment),
    );
    const alarming = alarmingOf(inForce().snapshot, judged);
    await store.run((db) =>
      inTransaction(db, async () => {
        // Another worker may have completed it, or its user was erased.
        if (!(await completeTextBatch(db, organization.id, id, { failed, resultsSealed }))) return;
        await addToDays(db, organization.id, counted);
        await tellAlarming(db, undefined, alarming);
      }),
    );
  },
  async gaveUp({ organization }, id, failure) {
    await organization.store.run((db) => failTextBatch(db, organization.id, id, failure));
  },
};

async function makeJudge(
  { ask }: TaskContext,
  { useAi, model }: SentimentTerms,
  user: string | undefined,
): Promise<(text: BatchText, at: number) => Promise<Sentiment>> {
  if (!useAi) {
    const rate = await loadRateByLexicon();
    return async (text) => rate(text);
  }
  return async ({ text }, at) => {
    const { body, said } = askForSentiment(model, text);
    const attempt = async (step: string) =>
      readSentiment((await ask({ step, kind: 'analysis', user, body, said })).completion);
    let read = await attempt(`text-${at}`);
    if ('problem' in read) read = await attempt(`text-${at}-again`);
    if ('problem' in read) throw new ProxyError(read.problem);
    return read.sentiment;
  };
}

/** Writes how far the batch is, from time to time, and finds out whether it is still wanted. */
function makeProgress({ organization }: TaskContext, id: string) {
  let [done, failed, writtenAt] = [0, 0, performance.now()];
  let writing: Promise<boolean> | undefined;
  const write = () => organization.store.run((db) => noteProgress(db, organization.id, id, { done, failed }));
  return {
    note(hasFailed: boolean) {
      done += 1;
      if (hasFailed) failed += 1;
    },
    /** @throws {BatchGone} */
    async requireWanted() {
      if (performance.now() - writtenAt > progressMs) {
        writtenAt = performance.now();
        writing = write();
      }
      if (writing && !(await writing)) throw new BatchGone();
    },
  };
}
