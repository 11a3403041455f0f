import { before, describe } from 'node:test';
import { skip } from '../chromium.ts';
import { suiteScope } from '../scope.ts';
import { type Stage, startStage } from './stage.ts';
import { walkEmptiness } from './walks/emptiness.ts';
import { walkErrors } from './walks/errors.ts';
import { walkFailures } from './walks/failures.ts';
import { walkLive } from './walks/live.ts';
import { walkLooks } from './walks/looks.ts';
import { walkPages } from './walks/pages.ts';
import { walkSafety } from './walks/safety.ts';
import { walkSigningIn } from './walks/signing-in.ts';

/** The console in a real browser, over a real product. One browser and one product for all. */
describe('somebody at the console', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  before(async () => {
    stage = await startStage(scope);
  });
  const current = () => stage;

  describe('of an organization that has just been made', () => walkEmptiness(current));

  describe('of an organization with a history', () => {
    before(() => stage.fill());
    walkSigningIn(current);
    walkPages(current);
    walkLive(current);
    walkFailures(current);
    walkErrors(current);
    walkSafety(current);
    walkLooks(current);
  });
});
