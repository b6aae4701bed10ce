/**
 * `alb502 setup athena`: prints the CREATE TABLE for the access logs of this account and region; `--create` runs it.
 */

import type { LogPlace } from '../collect/access-log/log-place.ts';
import type { Session } from '../collect/aws/session.ts';
import { Problem } from '../problem.ts';
import { printNotice } from './print-notice.ts';

export interface SetupAthenaOptions {
  create?: true;
  region?: string;
  profile?: string;
  config?: string;
}

/** Prints the statement on stdout, everything else on stderr. Throws Problem unless exactly one log folder is found. */
export async function setupAthena(nameOrArn: string | undefined, options: SetupAthenaOptions): Promise<void> {
  const [{ readConfig }, { openSessions }, { createTable, STANDARD_TABLE }, { runStatement }] = await Promise.all([
    import('./read-config.ts'),
    import('../collect/aws/accounts-to-search.ts'),
    import('../collect/access-log/athena/ddl.ts'),
    import('../doctor/create-table.ts'),
  ]);
  const { accounts, athena, deadlines } = await readConfig(options.config);
  const interruption = new AbortController();
  process.once('SIGINT', () => interruption.abort());
  const sessions = await openSessions(nameOrArn ?? null, accounts, options, {
    signal: interruption.signal,
    deadline: deadlines.accessLogSeconds * 1000,
  });
  try {
    const { session, place } = await placeFor(nameOrArn, sessions);
    const { database, table = STANDARD_TABLE } = athena;
    const statement = createTable({ database, table, bucket: place.bucket, root: place.root });
    process.stdout.write(`${statement}\n`);
    if (options.create) {
      await runStatement(session, statement, athena);
      printNotice(`Created ${database}.${table} in ${place.region}, if it did not exist.`);
    } else {
      printNotice(`Nothing was changed. Run the statement in Athena, or: alb502 setup athena --create.`);
    }
  } finally {
    for (const session of sessions) session.close();
  }
}

/** Returns the log folder for the table: the load balancer's, else the only one in use. */
async function placeFor(
  nameOrArn: string | undefined,
  sessions: readonly Session[],
): Promise<{ session: Session; place: LogPlace }> {
  const { logPlaceOf, logPlaces } = await import('../doctor/create-table.ts');
  if (nameOrArn !== undefined) {
    const { findLive } = await import('../collect/aws/load-balancer.ts');
    const { session, ...found } = await findLive(nameOrArn, sessions);
    return { session, place: await logPlaceOf(session, found) };
  }
  const found = (
    await Promise.all(
      sessions.map(async (session) =>
        (await logPlaces(session)).map(({ place, names }) => ({ session, place, names })),
      ),
    )
  ).flat();
  const [first, second] = found;
  const where = sessions.map(({ place }) => place.region).join(', ');
  if (first === undefined)
    throw new Problem(`No load balancer in ${where} logs to S3, so a table would be empty. See: alb502 doctor.`, 1);
  if (second === undefined) return first;
  const each = found.map(({ place, names }) => `s3://${place.bucket}/${place.root} (${names.slice(0, 3).join(', ')})`);
  throw new Problem(
    `Access logs go to ${found.length} folders: ${each.slice(0, 5).join('; ')}. Name a load balancer that logs to the folder you mean: alb502 setup athena ${first.names[0] ?? ''}.`,
    1,
  );
}
