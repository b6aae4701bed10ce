/** How the keys begin that a Firehose stream writes on a day. */
import { expect, it } from 'vitest';
import { keyTemplate } from '../../../../src/collect/access-log/vended/firehose-streams.ts';

it.each([
  ['', '{yyyy}/{MM}/{dd}/'],
  ['alb/', 'alb/{yyyy}/{MM}/{dd}/'],
  ['alb', 'alb{yyyy}/{MM}/{dd}/'],
  ['alb/!{timestamp:yyyy/MM/dd}/', 'alb/{yyyy}/{MM}/{dd}/'],
  ["dt=!{timestamp:yyyy'-'MM'-'dd}/hh=!{timestamp:HH}/", 'dt={yyyy}-{MM}-{dd}/hh='],
  ['year=!{timestamp:uuuu}/month=!{timestamp:MM}/day=!{timestamp:dd}/', 'year={yyyy}/month={MM}/day={dd}/'],
  ['alb/!{timestamp:YYYY/MM/dd}/', 'alb/'],
  ['alb/!{partitionKeyFromQuery:elb}/!{timestamp:yyyy/MM/dd}/', 'alb/'],
  ['!{firehose:random-string}/!{timestamp:yyyy}/', ''],
])('of the prefix %j', (prefix, template) => {
  expect(keyTemplate(prefix)).toBe(template);
});
