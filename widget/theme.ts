import { type Rgb, readableOn, textOn, toCss } from './colors.ts';
import type { Settings } from './config.ts';
import css from './style.css';

const own: Rgb = [31, 87, 214];
/** Backgrounds of style.css. */
const light: readonly Rgb[] = [
  [255, 255, 255],
  [242, 244, 247],
];
const dark: readonly Rgb[] = [
  [21, 24, 29],
  [36, 42, 50],
];

export interface Theme {
  /** Constructed, so that a page's Content-Security-Policy need not allow styles. */
  readonly sheets: CSSStyleSheet[];
  /** Chooses colours that can be read, by the page's own. */
  apply(isDark: boolean): void;
}

export function makeTheme({ primaryColor, fontFamily, borderRadius }: Settings): Theme {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  const chosen = new CSSStyleSheet();
  chosen.replaceSync(':host{}');
  const [rule] = chosen.cssRules;
  const set = (name: string, value: string | undefined) => {
    if (rule instanceof CSSStyleRule && value !== undefined) rule.style.setProperty(name, value);
  };
  const primary = (primaryColor !== undefined && readColor(primaryColor)) || own;
  set('--primary', toCss(primary));
  set('--on-primary', toCss(textOn(primary)));
  set('--font', fontFamily);
  set('--radius', borderRadius);
  return {
    sheets: [sheet, chosen],
    apply: (isDark) => set('--accent', toCss(readableOn(primary, isDark ? dark : light))),
  };
}

/** Whatever form a colour is written in. */
function readColor(value: string): Rgb | undefined {
  const context = document.createElement('canvas').getContext('2d');
  if (!context) return undefined;
  context.fillStyle = value;
  const hex = /^#(..)(..)(..)$/.exec(context.fillStyle)?.slice(1);
  if (hex) return toRgb(hex.map((digits) => Number.parseInt(digits, 16)));
  context.fillRect(0, 0, 1, 1);
  return toRgb([...context.getImageData(0, 0, 1, 1).data]);
}

const toRgb = ([red = 0, green = 0, blue = 0]: readonly number[]): Rgb => [red, green, blue];
