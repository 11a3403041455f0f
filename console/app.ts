import { render } from 'lit/html.js';
import { type Api, makeApi } from './data/api.ts';
import { type Live, makeLive, topicsFor } from './data/live.ts';
import { problemOf } from './data/problem.ts';
import { linkTo, matchPath, readPlace } from './data/route.ts';
import type { Sessions } from './data/session.ts';
import { showFrame } from './frame.ts';
import { maySee, pages } from './navigation.ts';
import { type Me, refreshOf, type View } from './page.ts';
import type { FrameModel, Shown, Toast } from './shown.ts';
import { showSignIn } from './sign-in.ts';
import { focusHeading, type Theme } from './surroundings.ts';

/** So long more changes are waited for, before what has changed is shown. */
const settlingMs = 700;

/** The console: who has signed in, the page of the address, and its data. */
export class App implements FrameModel {
  readonly #root: HTMLElement;
  readonly #sessions: Sessions;
  readonly theme: Theme;
  #me: Me | undefined;
  #shown: Shown | undefined;
  #left = new AbortController();
  #state = new Map<string, unknown>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #live: Live;
  /** Whether something of the page has changed since it was loaded. */
  #isStale = false;
  #acting = 0;
  #isQueued = false;
  /** Why nobody is signed in any more. */
  #farewell: string | undefined;
  isMenuOpen = false;
  isLive = false;
  toast: Toast | undefined;

