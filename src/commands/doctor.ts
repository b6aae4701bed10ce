/** `alb502 doctor [load-balancer]`: what works, what is missing, and the exact permission or setting for each gap. Reads only. */
import type { Look } from '../doctor/finding.ts';
import { hasColour } from './diagnose-command.ts';

export interface DoctorOptions {
  region?: string;
  profile?: string;
  config?: string;
}

/** Prints what it found; gaps are its answer and no failure. Throws Problem when it could not look. */
export async function doctor(asked: string | undefined, options: DoctorOptions): Promise<void> {
  const [{ readConfig }, { sessionsFor }, { examine }, { renderLooks }] = await Promise.all([
    import('../config.ts'),
    import('../collect/aws/accounts-to-search.ts'),
    import('../doctor/examine.ts'),
    import('../doctor/finding.ts'),
  ]);
  const config = await readConfig(options.config);
  const interruption = new AbortController();
  process.once('SIGINT', () => interruption.abort());
  const sessions = await sessionsFor(asked ?? null, config.accounts, options, {
    signal: interruption.signal,
    deadline: config.deadlines.evidenceSeconds * 1000,
  });
  const surroundings = { athena: config.athena, now: Date.now() };
  try {
    const looks: Look[] = [];
    if (asked === undefined) {
      for (const session of sessions) looks.push(await examine(session, null, surroundings));
    } else {
      const { findLive } = await import('../collect/aws/load-balancer.ts');
      const { session, name, arn } = await findLive(asked, sessions);
      looks.push(await examine(session, { name, arn }, surroundings));
    }
    const columns = process.stdout.columns ?? 120;
    process.stdout.write(renderLooks(looks, { columns, colour: hasColour(process.stdout) }));
  } finally {
    for (const session of sessions) session.close();
  }
}
