import { nothing, render } from 'lit/html.js';
import { announcementOf } from './announce.ts';
import { type Conversation, makeConversation } from './chat/conversation.ts';
import { type Memory, makeMemory } from './chat/memory.ts';
import type { ChatState } from './chat/state.ts';
import type { Settings } from './config.ts';
import { isForPage } from './pages.ts';
import { chooseSpeech, type Speech } from './texts/table.ts';
import { makeTheme, type Theme } from './theme.ts';
import { showChat } from './view/chat.ts';
import type { Actions } from './view/model.ts';

/** What a running element is made of. */
interface Running {
  readonly settings: Settings;
  readonly speech: Speech;
  readonly theme: Theme;
  readonly memory: Memory;
  readonly conversation: Conversation;
  /** Ends what the element hears of the page. */
  readonly ended: AbortController;
}

const small = matchMedia('(max-width: 480px), (max-height: 440px)');
const prefersDark = matchMedia('(prefers-color-scheme: dark)');

/** `<chaperone-chat>`: the chat, in a shadow tree of its own. Pages may call `open`, `close` and `toggle`. */
export class ChatElement extends HTMLElement {
  readonly #root = this.attachShadow({ mode: 'open' });
  #running: Running | undefined;
  #isOpen = false;
  #announcement = '';
  #isQueued = false;
  #countdown: ReturnType<typeof setInterval> | undefined;

  /** Begins with these settings, which end what was before. */
  start(settings: Settings): void {
    this.#running?.ended.abort();
    const memory = makeMemory(() => localStorage, settings.apiKey);
    const ended = new AbortController();
    const speech = chooseSpeech(settings.language, pageLanguages(), settings.texts);
    const theme = makeTheme(settings);
    const conversation = makeConversation({
      ...{ apiKey: settings.apiKey, baseUrl: settings.baseUrl, memory, report },
      onChange: (now, before) => this.#changed(now, before),
    });
    this.#root.adoptedStyleSheets = theme.sheets;
    this.#running = { settings, speech, theme, memory, conversation, ended };
    this.#listen(this.#running);
    const { isOpen, isEscalated } = memory.get();
    this.#isOpen = isOpen ?? (settings.autoOpen && !small.matches);
    conversation.setOpen(this.#isOpen);
    this.#render();
    if (this.#isOpen || isEscalated) void conversation.load();
  }

  open(): void {
    this.#setOpen(true);
  }

  close(): void {
    this.#setOpen(false);
  }

  toggle(): void {
    this.#setOpen(!this.#isOpen);
  }

  disconnectedCallback(): void {
    this.#running?.ended.abort();
  }

  #setOpen(isOpen: boolean): void {
    if (!this.#running || isOpen === this.#isOpen) return;
    const { conversation, memory } = this.#running;
    this.#isOpen = isOpen;
    memory.keep({ isOpen });
    conversation.setOpen(isOpen);
    this.#render();
    this.#root.querySelector<HTMLElement>(isOpen ? '.field' : '.launcher')?.focus();
    if (isOpen) void conversation.load();
  }

  #listen({ conversation, memory, ended }: Running): void {
    const { signal } = ended;
    const render = () => this.#queueRender();
    const wake = () => void conversation.wake();
    for (const query of [small, prefersDark]) query.addEventListener('change', render, { signal });
    for (const event of ['online', 'focus', 'pageshow']) window.addEventListener(event, wake, { signal });
    window.addEventListener('popstate', render, { signal });
    document.addEventListener('visibilitychange', wake, { signal });
    // Pages that change their address without loading anew.
    if ('navigation' in window && window.navigation instanceof EventTarget) {
      window.navigation.addEventListener('currententrychange', render, { signal });
    }
    const heed = ({ key }: StorageEvent) => {
      if (key !== memory.name) return;
      const before = memory.get().conversationId;
      memory.reload();
      if (memory.get().conversationId !== before) void conversation.load();
    };
    window.addEventListener('storage', heed, { signal });
    signal.addEventListener('abort', () => {
      conversation.stop();
      clearInterval(this.#countdown);
    });
  }

  #changed(now: ChatState, before: ChatState): void {
    if (!this.#running) return;
    this.#announcement = announcementOf(now, before, this.#running.speech, Date.now()) ?? this.#announcement;
    clearInterval(this.#countdown);
    if (now.notice?.kind === 'tooMany') this.#countdown = setInterval(() => this.#queueRender(), 1_000);
    this.#queueRender();
  }

  #queueRender(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    queueMicrotask(() => {
      this.#isQueued = false;
      this.#render();
    });
  }

  #render(): void {
    if (!this.#running || this.#running.ended.signal.aborted) return;
    const { settings, speech, theme, conversation } = this.#running;
    const isDark = settings.mode === 'dark' || (settings.mode === 'auto' && prefersDark.matches);
    const isHidden = !isForPage(settings.showOnPages, location.pathname) || (settings.hideOnMobile && small.matches);
    theme.apply(isDark);
    const state = conversation.state();
    const scroll = keepScroll(this.#root, state.messages.at(-1)?.phase === 'sending');
    const model = {
      ...{ settings, speech, isDark, isOpen: this.#isOpen, isMobile: small.matches, nowMs: Date.now() },
      ...{ state, announcement: this.#announcement, actions: this.#actions(conversation) },
    };
    render(isHidden ? nothing : showChat(model), this.#root);
    scroll();
  }

  #actions(conversation: Conversation): Actions {
    const focusField = () => this.#root.querySelector<HTMLElement>('.field')?.focus();
    return {
      toggle: () => this.toggle(),
      close: () => this.close(),
      restart() {
        conversation.restart();
        focusField();
      },
      send: (text) => void conversation.send(text),
      resend() {
        void conversation.resend();
        // The button that was pressed goes away.
        focusField();
      },
      rate: (rating, comment) => void conversation.rate(rating, comment),
    };
  }
}

/** The languages of the page and of the visitor, the best first. */
function pageLanguages(): readonly string[] {
  const { lang } = document.documentElement;
  return lang === '' ? navigator.languages : [lang, ...navigator.languages];
}

/**
 * Whoever reads the end of the messages goes on reading it; whoever has scrolled up stays there.
 *
 * @param isSending the visitor has just written, and wants to see it
 */
function keepScroll(root: ShadowRoot, isSending: boolean): () => void {
  const before = root.querySelector('.log');
  const isAtEnd = !before || before.scrollHeight - before.scrollTop - before.clientHeight < 60;
  return () => {
    const log = root.querySelector('.log');
    if (log && (isAtEnd || isSending || log !== before)) log.scrollTop = log.scrollHeight;
  };
}

/** For the page's developers, who alone read it. */
export function report(problem: unknown): void {
  // biome-ignore lint/suspicious/noConsole: there is no other place
  console.error('Chaperone widget:', problem instanceof Error ? `${problem.name}: ${problem.message}` : problem);
}
