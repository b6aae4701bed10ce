import { describe, expect, it, vi } from 'vitest';

const added = vi.hoisted(() => ({ after: 0 }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return {
    ...fs,
    readdirSync: (folder: URL) => [...fs.readdirSync(folder), 'added.ts'],
    statSync: (file: URL) => (file.href.endsWith('/added.ts') ? { mtimeMs: added.after } : fs.statSync(file)),
  };
});

const events = { exactly() {}, failed() {}, named() {}, isKnown: () => false, met() {} };
const question = {
  wanted: Buffer.from('x '),
  byName: false,
  isFailed: new Uint8Array(1000),
  window: { from: 0, to: 1 },
};

describe('the WebAssembly scanner', () => {
  it.each([
    ['is used if it is newer than all of its sources', 0, true],
    ['is not used if a source was added after it was built', Number.POSITIVE_INFINITY, false],
  ])('%s', async (_, after, isUsed) => {
    added.after = after;
    vi.resetModules();
    const { openScanner } = await import('../../../../src/collect/access-log/embedded/scanner.ts');
    expect(openScanner(question, events).inflater !== null).toBe(isUsed);
  });
});
