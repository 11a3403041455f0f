import { repeat } from 'lit/directives/repeat.js';
import { html, nothing, type TemplateResult } from 'lit/html.js';
import { sayNotice } from '../chat/notice.ts';
import { type ChatState, isWriting, type Message } from '../chat/state.ts';
import type { Texts } from '../texts/en.ts';
import { showComposer } from './composer.ts';
import { closeIcon, restartIcon } from './icons.ts';
import { showMarkdown } from './markdown.ts';
import { showMessage } from './message.ts';
import type { Model } from './model.ts';
import { showRating } from './rating.ts';

export function showPanel(model: Model): TemplateResult {
  const { state, settings, speech, isMobile, actions } = model;
  const { texts } = speech;
  const { status, messages } = state;
  const canAskForPerson = status === 'active' && messages.some(({ sender }) => sender === 'ai');
  return html`<section id="panel" class="panel" role="dialog" aria-labelledby="title" aria-modal=${isMobile ? 'true' : 'false'} @keydown=${keysOf(model)}>
    <div class="head">
      <div>
        <h2 id="title">${settings.title ?? texts.title}</h2>
        <p>${status === 'escalated' ? texts.withPeople : texts.automated}</p>
      </div>
      ${messages.length > 0 ? button(texts.restart, restartIcon, actions.restart) : nothing}
      ${button(texts.close, closeIcon, actions.close)}
    </div>
    <div class="log" role="log" aria-live="off" aria-label=${texts.messages} tabindex="0">
      <ol>
        <li class="message ai"><span class="spoken">${texts.assistant}</span>
          <div class="bubble">${showMarkdown(settings.greeting ?? texts.greeting)}</div></li>
        ${repeat(
          messages,
          ({ key }) => key,
          (message, at) => showMessage(message, { texts, isLast: at === messages.length - 1, resend: actions.resend }),
        )}
      </ol>
      ${state.isLoading ? html`<p class="note">${texts.loading}</p>` : nothing}
      ${showStatus(state, texts)}
      ${mayRate(state) ? showRating(state, texts, actions.rate) : nothing}
    </div>
    ${showNotice(model)}
    ${showComposer(texts, actions)}
    ${
      canAskForPerson
        ? html`<p class="person"><button type="button" class="link" @click=${() => actions.send(texts.personMessage)}>${texts.person}</button></p>`
        : nothing
    }
  </section>`;
}

const button = (label: string, icon: unknown, act: () => void) =>
  html`<button type="button" class="icon" aria-label=${label} title=${label} @click=${act}>${icon}</button>`;

function showStatus({ status, isSlow }: ChatState, texts: Texts): unknown {
  if (isSlow) return html`<p class="note">${texts.slow}</p>`;
  if (status === 'escalated') return html`<p class="note handover">${texts.handedOver}</p>`;
  return status === 'resolved' ? html`<p class="note">${texts.resolved}</p>` : nothing;
}

/** After an answer, and when the conversation is at its end; not while somebody waits for the team. */
function mayRate(state: ChatState): boolean {
  const last: Message | undefined = state.messages.at(-1);
  if (!last || isWriting(state)) return false;
  if (state.status !== 'active') return state.status === 'resolved';
  return last.sender !== 'user' && last.phase === 'given';
}

function showNotice({ state: { notice }, speech, nowMs, actions }: Model): unknown {
  if (!notice) return html`<div role="alert"></div>`;
  const { texts, language } = speech;
  const words = sayNotice(notice, texts, language, nowMs);
  const isOver = notice.kind === 'tooMany' && notice.untilMs !== undefined && notice.untilMs <= nowMs;
  const canRetry = isOver || notice.kind === 'unreachable';
  // Only the words are an alert, so that a countdown is not read every second.
  return html`<div class="notice ${notice.kind}">
    <p role=${notice.kind === 'tooMany' ? 'note' : 'alert'}>${words}</p>
    ${canRetry ? html`<button type="button" class="link" @click=${actions.resend}>${texts.retry}</button>` : nothing}
  </div>`;
}

/** Escape closes. Where the panel is the whole screen, the tabulator stays in it. */
const keysOf =
  ({ actions, isMobile }: Model) =>
  (event: KeyboardEvent) => {
    if (event.key === 'Escape' && !event.isComposing) {
      event.stopPropagation();
      actions.close();
    }
    if (event.key !== 'Tab' || !isMobile) return;
    const panel = event.currentTarget as HTMLElement;
    const places = [...panel.querySelectorAll<HTMLElement>('button, a, input, textarea, [tabindex="0"]')];
    const root = panel.getRootNode() as ShadowRoot;
    const [first, last] = [places[0], places.at(-1)];
    if (root.activeElement !== (event.shiftKey ? first : last)) return;
    event.preventDefault();
    (event.shiftKey ? last : first)?.focus();
  };
