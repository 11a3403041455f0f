import { html, svg, type TemplateResult } from 'lit/html.js';

const width = 120;
const height = 28;

/** A small line that says how something went, without figures. */
export function spark(values: readonly (number | null)[]): TemplateResult {
  const most = Math.max(...values.map((value) => value ?? 0), 0);
  const step = width / Math.max(1, values.length - 1);
  const points = values.map((value, index) => {
    const y = most === 0 ? height - 2 : height - 2 - ((value ?? 0) / most) * (height - 4);
    return `${(index * step).toFixed(1)},${y.toFixed(1)}`;
  });
  const line = points.join(' ');
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    ${svg`<polygon points=${`0,${height} ${line} ${width},${height}`} /><polyline points=${line} />`}
  </svg>`;
}
