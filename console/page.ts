import type { TemplateResult } from 'lit/html.js';
import type { Api } from './data/api.ts';
import type { Topic } from './data/live.ts';
import type { Place } from './data/route.ts';

/** Who has signed in (`GET /v1/me`). */
export interface Me {
  readonly user_id: string | null;
  readonly roles: readonly string[];
  readonly sees_organization: boolean;
  readonly organization: { readonly id: string; readonly name: string; readonly display_name: string };
  readonly stores_contents: boolean;
  readonly surfaces: readonly string[] | null;
}

/** A page of the console. */
export interface Page<Data = unknown> {
  /** Such as `/requests/:id`. */
  readonly path: string;
  /** Its heading; of a detail, the page says it. */
  readonly title: string;
  /** What it is about, in a sentence below the heading. */
  readonly about?: string;
  /** Who may see it. Absent: everybody. An admin always may. */
  readonly roles?: readonly string[];
  /** What it shows again as soon as it changes. */
  readonly topics?: readonly Topic[];
  /** How long further changes are waited for, since it asks for much. Absent: less than a second. */
  readonly settlingMs?: number;
  /** How often it looks for news beside that, while somebody looks at it. Absent: seldom with topics, else never. */
  readonly refreshMs?: number | ((data: Data) => number | undefined);
  load(context: LoadContext): Promise<Data>;
  show(data: Data, view: View): TemplateResult;
  /** What single keys do, where nobody is writing. */
  keys?(data: Data, view: View): Readonly<Record<string, () => void>>;
}

export interface LoadContext {
  readonly api: Api;
  readonly me: Me;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Place['query'];
}

/** What a page can do while it is shown. */
export interface View extends LoadContext {
  /** Changes the address; the page loads anew. */
  go(path: string, query?: Record<string, string | number | boolean | undefined>): void;
  /** Changes parts of the query; an empty text removes one. */
  filter(changes: Readonly<Record<string, string | undefined>>): void;
  /** Loads the data again. */
  reload(): Promise<void>;
  /** What the page remembers until it is left, such as an open dialog. */
  state<Value>(name: string, initial: Value): State<Value>;
  /** Does something; a failure is shown, and so is a success if there is a sentence for it. */
  act(work: () => Promise<unknown>, success?: string): Promise<boolean>;
  readonly isBusy: boolean;
}

export interface State<Value> {
  readonly value: Value;
  set(value: Value): void;
}

/** How often a page with topics looks for news by itself: where it is told of changes, and where it is not. */
const lookMs = { live: 60_000, alone: 5_000 };

/** How soon a page looks for news. Undefined: it does not. */
export function refreshOf({ refreshMs, topics }: Page, data: unknown, isLive: boolean): number | undefined {
  const stated = typeof refreshMs === 'function' ? (data === undefined ? undefined : refreshMs(data)) : refreshMs;
  return stated ?? (topics && (isLive ? lookMs.live : lookMs.alone));
}

/** Keeps the type of a page's data between `load` and `show`. */
export function definePage<Data>(page: Page<Data>): Page {
  return page as Page;
}
