import { html, nothing, type TemplateResult } from 'lit/html.js';
import { change } from '../data/format.ts';
import { spark } from './spark.ts';

/** A figure that is worth a place of its own. */
export interface Tile {
  readonly label: string;
  readonly value: string;
  readonly note?: string | undefined;
  /** What it is, and was, and what it is compared with. */
  readonly now?: number;
  readonly before?: number;
  readonly against?: string;
  /** Whether more of it is worse. */
  readonly isBad?: boolean;
  readonly spark?: readonly (number | null)[];
}

export function showTiles(tiles: readonly Tile[]): TemplateResult {
  return html`<dl class="tiles">
    ${tiles.map(
      (tile) => html`<div class="tile">
        <dt>${tile.label}</dt>
        <dd>
          <span class="value">${tile.value}</span>
          ${showChange(tile)}
          ${tile.note === undefined ? nothing : html`<span class="note">${tile.note}</span>`}
          ${tile.spark && tile.spark.length > 1 ? spark(tile.spark) : nothing}
        </dd>
      </div>`,
    )}
  </dl>`;
}

function showChange({ now, before, against, isBad }: Tile): unknown {
  if (now === undefined || before === undefined) return nothing;
  const by = change(now, before);
  if (by === undefined) return nothing;
  const tone = !isBad || by.startsWith('±') ? 'calm' : now > before ? 'bad' : 'good';
  return html`<span class="change ${tone}" title="Against ${against}">${by}<span class="spoken"> against ${against}</span></span>`;
}
