import { ApiError, type ChatClient, type ChatResponse, StreamError } from '../../clients/javascript/src/index.ts';
import { toSource } from './history.ts';
import type { Memory } from './memory.ts';
import { noticeOf } from './notice.ts';
import type { Store } from './state.ts';

export interface SendContext {
  readonly client: Pick<ChatClient, 'streamMessage'>;
  readonly memory: Memory;
  readonly store: Store;
  readonly isOnline: () => boolean;
  readonly now: () => number;
  /** Hears what developers should know. */
  readonly report: (error: unknown) => void;
}

/** Sends messages, one after another, and tells the answers while they are made. */
export function makeSending(context: SendContext) {
  const { store } = context;
  let last = Promise.resolve();
  let left = new AbortController();

  const deliver = async (key: string, message: string) => {
    const { messages } = store.get();
    // The conversation was left meanwhile.
    if (!messages.some((one) => one.key === key)) return;
    if (!context.isOnline()) {
      store.changeMessage(key, { phase: 'unsent' });
      store.change({ notice: { kind: 'offline' } });
      return;
    }
    store.changeMessage(key, { phase: 'sending' });
    store.change({ notice: undefined, isSlow: false });
    await exchange(context, { key, message, signal: left.signal }).finally(() => store.change({ isSlow: false }));
  };
  const queue = (key: string, message: string) => {
    last = last.then(() => deliver(key, message));
    return last;
  };

  const send = (message: string) => {
    const key = makeKey();
    store.add({ key, sender: 'user', text: message, phase: 'sending', sources: [] });
    return queue(key, message);
  };

  return {
    send,
    /** Hears no more of what is under way: the visitor begins another conversation. */
    leave() {
      left.abort();
      left = new AbortController();
    },
    /**
     * Sends what has not arrived again; its key makes sure that it does not arrive twice. Where all has arrived and the last
     * message has no answer, it is said once more.
     */
    async resend(): Promise<void> {
      const { messages } = store.get();
      const unsent = messages.filter(({ phase }) => phase === 'unsent');
      if (unsent.length > 0) await Promise.all(unsent.map(({ key, text }) => queue(key, text)));
      else if (messages.at(-1)?.phase === 'missing') {
        const question = messages.findLast(({ sender }) => sender === 'user');
        if (question) await send(question.text);
      }
    },
  };
}

interface Outgoing {
  readonly key: string;
  readonly message: string;
  readonly signal: AbortSignal;
}

/** Sends a message, and follows its answer to the end. */
async function exchange(context: SendContext, outgoing: Outgoing, isSecond = false): Promise<void> {
  const { client, memory, store } = context;
  const { key, message, signal } = outgoing;
  const { conversationId } = memory.get();
  const isWithTeam = store.get().status === 'escalated';
  let answerKey: string | undefined;
  let text = '';
  try {
    // Without the unknown conversation, it is another request.
    const idempotencyKey = isSecond ? `${key}-2` : key;
    const asked = { message, channel: 'chat', conversationId };
    for await (const event of client.streamMessage(asked, { idempotencyKey, signal })) {
      if (signal.aborted) return;
      if (event.type === 'message') {
        memory.keep({ conversationId: event.conversationId });
        store.changeMessage(key, { phase: 'given' });
        // Where the team has the conversation, no machine answers.
        answerKey = event.messageId;
        if (!isWithTeam) store.add({ key: answerKey, sender: 'ai', text, phase: 'writing', sources: [] });
      } else if (event.type === 'delta') {
        text += event.text;
        if (answerKey !== undefined) store.changeMessage(answerKey, { text });
      } else {
        finish(context, event.response);
      }
    }
  } catch (error) {
    if (signal.aborted) return;
    if (!isSecond && isOfNoConversation(error, conversationId)) {
      memory.keep({ conversationId: undefined, isEscalated: false });
      const own = store.get().messages.filter((one) => one.key === key);
      store.change({ messages: own, status: 'active', rating: undefined, hasCommented: false });
      await exchange(context, outgoing, true);
      store.change({ notice: store.get().notice ?? { kind: 'expired' } });
    } else {
      fail(context, { key, answerKey }, error);
    }
  }
}

function finish({ memory, store }: SendContext, response: ChatResponse): void {
  const { answer, messageId, sourceArticles = [], status } = response;
  store.changeMessage(messageId, { text: answer, phase: 'given', sources: sourceArticles.map(toSource) });
  store.change({ status });
  memory.keep({ isEscalated: status === 'escalated' });
}

/** The conversation is gone, or the visitor of it: both end after a while. */
function isOfNoConversation(error: unknown, conversationId: string | undefined): boolean {
  if (!(error instanceof ApiError) || conversationId === undefined) return false;
  return error.code === 'conversation_not_found' || error.details.field === 'X-Visitor-Token';
}

interface Keys {
  readonly key: string;
  /** Undefined: the message has not arrived. */
  readonly answerKey: string | undefined;
}

function fail({ store, isOnline, now, report }: SendContext, { key, answerKey }: Keys, error: unknown): void {
  const notice = noticeOf(error, { isOnline: isOnline(), nowMs: now() });
  // What the server has refused as such, it will refuse again.
  const isFinal = error instanceof StreamError || notice.kind === 'blocked';
  if (answerKey === undefined) store.changeMessage(key, { phase: isFinal ? 'withheld' : 'unsent' });
  else if (isFinal) store.changeMessage(answerKey, { text: '', phase: 'missing' });
  // Of what has arrived, the answer goes on; who looks for it sees what has become of it.
  store.change({ notice });
  if (!['offline', 'unreachable', 'tooMany'].includes(notice.kind)) report(error);
}

/** `crypto.randomUUID` is not there on pages without TLS. */
function makeKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
