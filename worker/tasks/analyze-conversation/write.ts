import type { AnalysisMetadata } from '../../../database/conversation-analyses.ts';
import { readWords } from '../../../proxy/governance/analyses/reply.ts';
import { sumKnown } from '../../../proxy/governance/analyses/sum-known.ts';
import { askForAnalysis } from '../../../proxy/governance/conversation-analyses/prompt.ts';
import type { AnalysisSettings } from '../../../proxy/governance/conversation-analyses/settings.ts';
import type { ShownMessage } from '../../../proxy/governance/conversations/messages.ts';
import { asString } from '../../../proxy/providers/json.ts';
import { JobError } from '../../job-error.ts';
import type { TaskContext, TaskReply } from '../../task.ts';

/** In whose name it is written, and which analysis it is. */
export interface Writer {
  readonly id: string;
  readonly user: string | undefined;
}

/** A text, and what it took. */
export interface Written
  extends Pick<AnalysisMetadata, 'totalTokens' | 'model' | 'costUsd' | 'calls' | 'requestIds' | 'isTruncated'> {
  /** Markdown. */
  readonly text: string;
}

/**
 * Has a model write the analysis.
 *
 * @throws {JobError | ProxyError} as any call, and `upstream_refused`, `upstream_invalid_response`
 */
export async function writeAnalysis(
  ask: TaskContext['ask'],
  { id, user }: Writer,
  settings: AnalysisSettings,
  messages: readonly ShownMessage[],
): Promise<Written> {
  const replies: TaskReply[] = [];
  const reply = await ask({
    step: 'whole',
    kind: 'analysis',
    user,
    turn: id,
    body: askForAnalysis(settings, messages),
  });
  replies.push(reply);
  const { text, isTruncated } = requireWords(reply);
  return {
    text,
    isTruncated,
    model: asString(reply.completion.model) ?? settings.model,
    totalTokens: sumKnown(replies.map(({ totalTokens }) => totalTokens)),
    costUsd: sumKnown(replies.map(({ costUsd }) => (costUsd === null ? null : Number(costUsd)))),
    calls: replies.length,
    requestIds: replies.map(({ requestId }) => requestId),
  };
}

function requireWords({ completion }: TaskReply) {
  const words = readWords(completion);
  if ('problem' in words) {
    throw new JobError(words.problem, 'The model refuses to analyze the conversation', { isFinal: true });
  }
  if (words.text.trim() === '')
    throw new JobError('upstream_invalid_response', 'The model wrote nothing', { isFinal: true });
  return words;
}
