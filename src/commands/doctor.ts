/**
 * `alb502 doctor [load-balancer]`: prints what works, what is missing, and the exact permission or setting for each
 * gap. Read-only.
 */

import type { DoctorReport } from '../doctor/finding.ts';
import { plural } from '../format/wording.ts';
import { Problem } from '../problem.ts';
import { hasColour } from './output.ts';

export interface DoctorOptions {
  region?: string;
  profile?: string;
  config?: string;
  /** Exits with 3 when something is missing. */
  strict?: true;
}

/** Prints the findings. Throws Problem: exit 2 if the check fails, exit 3 with `strict` if something is missing. */
export async function doctor(nameOrArn: string | undefined, options: DoctorOptions): Promise<void> {
  const [{ readConfig }, { openSessions }, { checkAccount }, { renderDoctorReports }] = await Promise.all([
    import('./read-config.ts'),
    import('../collect/aws/accounts-to-search.ts'),
    import('../doctor/examine.ts'),
    import('../doctor/finding.ts'),
  ]);
  const config = await readConfig(options.config);
  const interruption = new AbortController();
  process.once('SIGINT', () => interruption.abort());
  const sessions = await openSessions(nameOrArn ?? null, config.accounts, options, {
    signal: interruption.signal,
    deadline: config.deadlines.evidenceSeconds * 1000,
  });
  const context = { athena: config.athena, now: Date.now() };
  try {
    const reports: DoctorReport[] = [];
    if (nameOrArn === undefined) {
      for (const session of sessions) reports.push(await checkAccount(session, null, context));
    } else {
      const { findLive } = await import('../collect/aws/load-balancer.ts');
      const { session, name, arn } = await findLive(nameOrArn, sessions);
      reports.push(await checkAccount(session, { name, arn }, context));
    }
    const columns = process.stdout.columns ?? 120;
    process.stdout.write(renderDoctorReports(reports, { columns, colour: hasColour(process.stdout) }));
    const missing = reports.flatMap(({ findings }) => findings).filter(({ state }) => state === 'missing').length;
    if (options.strict && missing > 0)
      throw new Problem(
        `${plural(missing, 'thing is', 'things are')} missing: see the lines that begin with missing.`,
        3,
      );
  } finally {
    for (const session of sessions) session.close();
  }
}
