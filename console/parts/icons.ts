import { html, nothing, svg, type TemplateResult } from 'lit/html.js';

/** Lines in a field of 24 by 24. */
const paths: Readonly<Record<string, string>> = {
  brand: 'M12 3l7 3v5c0 4.6-2.9 8.2-7 10-4.1-1.8-7-5.4-7-10V6z M9 12l2 2 4-4.5',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  auto: 'M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16',
  light:
    'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5L19 19M5 19l1.5-1.5M17.5 6.5L19 5',
  dark: 'M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z',
  leave: 'M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9',
  done: 'M4 12.5l5 5L20 6.5',
  failed: 'M12 8v5M12 16.5v.01M12 3L2.5 20h19z',
  overview: 'M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z',
  requests: 'M4 6h16M4 12h16M4 18h10',
  sessions: 'M4 5h16v11H9l-5 4z',
  conversations: 'M6 4v10a3 3 0 0 0 3 3h6M6 8h9M15 5.5a2.5 2.5 0 1 1 0 5M15 14.5a2.5 2.5 0 1 1 0 5',
  personas: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-5.5 8-5.5s7 1.5 8 5.5',
  limits: 'M4 17a8 8 0 1 1 16 0M12 17l4-5',
  guardrails: 'M12 3l7 3v5c0 4.6-2.9 8.2-7 10-4.1-1.8-7-5.4-7-10V6zM12 8v4M12 15v.01',
  knowledge: 'M5 4h10a4 4 0 0 1 4 4v12H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11',
  analyses: 'M5 20V10M12 20V4M19 20v-7',
  reviews: 'M4 12l4 4 6-8M15 16l2 2 4-5',
  webhooks: 'M9 8a3.5 3.5 0 1 1 5 3.2l3 5.3M8 11l-3 5.5A2.8 2.8 0 1 0 9 17h8',
  jobs: 'M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  audit: 'M7 3h8l4 4v14H5V3zM9 12h6M9 16h6M9 8h3',
  explain: 'M9.5 9a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .9-1 1.7M12 16.5v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  simulate: 'M4 12a8 8 0 1 0 2.6-5.9M4 4v4h4M12 8v4l3 2',
  next: 'M9 5l7 7-7 7',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  up: 'M7 14l5-5 5 5',
};

/** An icon beside a text, which says it all. */
export function icon(name: string): TemplateResult | typeof nothing {
  const path = paths[name];
  if (path === undefined) return nothing;
  return html`<svg class="glyph" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" focusable="false">${svg`<path d=${path} />`}</svg>`;
}
