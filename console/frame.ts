import { html, nothing, type TemplateResult } from 'lit/html.js';
import { time } from './data/format.ts';
import { matchPath } from './data/route.ts';
import { maySee, navigation, pages } from './navigation.ts';
import { type Me, type Page, refreshOf, type View } from './page.ts';
import { icon } from './parts/icons.ts';
import { showProblem } from './parts/problem.ts';
import type { FrameModel, Shown } from './shown.ts';

/** The console around its pages: the organization, the navigation, and what happens. */
export function showFrame(
  app: FrameModel,
  me: Me | undefined,
  shown: Shown | undefined,
  view: View | undefined,
): TemplateResult {
  return html`<a class="skip" href="#main" @click=${skip}>To the content</a>
    <header class="bar">
      <button
        type="button" class="icon menu" aria-label="Navigation" aria-expanded=${app.isMenuOpen} aria-controls="navigation"
        @click=${() => toggleMenu(app)}
      >${icon('menu')}</button>
      <a class="brand" href="#/">${icon('brand')}<span>Chaperone</span></a>
      ${me ? html`<span class="organization">${me.organization.display_name}</span>` : nothing}
      <span class="space"></span>
      ${me ? html`<span class="who" title=${me.roles.join(', ')}>${me.user_id ?? me.roles.join(', ')}</span>` : nothing}
      <button type="button" class="icon" aria-label="Colours: ${app.theme.current()}" title="Colours: ${app.theme.current()}" @click=${() => app.theme.next()}>
        ${icon(app.theme.current())}
      </button>
      <button type="button" class="icon" aria-label="Sign out" title="Sign out" @click=${() => app.signOut()}>${icon('leave')}</button>
    </header>
    <div class="columns">
      <nav id="navigation" aria-label="Pages" class=${app.isMenuOpen ? 'open' : ''}>${me && shown ? showNavigation(me, shown) : nothing}</nav>
      <main id="main" aria-busy=${shown?.isLoading ?? true}>
        ${shown?.isLoading ? html`<div class="progress" aria-hidden="true"></div>` : nothing}
        ${me && shown && view ? showPage(me, shown, view, app.isLive) : nothing}
      </main>
    </div>
    <div class="toasts" role="status" aria-live="polite">${app.toast ? showToast(app) : nothing}</div>`;
}

function showPage(me: Me, shown: Shown, view: View, isLive: boolean): TemplateResult {
  const { page } = shown;
  if (!page) return showAbsent();
  const head = html`<div class="head">
    <div>
      <h1 tabindex="-1">${page.title}</h1>
      ${page.about === undefined ? nothing : html`<p class="about">${page.about}</p>`}
    </div>
    ${showAge(page, shown, isLive)}
  </div>`;
  // One template for all states, so that the heading stays the same element and keeps the focus.
  return html`${head}${showBody(me, shown, page, view)}`;
}

function showBody(me: Me, { data, problem }: Shown, page: Page, view: View): TemplateResult {
  if (!maySee(me, page)) return showRefusal(me, page);
  const retry = () => void view.reload();
  if (data === undefined) return problem ? showProblem(problem, retry) : showSkeleton();
  return html`${problem ? showProblem(problem, retry, true) : nothing}
    <div class="page">${page.show(data, view)}</div>`;
}

function showAge(page: Page, { data, loadedAtMs }: Shown, isLive: boolean): unknown {
  if (loadedAtMs === undefined || refreshOf(page, data, isLive) === undefined) return nothing;
  const at = time(new Date(loadedAtMs).toISOString());
  return isLive
    ? html`<p class="age"><span class="pulse" aria-hidden="true"></span>Live, as of ${at}</p>`
    : html`<p class="age"><span class="pulse away" aria-hidden="true"></span>As of ${at}</p>`;
}

function showAbsent(): TemplateResult {
  return html`<div class="head"><h1 tabindex="-1">There is no such page</h1></div>
    <p>The address may be mistyped. <a href="#/">Go to the overview</a>.</p>`;
}

function showRefusal({ roles }: Me, page: Page): TemplateResult {
  return html`<div class="empty">
    <p class="title">This page is for ${[...(page.roles ?? []), 'admin']
      .join(', ')
      .replace(/, admin$/, ' and admin')
      .replace(/^ and /, '')}</p>
    <p>Your credential has the role ${roles.join(', ')}. An admin of the organization can give you another one.</p>
  </div>`;
}

/** While the first data is on its way. */
function showSkeleton(): TemplateResult {
  return html`<div class="skeleton" role="status"><span class="spoken">Loading</span>${[1, 2, 3].map(() => html`<div></div>`)}</div>`;
}

function showNavigation(me: Me, { place }: Shown): unknown {
  return navigation.map(({ title, items }) => {
    const visible = items.filter(({ path }) => {
      const page = pages.find((candidate) => matchPath(candidate.path, path) !== undefined);
      return page && maySee(me, page);
    });
    if (visible.length === 0) return nothing;
    return html`<h2>${title}</h2>
      <ul>
        ${visible.map(({ path, label }) => {
          const isHere = path === '/' ? place.path === '/' : place.path === path || place.path.startsWith(`${path}/`);
          return html`<li><a href="#${path}" aria-current=${isHere ? 'page' : nothing}>${icon(path.slice(1) || 'overview')}${label}</a></li>`;
        })}
      </ul>`;
  });
}

function showToast(app: FrameModel): unknown {
  const { kind, text, advice } = app.toast ?? { kind: 'done', text: '' };
  return html`<div class="toast ${kind}">
    ${icon(kind)}
    <div><p>${text}</p>${advice === undefined ? nothing : html`<p class="advice">${advice}</p>`}</div>
    <button type="button" class="icon" aria-label="Close" @click=${() => app.tell(undefined)}>${icon('close')}</button>
  </div>`;
}

function toggleMenu(app: FrameModel): void {
  app.isMenuOpen = !app.isMenuOpen;
  app.redraw();
}

/** The fragment of the address is the page's, so the jump is made here. */
function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('main h1')?.focus();
}
