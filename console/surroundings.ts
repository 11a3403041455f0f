/** What the console does to the page around it. */

export type ThemeName = 'auto' | 'light' | 'dark';
const themes: readonly ThemeName[] = ['auto', 'light', 'dark'];

export interface Theme {
  current(): ThemeName;
  next(): void;
}

/** Light or dark: as the system says, or as somebody has chosen, which this browser remembers. */
export function makeTheme(onChange: () => void): Theme {
  const name = 'chaperone-console-theme';
  const apply = (theme: ThemeName) => {
    document.documentElement.dataset.theme = theme;
    onChange();
  };
  let current = themes.find((theme) => theme === localStorage.getItem(name)) ?? 'auto';
  apply(current);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
  return {
    current: () => current,
    next() {
      current = themes[(themes.indexOf(current) + 1) % themes.length] ?? 'auto';
      localStorage.setItem(name, current);
      apply(current);
    },
  };
}

/** After a change of the page, so that screen readers say it, and the next tab stop is within it. */
export function focusHeading(root: HTMLElement): void {
  requestAnimationFrame(() => {
    root.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
    scrollTo(0, 0);
  });
}
