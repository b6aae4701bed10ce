/** The commands of a diagnosis, and how shells parse them when pasted. */
import { spawnSync } from 'node:child_process';
import type { Diagnosis } from '../../../src/diagnose/diagnosis.ts';
import { paste, shellsHere } from './paste.ts';

const isCommand = (text: string): boolean => /^(?:aws|alb502|find|grep|curl|ss|sudo) /.test(text);

/** What of a diagnosis is there to be pasted: fixes, the search for trace ids, and the sources that are commands. */
export const commandsOf = ({ causes, traces, steps }: Diagnosis): string[] => [
  ...new Set([
    ...causes.flatMap(({ fix }) => fix.commands),
    ...(traces === null ? [] : [traces.grep]),
    ...steps.flatMap(({ findings }) => findings.flatMap(({ sources }) => sources.filter(isCommand))),
  ]),
];

/** Programs that only show what is there, or that a fix names; nothing else may start. */
const PROGRAMS =
  /^(?:aws|alb502|awk|cat|curl|find|getenforce|grep|head|journalctl|kubectl|nmap|nstat|openssl|ss|sudo|sysctl|ufw|wc|zcat)$/;

/** Pastes every command into each shell that is here: what did not parse, ran nothing, ran something else or left a file. */
export function commandFaults(commands: readonly string[]): string[] {
  return shellsHere.flatMap((shell) => {
    const { status, stderr } = spawnSync(shell, ['-n'], { input: `${commands.join('\n')}\n`, encoding: 'utf8' });
    const { calls, filesCreated } = paste(shell, commands);
    return [
      ...(status === 0 ? [] : [`${shell} -n: ${stderr}`]),
      ...filesCreated.map((file) => `${shell}: created ${file}`),
      ...commands.filter((_, at) => (calls[at] ?? []).length === 0).map((one) => `${shell}: ran nothing: ${one}`),
      ...calls
        .flat()
        .filter(
          ([program = '', ...words]) =>
            !PROGRAMS.test(program) || words.some((word) => /^(?:#|touch$|tee$|file:)/.test(word)),
        )
        .map((call) => `${shell}: ran ${call.join(' ')}`),
    ];
  });
}
