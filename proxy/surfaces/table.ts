import { analyses } from './analyses/index.ts';
import { anthropic } from './anthropic/index.ts';
import { webConsole } from './console/index.ts';
import type { SurfaceTable } from './context.ts';
import { docs } from './docs/index.ts';
import { governance } from './governance/index.ts';
import { insights } from './insights/index.ts';
import { openAi } from './openai/index.ts';
import { speech } from './speech/index.ts';
import { support } from './support/index.ts';
import { widget } from './widget/index.ts';

/** The APIs that the proxy serves. A new one needs a line here. */
export const surfaceTable: SurfaceTable = [
  openAi,
  anthropic,
  governance,
  analyses,
  speech,
  support,
  widget,
  insights,
  webConsole,
  docs,
];
