import { html, nothing, type TemplateResult } from 'lit/html.js';
import type { Message, Source } from '../chat/state.ts';
import { safeAddress } from '../markdown/inlines.ts';
import type { Texts } from '../texts/en.ts';
import { showLink, showMarkdown } from './markdown.ts';

interface MessageOptions {
  readonly texts: Texts;
  readonly isLast: boolean;
  /** What the button of a message without success does. */
  readonly resend: () => void;
}

export function showMessage(message: Message, { texts, isLast, resend }: MessageOptions): TemplateResult {
  const { sender, phase, sources } = message;
  const retry = html`<button class="link" type="button" @click=${resend}>${texts.retry}</button>`;
  const name = { user: texts.you, ai: texts.assistant, agent: texts.agent }[sender];
  return html`<li class="message ${sender} ${phase}">
    <span class=${sender === 'agent' ? 'name' : 'spoken'}>${name}</span>
    <div class="bubble">${showContent(message, texts)}</div>
    ${sources.length > 0 ? showSources(sources, texts) : nothing}
    ${phase === 'unsent' ? html`<p class="aside">${texts.unsent} · ${retry}</p>` : nothing}
    ${phase === 'missing' && isLast ? html`<p class="aside">${retry}</p>` : nothing}
  </li>`;
}

function showContent({ sender, text, phase }: Message, texts: Texts): unknown {
  if (phase === 'missing') return html`<p class="muted">${texts.missing}</p>`;
  if (phase === 'withheld' && text === '') return html`<p class="muted">${texts.withheld}</p>`;
  // Visitors write plain text.
  if (sender === 'user') return html`<p class="plain" dir="auto">${text}</p>`;
  return phase === 'writing' && text === '' ? dots(texts) : showMarkdown(text);
}

const dots = (texts: Texts) =>
  html`<p class="dots"><span class="spoken">${texts.writing}</span><i></i><i></i><i></i></p>`;

function showSources(sources: readonly Source[], texts: Texts): TemplateResult {
  return html`<div class="aside sources">
    <span>${texts.sources}:</span>
    <ul>${sources.map((source) => html`<li dir="auto">${showSource(source)}</li>`)}</ul>
  </div>`;
}

function showSource({ title, url }: Source): unknown {
  const address = url === undefined ? undefined : safeAddress(url);
  return address === undefined ? title : showLink(address, title);
}
