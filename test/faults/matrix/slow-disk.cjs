// Loaded into a proxy by --require: each write to its spool takes as long as on a disk that is overloaded.
const fs = require('node:fs');

const ms = Number(process.env.SLOW_DISK_MS);
const spools = new Set();
const clock = new Int32Array(new SharedArrayBuffer(4));
const { openSync, writeSync } = fs;

fs.openSync = (path, ...rest) => {
  const descriptor = openSync(path, ...rest);
  if (String(path).endsWith('.spool')) spools.add(descriptor);
  return descriptor;
};
fs.writeSync = (descriptor, ...rest) => {
  if (spools.has(descriptor)) Atomics.wait(clock, 0, 0, ms);
  return writeSync(descriptor, ...rest);
};
