import { html, type TemplateResult } from 'lit/html.js';
import type { Simulation } from '../data/simulation.ts';
import { definePage, type View } from '../page.ts';
import { showEmpty } from '../parts/empty.ts';
import { showSection } from '../parts/facts.ts';
import { showSimulation } from '../parts/simulation.ts';

interface Stated {
  readonly yaml: string;
}

/** What the form says, as texts. */
interface Question {
  readonly resources: string;
  readonly since: string;
  readonly user: string;
  readonly model: string;
}

const periods = [
  ['1h', 'Last hour'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
] as const;

export const simulate = definePage<Stated>({
  path: '/simulate',
  title: 'Simulate a change',
  about:
    'What a changed Organization would have done with the calls that were recorded, and what they would have cost. Nothing is written.',
  roles: ['admin'],
  load: ({ api }) => api.get<Stated>('/v1/organization'),
  show({ yaml }, view) {
    const question = view.state<Question>('question', { resources: yaml, since: '7d', user: '', model: '' });
    const answer = view.state<Simulation | undefined>('answer', undefined);
    const run = (event: Event) => {
      event.preventDefault();
      void view.act(async () =>
        answer.set(await view.api.send<Simulation>('POST', '/v1/simulate', toBody(question.value))),
      );
    };
    const set = (fields: Partial<Question>) => question.set({ ...question.value, ...fields });
    return html`<div class="aside reversed even">
      <form @submit=${run}>${showSection('The change', showForm(question.value, set, yaml, view))}</form>
      <div class="page" aria-live="polite" aria-busy=${view.isBusy}>
        ${answer.value ? showSimulation(answer.value) : showEmpty('Change something, and simulate it', 'Limits, budgets, models, providers and prices are judged call by call, in the order in which the calls were made.')}
      </div>
    </div>`;
  },
});

function showForm(
  question: Question,
  set: (fields: Partial<Question>) => void,
  yaml: string,
  view: View,
): TemplateResult {
  const text = (name: keyof Question) => (event: Event) => {
    const { target } = event;
    if (
      target instanceof HTMLInputElement ||
      target instanceof HTMLTextAreaElement ||
      target instanceof HTMLSelectElement
    )
      set({ [name]: target.value });
  };
  return html`<label class="field"><span>Resources, as YAML</span>
      <textarea rows="22" class="code" spellcheck="false" .value=${question.resources} @input=${text('resources')}></textarea></label>
    <label class="field"><span>Calls of</span>
      <select @change=${text('since')}>${periods.map(([value, label]) => html`<option value=${value} ?selected=${value === question.since}>${label}</option>`)}</select></label>
    <label class="field"><span>Report only this user</span><input .value=${question.user} placeholder="everybody" @input=${text('user')} /></label>
    <label class="field"><span>Report only this model</span><input .value=${question.model} placeholder="every model" @input=${text('model')} /></label>
    <div class="row">
      <button type="submit" class="primary" ?disabled=${view.isBusy}>Simulate</button>
      <button type="button" ?disabled=${view.isBusy || question.resources === yaml} @click=${() => set({ resources: yaml })}>What is in force</button>
    </div>`;
}

function toBody({ resources, since, user, model }: Question): object {
  const stated = Object.entries({ user_id: user.trim(), model: model.trim() });
  return { resources, since, ...Object.fromEntries(stated.filter(([, value]) => value !== '')) };
}
