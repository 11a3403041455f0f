import type { AnalysisMetadata } from '../../../database/conversation-analyses.ts';
import { ProxyError } from '../../../proxy/error.ts';
import { readWords } from '../../../proxy/governance/analyses/reply.ts';
import { sumKnown } from '../../../proxy/governance/analyses/sum-known.ts';
import { estimateTokens, type Material, toParts } from '../../../proxy/governance/conversation-analyses/parts.ts';
import {
  askForAnalysis,
  askForAnalysisOfNotes,
  askForNotes,
  type ModelQuestion,
} from '../../../proxy/governance/conversation-analyses/prompt.ts';
import type { AnalysisSettings } from '../../../proxy/governance/conversation-analyses/settings.ts';
import { AnswerError } from '../../../proxy/providers/answer-error.ts';
import { asString } from '../../../proxy/providers/json.ts';
import { JobError } from '../../job-error.ts';
import type { TaskContext, TaskReply } from '../../task.ts';

/** In whose name it is written, and which analysis it is. */
export interface Writer {
  readonly id: string;
  readonly user: string | undefined;
  /** Called with the text so far. */
  readonly onText?: (text: string) => void;
}

/** A text, and what it took. */
export interface Written
  extends Pick<
    AnalysisMetadata,
    'totalTokens' | 'model' | 'costUsd' | 'calls' | 'requestIds' | 'parts' | 'isTruncated'
  > {
  /** Markdown. */
  readonly text: string;
}

/** Below this, a model cannot say anything about a conversation. */
const smallestWindow = 500;
/** Notes of notes of notes: more would say nothing. */
const mostRounds = 4;

/**
 * Has a model write the analysis: in one call, or, where the conversation is larger than its window, from notes about
 * its parts. The window is halved as long as the model says that it is smaller.
 *
 * @throws {JobError | ProxyError} as any call, and `upstream_refused`, `upstream_invalid_response`,
 * `conversation_too_long`
 */
export async function writeAnalysis(
  ask: TaskContext['ask'],
  { id, user, onText }: Writer,
  settings: AnalysisSettings,
  messages: readonly Material[],
): Promise<Written> {
  const replies: TaskReply[] = [];
  const say = async (step: string, body: ModelQuestion, isText: boolean) => {
    const heard = isText && onText ? { onText } : {};
    const reply = await ask({ step, kind: 'analysis', user, turn: id, body, ...heard });
    replies.push(reply);
    return { ...requireWords(reply), model: asString(reply.completion.model) ?? settings.model };
  };
  for (let window = settings.maxInputTokens; window >= smallestWindow; window = Math.floor(window / 2)) {
    try {
      const { parts, ...written } = await writeWithin(window, say, settings, messages);
      return {
        ...written,
        parts,
        totalTokens: sumKnown(replies.map(({ totalTokens }) => totalTokens)),
        costUsd: sumKnown(replies.map(({ costUsd }) => (costUsd === null ? null : Number(costUsd)))),
        calls: replies.length,
        requestIds: replies.map(({ requestId }) => requestId),
      };
    } catch (error) {
      if (!isTooLong(error)) throw error;
    }
  }
  throw tooLong();
}

type Say = (
  step: string,
  body: ModelQuestion,
  /** Whether the answer is the analysis, and not notes for it. */
  isText: boolean,
) => Promise<{ readonly text: string; readonly isTruncated: boolean; readonly model: string }>;

/** The steps have the window in their names, since another one makes other parts. */
async function writeWithin(window: number, say: Say, settings: AnalysisSettings, messages: readonly Material[]) {
  if (estimateTokens(messages) <= window) {
    return { ...(await say(`whole-${window}`, askForAnalysis(settings, messages), true)), parts: 1 };
  }
  let material: readonly Material[] = messages;
  let first = 0;
  for (let round = 1; estimateTokens(material) > window; round += 1) {
    if (round > mostRounds) throw tooLong();
    const parts = toParts(material, window);
    first ||= parts.length;
    const notes: Material[] = [];
    for (const [index, part] of parts.entries()) {
      const question = askForNotes(settings, part, index + 1, parts.length);
      const { text } = await say(`notes-${window}-${round}-${index + 1}`, question, false);
      notes.push({ role: 'notes', text });
    }
    material = notes;
  }
  return { ...(await say(`notes-${window}-whole`, askForAnalysisOfNotes(settings, material), true)), parts: first };
}

/** Providers say so in different words. */
function isTooLong(error: unknown): boolean {
  const cause = error instanceof ProxyError ? error.cause : undefined;
  if (!(cause instanceof AnswerError)) return false;
  return (
    cause.status === 413 ||
    (cause.status === 400 &&
      /context.?length|context.?window|too (long|large|many tokens)|maximum.*tokens/i.test(cause.message))
  );
}

function tooLong(): JobError {
  return new JobError('conversation_too_long', 'The conversation is too long for the model', { isFinal: true });
}

function requireWords({ completion }: TaskReply) {
  const words = readWords(completion);
  if ('problem' in words) {
    throw new JobError(words.problem, 'The model refuses to analyze the conversation', { isFinal: true });
  }
  if (words.text.trim() !== '') return words;
  throw new JobError('upstream_invalid_response', 'The model wrote nothing', { isFinal: true });
}
