import { repeat } from 'lit/directives/repeat.js';
import { html, nothing, type TemplateResult } from 'lit/html.js';

export interface Column<Row> {
  readonly label: string;
  /** Figures stand at the right, so that their digits are below one another. */
  readonly isFigure?: boolean;
  /** Left out on narrow screens. */
  readonly isExtra?: boolean;
  readonly show: (row: Row) => unknown;
}

export interface TableOptions<Row> {
  /** What tells rows apart, so that what is open in one stays open when others come. */
  readonly key?: (row: Row) => unknown;
  readonly rowClass?: (row: Row) => string;
}

/** @param caption what the table has, for screen readers */
export function showTable<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { key = (row) => row, rowClass = () => '' }: TableOptions<Row> = {},
): TemplateResult {
  const classOf = ({ isFigure, isExtra }: Column<Row>) => `${isFigure ? 'figure' : ''} ${isExtra ? 'extra' : ''}`;
  const showRow = (row: Row) => html`<tr class=${rowClass(row)}>
    ${columns.map((column) => html`<td class=${classOf(column)}>${column.show(row) ?? nothing}</td>`)}
  </tr>`;
  return html`<div class="scroll" role="region" aria-label=${caption} tabindex="0">
    <table>
      <caption class="spoken">${caption}</caption>
      <thead>
        <tr>${columns.map((column) => html`<th scope="col" class=${classOf(column)}>${column.label}</th>`)}</tr>
      </thead>
      <tbody>${repeat(rows, key, showRow)}</tbody>
    </table>
  </div>`;
}
