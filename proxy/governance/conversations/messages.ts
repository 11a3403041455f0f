import { openContents } from '../../../database/contents.ts';
import type { TurnRow } from '../../../database/conversations.ts';
import { EnvelopeError } from '../../../database/envelope.ts';
import { listRequestContents } from '../../../database/requests.ts';
import { type Message, readAnswer, readMessages } from '../../conversations/messages.ts';
import { splitMessages } from '../../conversations/split.ts';
import { parseObject } from '../../providers/json.ts';
import type { GovernanceContext } from '../context.ts';
import { pathOf } from './tree.ts';

/** A message of a conversation, without instructions. */
export interface ShownMessage {
  readonly role: 'user' | 'tool' | 'assistant';
  /** The words, with the names and arguments of tools that the model called. */
  readonly text: string;
  readonly requestId: string;
  readonly at: Date;
}

/** What was said on a branch. */
export interface BranchMessages {
  readonly messages: readonly ShownMessage[];
  /** How many of the branch's calls have no stored contents, or none that can be read. */
  readonly missingCalls: number;
  /** How many earlier calls of the branch are left out. */
  readonly omittedCalls: number;
}

/** How many contents are read at once. */
const step = 20;

/**
 * Reads what was said from the beginning of a conversation to the end of a branch. Who may read it is already decided
 * (`getConversation`).
 *
 * @param limit how many calls are read, the newest ones
 * @throws {ProxyError} `store_unavailable`
 */
export async function readBranchMessages(
  { inForce, store }: Pick<GovernanceContext, 'inForce' | 'store'>,
  { turns }: { readonly turns: readonly TurnRow[] },
  branchId: string,
  limit: number,
): Promise<BranchMessages> {
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  const path = pathOf(turns, branchId);
  const wanted = path.slice(-limit);
  const messages: ShownMessage[] = [];
  let missingCalls = 0;
  for (let start = 0; start < wanted.length; start += step) {
    const part = wanted.slice(start, start + step);
    const stored = await store.run((db) => listRequestContents(db, organizationId, part));
    const sealedById = new Map(stored.map(({ requestId, sealed }) => [requestId, sealed]));
    for (const turn of part) {
      const sealed = sealedById.get(turn.requestId);
      const said =
        sealed && tryToOpen(() => openContents(envelope, { organizationId, requestId: turn.requestId }, sealed));
      if (!said) missingCalls += 1;
      else messages.push(...showTurn(turn, said.input.toString(), said.output?.toString()));
    }
  }
  return { messages, missingCalls, omittedCalls: path.length - wanted.length };
}

/** What a call added to the conversation, and what was answered. */
function showTurn(turn: TurnRow, input: string, output: string | undefined): ShownMessage[] {
  const request = parseObject(input);
  const answer = output === undefined ? null : parseObject(output);
  const operation = operations.find((name) => name === turn.operation);
  const all = request && operation ? readMessages(operation, request) : [];
  const follows = request?.previous_response_id != null || request?.conversation != null || operation === 'realtime';
  const added = follows ? all : splitMessages(all).fresh;
  const show = ({ by, isResult, text }: Message): ShownMessage => ({
    role: by === 'model' ? 'assistant' : isResult ? 'tool' : 'user',
    text,
    requestId: turn.requestId,
    at: turn.startedAt,
  });
  return [...added, ...(answer ? readAnswer(answer) : [])].filter(({ text }) => text !== '').map(show);
}

const operations = ['chat', 'messages', 'responses', 'compact', 'completions', 'realtime'] as const;

/** @returns undefined where it was sealed with a key that is lost, or was changed since */
function tryToOpen<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}
