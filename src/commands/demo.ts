/** `alb502 demo`: the recorded incidents that ship with alb502. */
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { readIncident } from '../collect/recorded.ts';
import { Problem } from '../problem.ts';
import { judgeVisibly, render } from './diagnose.ts';
import { packageRoot } from './package-root.ts';

export async function demo(asked: string | undefined): Promise<void> {
  const folder = join(packageRoot(), 'test', 'scenarios');
  const names = (await readdir(folder)).filter((name) => /^\d/.test(name)).sort();
  const name = asked === undefined ? names[0] : chosen(asked, names);
  if (name === undefined) throw new Problem(`There is no recorded incident in ${folder}.`, 2);
  const { diagnosis } = await judgeVisibly(await readIncident(join(folder, name)), '');
  process.stdout.write(await render(diagnosis, {}));
  process.stdout.write(others(name, names, join(folder, name)));
}

/** The incident with this name or number, or the one name that holds these words. */
function chosen(asked: string, names: string[]): string {
  const rules = [
    (name: string) => name === asked,
    (name: string) => /^\d+$/.test(asked) && Number.parseInt(name, 10) === Number(asked),
    (name: string) => name.includes(asked.toLowerCase()),
  ];
  for (const rule of rules) {
    const [found, ...more] = names.filter(rule);
    if (found !== undefined && more.length === 0) return found;
  }
  throw new Problem(`There is no one recorded incident '${asked}'; there are: ${names.join(', ')}.`, 1);
}

function others(name: string, names: string[], folder: string): string {
  const place = relative(process.cwd(), folder);
  return `
This was the recorded incident ${name}. The others, each with alb502 demo <name>:
${names
  .filter((other) => other !== name)
  .map((other) => `  ${other}`)
  .join('\n')}
It lies in ${place.startsWith('..') ? folder : place}; your own: alb502 diagnose --from <dir>.
`;
}
