import type { PathLike } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readIncident } from '../../../src/collect/incident/incident-collectors.ts';
import { saveIncident } from '../../../src/collect/incident/save.ts';
import { diagnoseRecording } from '../../../src/commands/diagnose-command.ts';
import { line, textOf } from '../../support/access-log/log-file.ts';
import { incidentFolder, LB, temporaryFolder } from '../../support/incident/folder.ts';

/** Folders called "closed" may not be listed: a test that runs as root can close none. */
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>();
  const closedOf = (path: PathLike) =>
    Object.assign(new Error(`EACCES: permission denied, scandir '${path}'`), { code: 'EACCES' });
  const readdir = (async (path: string, options: { withFileTypes: true }) => {
    if (basename(path) === 'closed') throw closedOf(path);
    return fs.readdir(path, options);
  }) as typeof fs.readdir;
  return { ...fs, readdir };
});

const at = Date.parse('2026-11-20T02:45:00Z');
const log = textOf([
  line({ elb: LB, at }),
  line({ elb: LB, at, status: '502', targetStatus: '-', times: [0, 0.002, -1] }),
]);

describe('an unreadable folder of logs', () => {
  const folder = () => incidentFolder({ 'logs/open/a.log': log, 'logs/closed/b.log': log });

  it('is reported, and the files in other folders are used', async () => {
    const { diagnosis } = await diagnoseRecording(await readIncident(folder()), '');
    expect(diagnosis.triage).toMatchObject({ requests: 2, errors: 1 });
    expect(diagnosis.gaps).toContain('closed/*.log.gz: permission denied.');
  });

  it('is also named in the saved incident', async () => {
    const incident = await readIncident(folder());
    const run = await diagnoseRecording(incident, '');
    const dir = join(temporaryFolder(), 'saved');
    await saveIncident(dir, { ...run, incident });
    expect((await diagnoseRecording(await readIncident(dir), '')).diagnosis).toEqual(run.diagnosis);
  });

  it('ends the diagnosis when it is the only one', async () => {
    const incident = await readIncident(incidentFolder({ 'logs/closed/b.log': log }));
    await expect(diagnoseRecording(incident, '')).rejects.toMatchObject({
      message: 'No log file can be read: logs/closed/*.log.gz (permission denied).',
      exitCode: 2,
    });
  });
});
