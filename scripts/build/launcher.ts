#!/usr/bin/env node
// What `dist/chaperone.js` is: it starts the program beside it with what V8 compiled of it when it was built.
import { makeParts } from './parts.ts';

makeParts(import.meta.dirname).run();
