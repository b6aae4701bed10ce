/** `alb502 doctor` about Athena, with one action denied at a time. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { logPlace } from '../../src/collect/access-log/log-place.ts';
import type { Session } from '../../src/collect/aws/session.ts';
import { openSession } from '../../src/collect/aws/session.ts';
import { checkAthena } from '../../src/doctor/athena-setup.ts';
import { renderDoctorReports } from '../../src/doctor/finding.ts';
import { type AthenaFaults, serveAthena } from '../support/athena/server.ts';
import { FORMS } from '../support/athena/tables.ts';
import { settings, tableOver } from '../support/aws/live-log-session.ts';
import { ARN, BUCKET } from '../support/s3/log-bucket.ts';
import { accessDenied, type Bucket, serveS3 } from '../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

/** Keeps results itself, so that no bucket is needed. */
const MANAGED = { ManagedQueryResultsConfiguration: { Enabled: true } };
const DENIED = { name: 'AccessDeniedException', message: 'no' };

async function examine({
  table,
  faults,
  hasTable = true,
  region = 'eu-west-1',
  fault = () => null,
}: {
  table?: string;
  faults?: AthenaFaults;
  hasTable?: boolean;
  region?: string;
  fault?: Bucket['fault'];
}) {
  const s3 = await serveS3({ name: BUCKET, objects: new Map(), fault });
  const athena = await serveAthena(hasTable ? [tableOver(new Map(), FORMS['the one alb502 makes'])] : [], {
    workGroup: MANAGED,
    ...faults,
  });
  const { athena: configured } = settings({ s3, athena });
  const session: Session = openSession(
    { account: 'default', region },
    { signal: new AbortController().signal, deadline: 20_000 },
  );
  const findings = await checkAthena(session, {
    athena: { ...configured, ...(table === undefined ? {} : { table }) },
    account: '123456789012',
    place: logPlace({ 'access_logs.s3.enabled': 'true', 'access_logs.s3.bucket': BUCKET }, ARN),
    line: null,
  });
  session.close();
  return { findings, sent: athena.sent };
}

const render = (findings: Awaited<ReturnType<typeof examine>>['findings']): string =>
  renderDoctorReports([{ title: 'shop', findings }], { columns: 200, colour: false });

describe('Athena', () => {
  it('is complete if every action is allowed, and no query runs', async () => {
    const { findings, sent } = await examine({});
    expect(findings.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(render(findings)).toMatch(/Nothing is missing\.\n$/);
    expect(sent).toEqual([]);
  });

  it.each([
    ['StartQueryExecution', 'athena', {}],
    ['GetQueryExecution', 'athena', {}],
    ['GetQueryResults', 'athena', {}],
    ['GetWorkGroup', 'athena', {}],
    ['GetTables', 'glue', {}],
    ['GetTable', 'glue', { table: 'alb_access_logs' }],
  ])('lacks %s if it is denied', async (action, service, asked) => {
    const { findings } = await examine({ ...asked, faults: { refuse: { [action]: DENIED } } });
    const missing = findings.filter(({ state }) => state === 'missing');
    expect(missing.flatMap(({ allow }) => allow ?? []).map((one) => one.action)).toEqual([`${service}:${action}`]);
    expect(render(findings)).toContain('1 thing is missing.');
  });

  it.each([
    ['eu-west-1', 'aws'],
    ['cn-north-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
  ])('names resources in %s by the partition %s', async (region, partition) => {
    const { findings } = await examine({
      region,
      faults: {
        workGroup: {
          EnforceWorkGroupConfiguration: true,
          ResultConfiguration: { OutputLocation: `s3://${BUCKET}/a/` },
        },
        refuse: { StartQueryExecution: DENIED },
      },
      fault: () => accessDenied('s3:GetBucketLocation', 'arn'),
    });
    expect(findings.flatMap(({ allow }) => allow ?? []).map(({ resource }) => resource)).toEqual([
      `arn:${partition}:s3:::${BUCKET}`,
      `arn:${partition}:athena:${region}:123456789012:workgroup/primary`,
    ]);
  });

  it('says which actions were not tried without a table', async () => {
    const { findings } = await examine({ hasTable: false });
    expect(findings.filter(({ state }) => state === 'untried').map(({ text }) => text)).toEqual([
      'athena:StartQueryExecution, GetQueryExecution and GetQueryResults: there is no table to query',
    ]);
    expect(render(findings)).toMatch(/Nothing is missing in what was tried; 1 thing above was not\.\n$/);
  });

  it('names a configured table that does not exist', async () => {
    const { findings } = await examine({ table: 'gone' });
    expect(findings.map(({ text }) => text)).toContainEqual(
      'logs.gone, as configured, does not exist; alb502 setup athena --create makes it',
    );
  });
});
