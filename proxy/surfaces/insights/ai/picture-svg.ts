import type { Picture } from '../../../governance/insights/explain/picture.ts';

const width = 720;
const rowHeight = 28;
const top = 72;
const bottom = 24;
/** Where names end, and where bars may begin and end. */
const namesEnd = 230;
const bars = { from: 310, to: 640 };
const colors = { adds: '#1b5e9e', takes: '#b3261e', text: '#1f2328', faint: '#57606a' };
/** Of a name on its line. A longer one is cut; `desc` has all of it. */
const mostShown = 30;

/**
 * Draws what each word adds, as a picture that screen readers can tell, too. Attributes alone style it, so that the
 * strictest Content-Security-Policy shows it.
 *
 * @see https://www.w3.org/TR/SVG2/struct.html#DescriptionAndTitleElements
 */
export function drawPicture(picture: Picture): string {
  const { prediction, explains, base, output, features, others } = picture;
  const rows = [
    ...features,
    ...(others.count === 0 ? [] : [{ feature: `${others.count} others`, importance: others.importance }]),
  ];
  const height = top + rows.length * rowHeight + bottom;
  const title = `Why ${prediction.label}`;
  const summary = `${explains} is ${show(output)}; without any of the words it is ${show(base)}`;
  const told = rows.map(({ feature, importance }) => `${feature} ${showSigned(importance)}`).join('; ');
  const largest = Math.max(...rows.map(({ importance }) => Math.abs(importance)), Number.MIN_VALUE);
  const zero = zeroOf(rows);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="14" fill="${colors.text}">`,
    `<title id="title">${toXml(title)}</title>`,
    `<desc id="desc">${toXml(`${summary}. What each adds: ${told}.`)}</desc>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="20" y="30" font-size="18" font-weight="600">${toXml(`${title} (${show(prediction.confidence)})`)}</text>`,
    `<text x="20" y="52" fill="${colors.faint}">${toXml(summary)}</text>`,
    `<path d="M${zero} ${top - 6}V${height - bottom + 6}" stroke="${colors.faint}"/>`,
    ...rows.map((row, at) => drawRow(row, top + at * rowHeight, zero, largest)),
    '</svg>\n',
  ].join('\n');
}

/** Where the line of no effect is: in the middle, or at an end where all bars go one way. */
function zeroOf(rows: readonly { readonly importance: number }[]): number {
  const adds = rows.some(({ importance }) => importance > 0);
  const takes = rows.some(({ importance }) => importance < 0);
  return adds && takes ? (bars.from + bars.to) / 2 : takes ? bars.to : bars.from;
}

function drawRow(
  { feature, importance }: { readonly feature: string; readonly importance: number },
  y: number,
  zero: number,
  largest: number,
): string {
  const room = importance < 0 ? zero - bars.from : bars.to - zero;
  const length = round((Math.abs(importance) / largest) * room);
  const x = importance < 0 ? zero - length : zero;
  const [end, anchor] = importance < 0 ? [x - 6, 'end'] : [x + length + 6, 'start'];
  const middle = y + rowHeight / 2 + 5;
  const characters = [...feature];
  const name = characters.length <= mostShown ? feature : `${characters.slice(0, mostShown - 1).join('')}…`;
  return [
    `<text x="${namesEnd}" y="${middle}" text-anchor="end" unicode-bidi="isolate">${toXml(name)}</text>`,
    `<rect x="${round(x)}" y="${y + 4}" width="${length}" height="${rowHeight - 8}" rx="2" fill="${importance < 0 ? colors.takes : colors.adds}"/>`,
    `<text x="${round(end)}" y="${middle}" text-anchor="${anchor}">${showSigned(importance)}</text>`,
  ].join('');
}

function show(value: number): string {
  return value
    .toFixed(3)
    .replace(/^-(?=0\.000$)/, '')
    .replace('-', '−');
}

function showSigned(value: number): string {
  const shown = show(value);
  return value > 0 && shown !== '0.000' ? `+${shown}` : shown;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** A text as XML has it. Characters that XML 1.0 does not know at all become the replacement character. */
function toXml(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML does not know
      .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}
