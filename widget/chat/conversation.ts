import { ApiError, ChatClient } from '../../clients/javascript/src/index.ts';
import { withHistory } from './history.ts';
import type { Memory } from './memory.ts';
import { noticeOf } from './notice.ts';
import { nextLookMs } from './poll.ts';
import { makeSending } from './send.ts';
import { type ChatState, countOfTeam, empty, isOutgoing, isWriting, makeStore } from './state.ts';

export interface ConversationOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly memory: Memory;
  readonly onChange: (now: ChatState, before: ChatState) => void;
  /** Hears what developers should know. */
  readonly report: (error: unknown) => void;
}

/** The visitor's conversation: what is said in it, and what becomes of it. */
export type Conversation = ReturnType<typeof makeConversation>;

export function makeConversation({ apiKey, baseUrl, memory, onChange, report }: ConversationOptions) {
  const store = makeStore((now, before) => {
    onChange(now, before);
    if (now.status !== before.status || isWriting(now) !== isWriting(before)) lookSoon();
  });
  const client = new ChatClient({
    ...{ apiKey, baseUrl, maxRetries: 2, maxRetryDelayMs: 6_000 },
    storage: memory.visitors,
    onRetry: () => store.change({ isSlow: true }),
  });
  const isOnline = () => navigator.onLine;
  const sending = makeSending({ client, memory, store, isOnline, now: Date.now, report });
  let isOpen = false;
  let exchanges = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let idle = 0;

  /** Reads the whole conversation, unless an answer of it is on its way to this page. */
  const refresh = async () => {
    const { conversationId } = memory.get();
    if (conversationId === undefined || exchanges > 0) return;
    try {
      // A look is repeated anyway.
      const told = await client.getConversation(conversationId, { maxRetries: 0 });
      if (memory.get().conversationId !== conversationId || exchanges > 0) return;
      const before = store.get();
      const now = withHistory(before, told);
      const ofTeam = countOfTeam(now);
      const { seen = 0 } = memory.get();
      idle = now.messages.length === before.messages.length && now.status === before.status ? idle + 1 : 0;
      memory.keep({ isEscalated: now.status === 'escalated', ...(isOpen && { seen: ofTeam }) });
      const isReachable = before.notice?.kind === 'offline' || before.notice?.kind === 'unreachable';
      const unread = isOpen ? 0 : Math.max(0, ofTeam - seen);
      store.change({ ...now, unread, ...(isReachable && !now.messages.some(isOutgoing) && { notice: undefined }) });
    } catch (error) {
      idle += 1;
      const isGone = error instanceof ApiError && [401, 404].includes(error.status);
      if (isGone) forget();
      // Whoever sees nothing of the conversation should know why.
      const isBlank = store.get().messages.length === 0 && !isGone;
      const notice = noticeOf(error, { isOnline: isOnline(), nowMs: Date.now() });
      store.change({ isLoading: false, ...(isBlank && { notice }) });
    }
  };
  const forget = () => {
    memory.keep({ conversationId: undefined, isEscalated: false, seen: 0 });
    store.change({ ...empty, messages: store.get().messages.filter(isOutgoing) });
  };

  /** Whether there may be more than what this page knows. */
  const isBehind = () => {
    const { conversationId, isEscalated } = memory.get();
    const { status, messages } = store.get();
    if (conversationId === undefined) return false;
    return status === 'escalated' || isEscalated || isWriting(store.get()) || (isOpen && messages.length === 0);
  };

  /** Looks for what others say, while somebody may say something and the page is seen. */
  const look = () => {
    clearTimeout(timer);
    if (!isBehind() || document.hidden || !isOnline()) return;
    const delayMs = nextLookMs({ idle, rate: client.rateLimit, nowMs: Date.now() });
    timer = setTimeout(() => void refresh().then(look), delayMs);
  };
  const lookSoon = () => {
    idle = 0;
    look();
  };
  const exchanging = async (work: Promise<void>) => {
    exchanges += 1;
    await work.finally(() => {
      exchanges -= 1;
    });
    lookSoon();
  };

  return {
    state: store.get,
    send: (text: string) => exchanging(sending.send(text)),
    resend: () => exchanging(sending.resend()),
    /** Shows what was said before on another page. */
    async load() {
      if (memory.get().conversationId === undefined) return;
      store.change({ isLoading: store.get().messages.length === 0 });
      await refresh();
      look();
    },
    /** Leaves the conversation and begins another one. */
    restart() {
      sending.leave();
      memory.keep({ conversationId: undefined, isEscalated: false, seen: 0 });
      store.change(empty);
    },
    async rate(rating: number, comment?: string) {
      const { conversationId } = memory.get();
      if (conversationId === undefined) return;
      const before = store.get();
      store.change({ rating, hasCommented: comment !== undefined });
      await client.submitFeedback({ conversationId, rating, comment }).catch((error: unknown) => {
        store.change({
          rating: before.rating,
          hasCommented: false,
          notice: { kind: isOnline() ? 'failed' : 'offline' },
        });
        report(error);
      });
    },
    setOpen(now: boolean) {
      isOpen = now;
      if (!now) return;
      memory.keep({ seen: countOfTeam(store.get()) });
      store.change({ unread: 0 });
    },
    /** The page is seen again, the browser online again, or the memory changed by another tab. */
    async wake() {
      if (!isOnline() || document.hidden) return;
      const { messages, notice } = store.get();
      const wasCut = notice?.kind === 'offline' || notice?.kind === 'unreachable';
      if (wasCut && messages.some(({ phase }) => phase === 'unsent')) await exchanging(sending.resend());
      if (isBehind()) await refresh();
      lookSoon();
    },
    stop: () => clearTimeout(timer),
  };
}
