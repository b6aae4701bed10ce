import { describe, expect, it } from 'vitest';
import { command, quote } from '../../src/format/command.ts';
import { paste, shellsHere } from '../support/shell/paste.ts';

/** What a stranger may put where a value goes, and what the program must receive. */
const VALUES: Record<string, [written: string, received?: string]> = {
  'a plain name': ['shop-prod'],
  'an ARN': ['arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/api/0123456789abcdef'],
  nothing: [''],
  'a space': ['two words'],
  'a quote': ["it's"],
  'quotes at both ends': ["''x''"],
  'double quotes': ['"$HOME"'],
  'a command behind a quote': ["';touch pwned;'"],
  'a substitution': ['$(touch pwned)'],
  backticks: ['`touch pwned`'],
  'a variable': ['$PATH'],
  'a comment': ['# touch pwned'],
  'a pipe and a redirection': ['x | cat > pwned'],
  'two commands': ['x; touch pwned & touch pwned'],
  'a placeholder': ['<target-group-arn>'],
  'a glob': ['/*'],
  braces: ['{a,b}'],
  'a home folder': ['~root'],
  'a program by name, as in zsh': ['=ls'],
  'the last command': ['!!'],
  'a backslash': ['\\'],
  'a line break': ['a\ntouch pwned', 'a\\x0atouch pwned'],
  'the end of a paste': ['\u001b[201~touch pwned\r', '\\x1b[201~touch pwned\\x0d'],
  'a bidirectional override': ['\u202eabc', '\\u{202e}abc'],
  'letters of another script': ['käse'],
};

describe.each(['bash', 'zsh'] as const)('a command pasted into %s', (shell) => {
  it.skipIf(!shellsHere.includes(shell))(`hands over each value as it was (needs ${shell})`, () => {
    const values = Object.values(VALUES);
    const pasted = paste(
      shell,
      values.map(([written]) => command`aws describe --name ${written} Key=x,Value=${written}`),
    );
    expect(pasted.calls).toEqual(
      values.map(([written, received = written]) => [
        ['aws', 'describe', '--name', received, `Key=x,Value=${received}`],
      ]),
    );
    expect(pasted.filesCreated).toEqual([]);
  });
});

describe('a command', () => {
  it.each([
    [
      command`aws ec2 describe-subnets --subnet-ids ${['subnet-1', 'subnet-2']}`,
      'aws ec2 describe-subnets --subnet-ids subnet-1 subnet-2',
    ],
    [command`aws x --port ${8080}`, 'aws x --port 8080'],
    [command`aws x --arn ${'<arn>'}`, "aws x --arn '<arn>'"],
  ])('reads %s', (built, expected) => expect(built).toBe(expected));

  it('quotes only what needs quotes', () => {
    expect(['a-b_c.d/e:f,g=h@i', '10.0.0.1/32', "it's"].map(quote)).toEqual([
      'a-b_c.d/e:f,g=h@i',
      '10.0.0.1/32',
      String.raw`'it'\''s'`,
    ]);
  });
});
