import { html, type TemplateResult } from 'lit/html.js';
import type { ChatState } from '../chat/state.ts';
import type { Texts } from '../texts/en.ts';
import { fill } from '../texts/table.ts';
import { starIcon } from './icons.ts';
import type { Actions } from './model.ts';

const stars = [1, 2, 3, 4, 5];

export function showRating(
  { rating, hasCommented }: Pick<ChatState, 'rating' | 'hasCommented'>,
  texts: Texts,
  rate: Actions['rate'],
): TemplateResult {
  return html`<div class="rating">
    <div class="stars" role="group" aria-label=${texts.rate}>
      <span aria-hidden="true">${rating === undefined ? texts.rate : texts.rated}</span>
      <span class="row">${stars.map((count) => showStar(count, rating, texts, rate))}</span>
    </div>
    ${rating === undefined ? '' : hasCommented ? html`<p class="muted">${texts.commented}</p>` : showComment(rating, texts, rate)}
  </div>`;
}

function showStar(count: number, rating: number | undefined, texts: Texts, rate: Actions['rate']): TemplateResult {
  return html`<button
    type="button"
    class=${rating !== undefined && count <= rating ? 'star chosen' : 'star'}
    aria-label=${fill(texts.stars, { count })}
    aria-pressed=${rating === count}
    @click=${() => rate(count)}
  >${starIcon}</button>`;
}

function showComment(rating: number, texts: Texts, rate: Actions['rate']): TemplateResult {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem('comment') as HTMLInputElement;
    if (field.value.trim() !== '') rate(rating, field.value.trim());
  };
  return html`<form class="comment" @submit=${submit}>
    <input name="comment" maxlength="5000" dir="auto" autocomplete="off" aria-label=${texts.comment} placeholder=${texts.comment} />
    <button type="submit" class="link">${texts.sendComment}</button>
  </form>`;
}
