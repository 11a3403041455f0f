import type { GovernanceContext } from '../../governance/context.ts';
import type { Surface } from '../../http/surface.ts';
import { supportEnvelope } from '../support/envelope.ts';

/** The support desk's chat for web pages: the script, which needs no credential. It speaks to the support surface. */
export const widget: Surface<GovernanceContext> = {
  name: 'widget',
  paths: ['/widget.js'],
  envelope: supportEnvelope,
  isAnonymous: true,
  async register(app, context) {
    const { registerWidget } = await import('./routes.ts');
    registerWidget(app, context);
  },
};
