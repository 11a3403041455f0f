import { html, nothing, type TemplateResult } from 'lit/html.js';
import { chatIcon, closeIcon } from './icons.ts';
import type { Model } from './model.ts';
import { showPanel } from './panel.ts';

/** The whole widget: the button that opens it, and the panel. */
export function showChat(model: Model): TemplateResult {
  const { settings, speech, isOpen, isDark, isMobile, state, actions, announcement } = model;
  const { texts, direction, language } = speech;
  const corner = settings.position ?? (direction === 'rtl' ? 'bottom-left' : 'bottom-right');
  const label = isOpen ? texts.close : state.unread > 0 ? texts.openUnread : texts.open;
  const isWhole = isOpen && isMobile;
  return html`<div
    class="root ${corner} ${isDark ? 'dark' : 'light'} ${isWhole ? 'whole' : ''}"
    role="region" aria-label=${settings.title ?? texts.title} lang=${language} dir=${direction}
  >
    ${
      isWhole
        ? nothing
        : html`<button type="button" class="launcher" aria-label=${label} aria-expanded=${isOpen} @click=${actions.toggle}>
            ${isOpen ? closeIcon : chatIcon}
            ${state.unread > 0 ? html`<span class="badge" aria-hidden="true">${state.unread}</span>` : nothing}
          </button>`
    }
    ${isOpen ? showPanel(model) : nothing}
    <div class="spoken" role="status" aria-live="polite">${announcement}</div>
  </div>`;
}
