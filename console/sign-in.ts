import { html, nothing, render, type TemplateResult } from 'lit/html.js';
import { adviceFor } from './data/advice.ts';
import { request } from './data/api.ts';
import { type Problem, problemOf } from './data/problem.ts';
import { type IssuedLogin, type Session, sessionOf } from './data/session.ts';
import { icon } from './parts/icons.ts';
import type { Theme } from './surroundings.ts';

export interface SignInModel {
  readonly theme: Theme;
  /** Why somebody is here again. */
  readonly why: string | undefined;
  readonly begin: (session: Session) => void;
}

type Way = 'token' | 'account';

/** What the form remembers while it is there. */
const form: { way: Way; problem: Problem | undefined; isBusy: boolean; needsUser: boolean } = {
  ...{ way: 'token', problem: undefined, isBusy: false, needsUser: false },
};

/** The form by which people sign in: with a token or a key, or with an account of the Organization. */
export function showSignIn(model: SignInModel): TemplateResult {
  const again = () => redraw(model);
  const choose = (way: Way) => {
    Object.assign(form, { way, problem: undefined });
    again();
  };
  const problem = form.problem;
  return html`<main class="sign-in">
    <div class="card">
      <div class="brand">${icon('brand')}<span>Chaperone</span></div>
      <h1>Sign in to the console</h1>
      ${model.why === undefined || problem ? nothing : html`<p class="note" role="status">${model.why}</p>`}
      <div class="ways" role="group" aria-label="How to sign in">
        ${(['token', 'account'] as const).map(
          (way) =>
            html`<button type="button" aria-pressed=${form.way === way} @click=${() => choose(way)}>${way === 'token' ? 'Token or key' : 'Account'}</button>`,
        )}
      </div>
      <form @submit=${(event: SubmitEvent) => submit(event, model)} autocomplete="on">
        ${form.way === 'token' ? showTokenFields() : showAccountFields()}
        ${problem ? html`<div class="wrong" role="alert"><p>${problem.message}</p>${hint(problem)}</div>` : nothing}
        <button type="submit" class="primary" ?disabled=${form.isBusy}>${form.isBusy ? 'Signing in …' : 'Sign in'}</button>
      </form>
      <p class="small">
        ${
          form.way === 'token'
            ? html`<code>npm start</code> prints a token; <code>chaperone token</code> makes one. It stays in this tab and is never sent elsewhere.`
            : html`Accounts are in <code>spec.authentication.accounts</code> of the Organization.`
        }
      </p>
    </div>
    <p class="small foot"><a href="docs">API reference</a></p>
  </main>`;
}

function hint(problem: Problem): unknown {
  const advice = problem.code === 'user_required' || problem.status === 401 ? undefined : adviceFor(problem);
  return advice === undefined ? nothing : html`<p class="advice">${advice}</p>`;
}

const showTokenFields = () => html`
  <label for="token">Token or key</label>
  <input id="token" name="token" type="password" required autocomplete="off" spellcheck="false" placeholder="eyJ…  or  sk_…" />
  ${
    form.needsUser
      ? html`<label for="user">Act for the user</label>
          <input id="user" name="user" required autocomplete="username" placeholder="you@example.com" />
          <p class="small">This token names no user, and the organization wants to know who calls.</p>`
      : nothing
  }`;

const showAccountFields = () => html`
  <label for="username">User</label>
  <input id="username" name="username" required autocomplete="username" />
  <label for="password">Password</label>
  <input id="password" name="password" type="password" required autocomplete="current-password" />`;

async function submit(event: SubmitEvent, model: SignInModel): Promise<void> {
  event.preventDefault();
  if (form.isBusy || !(event.target instanceof HTMLFormElement)) return;
  const fields = new FormData(event.target);
  const text = (name: string) => String(fields.get(name) ?? '').trim();
  Object.assign(form, { isBusy: true, problem: undefined });
  redraw(model);
  try {
    const session = form.way === 'token' ? await tryToken(text('token'), text('user')) : await logIn(text, fields);
    Object.assign(form, { needsUser: false });
    model.begin(session);
  } catch (error) {
    const problem = problemOf(error);
    Object.assign(form, { problem: explain(problem), needsUser: form.needsUser || problem.code === 'user_required' });
  }
  form.isBusy = false;
  if (form.problem) redraw(model);
}

async function tryToken(token: string, user: string): Promise<Session> {
  const named = user === '' ? undefined : user;
  const headers = { authorization: `Bearer ${token}`, ...(named !== undefined && { 'x-user-id': named }) };
  await request('/v1/me', { headers });
  return { token, user: named };
}

async function logIn(text: (name: string) => string, fields: FormData): Promise<Session> {
  const { data } = await request<{ data: IssuedLogin }>('/api/v1/auth/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: text('username'), password: String(fields.get('password') ?? '') }),
  });
  return sessionOf(data);
}

function explain(problem: Problem): Problem {
  if (problem.code !== 'user_required') return problem;
  return { ...problem, message: 'Name the user that you act for.' };
}

function redraw(model: SignInModel): void {
  const root = document.getElementById('console');
  if (root) render(showSignIn(model), root);
}
