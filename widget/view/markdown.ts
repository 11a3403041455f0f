import { html, nothing, type TemplateResult } from 'lit/html.js';
import { readMarkdown } from '../markdown/blocks.ts';
import type { Block, Cell, Inline } from '../markdown/tree.ts';

/** Shows Markdown. Texts are only ever texts of elements, so nothing in them becomes an element. */
export function showMarkdown(text: string): readonly TemplateResult[] {
  return readMarkdown(text).map(showBlock);
}

function showBlock(block: Block): TemplateResult {
  switch (block.type) {
    case 'paragraph':
      return html`<p dir="auto">${showInlines(block.children)}</p>`;
    // No heading of the page: its outline is the page's own.
    case 'heading':
      return html`<p dir="auto" class="heading">${showInlines(block.children)}</p>`;
    case 'quote':
      return html`<blockquote>${block.children.map(showBlock)}</blockquote>`;
    case 'code':
      return html`<pre dir="ltr" tabindex="0"><code>${block.text}</code></pre>`;
    case 'rule':
      return html`<hr />`;
    case 'list':
      return showList(
        block.start,
        block.items.map((item) => html`<li dir="auto">${item.map(showBlock)}</li>`),
      );
    case 'table':
      return html`<div class="table" tabindex="0"><table>
        <thead><tr>${block.head.map((cell) => html`<th scope="col">${showInlines(cell)}</th>`)}</tr></thead>
        <tbody>${block.rows.map(showRow)}</tbody>
      </table></div>`;
  }
}

const showRow = (cells: readonly Cell[]) => html`<tr>${cells.map((cell) => html`<td>${showInlines(cell)}</td>`)}</tr>`;

function showList(start: number | undefined, items: readonly TemplateResult[]): TemplateResult {
  return start === undefined ? html`<ul>${items}</ul>` : html`<ol start=${start}>${items}</ol>`;
}

const showInlines = (inlines: readonly Inline[]) => inlines.map(showInline);

function showInline(inline: Inline): unknown {
  switch (inline.type) {
    case 'text':
      return inline.text;
    case 'code':
      return html`<code>${inline.text}</code>`;
    case 'break':
      return html`<br />`;
    case 'strong':
      return html`<strong>${showInlines(inline.children)}</strong>`;
    case 'emphasis':
      return html`<em>${showInlines(inline.children)}</em>`;
    case 'deleted':
      return html`<del>${showInlines(inline.children)}</del>`;
    case 'link':
      return showLink(inline.address, showInlines(inline.children));
    default:
      return nothing;
  }
}

/** @param address one that `safeAddress` has let pass */
export function showLink(address: string, content: unknown): TemplateResult {
  return html`<a href=${address} target="_blank" rel="noopener noreferrer nofollow">${content}</a>`;
}
