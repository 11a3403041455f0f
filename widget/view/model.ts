import type { ChatState } from '../chat/state.ts';
import type { Settings } from '../config.ts';
import type { Speech } from '../texts/table.ts';

/** All that the view shows. */
export interface Model {
  readonly state: ChatState;
  readonly settings: Settings;
  readonly speech: Speech;
  readonly isOpen: boolean;
  readonly isDark: boolean;
  /** Whether the panel takes the whole screen. */
  readonly isMobile: boolean;
  readonly nowMs: number;
  /** What screen readers say next. */
  readonly announcement: string;
  readonly actions: Actions;
}

/** What the visitor can do. */
export interface Actions {
  readonly toggle: () => void;
  readonly close: () => void;
  readonly restart: () => void;
  readonly send: (text: string) => void;
  readonly resend: () => void;
  readonly rate: (rating: number, comment?: string) => void;
}
