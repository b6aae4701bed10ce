/** Rewrites phrases and pasted times into words that question-words.ts reads: "half an hour" to "30m". Pure. */
import { zoneOfCity } from './time-zone.ts';

const WEEKDAY =
  '(?:sun(?:day)?|mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?)';
const MONTH =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)';
const UNIT = '(?:sec(?:ond)?|min(?:ute)?|hour|hr|day|week)s?';
const STATUS = '[45](?:[0-9]{2}|xx)';
/** The start of a word; a hyphen before it makes it part of a name. */
const START = '(?<![\\w/.-])';
const END = '(?![\\w-])';

const NUMBERS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];
const LARGER: Record<string, string> = {
  fifteen: '15',
  twenty: '20',
  thirty: '30',
  forty: '40',
  'forty-five': '45',
  sixty: '60',
};
const NUMBER = [...NUMBERS, ...Object.keys(LARGER)].toSorted((a, b) => b.length - a.length).join('|');
const numberNamed = (word: string): string => LARGER[word] ?? String(NUMBERS.indexOf(word) + 1);

type Rewrite = readonly [RegExp, string | ((match: string, ...groups: string[]) => string)];
const phrase = (pattern: string): RegExp => new RegExp(START + pattern + END, 'gi');
const before = (pattern: string, next: string): RegExp => new RegExp(`${START}${pattern}(?=${next}${END})`, 'gi');

const REWRITES: readonly Rewrite[] = [
  // The slash of an ISO 8601 interval, as dashboards show it.
  [/(\d{4}-\d\d-\d\dT[0-9:.]+Z?)\/(?=\d{4}-\d\d-\d\dT)/g, '$1 to '],
  [/(\d[\d:]*Z?)\s*(?:[.]{2,3}|…|→|[-=]>)\s*(?=\d|now)/gi, '$1 to '],
  // A web server's log: "28/Nov/2026:14:00:05 +0000".
  [/(\d{1,2})\/([a-z]{3})\/(20\d\d):(\d\d:\d\d:\d\d)(?: (?=[+-]\d{4}))?/gi, '$1 $2 $3 $4'],
  // The `date` command: "Sat Nov 28 14:00:05 UTC 2026".
  [
    new RegExp(`${START}${WEEKDAY} (${MONTH}) +(\\d{1,2}) (\\d\\d:\\d\\d:\\d\\d)( [A-Z]{3,4})? (20\\d\\d)${END}`, 'gi'),
    '$2 $1 $5 $3$4',
  ],
  // "Sat, 28 Nov 2026": the date decides.
  [
    new RegExp(
      `${START}${WEEKDAY},? +(?=\\d{1,2}(?:st|nd|rd|th)? ${MONTH}\\b|${MONTH} \\d|20\\d\\d[-/]\\d|\\d{1,2}[./]\\d{1,2}[./])`,
      'gi',
    ),
    '',
  ],
  // Milliseconds after a comma, as loggers write them.
  [/(\d\d:\d\d:\d\d),(?=\d{3}\b)/g, '$1.'],
  [new RegExp(`${START}(${STATUS})\\/(?=${STATUS}(?!\\w))`, 'gi'), '$1 '],
  [new RegExp(`(?<=${STATUS} )(${STATUS})\\/(?=${STATUS}(?!\\w))`, 'gi'), '$1 '],
  // The metric's name in CloudWatch.
  [phrase('HTTPCode_ELB_([45](?:\\d\\d|XX))_Count'), 'elb-$1'],
  [phrase('HTTPCode_Target_([45](?:\\d\\d|XX))_Count'), 'target-$1'],
  [before('(elb|target) ', `${STATUS}s?`), '$1-'],
  [phrase('50x'), '5xx'],
  [phrase('bad gateways?'), '502'],
  [phrase('service unavailable'), '503'],
  [phrase('gateway time-?outs?'), '504'],
  [phrase('(?:an |one |1 )?hour and a half'), '90m'],
  [phrase('half[ -](?:an )?hour'), '30m'],
  [phrase('(?:a )?quarter of an hour'), '15m'],
  [before('(?:a )?couple (?:of )?', UNIT), '2 '],
  // "A few minutes" is the default window.
  [before('(?:a )?few ', 'min(?:ute)?s?'), '15 '],
  [before('(?:a )?few ', '(?:hours|days)'), '3 '],
  [before('an? ', UNIT), '1 '],
  [before(`(${NUMBER}) `, UNIT), (_, word) => `${numberNamed(word.toLowerCase())} `],
  [phrase("(\\d{1,2}) ?o['’]?clock"), '$1:00'],
  [phrase('(\\d{1,2}(?::\\d\\d)?) in the (?:early )?morning'), '$1am'],
  [phrase('(\\d{1,2}(?::\\d\\d)?) in the (?:afternoon|evening)'), '$1pm'],
  [phrase('central european (?:(?:standard|summer) )?time'), 'CET'],
  [
    phrase('(pacific|mountain|central|eastern) (?:(?:standard|daylight) )?time'),
    (_, zone) => `${zone[0] ?? ''}T`.toUpperCase(),
  ],
  [/([A-Z][a-z]+)( [A-Z][a-z]+)? time\b/g, cityTime],
];

/** "New York time" to "America/New_York"; other words stay. */
function cityTime(match: string, first: string, second = ''): string {
  const both = zoneOfCity(first + second);
  if (both !== null) return both;
  const zone = second === '' ? null : zoneOfCity(second.trim());
  return zone === null ? match : `${first} ${zone}`;
}

/** Returns the text with each phrase rewritten. */
export function rewritePhrases(text: string): string {
  let rewritten = text;
  for (const [pattern, replacement] of REWRITES)
    rewritten =
      typeof replacement === 'string'
        ? rewritten.replace(pattern, replacement)
        : rewritten.replace(pattern, replacement);
  return rewritten;
}
