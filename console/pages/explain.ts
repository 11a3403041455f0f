import { html, nothing, type TemplateResult } from 'lit/html.js';
import type { Explanation } from '../data/explanation.ts';
import { definePage, type View } from '../page.ts';
import { showEmpty } from '../parts/empty.ts';
import { showExplanation } from '../parts/explanation.ts';
import { showSection } from '../parts/facts.ts';

const operations = [
  ...['chat', 'responses', 'messages', 'embeddings', 'completions', 'moderations', 'images', 'speech'],
];

/** What the form says, as texts. */
interface Question {
  readonly operation: string;
  readonly model: string;
  readonly user: string;
  readonly namespace: string;
  readonly body: string;
}

export const explain = definePage<null>({
  path: '/explain',
  title: 'Explain a call',
  about:
    'What would happen to such a call now, and which field of which resource decides. Nothing is sent, counted or recorded.',
  load: async () => null,
  show(_, view) {
    const { operation = 'chat', model = '', user_id = '' } = view.query;
    const question = view.state<Question>('question', { operation, model, user: user_id, namespace: '', body: '' });
    const answer = view.state<Explanation | undefined>('answer', undefined);
    const ask = (event: Event) => {
      event.preventDefault();
      void view.act(async () =>
        answer.set(await view.api.send<Explanation>('POST', '/v1/explain', toBody(question.value))),
      );
    };
    const set = (fields: Partial<Question>) => question.set({ ...question.value, ...fields });
    return html`<div class="aside reversed">
      <form @submit=${ask}>${showSection('The call', showForm(question.value, set, view))}</form>
      <div class="page" aria-live="polite">
        ${answer.value ? showExplanation(answer.value) : showEmpty('Ask about a call', 'The answer names every check, in the order in which they are made.')}
      </div>
    </div>`;
  },
});

function showForm(question: Question, set: (fields: Partial<Question>) => void, view: View): TemplateResult {
  const text = (name: keyof Question) => (event: Event) => {
    const { target } = event;
    if (
      target instanceof HTMLInputElement ||
      target instanceof HTMLTextAreaElement ||
      target instanceof HTMLSelectElement
    )
      set({ [name]: target.value });
  };
  const isAdmin = view.me.roles.includes('admin');
  const known = operations.includes(question.operation) ? operations : [question.operation, ...operations];
  return html`<label class="field"><span>Operation</span>
      <select @change=${text('operation')}>${known.map((name) => html`<option ?selected=${name === question.operation}>${name}</option>`)}</select></label>
    <label class="field"><span>Model</span><input .value=${question.model} placeholder="gpt-4o-mini" @input=${text('model')} /></label>
    ${
      isAdmin
        ? html`<label class="field"><span>User</span><input .value=${question.user} placeholder=${view.me.user_id ?? 'you'} @input=${text('user')} /></label>
            <label class="field"><span>Namespace of the pod</span><input .value=${question.namespace} placeholder="the proxy’s own" @input=${text('namespace')} /></label>`
        : nothing
    }
    <label class="field"><span>Body, as JSON</span>
      <textarea rows="7" class="code" spellcheck="false" placeholder=${'{"messages": [{"role": "user", "content": "Hello"}]}'} .value=${question.body} @input=${text('body')}></textarea></label>
    <div class="row"><button type="submit" class="primary" ?disabled=${view.isBusy}>Explain</button></div>`;
}

function toBody({ operation, model, user, namespace, body }: Question): object {
  const stated = Object.entries({ model: model.trim(), user_id: user.trim(), namespace: namespace.trim() });
  return {
    operation,
    ...Object.fromEntries(stated.filter(([, value]) => value !== '')),
    ...(body.trim() !== '' && { body: parseBody(body) }),
  };
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`The body is no JSON: ${error instanceof Error ? error.message : ''}`);
  }
}
