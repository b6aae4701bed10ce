import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type CollectionProgress, drawProgress, openProgressDisplay } from '../../src/commands/terminal-progress.ts';

const work: CollectionProgress = {
  started: { accessLog: 0, metrics: 100, loadBalancer: 0, listeners: 0, rules: 0, targetGroups: 0, attributes: 0 },
  ended: {
    metrics: { at: 400, unavailable: false },
    loadBalancer: { at: 200, unavailable: false },
    listeners: { at: 1200, unavailable: true },
    rules: { at: 300, unavailable: false },
    targetGroups: { at: 300, unavailable: false },
    attributes: { at: 250, unavailable: false },
  },
};

describe('the lines', () => {
  it('show the state: running, done, done with a gap, waiting', () => {
    expect(drawProgress(work, 2400, false).split('\n')).toEqual([
      '⠋ 1 Access log: who failed, and how  2.4 s',
      '? 2 Target group protocol and port  1.2 s, could not check 1 of 4',
      '✓ 3 Keep-alive and idle timeout  0.3 s',
      '⠋ 4 HTTP response format  2.4 s',
      '· 5 Security groups and network ACLs',
      '· 6 Targets, deployments, capacity',
    ]);
  });

  it('show the work on the access log and what is known so far', () => {
    const busy: CollectionProgress = {
      ...work,
      accessLogStatus: 'fetched 3 of 8 log files',
      interimVerdict: 'CloudWatch counts 214.',
    };
    const lines = drawProgress(busy, 2400, false).split('\n');
    expect(lines[0]).toBe('⠋ 1 Access log: who failed, and how  2.4 s, fetched 3 of 8 log files');
    expect(lines.slice(6)).toEqual(['', 'So far: CloudWatch counts 214.']);
    const log = { at: 2500, unavailable: false };
    const done = { ...busy, ended: { ...work.ended, edge: { at: 400, unavailable: false }, accessLog: log } };
    expect(drawProgress(done, 2600, false).split('\n')[0]).toBe('✓ 1 Access log: who failed, and how  2.5 s');
  });

  it('fit a narrow terminal', () => {
    for (const line of drawProgress(work, 99_900, false).split('\n')) expect(line.length).toBeLessThan(72);
  });
});

/** What a stream was sent. */
const recorder = (isTTY: boolean) => {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80, rows: 24 }) as unknown as NodeJS.WriteStream;
  return { stream, text: (): string => String((stream as unknown as PassThrough).read() ?? '') };
};

describe('the stream', () => {
  it('gets nothing if it is not a terminal', async () => {
    const { stream, text } = recorder(false);
    const { listener, close } = await openProgressDisplay(stream, false);
    listener('accessLog', 'started');
    await new Promise((done) => setTimeout(done, 250));
    close();
    expect(text()).toBe('');
  });

  it('gets no escape code if it is a terminal without colour', async () => {
    const { stream, text } = recorder(true);
    const { listener, close } = await openProgressDisplay(stream, false);
    listener('accessLog', 'started');
    await new Promise((done) => setTimeout(done, 250));
    close();
    expect(text()).toBe('');
  });

  it('gets the lines, which are removed at the end', async () => {
    const { stream, text } = recorder(true);
    const { listener, close } = await openProgressDisplay(stream, true);
    listener('accessLog', 'started');
    await new Promise((done) => setTimeout(done, 250));
    expect(text()).toContain('1 Access log: who failed, and how');
    close();
    // Six lines and the empty one after them: erased, the cursor moved up.
    expect(text().split('\u001b[2K')).toHaveLength(8);
  });
});

/** Runs a script on a terminal of its own; `script` of util-linux makes one. */
const onTerminal = (body: string): string => {
  const code = `import { openProgressDisplay } from ${JSON.stringify(join(import.meta.dirname, '../../src/commands/terminal-progress.ts'))};
    const { listener, close } = await openProgressDisplay(process.stderr, true);
    listener('accessLog', 'started');
    await new Promise((done) => setTimeout(done, 300));
    ${body}`;
  const command = `'${process.execPath}' --input-type=module -e "$CODE"`;
  return spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8', env: { ...process.env, CODE: code } })
    .stdout;
};

const hasTerminal = spawnSync('script', ['--version']).status === 0;

describe.skipIf(!hasTerminal)('the cursor', () => {
  const hidden = '\u001b[?25l';
  const shown = '\u001b[?25h';

  it.each([
    ['at the end', 'close();'],
    ['on Ctrl-C', "process.kill(process.pid, 'SIGINT'); await new Promise((done) => setTimeout(done, 2000));"],
    ['on an exit without close', 'process.exit(2);'],
    ['on an error', "throw new Error('broken');"],
  ])('comes back %s', (_, body) => {
    const output = onTerminal(body);
    expect(output).toContain(hidden);
    expect(output.lastIndexOf(shown)).toBeGreaterThan(output.lastIndexOf(hidden));
  });
});
