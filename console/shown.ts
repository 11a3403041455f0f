import type { Problem } from './data/problem.ts';
import type { Place } from './data/route.ts';
import type { Page } from './page.ts';
import type { Theme } from './surroundings.ts';

/** What is on the screen. */
export interface Shown {
  readonly page: Page | undefined;
  readonly place: Place;
  readonly params: Readonly<Record<string, string>>;
  /** Undefined: it is on its way, or could not be had. */
  data: unknown;
  problem: Problem | undefined;
  isLoading: boolean;
  /** Since when what is shown is so. */
  loadedAtMs: number | undefined;
}

export interface Toast {
  readonly kind: 'done' | 'failed';
  readonly text: string;
  readonly advice?: string | undefined;
}

/** What the frame around a page shows and does. */
export interface FrameModel {
  readonly theme: Theme;
  isMenuOpen: boolean;
  /** Whether changes are told as they happen. */
  readonly isLive: boolean;
  readonly toast: Toast | undefined;
  tell(toast: Toast | undefined): void;
  signOut(): Promise<void>;
  redraw(): void;
}