  constructor(root: HTMLElement, sessions: Sessions, theme: Theme) {
    this.#root = root;
    this.#sessions = sessions;
    this.theme = theme;
    this.#live = makeLive({
      open: (signal) =>
        this.#makeApi().open('/v1/changes', { topics: topicsFor(this.#me?.roles ?? []).join() }, signal),
      onChanged: (topics) => this.#note(topics),
      onState: (isLive) => this.#setLive(isLive),
      // Where the credential has ended, this leads to the sign-in.
      onRefused: () => void this.#makeApi().get('/v1/me').catch(problemOf),
    });
  }

  start(): void {
    window.addEventListener('hashchange', () => this.#open());
    document.addEventListener('visibilitychange', () => this.#turn());
    window.addEventListener('keydown', (event) => this.#press(event));
    window.addEventListener('online', () => this.#refresh());
    void this.enter();
  }

  /** Asks who has signed in, and opens the page of the address. */
  async enter(): Promise<void> {
    if (!this.#sessions.current()) return this.redraw();
    this.redraw();
    try {
      this.#me = await this.#makeApi().get<Me>('/v1/me');
    } catch (error) {
      const problem = problemOf(error);
      if (problem.status !== 401) this.leave(problem.message);
      return;
    }
    this.#farewell = undefined;
    this.#open();
    this.#turn();
  }

  /** Forgets who has signed in. @param why shown above the form */
  leave(why?: string): void {
    this.#sessions.end();
    this.#me = undefined;
    this.#shown = undefined;
    this.#farewell = why;
    this.#live.stop();
    this.#abandon();
    this.redraw();
  }

  async signOut(): Promise<void> {
    const { refreshToken } = this.#sessions.current() ?? {};
    // A login ends with all of its tokens; a token of another origin is only forgotten.
    if (refreshToken !== undefined)
      await this.#makeApi()
        .send('POST', '/api/v1/auth/logout')
        .catch(() => undefined);
    this.leave();
  }

  redraw(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    queueMicrotask(() => {
      this.#isQueued = false;
      this.#render();
    });
  }

  tell(toast: Toast | undefined): void {
    this.toast = toast;
    this.redraw();
  }

  #makeApi(): Api {
    return makeApi({
      sessions: this.#sessions,
      signal: this.#left.signal,
      onRefused: () => this.leave('The credential is not accepted any more. Sign in again.'),
    });
  }

  #abandon(): void {
    clearTimeout(this.#timer);
    this.#left.abort();
    this.#left = new AbortController();
    this.#state = new Map();
    this.toast = undefined;
  }

  #open(): void {
    if (!this.#me) return;
    const place = readPlace(location.hash);
    const former = this.#shown;
    const isSamePage = former?.place.path === place.path;
    const state = this.#state;
    this.#abandon();
    this.isMenuOpen = false;
    const found = pages
      .map((page) => ({ page, params: matchPath(page.path, place.path) }))
      .find(({ params }) => params !== undefined);
    this.#shown = {
      ...{ page: found?.page, place, params: found?.params ?? {}, problem: undefined, isLoading: false },
      // With another filter, what was there stays until there is news.
      ...(isSamePage
        ? { data: former.data, loadedAtMs: former.loadedAtMs }
        : { data: undefined, loadedAtMs: undefined }),
    };
    if (isSamePage) this.#state = state;
    this.redraw();
    if (former && !isSamePage) focusHeading(this.#root);
    void this.#load();
  }

  async #load(): Promise<void> {
    const shown = this.#shown;
    const me = this.#me;
    if (!shown?.page || !me || !maySee(me, shown.page)) return;
    clearTimeout(this.#timer);
    const { page } = shown;
    this.#isStale = false;
    shown.isLoading = true;
    this.redraw();
    try {
      shown.data = await page.load({ api: this.#makeApi(), me, params: shown.params, query: shown.place.query });
      shown.problem = undefined;
      shown.loadedAtMs = Date.now();
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return;
      shown.problem = problemOf(error);
    }
    shown.isLoading = false;
    if (shown !== this.#shown) return;
    this.redraw();
    this.#plan();
  }

  /** Says when to look for news. */
  #plan(): void {
    const { page, problem, data } = this.#shown ?? {};
    if (!page) return;
    clearTimeout(this.#timer);
    const isAway = problem !== undefined && [0, 503].includes(problem.status);
    const waitMs = this.#isStale
      ? (page.settlingMs ?? settlingMs)
      : isAway
        ? 5_000
        : refreshOf(page, data, this.isLive);
    if (waitMs !== undefined) this.#timer = setTimeout(() => this.#refresh(), waitMs);
  }

  #note(topics: readonly string[]): void {
    const { page, isLoading } = this.#shown ?? {};
    if (this.#isStale || !page?.topics?.some((topic) => topics.includes(topic))) return;
    this.#isStale = true;
    if (!isLoading) this.#plan();
  }

  /** What has changed before the stream was there has not been told. */
  #setLive(isLive: boolean): void {
    this.isLive = isLive;
    this.redraw();
    if (isLive) this.#note(this.#shown?.page?.topics ?? []);
    else if (this.#shown?.isLoading === false) this.#plan();
  }

  /** A tab that nobody looks at holds no stream. */
  #turn(): void {
    if (document.visibilityState === 'hidden' || !this.#me) {
      this.#live.stop();
      return;
    }
    this.#live.start();
    this.#refresh();
  }

  #press(event: KeyboardEvent): void {
    const shown = this.#shown;
    const isWriting = event.target instanceof Element && event.target.matches('input, textarea, select');
    if (!this.#me || shown?.data === undefined || isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = shown.page?.keys?.(shown.data, this.#view(this.#me, shown))[event.key.toLowerCase()];
    if (!act || this.#acting > 0) return;
    event.preventDefault();
    act();
  }

  #refresh(): void {
    const { page, problem, isLoading } = this.#shown ?? {};
    if (document.visibilityState === 'hidden' || isLoading !== false) return;
    if (page && (problem || refreshOf(page, this.#shown?.data, this.isLive) !== undefined)) void this.#load();
  }

  #render(): void {
    const me = this.#me;
    const shown = this.#shown;
    if (!this.#sessions.current()) {
      render(
        showSignIn({ theme: this.theme, why: this.#farewell, begin: (session) => this.#begin(session) }),
        this.#root,
      );
      return;
    }
    render(showFrame(this, me, shown, me && shown ? this.#view(me, shown) : undefined), this.#root);
    document.title = me
      ? `${shown?.page?.title ?? 'Not found'} – ${me.organization.display_name} – Chaperone`
      : 'Chaperone';
  }

  #begin(session: NonNullable<ReturnType<Sessions['current']>>): void {
    this.#sessions.begin(session);
    this.#shown = undefined;
    void this.enter();
  }

  #view(me: Me, shown: Shown): View {
    const go: View['go'] = (path, query) => {
      location.hash = linkTo(path, query);
    };
    return {
      ...{ api: this.#makeApi(), me, params: shown.params, query: shown.place.query, go },
      filter: (changes) => go(shown.place.path, { ...shown.place.query, ...changes }),
      reload: () => this.#load(),
      state: (name, initial) => ({
        value: (this.#state.has(name) ? this.#state.get(name) : initial) as typeof initial,
        set: (value) => {
          this.#state.set(name, value);
          this.redraw();
        },
      }),
      act: (work, success) => this.#act(work, success),
      isBusy: this.#acting > 0,
    };
  }

  async #act(work: () => Promise<unknown>, success: string | undefined): Promise<boolean> {
    const { signal } = this.#left;
    this.#acting += 1;
    this.tell(undefined);
    try {
      await work();
      if (success !== undefined && !signal.aborted) this.tell({ kind: 'done', text: success });
      return true;
    } catch (error) {
      if (!signal.aborted) {
        const { adviceFor } = await import('./data/advice.ts');
        const problem = problemOf(error);
        this.tell({ kind: 'failed', text: problem.message, advice: adviceFor(problem) });
      }
      return false;
    } finally {
      this.#acting -= 1;
      this.redraw();
    }
  }
}
