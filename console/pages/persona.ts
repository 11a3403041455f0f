import { html, nothing, type TemplateResult } from 'lit/html.js';
import { bodyOf, changedFields, draftOf, emptyDraft, type Persona, type PersonaDraft } from '../data/personas.ts';
import { at, linkTo } from '../data/route.ts';
import { definePage, type View } from '../page.ts';
import { showDiff } from '../parts/diff.ts';
import { showFacts, showSection } from '../parts/facts.ts';
import { moment } from '../parts/moment.ts';

/** Null: a new one. */
type Data = Persona | null;

export const persona = definePage<Data>({
  path: '/personas/:id',
  title: 'Persona',
  load: async ({ api, params: { id = '' } }) =>
    id === 'new' ? null : api.get<Persona>(`/v1/personas/${encodeURIComponent(id)}`),
  show(found, view) {
    const mayEdit = view.me.roles.includes('admin') && !found?.managed_by;
    return html`<p class="crumbs"><a href="#/personas">Personas</a></p>
      ${found?.managed_by ? showOwned(found.managed_by) : nothing}
      ${mayEdit ? showEditor(found, view) : found ? showReader(found) : nothing}`;
  },
});

function showOwned(owner: string): TemplateResult {
  return html`<div class="hint"><p><strong>${owner}</strong> in Kubernetes owns this persona. Change its YAML: the operator applies it everywhere within a second or so.</p></div>`;
}

function showReader(found: Persona): TemplateResult {
  return html`<div class="aside">
    ${showSection(found.name, html`<div class="prose text">${found.content}</div>`)}
    <div class="page">${showSection('About it', showAbout(found))}</div>
  </div>`;
}

function showAbout(found: Persona): TemplateResult {
  return html`${showFacts([
    ['What for', found.description],
    ['For', found.users.length === 0 ? 'everyone' : found.users.join(', ')],
    ['Model', found.model],
    ['Parameters', Object.keys(found.parameters).length > 0 && html`<code>${JSON.stringify(found.parameters)}</code>`],
    ['In use', found.is_active ? 'yes' : 'no'],
    ['Made', moment(found.created_at)],
    ['Changed', moment(found.updated_at)],
    ['Id', html`<code>${found.id}</code>`],
  ])}
  <p class="small"><a href=${linkTo('/requests', { persona_id: found.id })}>Requests with it</a></p>`;
}

function showEditor(found: Data, view: View): TemplateResult {
  const before = found ? draftOf(found) : emptyDraft;
  const draft = view.state<PersonaDraft>('draft', before);
  const changed = changedFields(before, draft.value);
  const set = (fields: Partial<PersonaDraft>) => draft.set({ ...draft.value, ...fields });
  const save = (event: Event) => {
    event.preventDefault();
    void view.act(async () => {
      const body = bodyOf(draft.value);
      const saved = found
        ? await view.api.send<Persona>('PATCH', `/v1/personas/${found.id}`, body)
        : await view.api.send<Persona>('POST', '/v1/personas', body);
      draft.set(draftOf(saved));
      if (found) await view.reload();
      else view.go(at('/personas', saved.id));
    }, 'Saved: it is in force with the next call');
  };
  const retire = () => {
    if (!found || !confirm(`Delete the persona “${found.name}”? Calls that name it are refused from then on.`)) return;
    void view.act(async () => {
      await view.api.send('DELETE', `/v1/personas/${found.id}`);
      view.go('/personas');
    });
  };
  return html`<form class="aside editor" @submit=${save}>
    ${showSection(
      found ? found.name : 'New persona',
      html`${field('Name', html`<input required maxlength="200" .value=${draft.value.name} @input=${textTo((name) => set({ name }))} />`)}
        ${field('What for', html`<input maxlength="2000" .value=${draft.value.description} @input=${textTo((description) => set({ description }))} />`)}
        ${field('Instructions', html`<textarea required rows="14" .value=${draft.value.content} @input=${textTo((content) => set({ content }))}></textarea>`)}
        <div class="row">
          <button type="submit" class="primary" ?disabled=${view.isBusy || changed.length === 0}>${found ? 'Save' : 'Make it'}</button>
          ${changed.length > 0 ? html`<button type="button" class="quiet" @click=${() => draft.set(before)}>Undo</button>` : nothing}
          ${found ? html`<button type="button" class="quiet danger" ?disabled=${view.isBusy} @click=${retire}>Delete</button>` : nothing}
        </div>
        ${found && changed.length > 0 ? showChanges(before, draft.value, changed) : nothing}`,
    )}
    <div class="page">
      ${showSection(
        'Defaults and users',
        html`${field('Model of calls that name none', html`<input maxlength="200" placeholder="gpt-4o-mini" .value=${draft.value.model} @input=${textTo((model) => set({ model }))} />`)}
          ${field('Parameters, as JSON', html`<textarea rows="4" class="code" spellcheck="false" placeholder=${'{"temperature": 0.3}'} .value=${draft.value.parameters} @input=${textTo((parameters) => set({ parameters }))}></textarea>`)}
          ${field('Only for these users, one a line', html`<textarea rows="3" placeholder="everyone" .value=${draft.value.users} @input=${textTo((users) => set({ users }))}></textarea>`)}
          <label class="check"><input type="checkbox" .checked=${draft.value.isActive} @change=${(event: Event) => event.target instanceof HTMLInputElement && set({ isActive: event.target.checked })} /> In use</label>`,
      )}
      ${found ? showSection('About it', showAbout(found)) : nothing}
    </div>
  </form>`;
}

const field = (label: string, control: unknown) => html`<label class="field"><span>${label}</span>${control}</label>`;

const textTo = (set: (text: string) => void) => (event: Event) => {
  if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) set(event.target.value);
};

function showChanges(
  before: PersonaDraft,
  after: PersonaDraft,
  changed: readonly (keyof PersonaDraft)[],
): TemplateResult {
  return html`<h3>What changes</h3>
    ${changed.map((name) => html`<p class="small muted">${labels[name]}</p>${showDiff(`Change of ${labels[name]}`, String(before[name]), String(after[name]))}`)}`;
}

const labels: Readonly<Record<keyof PersonaDraft, string>> = {
  ...{ name: 'Name', description: 'What for', content: 'Instructions', model: 'Model', users: 'Users' },
  ...{ parameters: 'Parameters', isActive: 'In use' },
};
