import { html, type TemplateResult } from 'lit/html.js';
import type { Texts } from '../texts/en.ts';
import { sendIcon } from './icons.ts';
import type { Actions } from './model.ts';

/** Of the API. */
const longestMessage = 20_000;

/** Where the visitor writes: Enter sends, Shift and Enter begin a line. */
export function showComposer(texts: Texts, actions: Actions): TemplateResult {
  const submit = (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLElement;
    const field = (form.closest('form') ?? form).querySelector('textarea');
    const text = field?.value.trim() ?? '';
    if (!field || text === '') return;
    field.value = '';
    fit(field);
    actions.send(text);
    field.focus();
  };
  const press = (event: KeyboardEvent) => {
    // While a word is composed, as in Japanese, Enter ends the word.
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event);
  };
  return html`<form class="composer" @submit=${submit}>
    <textarea
      class="field" rows="1" dir="auto" maxlength=${longestMessage} enterkeyhint="send"
      aria-label=${texts.input} placeholder=${texts.placeholder}
      @keydown=${press} @input=${({ target }: Event) => fit(target as HTMLTextAreaElement)}
    ></textarea>
    <button type="submit" class="send" aria-label=${texts.send}>${sendIcon}</button>
  </form>`;
}

/** Lets the field grow with its text; the style says how far. */
function fit(field: HTMLTextAreaElement): void {
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight + 2}px`;
}
