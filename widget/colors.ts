/** Red, green and blue, from 0 to 255. */
export type Rgb = readonly [red: number, green: number, blue: number];

const white: Rgb = [255, 255, 255];
const ink: Rgb = [17, 19, 23];
/** One of white and black can be read on any colour. */
const black: Rgb = [0, 0, 0];
/** Of text, for the level AA. @see https://www.w3.org/TR/WCAG22/#contrast-minimum */
const enough = 4.5;

/** @see https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
export function contrast(one: Rgb, other: Rgb): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The colour of text on a background: white where it can be read, else nearly black or, where that is not enough, black. */
export function textOn(background: Rgb): Rgb {
  return [white, ink].find((color) => contrast(color, background) >= enough) ?? black;
}

/** A colour as near as possible that can be read on all backgrounds. */
export function readableOn(color: Rgb, backgrounds: readonly Rgb[]): Rgb {
  const isReadable = (one: Rgb) => backgrounds.every((background) => contrast(one, background) >= enough);
  const aim = backgrounds.every((background) => luminance(background) < 0.18) ? white : black;
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = mix(color, aim, share);
    if (isReadable(mixed)) return mixed;
  }
  return aim;
}

function mix(color: Rgb, other: Rgb, share: number): Rgb {
  const part = (at: 0 | 1 | 2) => Math.round(color[at] * (1 - share) + other[at] * share);
  return [part(0), part(1), part(2)];
}

export const toCss = (color: Rgb) => `rgb(${color.join(' ')})`;
