/** What is left out of what a channel shows, and what is not. */
import { describe, expect, it } from 'vitest';
import { discreet } from '../../../src/render/slack/discreet.ts';

describe('what nobody should read', () => {
  it.each([
    ['GET /u/jo.doe@example.com/cart', 'GET /u/:mail/cart'],
    ['GET /jo%40example.org', 'GET /:mail'],
    ['GET /ip/203.0.113.77/x', 'GET /ip/:address/x'],
    ['GET /203.0.113.77', 'GET /:address'],
    ['GET /p%3Ftoken=abc', 'GET /p'],
    ['GET /p%3Ftoken%3Dabc failed', 'GET /p failed'],
    ['GET /p?token=abc failed', 'GET /p failed'],
    ['GET /reset/AKIAIOSFODNN7EXAMPLE', 'GET /reset/:token'],
  ])('%s', (text, expected) => {
    expect(discreet(text)).toBe(expected);
  });
});

describe('what somebody needs to read', () => {
  it.each([
    'GET /img/logo@2x.png',
    'GET /npm/react@18.2.0/react.js',
    'GET /@scope/package',
    'curl -sv http://10.0.1.5/health',
    'api 172.31.6.52:80, allowed from 10.0.0.0/16',
    'ModifyRule by jo@example.com, 3 min before',
  ])('%s', (text) => {
    expect(discreet(text)).toBe(text);
  });
});
