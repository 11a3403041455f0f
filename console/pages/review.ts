import { html, nothing, type TemplateResult } from 'lit/html.js';
import type { Enveloped, WholeReview } from '../data/reviews.ts';
import { definePage, type View } from '../page.ts';
import { badge } from '../parts/badge.ts';
import { showDiff } from '../parts/diff.ts';
import { showFacts, showSection } from '../parts/facts.ts';
import { ago, moment } from '../parts/moment.ts';
import { showWords } from '../parts/said.ts';
import { mayReview, reviewBadge, takeNext } from './reviews.ts';

export const review = definePage<WholeReview>({
  path: '/reviews/:id',
  title: 'Review',
  roles: ['reviewer', 'analyst'],
  load: async ({ api, params: { id = '' } }) =>
    (await api.get<Enveloped<WholeReview>>(`/api/v1/review/items/${encodeURIComponent(id)}`)).data,
  show: (item, view) => html`<p class="crumbs"><a href="#/reviews">Review queue</a></p>
    <p class="summary">${reviewBadge(item)} <strong>${item.category.replaceAll('_', ' ')}</strong> queued ${ago(item.created_at)}${isOpen(item) ? showHold(item) : nothing}</p>
    <div class="aside">
      <div class="page">
        ${showSection(
          'What was asked and answered',
          showWords([
            { role: 'user', text: item.query },
            { role: 'assistant', text: item.response },
          ]),
        )}
        ${showToolCalls(item)}
        ${isOpen(item) && mayReview(view) ? showSection('Your decision', showForm(item, view)) : nothing}
        ${item.final_response !== null && item.edited ? showSection('As it was edited', showDiff('Edit of the answer', item.response, item.final_response)) : nothing}
      </div>
      <div class="page">${showSection('About it', showAbout(item))} ${showSection('Decisions', showDecisions(item))} ${showSection('Comments', showComments(item, view))}</div>
    </div>`,
  keys: (item, view) => ({
    ...(isOpen(item) && mayReview(view) && { a: () => decide(item, view, true), r: () => decide(item, view, false) }),
    ...(mayReview(view) && { n: () => takeNext(view) }),
  }),
});

const isOpen = ({ status }: WholeReview) => status !== 'reviewed';

function showForm(item: WholeReview, view: View): TemplateResult {
  const edited = view.state('edited', item.response);
  const feedback = view.state('feedback', '');
  const text = (set: (value: string) => void) => (event: Event) => {
    if (event.target instanceof HTMLTextAreaElement) set(event.target.value);
  };
  return html`<label class="field"><span>The answer; edit it where it must change</span>
      <textarea rows="6" .value=${edited.value} @input=${text(edited.set)}></textarea></label>
    ${edited.value === item.response ? nothing : showDiff('Your edit', item.response, edited.value)}
    <label class="field"><span>Why</span><textarea rows="2" .value=${feedback.value} @input=${text(feedback.set)}></textarea></label>
    <div class="row">
      <button type="button" class="primary" ?disabled=${view.isBusy} @click=${() => decide(item, view, true)}>${item.held_by === null ? 'Approve' : 'Release'} <kbd>A</kbd></button>
      <button type="button" class="danger" ?disabled=${view.isBusy} @click=${() => decide(item, view, false)}>Reject <kbd>R</kbd></button>
      <button type="button" class="quiet" ?disabled=${view.isBusy} @click=${() => takeNext(view)}>Next one <kbd>N</kbd></button>
      ${item.claimed_by === null ? nothing : html`<button type="button" class="quiet" ?disabled=${view.isBusy} @click=${() => giveBack(item, view)}>Give it back</button>`}
    </div>`;
}

function decide(item: WholeReview, view: View, approved: boolean): void {
  const edited = view.state('edited', item.response).value;
  const feedback = view.state('feedback', '').value.trim();
  void view.act(
    async () => {
      await view.api.send('POST', '/api/v1/review/decision', {
        ...{ item_id: item.item_id, approved },
        ...(feedback !== '' && { feedback }),
        ...(approved && edited !== item.response && { edits: { modified_response: edited } }),
      });
      await view.reload();
    },
    approved ? (item.held_by === null ? 'Approved' : 'Released') : 'Rejected',
  );
}

function giveBack(item: WholeReview, view: View): void {
  void view.act(async () => {
    await view.api.send('POST', `/api/v1/review/items/${item.item_id}/release`, {});
    view.go('/reviews');
  });
}

function showAbout(item: WholeReview): TemplateResult {
  return showFacts([
    ['Urgency', `${item.priority} of 5`],
    ['Reviews', `${item.reviews} of ${item.reviews_needed}`],
    ['Comes from', item.source],
    ['Held by', item.held_by],
    ['Rejected by itself', item.held_until !== null && isOpen(item) ? moment(item.held_until) : null],
    ['Queued by', item.queued_by],
    ['With', item.claimed_by],
    ['Until', item.claimed_until && moment(item.claimed_until)],
    ['Decided', item.reviewed_at && moment(item.reviewed_at)],
    ['Id', html`<code>${item.item_id}</code>`],
  ]);
}

/** Somebody waits for a held answer. */
function showHold({ held_by: rule, held_until: until }: WholeReview): TemplateResult | typeof nothing {
  if (rule === null || until === null) return nothing;
  return html` · ${badge('held', 'warn')} its caller waits until it is released, or until ${moment(until)}`;
}

/** What the model wants to call belongs to a held answer, and an edit leaves it as it is. */
function showToolCalls({ metadata }: WholeReview): TemplateResult | typeof nothing {
  const { tool_calls: calls } = metadata;
  if (!Array.isArray(calls) || calls.length === 0) return nothing;
  return showSection(
    'The tools that it calls',
    html`<pre class="raw" tabindex="0" aria-label="Calls of tools">${JSON.stringify(calls, null, 2)}</pre>`,
  );
}

function showDecisions({ decisions }: WholeReview): TemplateResult {
  if (decisions.length === 0) return html`<p class="muted">None, or none that you may see before your own.</p>`;
  return html`<ul class="rules">
    ${decisions.map(
      (
        one,
      ) => html`<li><span class="name">${one.reviewer_id ?? 'somebody'} ${one.approved ? badge('approved', 'good') : badge('rejected', 'bad')}</span>
        <span class="muted">${ago(one.decided_at)}</span>${one.feedback === null ? nothing : html`<span class="whole">${one.feedback}</span>`}</li>`,
    )}
  </ul>`;
}

function showComments({ item_id, comments }: WholeReview, view: View): TemplateResult {
  const draft = view.state('comment', '');
  const send = (event: Event) => {
    event.preventDefault();
    void view.act(async () => {
      await view.api.send('POST', `/api/v1/review/items/${item_id}/comments`, { text: draft.value });
      draft.set('');
      await view.reload();
    });
  };
  const write = (event: Event) => event.target instanceof HTMLInputElement && draft.set(event.target.value);
  return html`<ul class="rules">
      ${comments.map((one) => html`<li><span class="name">${one.author_id ?? 'somebody'}</span><span class="muted">${ago(one.created_at)}</span><span class="whole">${one.text}</span></li>`)}
    </ul>
    <form class="row" @submit=${send}>
      <input aria-label="Comment" required .value=${draft.value} @input=${write} />
      <button type="submit" ?disabled=${view.isBusy || draft.value.trim() === ''}>Comment</button>
    </form>`;
}
