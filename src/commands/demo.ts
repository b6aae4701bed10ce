/** `alb502 demo`: diagnoses a recorded incident that ships with alb502. */

import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { readIncident } from '../collect/incident/incident-collectors.ts';
import { Problem } from '../problem.ts';
import { diagnoseRecordingWithProgress } from './diagnose-command.ts';
import { render } from './output.ts';
import { packageRoot } from './package-root.ts';

export async function demo(wanted: string | undefined): Promise<void> {
  const folder = join(packageRoot(), 'test', 'scenarios');
  const names = (await readdir(folder)).filter((name) => /^\d/.test(name)).sort();
  const name = wanted === undefined ? names[0] : chooseIncident(wanted, names);
  if (name === undefined) throw new Problem(`No recorded incident in ${folder}.`, 2);
  const { diagnosis } = await diagnoseRecordingWithProgress(await readIncident(join(folder, name)), '');
  process.stdout.write(await render(diagnosis, {}));
  process.stdout.write(othersText(name, names, join(folder, name)));
}

/** Returns the incident with this number, this name with or without its number, or these words in its name. */
function chooseIncident(wanted: string, names: string[]): string {
  const rules = [
    (name: string) => name === wanted || name.replace(/^\d+-/, '') === wanted,
    (name: string) => /^\d+$/.test(wanted) && Number.parseInt(name, 10) === Number(wanted),
    (name: string) => !/^\d+$/.test(wanted) && name.includes(wanted.toLowerCase()),
  ];
  for (const rule of rules) {
    const found = names.filter(rule);
    if (found.length > 1)
      throw new Problem(`'${wanted}' matches ${found.length} recorded incidents: ${found.join(', ')}.`, 1);
    if (found[0] !== undefined) return found[0];
  }
  throw new Problem(`No recorded incident '${wanted}'. Choose from: ${names.join(', ')}.`, 1);
}

function othersText(name: string, names: string[], folder: string): string {
  const place = relative(process.cwd(), folder);
  return `
That was recorded incident ${name} (files: ${place.startsWith('..') ? folder : place}). More, each with alb502 demo <name>:
${names
  .filter((other) => other !== name)
  .map((other) => `  ${other}`)
  .join('\n')}
Yours: alb502 diagnose --from <dir>
`;
}
