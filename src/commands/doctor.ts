/** `alb502 doctor [load-balancer]`: what works, what is missing, and the exact permission or setting for each gap. Reads only. */
import type { DoctorReport } from '../doctor/finding.ts';
import { hasColour } from './diagnose-command.ts';

export interface DoctorOptions {
  region?: string;
  profile?: string;
  config?: string;
}

/** Prints what it found; gaps are its answer and no failure. Throws Problem when it could not look. */
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
  } finally {
    for (const session of sessions) session.close();
  }
}
