import { html, svg } from 'lit/html.js';

const icon = (paths: unknown) =>
  html`<svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${paths}</svg>`;

export const chatIcon = icon(
  svg`<path d="M21 11.5a8.4 8.4 0 0 1-12.2 7.5L3 21l2-5.8A8.4 8.4 0 1 1 21 11.5Z" /><path d="M8.5 11.5h.01M12.5 11.5h.01M16.5 11.5h.01" />`,
);
export const closeIcon = icon(svg`<path d="m6 6 12 12M18 6 6 18" />`);
export const restartIcon = icon(svg`<path d="M12 20h9" /><path d="M16.5 3.5a2.1 2.1 0 0 1 3 3L7 19l-4 1 1-4Z" />`);
export const sendIcon = icon(svg`<path d="M21 3 10.5 13.5M21 3l-6.5 18-4-7.5L3 9.5Z" />`);
export const starIcon = icon(
  svg`<path d="m12 3 2.8 5.7 6.2.9-4.5 4.4 1.1 6.2L12 17.3l-5.6 2.9 1.1-6.2L3 9.6l6.2-.9Z" />`,
);
